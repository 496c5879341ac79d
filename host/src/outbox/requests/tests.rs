//! Requests against a server on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{PluginHttp, Requests, RequestsConfig, Responses};
use crate::journal::memory::MemoryJournal;
use crate::journal::{
    Accepted, Arrival, EventKey, Journal, NewRequest, PendingRequest, RequestState, StateDelta,
    Turn,
};
use crate::mailbox::{IntakeError, RequestsHandle as _};
use crate::model::Name;
use crate::model::action::Request;
use crate::model::delivery::{Route, View};
use crate::model::event::{Addressing, Event, Header};
use crate::model::payload::{EventPayload, OtherEvent, Response, ResponseError};
use crate::net::{Egress, HttpGrants};
use crate::outbox::fakes::eventually;

type Outcome = Result<Response, ResponseError>;

/// What the server saw and does.
#[derive(Default)]
struct Api {
    /// Path and query of each request, with its headers.
    seen: Mutex<Vec<(String, HeaderMap)>>,
    /// Requests of each path that wait at the door, and the most that ever did.
    waiting: Mutex<HashMap<String, (usize, usize)>>,
    door: watch::Sender<bool>,
}

impl Api {
    fn seen(&self) -> Vec<String> {
        self.seen
            .lock()
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    fn waiting(&self, path: &str) -> (usize, usize) {
        self.waiting.lock().get(path).copied().unwrap_or_default()
    }

    fn open(&self) {
        self.door.send_replace(true);
    }
}

async fn serve_one(
    State(api): State<Arc<Api>>,
    uri: Uri,
    headers: HeaderMap,
) -> (StatusCode, [(&'static str, &'static str); 3], Vec<u8>) {
    let path = uri.path().to_owned();
    api.seen.lock().push((path.clone(), headers));
    if path.starts_with("/slow") {
        {
            let mut waiting = api.waiting.lock();
            let (now, most) = waiting.entry(path.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        // The sender lives as long as the server.
        let _ = api.door.subscribe().wait_for(|is_open| *is_open).await;
        if let Some((now, _)) = api.waiting.lock().get_mut(&path) {
            *now -= 1;
        }
    }
    let body = match path.as_str() {
        "/big" => vec![b'x'; 2_000],
        _ => b"here".to_vec(),
    };
    let headers = [
        ("x-answer", "yes"),
        ("set-cookie", "session=secret"),
        ("www-authenticate", "Basic"),
    ];
    (StatusCode::CREATED, headers, body)
}

/// Takes answers to the journal, as the host does, and remembers them.
struct Told {
    journal: Arc<dyn Journal>,
    refuse: AtomicUsize,
    told: Mutex<Vec<(String, Outcome)>>,
}

#[async_trait]
impl Responses for Told {
    async fn take(&self, request: &PendingRequest, outcome: &Outcome) -> Result<(), IntakeError> {
        let refuse = self.refuse.load(Ordering::SeqCst);
        if refuse > 0 {
            self.refuse.store(refuse - 1, Ordering::SeqCst);
            return Err(IntakeError::Paused("no room".to_owned()));
        }
        let id = format!("response {}", request.token);
        let arrival = Arrival {
            request: Some(request.number),
            ..arrival(&id, &request.plugin)
        };
        let accepted = self.journal.accept(arrival).await.expect("ordered");
        assert!(matches!(accepted.value, Accepted::New { .. }));
        let told = (request.what.key.clone(), outcome.clone());
        self.told.lock().push(told);
        Ok(())
    }
}

fn arrival(id: &str, plugin: &str) -> Arrival {
    Arrival {
        tenant: Name::from("default"),
        key: EventKey::new(&[id]),
        event: Arc::new(Event {
            id: id.to_owned(),
            sequence: 0,
            attempt: 1,
            occurred_at: 0,
            received_at: 0,
            bot: None,
            conversation: None,
            actor: None,
            addressing: Addressing::Ambient,
            cause: None,
            depth: 0,
            trace_id: String::new(),
            extras: Vec::new(),
            raw: None,
            payload: EventPayload::Other(OtherEvent {
                kind: "test".to_owned(),
                json: String::new(),
            }),
        }),
        lane: Name::from(""),
        routes: Some(vec![Route {
            plugin: Name::from(plugin),
            view: View::Whole,
            roles: Vec::new(),
        }]),
        timer: None,
        request: None,
        forms: Vec::new(),
    }
}

struct Bench {
    api: Arc<Api>,
    address: SocketAddr,
    journal: Arc<dyn Journal>,
    told: Arc<Told>,
    requests: Requests,
    next: AtomicUsize,
}

impl Bench {
    async fn new(config: RequestsConfig) -> Self {
        let api = Arc::new(Api::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new()
            .fallback(serve_one)
            .with_state(Arc::clone(&api));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
        let told = Arc::new(Told {
            journal: Arc::clone(&journal),
            refuse: AtomicUsize::new(0),
            told: Mutex::default(),
        });
        let egress = Egress::new(64).expect("a sender");
        let requests = Requests::new(Arc::clone(&journal), egress, config);
        Self {
            api,
            address,
            journal,
            told,
            requests,
            next: AtomicUsize::new(1),
        }
    }

    /// One that requests, with the plugins `a` and `b` there.
    async fn open() -> Self {
        let bench = Self::new(RequestsConfig::default()).await;
        bench.begin();
        bench
    }

    fn begin(&self) {
        for plugin in ["a", "b"] {
            self.install(plugin, &format!("* http://{}/*", self.address));
        }
        self.requests
            .open(Arc::clone(&self.told) as Arc<dyn Responses>);
    }

    fn install(&self, plugin: &str, grant: &str) {
        let http = PluginHttp {
            grants: Arc::new(HttpGrants::parse(&[grant]).expect("a grant")),
            body_bytes: 1_000,
            header_bytes: 16 << 10,
        };
        self.requests
            .install(&Name::from("default"), &Name::from(plugin), http);
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request {
            method: method.to_owned(),
            url: format!("http://{}{path}", self.address),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 30_000,
            idempotency_header: None,
        }
    }

    /// Commits a turn of a plugin with a request.
    async fn ask(&self, plugin: &str, key: &str, request: Request) -> PendingRequest {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let accepted = self
            .journal
            .accept(arrival(&format!("asks {number}"), plugin));
        let Accepted::New { deliveries, .. } = accepted.await.expect("ordered").value else {
            panic!("a new event");
        };
        let (tenant, plugin) = (Name::from("default"), Name::from(plugin));
        let turn = Turn {
            delivery: deliveries[0].number,
            tenant: Name::clone(&tenant),
            plugin: Name::clone(&plugin),
            event: Arc::clone(&deliveries[0].event),
            state: StateDelta::default(),
            parts: Vec::new(),
            broadcasts: Vec::new(),
            timers: Vec::new(),
            requests: vec![NewRequest {
                key: key.to_owned(),
                index: 0,
                request,
            }],
            number: 0,
            took_us: 0,
        };
        self.requests.announce(&tenant, &plugin);
        self.journal.commit(turn).await.expect("ordered");
        let found = self.journal.pending_requests(&tenant, &plugin, 0, 1_000);
        let found = found.await.expect("listed").pop().expect("it waits");
        self.requests.committed(&tenant, &plugin);
        found
    }

    /// As [`Self::ask`], and cut off so often.
    async fn ask_cut_off(&self, key: &str, request: Request, times: u32) {
        let found = self.ask("a", key, request).await;
        for _ in 0..times {
            let marked = self
                .journal
                .mark_request(found.number, RequestState::Sending);
            marked.await.expect("ordered");
        }
    }

    async fn all_told(&self, count: usize) -> Vec<(String, Outcome)> {
        eventually(|| self.told.told.lock().len() >= count).await;
        self.told.told.lock().clone()
    }

    async fn told_one(&self) -> Outcome {
        self.all_told(1).await.remove(0).1
    }

    async fn pending(&self) -> Vec<PendingRequest> {
        let pending = self.journal.pending_requests("default", "a", 0, 1_000);
        pending.await.expect("listed")
    }
}

#[tokio::test]
async fn answer_comes_with_its_key_and_without_credentials() {
    let bench = Bench::open().await;
    bench.ask("a", "k1", bench.request("GET", "/x?q=1")).await;
    let (key, outcome) = bench.all_told(1).await.remove(0);
    let answer = outcome.expect("an answer");
    assert_eq!(
        (&*key, answer.status, &*answer.body),
        ("k1", 201, &b"here"[..])
    );
    let has = |wanted: &str| answer.headers.iter().any(|header| header.name == wanted);
    assert!(has("x-answer"));
    assert!(!has("set-cookie") && !has("www-authenticate"));
    assert!(bench.pending().await.is_empty());
    eventually(|| bench.requests.quiet().is_some()).await;
}

#[tokio::test]
async fn host_sends_an_id_of_its_own_in_the_header_named() {
    let bench = Bench::open().await;
    let mut request = bench.request("POST", "/x");
    request.idempotency_header = Some("Idempotency-Key".to_owned());
    for (name, value) in [("idempotency-key", "guessed"), ("x-other", "kept")] {
        request.headers.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
    let found = bench.ask("a", "k", request).await;
    bench.told_one().await.expect("an answer");
    let seen = bench.api.seen.lock();
    let values: Vec<_> = seen[0].1.get_all("idempotency-key").iter().collect();
    assert_eq!(values, [found.token.as_str()]);
    assert_eq!(seen[0].1["x-other"], "kept");
}

#[tokio::test]
async fn plugin_keeps_to_its_share_and_others_pass() {
    let config = RequestsConfig {
        open: 100,
        open_of_plugin: 2,
    };
    let bench = Bench::new(config).await;
    bench.begin();
    for number in 0..6 {
        let request = bench.request("GET", "/slow/a");
        bench.ask("a", &format!("a{number}"), request).await;
    }
    eventually(|| bench.api.waiting("/slow/a").0 == 2).await;
    bench.ask("b", "b", bench.request("GET", "/x")).await;
    assert_eq!(bench.all_told(1).await[0].0, "b");
    bench.api.open();
    let told = bench.all_told(7).await;
    assert_eq!(told.len(), 7);
    assert_eq!(bench.api.waiting("/slow/a"), (0, 2));
}

#[tokio::test]
async fn process_keeps_to_its_share_and_plugins_take_turns() {
    let config = RequestsConfig {
        open: 3,
        open_of_plugin: 100,
    };
    let bench = Bench::new(config).await;
    for number in 0..9 {
        let request = bench.request("GET", "/slow/a");
        bench.ask("a", &format!("a{number}"), request).await;
    }
    bench.ask("b", "b", bench.request("GET", "/slow/b")).await;
    bench.begin();
    eventually(|| bench.api.waiting("/slow/a").0 + bench.api.waiting("/slow/b").0 == 3).await;
    assert_eq!(bench.api.waiting("/slow/b").0, 1, "b waited for all of a");
    bench.api.open();
    assert_eq!(bench.all_told(10).await.len(), 10);
    assert!(bench.api.waiting("/slow/a").1 <= 3);
}

async fn check_cut_off(method: &str, header: Option<&str>, times: u32, is_repeated: bool) {
    let bench = Bench::new(RequestsConfig::default()).await;
    let request = Request {
        idempotency_header: header.map(str::to_owned),
        ..bench.request(method, "/x")
    };
    bench.ask_cut_off("k", request, times).await;
    bench.begin();
    let outcome = bench.told_one().await;
    let case = format!("{method} {header:?} {times}");
    assert_eq!(bench.api.seen().len(), usize::from(is_repeated), "{case}");
    match is_repeated {
        true => assert!(outcome.is_ok(), "{case}: {outcome:?}"),
        false => assert_eq!(outcome, Err(ResponseError::InDoubt), "{case}"),
    }
}

#[tokio::test]
async fn what_was_cut_off_is_repeated_only_where_that_is_safe() {
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        check_cut_off(method, None, 1, true).await;
    }
    check_cut_off("POST", None, 1, false).await;
    check_cut_off("PATCH", None, 1, false).await;
    check_cut_off("POST", Some("idempotency-key"), 1, true).await;
    // One that brings the host down each time is given up.
    check_cut_off("GET", None, 4, true).await;
    check_cut_off("GET", None, 5, false).await;
}

#[tokio::test]
async fn requests_wait_for_their_plugin() {
    let bench = Bench::new(RequestsConfig::default()).await;
    bench
        .requests
        .open(Arc::clone(&bench.told) as Arc<dyn Responses>);
    bench.ask("a", "k", bench.request("GET", "/x")).await;
    // A plugin that is not there is nothing to wait for.
    eventually(|| bench.requests.quiet().is_some()).await;
    assert!(bench.api.seen().is_empty());
    bench.install("a", &format!("GET http://{}/*", bench.address));
    bench.told_one().await.expect("an answer");
    bench
        .requests
        .remove(&Name::from("default"), &Name::from("a"));
    bench.ask("a", "l", bench.request("GET", "/x")).await;
    eventually(|| bench.requests.quiet().is_some()).await;
    assert_eq!(bench.pending().await.len(), 1);
    bench.install("a", &format!("GET http://{}/*", bench.address));
    assert_eq!(bench.all_told(2).await[1].0, "l");
}

#[tokio::test]
async fn says_why_there_is_no_answer() {
    let bench = Bench::open().await;
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let unused = unused.expect("a port").local_addr().expect("an address");
    bench.install("b", &format!("* http://{unused}/*"));
    let slow = Request {
        timeout_ms: 50,
        ..bench.request("GET", "/slow")
    };
    let nobody = Request {
        url: format!("http://{unused}/"),
        ..bench.request("GET", "/")
    };
    bench.ask("a", "late", slow).await;
    bench.ask("a", "big", bench.request("GET", "/big")).await;
    bench.ask("b", "nobody", nobody).await;
    // Granted when it was committed, and no more.
    bench.ask("b", "denied", bench.request("GET", "/x")).await;
    let mut told = bench.all_told(4).await;
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let told: Vec<_> = told
        .into_iter()
        .map(|(key, outcome)| (key, outcome.expect_err("no answer")))
        .collect();
    let wanted = [
        ("big", ResponseError::TooLarge),
        ("denied", ResponseError::Denied),
        ("late", ResponseError::TimedOut),
        ("nobody", ResponseError::Unreachable),
    ];
    assert_eq!(told, wanted.map(|(key, error)| (key.to_owned(), error)));
}

#[tokio::test]
async fn answer_is_kept_until_the_journal_takes_it() {
    let bench = Bench::open().await;
    bench.told.refuse.store(2, Ordering::SeqCst);
    bench.ask("a", "k", bench.request("POST", "/x")).await;
    bench.told_one().await.expect("an answer");
    assert_eq!(bench.api.seen().len(), 1, "it was asked for once");
}

#[tokio::test]
async fn stop_cuts_off_and_leaves_it_marked_for_the_next_start() {
    let bench = Bench::open().await;
    bench.ask("a", "k", bench.request("GET", "/slow")).await;
    eventually(|| bench.api.waiting("/slow").0 == 1).await;
    bench.requests.pause();
    bench
        .ask("a", "never begun", bench.request("GET", "/x"))
        .await;
    assert_eq!(bench.requests.quiet(), None, "one is under way");
    bench.requests.stop().await;
    let states: Vec<_> = bench
        .pending()
        .await
        .into_iter()
        .map(|found| (found.what.key, found.state))
        .collect();
    assert_eq!(
        states,
        [
            ("k".to_owned(), RequestState::Sending),
            ("never begun".to_owned(), RequestState::Queued)
        ]
    );
    assert!(bench.told.told.lock().is_empty());
}

#[tokio::test]
async fn pause_lets_what_is_under_way_end() {
    let bench = Bench::open().await;
    bench.ask("a", "k", bench.request("GET", "/slow")).await;
    eventually(|| bench.api.waiting("/slow").0 == 1).await;
    bench.requests.pause();
    bench.ask("a", "later", bench.request("GET", "/x")).await;
    bench.api.open();
    eventually(|| bench.requests.quiet().is_some()).await;
    assert_eq!(bench.all_told(1).await.len(), 1);
    assert_eq!(bench.pending().await[0].what.key, "later");
    tokio::time::timeout(Duration::from_secs(10), bench.requests.stop())
        .await
        .expect("it stops");
}
