use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::journal::Durable;
use crate::mailbox::calls::{Call, CallAnswer, Called};
use crate::mailbox::{Acceptance, Incoming, Intake, IntakeError};
use crate::web::hooks::body::SMALL_BYTES;
use crate::web::hooks::{
    HookCall, HookRoute, HookSink, Ingress, ONE_HOOK_MAX, UNPROVED_MAX, hook_path,
};

/// Takes calls as a journal would, when it is let.
pub(super) struct FakeSink {
    calls: Mutex<Vec<HookCall>>,
    pub(super) refuses: Mutex<Option<IntakeError>>,
    /// A call waits for one of these before it ends.
    lets: Semaphore,
}

#[async_trait::async_trait]
impl HookSink for FakeSink {
    async fn take(&self, call: HookCall) -> Result<Acceptance, IntakeError> {
        let Ok(_let_through) = self.lets.acquire().await else {
            return Err(IntakeError::Stopping);
        };
        if let Some(error) = self.refuses.lock().clone() {
            return Err(error);
        }
        let mut calls = self.calls.lock();
        let known = calls.iter().any(|known| known.key == call.key);
        calls.push(call);
        Ok(if known {
            Acceptance::Duplicate
        } else {
            Acceptance::New(1)
        })
    }

    async fn ring(&self, called: &dyn Called, call: Call) -> CallAnswer {
        let is_refused = self.refuses.lock().is_some();
        match is_refused {
            true => CallAnswer::Later,
            false => called.take(call, &Nowhere).await,
        }
    }
}

/// Takes no events: what is rung at is all that is looked at.
struct Nowhere;

#[async_trait::async_trait]
impl Intake for Nowhere {
    async fn take_ordered(
        &self,
        _incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        Err(IntakeError::Stopping)
    }
}

pub(super) struct Served {
    address: SocketAddr,
    pub(super) ingress: Arc<Ingress>,
    pub(super) sink: Arc<FakeSink>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

fn route(name: &str, config: HookConfig) -> HookRoute {
    HookRoute {
        tenant: "default".into(),
        plugin: "alerts".into(),
        name: name.into(),
        config,
    }
}

pub(super) fn serve(routes: Vec<HookRoute>) -> Served {
    let sink = Arc::new(FakeSink {
        calls: Mutex::default(),
        refuses: Mutex::default(),
        lets: Semaphore::new(1_000),
    });
    let ingress = Arc::new(Ingress::new(sink.clone()));
    ingress.set_routes(routes);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let stop = CancellationToken::new();
    let (address, serving) = ingress.listen(listener, stop.clone()).unwrap();
    Served {
        address,
        ingress,
        sink,
        stop,
        serving: tokio::spawn(serving),
    }
}

/// An answer: its status and its headers, as text.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    text: String,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            (found == name).then_some(value)
        })
    }
}

impl Served {
    pub(super) async fn begin(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{head}\r\nHost: hooks.example\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Reads an answer to its end: the head, and a body that must be empty.
    pub(super) async fn end(mut stream: TcpStream) -> Answered {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await.unwrap() == 0 {
                break;
            }
            text.push(byte[0]);
        }
        let text = String::from_utf8(text).unwrap();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        let answered = Answered {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            text,
        };
        assert_eq!(answered.header("content-length"), Some("0"), "{answered:?}");
        answered
    }

    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answered {
        let mut head = format!("POST {path} HTTP/1.1\r\nContent-Length: {}", body.len());
        for (name, value) in headers {
            head.push_str(&format!("\r\n{name}: {value}"));
        }
        let mut stream = self.begin(&head).await;
        // Who is refused may find the connection closed before all of it is written.
        let _ = stream.write_all(body).await;
        Self::end(stream).await
    }

    async fn signed(&self, hook: &str, id: &str, body: &[u8]) -> Answered {
        let signature = hex(&signature(body));
        let headers = [("x-signature", signature.as_str()), ("x-delivery", id)];
        self.post(&hook_path("default", "alerts", hook), &headers, body)
            .await
    }

    fn refused(&self) -> Vec<(&'static str, u64)> {
        self.ingress.status().remove(0).refused
    }
}

const PAGER: &str = "/hooks/default/alerts/pager";

#[tokio::test]
async fn a_right_call_is_taken_once_and_answered_each_time() {
    let served = serve(vec![route("pager", signed("", Encoding::Hex))]);
    for _ in 0..3 {
        assert_eq!(served.signed("pager", "1", b"fire").await.status, 202);
    }
    assert_eq!(served.signed("pager", "2", b"fire").await.status, 202);
    let status = served.ingress.status().remove(0);
    assert_eq!((status.taken, status.duplicates), (2, 2));
    assert_eq!((&*status.path, status.verify), (PAGER, "hmac-sha256"));
    let calls = served.sink.calls.lock();
    assert_eq!(calls[0].payload.body, b"fire");
    assert_eq!(calls[0].payload.delivery_id.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_stranger_hears_no_and_the_operator_why() {
    let served = serve(vec![route("pager", signed("", Encoding::Hex))]);
    for path in [
        "/",
        "/hooks",
        "/hooks/default/alerts/other",
        "/hooks/default/alerts/pager/",
        "/hooks/other/alerts/pager",
        "/hooks/default/alerts/%70ager",
        "/../hooks/default/alerts/pager",
    ] {
        assert_eq!(served.post(path, &[], b"x").await.status, 404, "{path}");
    }
    assert_eq!(served.ingress.unknown(), 7);
    assert_eq!(served.post(PAGER, &[], b"x").await.status, 401);
    let wrong = hex(&signature(b"y"));
    let wrong = [("x-signature", wrong.as_str())];
    assert_eq!(served.post(PAGER, &wrong, b"x").await.status, 401);
    let stream = served.begin(&format!("GET {PAGER} HTTP/1.1")).await;
    let answered = Served::end(stream).await;
    assert_eq!(
        (answered.status, answered.header("allow")),
        (405, Some("POST"))
    );
    assert_eq!(
        served.refused(),
        [
            ("not a POST", 1),
            ("no proof of the sender", 1),
            ("wrong proof of the sender", 1)
        ]
    );
    let last = served.ingress.status().remove(0).last_refusal;
    assert_eq!(last.unwrap().0, "not a POST");
    assert!(served.sink.calls.lock().is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let mut config = config(Verify::None);
    config.max_body_bytes = 1024;
    let served = serve(vec![route("pager", config)]);
    assert_eq!(served.post(PAGER, &[], &[0; 1024]).await.status, 202);
    // Announced: refused by its head alone.
    let head = format!("POST {PAGER} HTTP/1.1\r\nContent-Length: 1025");
    let stream = served.begin(&head).await;
    assert_eq!(Served::end(stream).await.status, 413);
    // Not announced: refused once it has come so far.
    let head = format!("POST {PAGER} HTTP/1.1\r\nTransfer-Encoding: chunked");
    let mut stream = served.begin(&head).await;
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    stream.write_all(chunk.repeat(2).as_bytes()).await.unwrap();
    assert_eq!(Served::end(stream).await.status, 413);
    assert_eq!(served.refused(), [("body too large", 2)]);
}

#[tokio::test]
async fn more_calls_than_a_minute_may_have_are_told_when_to_come() {
    let mut config = signed("", Encoding::Hex);
    config.per_minute = NonZeroU32::new(3).unwrap();
    let served = serve(vec![route("pager", config)]);
    // Strangers use nothing up.
    for _ in 0..20 {
        assert_eq!(served.post(PAGER, &[], b"x").await.status, 401);
    }
    for id in ["1", "2", "3"] {
        assert_eq!(served.signed("pager", id, b"x").await.status, 202);
    }
    let answered = served.signed("pager", "4", b"x").await;
    assert_eq!(answered.status, 429);
    let wait: u64 = answered.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_journal_that_takes_nothing_is_told_as_such() {
    let served = serve(vec![route("pager", signed("", Encoding::Hex))]);
    for error in [
        IntakeError::Paused("full".to_owned()),
        IntakeError::Stopping,
    ] {
        *served.sink.refuses.lock() = Some(error);
        let answered = served.signed("pager", "1", b"x").await;
        assert_eq!(answered.status, 503);
        assert!(answered.header("retry-after").is_some());
    }
    *served.sink.refuses.lock() = None;
    assert_eq!(served.signed("pager", "1", b"x").await.status, 202);
}

/// Begins so many calls of a webhook that say so much of a body of this length, and no more.
async fn slow(
    served: &Served,
    name: &str,
    count: usize,
    length: usize,
    sent: usize,
) -> Vec<TcpStream> {
    let head = format!(
        "POST {} HTTP/1.1\r\nContent-Length: {length}\r\nx-signature: {}",
        hook_path("default", "alerts", name),
        hex(&signature(b"guess"))
    );
    let mut slow = Vec::new();
    for _ in 0..count {
        let mut stream = served.begin(&head).await;
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        slow.push(stream);
    }
    slow
}

#[tokio::test]
async fn slow_strangers_keep_no_sender_of_a_webhook_out() {
    let open = || signed("", Encoding::Hex);
    let served = serve(vec![route("pager", open()), route("other", open())]);
    // More than there are turns, with bodies of which nothing comes.
    let small = slow(&served, "pager", ONE_HOOK_MAX * 2, 10, 0).await;
    assert_eq!(served.signed("pager", "1", b"x").await.status, 202);
    // Those who send more hold the turns of large bodies, and those alone.
    let body = vec![b'x'; SMALL_BYTES * 3];
    let mut large = Vec::new();
    while served.signed("pager", "2", &body).await.status != 503 {
        large.push(slow(&served, "pager", ONE_HOOK_MAX, body.len(), SMALL_BYTES * 2).await);
    }
    assert_eq!(served.signed("pager", "3", b"x").await.status, 202);
    assert_eq!(served.signed("other", "1", &body).await.status, 202);
    drop((small, large));
    while served.signed("pager", "4", &body).await.status != 202 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_so_many_strangers_are_read_at_once_and_proved_senders_have_room_of_their_own() {
    let hooks = UNPROVED_MAX / ONE_HOOK_MAX;
    let names: Vec<String> = (0..=hooks).map(|number| format!("hook-{number}")).collect();
    let routes = names
        .iter()
        .map(|name| route(name, signed("", Encoding::Hex)));
    let served = serve(routes.chain([route("proved", token())]).collect());
    let body = vec![b'x'; SMALL_BYTES * 3];
    let mut large = Vec::new();
    while served.signed(&names[hooks], "1", &body).await.status != 503 {
        for name in &names[..hooks] {
            large.push(slow(&served, name, ONE_HOOK_MAX, body.len(), SMALL_BYTES * 2).await);
        }
    }
    assert_eq!(served.signed(&names[hooks], "2", b"x").await.status, 202);
    let bearer = format!("Bearer {SECRET}");
    let path = hook_path("default", "alerts", "proved");
    let answered = served
        .post(&path, &[("authorization", &bearer)], &body)
        .await;
    assert_eq!(answered.status, 202);
}

#[tokio::test]
async fn routes_change_while_calls_come() {
    let served = serve(vec![route("pager", config(Verify::None))]);
    assert_eq!(
        served
            .post(PAGER, &[("x-delivery", "1")], b"x")
            .await
            .status,
        202
    );
    served
        .ingress
        .set_routes(vec![route("pager", signed("", Encoding::Hex))]);
    assert_eq!(
        served
            .post(PAGER, &[("x-delivery", "2")], b"x")
            .await
            .status,
        401
    );
    assert_eq!(served.signed("pager", "2", b"x").await.status, 202);
    // What was counted before goes on.
    assert_eq!(served.ingress.status()[0].taken, 2);
    served.ingress.set_routes(Vec::new());
    assert_eq!(served.signed("pager", "3", b"x").await.status, 404);
}

#[tokio::test]
async fn a_stop_lets_a_call_under_way_end() {
    let served = serve(vec![route("pager", config(Verify::None))]);
    served.sink.lets.forget_permits(1_000);
    let head = format!("POST {PAGER} HTTP/1.1\r\nContent-Length: 1");
    let mut stream = served.begin(&head).await;
    stream.write_all(b"x").await.unwrap();
    let reaches_the_sink = async {
        while served.ingress.proved_now() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, reaches_the_sink)
        .await
        .unwrap();
    served.stop.cancel();
    served.sink.lets.add_permits(1);
    assert_eq!(Served::end(stream).await.status, 202);
    served.serving.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[test]
fn a_path_is_written_as_clients_write_it() {
    assert_eq!(hook_path("default", "alerts", "pager"), PAGER);
    assert_eq!(
        hook_path("default", "brände", "a.b-c_d"),
        "/hooks/default/br%C3%A4nde/a.b-c_d"
    );
}
