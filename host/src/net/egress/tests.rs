//! The sender against servers on loopback.

mod way_out;

use std::net::IpAddr;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers every connection's first request with these bytes, then with silence.
async fn serve(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if socket.read(&mut byte).await.unwrap_or(0) == 0 {
                break;
            }
            request.push(byte[0]);
        }
        socket.write_all(answer.as_bytes()).await.expect("written");
        // Silence until the other side leaves.
        let _ = socket.read(&mut [0]).await;
        String::from_utf8_lossy(&request).into_owned()
    });
    (port, server)
}

struct Leads(IpAddr);

#[async_trait]
impl Lookup for Leads {
    async fn lookup(&self, _name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

async fn send(
    egress: &Egress,
    grant: &str,
    url: &str,
    caps: &Caps,
) -> Result<(u16, Bytes), EgressError> {
    let grants = HttpGrants::parse(&[grant]).expect("a grant");
    let request = http::Request::get(url)
        .header("connection", "x-gone")
        .header("x-gone", "1")
        .header("x-kept", "1")
        .header("host", "elsewhere.example")
        .body(Bytes::new())
        .expect("a request");
    let response = egress.send(request, &grants, caps).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

fn quick() -> Caps {
    Caps {
        body_bytes: 10,
        time: Duration::from_millis(300),
        ..Caps::default()
    }
}

#[tokio::test]
async fn reaches_an_address_that_a_grant_names() {
    let (port, server) = serve("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let egress = Egress::new(4).expect("a sender");
    let url = format!("http://127.0.0.1:{port}/x");
    let grant = format!("GET {url}");
    let (status, body) = send(&egress, &grant, &url, &quick())
        .await
        .expect("answers");
    assert_eq!((status, &body[..]), (200, &b"hello"[..]));
    drop(egress);
    let request = server.await.expect("ends").to_ascii_lowercase();
    assert!(request.contains("x-kept"), "{request}");
    assert!(!request.contains("x-gone"), "{request}");
    assert!(
        request.contains(&format!("host: 127.0.0.1:{port}")),
        "{request}"
    );
}

#[tokio::test]
async fn refuses_a_name_that_leads_home() {
    for address in ["127.0.0.1", "::1", "169.254.169.254", "::ffff:10.0.0.1"] {
        let lookup = Arc::new(Leads(address.parse().expect("an address")));
        let egress = Egress::with_lookup(4, lookup).expect("a sender");
        let url = "http://innocent.example/x";
        let error = send(&egress, "GET http://innocent.example/*", url, &quick()).await;
        let error = error.expect_err("is refused");
        assert!(matches!(error, EgressError::Address(_)), "{error}");
    }
    let egress = Egress::new(4).expect("a sender");
    let error = send(
        &egress,
        "GET http://localhost/*",
        "http://localhost/",
        &quick(),
    )
    .await;
    let error = error.expect_err("is refused");
    assert!(matches!(error, EgressError::Address(_)), "{error}");
}

#[tokio::test]
async fn does_not_follow_a_redirect() {
    let (port, _server) =
        serve("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
            .await;
    let egress = Egress::new(4).expect("a sender");
    let url = format!("http://127.0.0.1:{port}/");
    let (status, _) = send(&egress, &format!("GET {url}"), &url, &quick())
        .await
        .expect("answers");
    assert_eq!(status, 302);
}

async fn check_answer(answer: &'static str, is: fn(&EgressError) -> bool) {
    let (port, _server) = serve(answer).await;
    let egress = Egress::new(4).expect("a sender");
    let url = format!("http://127.0.0.1:{port}/");
    let error = send(&egress, &format!("GET {url}"), &url, &quick()).await;
    let error = error.expect_err("is refused");
    assert!(is(&error), "{error:?}");
}

#[tokio::test]
async fn cuts_bodies_that_are_too_large_or_too_slow() {
    check_answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello",
        |error| matches!(error, EgressError::BodyTooLarge(10)),
    )
    .await;
    check_answer(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n",
        |error| matches!(error, EgressError::BodyTooLarge(10)),
    )
    .await;
    check_answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        |error| matches!(error, EgressError::TimedOut),
    )
    .await;
    check_answer("", |error| matches!(error, EgressError::TimedOut)).await;
}

#[tokio::test]
async fn cuts_headers_that_are_too_large() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
        "y".repeat(20_000)
    );
    check_answer(answer.leak(), |error| {
        matches!(error, EgressError::HeadersTooLarge)
    })
    .await;
}

#[tokio::test]
async fn bounds_open_requests_of_the_process() {
    let (port, _server) = serve("").await;
    let egress = Egress::new(1).expect("a sender");
    let url = format!("http://127.0.0.1:{port}/");
    let grant = format!("GET {url}");
    let caps = quick();
    let (first, second) = tokio::join!(
        send(&egress, &grant, &url, &caps),
        send(&egress, &grant, &url, &caps),
    );
    assert!(matches!(first, Err(EgressError::TimedOut)), "{first:?}");
    assert!(second.is_err());
}

#[tokio::test]
async fn says_when_nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let egress = Egress::new(1).expect("a sender");
    let url = format!("http://127.0.0.1:{port}/");
    let error = send(&egress, &format!("GET {url}"), &url, &quick()).await;
    let error = error.expect_err("is refused");
    assert!(matches!(error, EgressError::Connect(_)), "{error:?}");
}
