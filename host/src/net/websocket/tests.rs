use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;

/// How long what these tests wait for may take.
const TIME: Duration = Duration::from_secs(20);
const MOST: usize = 1024;
const PROTOCOL: &str = "messenger-json";

type Served = WebSocketStream<TcpStream>;

/// A server that agrees to the first WebSocket with this protocol, and then does this.
async fn serving<F, Then>(protocol: Option<&'static str>, then: Then) -> Url
where
    F: Future<Output = ()> + Send,
    Then: FnOnce(Served, Request) -> F + Send + 'static,
{
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut asked = None;
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let agree = |request: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
            asked = Some(request.clone());
            if let Some(protocol) = protocol {
                let value = HeaderValue::from_static(protocol);
                answer
                    .headers_mut()
                    .insert(header::SEC_WEBSOCKET_PROTOCOL, value);
            }
            Ok(answer)
        };
        let stream = accept_hdr_async(socket, agree).await.unwrap();
        then(stream, asked.unwrap()).await;
    });
    format!("ws://{address}/stream").parse().unwrap()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A server that answers whatever it is asked so.
async fn answering(answer: &'static str) -> Url {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(answer.as_bytes()).await.unwrap();
        future::pending::<()>().await;
    });
    format!("ws://{address}/").parse().unwrap()
}

fn opening(url: &Url) -> Opening<'_> {
    Opening {
        url,
        protocols: &[],
        headers: HeaderMap::new(),
        most: MOST,
        heartbeat: None,
    }
}

async fn open(opening: Opening<'_>) -> Result<WebSocket, WebSocketError> {
    let client = WebSocketClient::new(&NetConfig::default(), None, "parlor-test").unwrap();
    timeout(TIME, client.open(opening)).await.unwrap()
}

async fn next(socket: &mut WebSocket) -> Result<Frame, WebSocketError> {
    timeout(TIME, socket.next()).await.unwrap()
}

#[tokio::test]
async fn protocols_and_headers_are_asked_for_and_frames_come_and_go() {
    let url = serving(Some(PROTOCOL), |mut stream, request| async move {
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let shown = [
            header("x-key"),
            header("user-agent"),
            header("sec-websocket-protocol"),
        ];
        stream.send(Message::text(shown.join(" "))).await.unwrap();
        stream
            .send(Message::binary(b"\x01\x02".as_slice()))
            .await
            .unwrap();
        let heard = stream.next().await.unwrap().unwrap();
        stream.send(heard).await.unwrap();
        let frame = CloseFrame {
            code: CloseCode::from(4002),
            reason: "too\n late".into(),
        };
        stream.close(Some(frame)).await.unwrap();
    })
    .await;
    let mut headers = HeaderMap::new();
    headers.insert("x-key", HeaderValue::from_static("k"));
    let opened = open(Opening {
        protocols: &[PROTOCOL, "other"],
        headers,
        ..opening(&url)
    })
    .await;
    let mut socket = opened.unwrap();
    assert_eq!(socket.protocol(), Some(PROTOCOL));
    let shown = "k parlor-test messenger-json, other".to_owned();
    assert_eq!(next(&mut socket).await.unwrap(), Frame::Text(shown));
    assert_eq!(next(&mut socket).await.unwrap().as_bytes(), b"\x01\x02");
    socket.send_text("{}".to_owned()).await.unwrap();
    assert_eq!(
        next(&mut socket).await.unwrap(),
        Frame::Text("{}".to_owned())
    );
    let ended = next(&mut socket).await.unwrap_err();
    assert_eq!(ended.to_string(), "closed by the server (4002: too late)");
}

#[tokio::test]
async fn a_server_that_agrees_to_no_protocol_is_left() {
    for agreed in [None, Some("another")] {
        let url = serving(agreed, |_, _| future::ready(())).await;
        let opened = open(Opening {
            protocols: &[PROTOCOL],
            ..opening(&url)
        })
        .await;
        let error = opened.err().expect("it is left");
        assert!(matches!(error, WebSocketError::Protocol(_)), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status_headers_and_text() {
    let url = answering(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nwait",
    )
    .await;
    let Err(WebSocketError::Refused(answer)) = open(opening(&url)).await else {
        panic!("it is refused");
    };
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (429, "wait".to_owned())
    );
    assert_eq!(answer.headers["retry-after"], "7");
}

#[tokio::test]
async fn what_is_larger_than_is_taken_ends_it() {
    let url = serving(None, |mut stream, _| async move {
        stream.send(Message::text("x".repeat(MOST))).await.unwrap();
        stream
            .send(Message::text("x".repeat(MOST + 1)))
            .await
            .unwrap();
        future::pending().await
    })
    .await;
    let mut socket = open(opening(&url)).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().as_bytes().len(), MOST);
    let ended = next(&mut socket).await.unwrap_err();
    assert!(matches!(ended, WebSocketError::TooLarge(MOST)), "{ended}");
}

fn pulse(every: u64, timeout: u64) -> Option<Heartbeat> {
    Some(Heartbeat {
        every: Duration::from_millis(every),
        timeout: Duration::from_millis(timeout),
        payload: b"2",
    })
}

#[tokio::test]
async fn pings_leave_and_their_answers_keep_it_open() {
    let url = serving(None, |mut stream, _| async move {
        // Reading answers the pings.
        for _ in 0..3 {
            let heard = stream.next().await.unwrap().unwrap();
            assert_eq!(heard, Message::Ping(Bytes::from_static(b"2")));
        }
        stream.send(Message::text("three")).await.unwrap();
        future::pending().await
    })
    .await;
    let opened = open(Opening {
        heartbeat: pulse(20, 10_000),
        ..opening(&url)
    })
    .await;
    let heard = next(&mut opened.unwrap()).await.unwrap();
    assert_eq!(heard, Frame::Text("three".to_owned()));
}

#[tokio::test]
async fn a_server_that_answers_no_ping_is_gone() {
    // It does not read, so it does not answer.
    let url = serving(None, |stream, _| async move {
        future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let opened = open(Opening {
        heartbeat: pulse(20, 100),
        ..opening(&url)
    })
    .await;
    let ended = next(&mut opened.unwrap()).await.unwrap_err();
    assert!(matches!(ended, WebSocketError::Silent(_)), "{ended}");
}

#[tokio::test]
async fn an_answer_to_a_ping_counts_though_nobody_looked_for_a_while() {
    let looked_late = async || {
        let (read, reads) = tokio::sync::oneshot::channel();
        let url = serving(None, |mut stream, _| async move {
            reads.await.unwrap();
            // Reading answers the ping.
            stream.next().await.unwrap().unwrap();
            stream.send(Message::text("here")).await.unwrap();
            future::pending().await
        })
        .await;
        let opened = open(Opening {
            heartbeat: pulse(50, 1_000),
            ..opening(&url)
        })
        .await;
        let mut socket = opened.unwrap();
        let nothing = timeout(Duration::from_millis(100), socket.next()).await;
        assert!(nothing.is_err(), "the ping has left: {nothing:?}");
        read.send(()).unwrap();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        next(&mut socket).await.unwrap()
    };
    // Which of two things is seen first was left to chance.
    let all = futures::future::join_all((0..8).map(|_| looked_late())).await;
    assert!(all.iter().all(|one| *one == Frame::Text("here".to_owned())));
}

#[tokio::test]
async fn what_was_said_before_an_end_is_heard() {
    let url = serving(None, |mut stream, _| async move {
        for said in ["one", "two"] {
            stream.send(Message::text(said)).await.unwrap();
        }
        while let Some(Ok(_)) = stream.next().await {}
    })
    .await;
    let socket = open(opening(&url)).await.unwrap();
    let heard = timeout(TIME, socket.finish()).await.unwrap();
    let said = ["one", "two"].map(|said| Frame::Text(said.to_owned()));
    assert_eq!(heard, said);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_without_end() {
    let url = answering("").await;
    let mut client = WebSocketClient::new(&NetConfig::default(), None, "parlor-test").unwrap();
    client.agree = Duration::from_millis(100);
    let opened = timeout(TIME, client.open(opening(&url))).await.unwrap();
    let error = opened.err();
    let error = error.expect("it is given up");
    assert!(matches!(error, WebSocketError::Unreached(_)), "{error}");
}

#[tokio::test]
async fn another_address_is_no_websocket() {
    let url = "https://acme.example/".parse().unwrap();
    let error = open(opening(&url)).await.err().expect("it is refused");
    assert_eq!(
        error.to_string(),
        "https is no scheme of a WebSocket, ws and wss are"
    );
}
