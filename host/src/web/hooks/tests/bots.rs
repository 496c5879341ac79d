//! Bots that are called: their paths, and what a caller that is none of theirs learns.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::listener::{Served, serve};
use crate::mailbox::calls::{Call, CallAnswer, CallHead, CallRefusal, Called};
use crate::mailbox::{Intake, IntakeError};
use crate::web::hooks::ONE_HOOK_MAX;
use crate::web::hooks::body::{BodyTimes, Bounds, SMALL_BYTES, Turns, read_body};
use crate::web::hooks::bots::bot_path;
use crate::web::hooks::check::Refusal;
use crate::web::hooks::config::MAX_BODY_BYTES;

const SECRET: &str = "between the two of us";

/// A bot whose platform shows a secret, and sends people to `/done`.
#[derive(Default)]
struct FakeBot {
    path: Option<String>,
    calls: Mutex<Vec<Call>>,
}

#[async_trait::async_trait]
impl Called for FakeBot {
    fn path(&self) -> Option<String> {
        self.path.clone()
    }

    fn set_address(&self, _address: Option<&str>) {}

    fn check_head(&self, head: &CallHead<'_>) -> Result<(), CallRefusal> {
        match (head.method.as_str(), head.rest) {
            ("POST", "") | ("GET", "done" | "away") => Ok(()),
            (_, "" | "done" | "away") => Err(CallRefusal::Method),
            _ => Err(CallRefusal::Unknown),
        }
    }

    fn check(&self, call: &Call) -> Result<(), CallRefusal> {
        let shown = call.headers.get("x-secret").map(|value| value.as_bytes());
        let shown = shown.or(call.query.as_deref().map(str::as_bytes));
        match shown {
            None => Err(CallRefusal::NoProof),
            Some(shown) if shown == SECRET.replace(' ', "+").as_bytes() => Ok(()),
            Some(_) => Err(CallRefusal::WrongProof),
        }
    }

    async fn take(&self, call: Call, _intake: &dyn Intake) -> CallAnswer {
        let answer = match (&*call.rest, &*call.body) {
            ("done", _) => CallAnswer::Page("<p>done".to_owned()),
            ("away", _) => CallAnswer::Redirect("https://elsewhere.example/?x".to_owned()),
            (_, b"nonsense") => CallAnswer::Unreadable,
            _ => CallAnswer::Taken,
        };
        self.calls.lock().push(call);
        answer
    }
}

fn secret() -> String {
    SECRET.replace(' ', "+")
}

fn with_bots(bots: &[(&str, &Arc<FakeBot>)]) -> Served {
    let served = serve(Vec::new());
    for (name, bot) in bots {
        let bot = Arc::clone(bot);
        assert!(
            served
                .ingress
                .add_bot(&"default".into(), name, bot)
                .is_some()
        );
    }
    served
}

async fn post(served: &Served, path: &str, body: &[u8]) -> u16 {
    let secret = secret();
    served
        .post(path, &[("x-secret", &secret)], body)
        .await
        .status
}

#[tokio::test]
async fn a_bot_has_a_path_of_the_host_s_or_its_own() {
    let (one, other) = (
        Arc::new(FakeBot::default()),
        Arc::new(FakeBot {
            path: Some("/chatio".to_owned()),
            ..FakeBot::default()
        }),
    );
    let served = with_bots(&[("one", &one), ("other", &other)]);
    assert_eq!(post(&served, "/bots/default/one", b"1").await, 200);
    assert_eq!(post(&served, "/chatio", b"2").await, 200);
    for path in [
        "/bots/default/other",
        "/bots/default",
        "/chatio2",
        "/",
        "/bots/default/on",
    ] {
        assert_eq!(post(&served, path, b"x").await, 404, "{path}");
    }
    assert_eq!(one.calls.lock()[0].body, "1");
    assert_eq!(other.calls.lock()[0].body, "2");
    // Of two bots with one path the first has it.
    let third = Arc::new(FakeBot {
        path: Some("/chatio".to_owned()),
        ..FakeBot::default()
    });
    assert_eq!(
        served.ingress.add_bot(&"default".into(), "third", third),
        None
    );
    served.ingress.remove_bot(&"default".into(), "other");
    assert_eq!(post(&served, "/chatio", b"x").await, 404);
    assert_eq!(bot_path("default", "a b"), "/bots/default/a%20b");
}

#[tokio::test]
async fn nothing_of_a_stranger_s_call_goes_further_and_it_learns_nothing() {
    let bot = Arc::new(FakeBot::default());
    let served = with_bots(&[("one", &bot)]);
    let path = "/bots/default/one";
    assert_eq!(served.post(path, &[], b"x").await.status, 401);
    assert_eq!(
        served
            .post(path, &[("x-secret", "guess")], b"x")
            .await
            .status,
        401
    );
    assert_eq!(
        served.post("/bots/default/one/etc", &[], b"x").await.status,
        404
    );
    let put = served.begin(&format!("PUT {path} HTTP/1.1")).await;
    assert_eq!(Served::end(put).await.status, 405);
    let large = format!(
        "POST {path} HTTP/1.1\r\nContent-Length: {}",
        MAX_BODY_BYTES + 1
    );
    let large = served.begin(&large).await;
    assert_eq!(Served::end(large).await.status, 413);
    assert!(bot.calls.lock().is_empty());
    let status = served.ingress.bot_status().remove(0);
    assert_eq!((&*status.path, status.taken), (path, 0));
    let reasons: Vec<_> = status.refused.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(
        reasons,
        [
            "no such address",
            "not a POST",
            "no proof of the sender",
            "wrong proof of the sender",
            "body too large"
        ]
    );
}

#[tokio::test]
async fn what_is_not_taken_is_told_to_come_again_or_not_to() {
    let bot = Arc::new(FakeBot::default());
    let served = with_bots(&[("one", &bot)]);
    *served.sink.refuses.lock() = Some(IntakeError::Paused("full".to_owned()));
    let secret = secret();
    let answered = served
        .post("/bots/default/one", &[("x-secret", &secret)], b"x")
        .await;
    assert_eq!(answered.status, 503);
    assert!(answered.header("retry-after").is_some());
    *served.sink.refuses.lock() = None;
    assert_eq!(post(&served, "/bots/default/one", b"nonsense").await, 400);
    assert_eq!(served.ingress.bot_status()[0].taken, 0);
}

#[tokio::test]
async fn a_person_at_a_browser_gets_a_page_or_is_sent_on() {
    let bot = Arc::new(FakeBot::default());
    let served = with_bots(&[("one", &bot)]);
    let ask = async |rest: &str| {
        let secret = secret();
        let head = format!("GET /bots/default/one/{rest}?{secret} HTTP/1.1\r\nConnection: close");
        let mut stream = served.begin(&head).await;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let page = ask("done").await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.ends_with("\r\n\r\n<p>done"),
        "{page}"
    );
    for header in ["no-store", "default-src 'none'", "no-referrer"] {
        assert!(page.contains(header), "{header}: {page}");
    }
    let sent = ask("away").await;
    assert!(sent.starts_with("HTTP/1.1 303"), "{sent}");
    assert!(
        sent.contains("location: https://elsewhere.example/?x"),
        "{sent}"
    );
    assert_eq!(bot.calls.lock()[0].query.as_deref(), Some(&*secret()));
}

/// Begins so many calls of a bot that say so much of a body of this length, and no more.
async fn slow(served: &Served, path: &str, length: usize, sent: usize) -> Vec<TcpStream> {
    let head = format!("POST {path} HTTP/1.1\r\nContent-Length: {length}\r\nx-secret: guess");
    let mut slow = Vec::new();
    for _ in 0..ONE_HOOK_MAX * 2 {
        let mut stream = served.begin(&head).await;
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        slow.push(stream);
    }
    slow
}

/// Has slow callers with large bodies until another finds no turn; they have theirs for a few seconds.
async fn until_full(served: &Served, path: &str, body: &[u8]) -> Vec<TcpStream> {
    loop {
        let slow = slow(served, path, body.len(), SMALL_BYTES * 2).await;
        if post(served, path, body).await == 503 {
            return slow;
        }
    }
}

#[tokio::test]
async fn slow_strangers_keep_no_caller_of_the_bot_out() {
    let bot = Arc::new(FakeBot::default());
    let served = with_bots(&[("one", &bot)]);
    let path = "/bots/default/one";
    // More than there are turns, with bodies of which nothing comes.
    let small = slow(&served, path, 10, 0).await;
    for _ in 0..ONE_HOOK_MAX {
        assert_eq!(post(&served, path, b"x").await, 200);
    }
    // Those who send more hold the turns of large bodies, and those alone.
    let body = vec![b'x'; SMALL_BYTES * 3];
    let large = until_full(&served, path, &body).await;
    assert_eq!(post(&served, path, b"x").await, 200);
    drop((small, large));
    while post(&served, path, &body).await != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_bot_s_slow_callers_leave_room_for_another_bot() {
    let (one, other) = (Arc::new(FakeBot::default()), Arc::new(FakeBot::default()));
    let served = with_bots(&[("one", &one), ("other", &other)]);
    let body = vec![b'x'; SMALL_BYTES * 3];
    let _slow = until_full(&served, "/bots/default/one", &body).await;
    assert_eq!(post(&served, "/bots/default/other", &body).await, 200);
}

#[tokio::test]
async fn a_slow_body_is_cut_off_whether_it_holds_a_turn_or_none() {
    use futures::StreamExt as _;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    let (turns, all) = (Turns::default(), Arc::new(Semaphore::new(1)));
    let (short, long) = (Duration::from_millis(10), Duration::from_secs(600));
    for (sent, small, rest) in [(0, short, long), (SMALL_BYTES + 1, long, short)] {
        let chunk = Frame::data(bytes::Bytes::from(vec![b'x'; sent]));
        let chunk = Ok::<_, std::io::Error>(chunk);
        let chunks = futures::stream::iter([chunk]).chain(futures::stream::pending());
        let body = StreamBody::new(chunks);
        let bounds = Bounds {
            turns: &turns,
            all: &all,
            bytes: 1_000_000,
            times: BodyTimes { small, rest },
        };
        let read = read_body(body, bounds).await;
        assert_eq!(read.unwrap_err(), Refusal::TooSlow, "{sent} bytes");
    }
}
