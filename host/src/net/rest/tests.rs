use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::telemetry::captured::Captured;

/// How long a call of these tests may take.
const TIME: Duration = Duration::from_secs(20);
const MOST: usize = 1024;

/// A server that answers the first request so, and then keeps the connection open.
async fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        socket.write_all(answer.as_bytes()).await.unwrap();
        // Ends when the client goes.
        let _ = socket.read_u8().await;
    });
    address
}

async fn ask(config: &NetConfig, url: &str) -> Result<Answer, RestError> {
    let client = RestClient::new(config, None, "parlor-test").unwrap();
    let request = client.request(http::Method::GET, url.parse().unwrap());
    client.send(request, TIME, MOST).await
}

#[tokio::test]
async fn an_answer_that_says_it_is_too_large_is_not_waited_for() {
    // Not one byte of it comes, so that who waits for some waits until the end.
    let address = answering("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
    let begun = std::time::Instant::now();
    let ended = ask(&NetConfig::default(), &format!("http://{address}/")).await;
    assert_eq!(ended.unwrap_err(), RestError::TooLarge(MOST));
    assert!(begun.elapsed() < TIME / 2);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = NetConfig {
        proxy: Some(crate::net::Proxy::new(&format!("http://{address}"), None).unwrap()),
        ..NetConfig::default()
    };
    let error = ask(&config, "https://acme.example/").await.unwrap_err();
    assert!(error.was_not_sent(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("by the proxy http://{address}: ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_is_told_to_the_log_of_requests_without_its_secrets() {
    let address = answering(
        "HTTP/1.1 200 OK\r\nset-cookie: s3cret\r\ncontent-length: 18\r\n\r\n{\"token\":\"s3cret\"}",
    )
    .await;
    let captured = Captured::begin("info,wire=debug");
    let client = RestClient::new(&NetConfig::default(), None, "parlor-test").unwrap();
    let url = format!("http://{address}/login/pubkey?token=s3cret");
    let request = client.request(http::Method::POST, url.parse().unwrap());
    let request = request
        .header("sessionToken", "s3cret")
        .bearer_auth("s3cret");
    let request = request.body("{\"token\":\"s3cret\"}");
    client.send(request, TIME, MOST).await.unwrap();
    let gone = ask(&NetConfig::default(), "http://127.0.0.1:1/gone").await;
    gone.unwrap_err();
    let lines = captured.lines_with("wire");
    let [told, failed] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    for part in ["POST", "path=\"/login/pubkey\"", "status=200", "bytes=18"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(failed.contains("failed=\"not reached"), "{failed}");
    assert!(!captured.text().contains("s3cret"), "{}", captured.text());
}
