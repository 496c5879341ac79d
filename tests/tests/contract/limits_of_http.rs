//! Limits of the requests that a plugin makes in the middle of a call.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use parlor_tests::harness::TestHost;

/// A server that answers with bodies and headers of any size; its address.
async fn server() -> String {
    let chunked = |Path(bytes): Path<usize>| async move {
        // In pieces and without a length: only reading tells how much there is.
        let pieces = "x".repeat(bytes).into_bytes();
        let pieces: Vec<_> = pieces
            .chunks(4_000)
            .map(|it| Ok::<_, std::io::Error>(it.to_vec()))
            .collect();
        Body::from_stream(futures::stream::iter(pieces))
    };
    let router = Router::new()
        .route("/ok", get(|| async { "fine" }))
        .route(
            "/bytes/{bytes}",
            get(|Path(bytes): Path<usize>| async move { "x".repeat(bytes) }),
        )
        .route("/chunked/{bytes}", get(chunked))
        .route(
            "/header/{bytes}",
            get(|Path(bytes): Path<usize>| async move { ([("x-pad", "x".repeat(bytes))], "fine") }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback can be listened on");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A host whose `http` may reach the server, with these limits.
async fn host(limits: &str) -> (TestHost, String) {
    let url = server().await;
    let settings = format!("grants.http = [\"GET {url}/*\"]\nlimits = {{ {limits} }}");
    (TestHost::with_settings("http", &settings).await, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_http_requests() {
    let (host, url) = host("http-requests = 3").await;
    assert_eq!(host.ask(&format!("many {url}/ok 3")).await, ["3 answered"]);
    assert_eq!(
        host.ask(&format!("many {url}/ok 4")).await,
        ["too-many after 3"]
    );
    // Each call has the whole of it.
    assert_eq!(host.ask(&format!("many {url}/ok 3")).await, ["3 answered"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_http_open() {
    let (host, url) = host("http-open = 2").await;
    assert_eq!(
        host.ask(&format!("open {url}/ok 2")).await,
        ["2 open, refused: []"]
    );
    let three = host.ask(&format!("open {url}/ok 3")).await;
    assert!(
        three[0].starts_with("2 open") && three[0].contains("ConnectionLimitReached"),
        "{three:?}"
    );
    // One that was read to its end is open no more.
    assert_eq!(
        host.ask(&format!("many {url}/ok 10")).await,
        ["10 answered"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_http_body_bytes() {
    let (host, url) = host("http-body-mib = 1, cpu-ms = 5000").await;
    for kind in ["bytes", "chunked"] {
        let whole = host.ask(&format!("large {url}/{kind}/1048576")).await;
        assert_eq!(whole, ["200 1048576"], "{kind}");
    }
    let known = host.ask(&format!("large {url}/bytes/1048577")).await;
    assert_eq!(known, ["too-large"]);
    // Found out when the head of it is read already.
    let unknown = host.ask(&format!("large {url}/chunked/1048577")).await;
    assert_eq!(unknown, ["failed"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_http_header_bytes() {
    let (host, url) = host("cpu-ms = 5000").await;
    // Name, value, and four for what stands between them, of each.
    let shown = host.ask(&format!("show {url}/header/10")).await;
    let others = shown[0].lines().skip(1).take_while(|line| !line.is_empty());
    let others = others.filter(|line| !line.starts_with("x-pad: "));
    let others: usize = others.map(|line| line.len() + 2).sum();
    let most = 16_384 - others - "x-pad".len() - 4;
    assert_eq!(
        host.ask(&format!("fetch {url}/header/{most}")).await,
        ["200 4"]
    );
    let more = most + 1;
    assert_eq!(
        host.ask(&format!("fetch {url}/header/{more}")).await,
        ["too-large"]
    );
    // A request's are counted while the guest makes them, with what the host needs to keep each.
    let header = |bytes: usize| format!("header {url}/ok x-pad {}", "x".repeat(bytes));
    assert_eq!(host.ask(&header(16_000)).await, ["200 fine"]);
    let refused = host.given_up(&header(16_384)).await.detail;
    let wanted = "made HTTP headers of more than 16384 bytes";
    assert!(refused.contains(wanted), "{refused}");
    host.stop().await;
}
