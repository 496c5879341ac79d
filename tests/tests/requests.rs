//! Requests that answer later: under grants, once, in the thread that asked, over restarts and `kill -9`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parlor_host::journal::sqlite::{JOURNAL_FILE, SqliteConfig, SqliteJournal};
use parlor_host::mailbox::rooms::{Command, RoomMessage, Say};
use parlor_tests::api::Api;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::person::Person;
use parlor_tests::process::HostProcess;

const GUEST: &str = "requests";

async fn host_for(api: &Api) -> TestHost {
    let host = TestHost::with(&[]).await;
    load(&host, &api.grant()).await;
    host
}

async fn load(host: &TestHost, settings: &str) {
    host.load(GUEST, guests::bytes(GUEST), Some(settings)).await;
    assert_eq!(host.row(GUEST).last_error, None);
}

/// Says something in a thread.
fn in_thread(room: &str, thread: &str, text: &str) -> Command {
    Command::Say(Say {
        conversation: room.to_owned(),
        text: text.to_owned(),
        thread: Some(thread.to_owned()),
        ..Say::default()
    })
}

/// Waits until the bot has said something that begins so.
async fn hears(host: &TestHost, room: &str, text: &str) -> Arc<RoomMessage> {
    let heard = async {
        loop {
            let mut answers = host.all_answers(room).into_iter();
            if let Some(found) = answers.find(|message| message.text.starts_with(text)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, heard)
        .await
        .unwrap_or_else(|_| panic!("nobody says {text:?}: {:?}", host.all_answers(room)))
}

#[tokio::test(flavor = "multi_thread")]
async fn action_request() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    // `ask` waits until nothing is open: the answer belongs to it.
    let answers = host.ask(&format!("/get k1 {}", api.url("/x?q=1"))).await;
    assert_eq!(answers, ["k1: 200 GET /x (for ada, depth 1)"]);
    let post = format!("/post k2 {} some words", api.url("/y"));
    let answers = host.ask(&post).await;
    assert_eq!(answers, ["k2: 200 POST /y some words (for ada, depth 1)"]);
    let asked = api.asked();
    assert_eq!(asked[1].headers["content-type"], "text/plain");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_response_received() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    let room = host.room("bob", "Kitchen").await;
    let ask = format!("/get k {}", api.url("/status/404"));
    host.act("bob", in_thread(&room, "t7", &ask))
        .await
        .expect("a message is posted");
    host.idle().await;
    // Bot, conversation, thread and actor are those of the event that asked.
    let answers = host.all_answers(&room);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].text, "k: 404 GET /status/404 (for bob, depth 1)");
    assert_eq!(answers[0].thread.as_deref(), Some("t7"));
    // Why there is none.
    let late = format!("/brief late 50 {}", api.url("/held"));
    assert_eq!(
        host.ask(&late).await,
        ["late: timed-out (for ada, depth 1)"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_grant_refuses_the_list_and_names_the_line() {
    let api = Api::start().await;
    let host = TestHost::with(&[GUEST]).await;
    let url = api.url("/x");
    assert!(host.ask(&format!("/both k {url}")).await.is_empty());
    let error = host.row(GUEST).last_error.unwrap_or_default();
    let line = format!("[plugin.requests] grants.http = [\"GET {url}\"]");
    assert!(error.contains(&line), "{error}");
    host.load(GUEST, guests::bytes(GUEST), Some(&api.grant()))
        .await;
    assert_eq!(host.ask(&format!("/both k {url}")).await.len(), 2);
    assert_eq!(api.asked().len(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_requested_is_refused_with_a_reason() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    for (text, reason) in [
        ("/get k ftp://a.example/", "http://"),
        ("/get k nowhere", "url"),
        ("/brief k 600001 http://a.example/", "600000"),
        ("/brief k 0 http://a.example/", "ms"),
    ] {
        assert!(host.ask(text).await.is_empty(), "{text}");
        let error = host.row(GUEST).last_error.unwrap_or_default();
        assert!(error.contains(reason), "{text}: {error}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_one_mebibyte_arrives_and_a_larger_one_does_not() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    let most = format!("/get most {}", api.url("/bytes/1048576"));
    let answer = host.ask(&most).await;
    assert_eq!(answer, ["most: 200 with 1048576 bytes (for ada, depth 1)"]);
    let more = format!("/get more {}", api.url("/bytes/1048577"));
    assert_eq!(
        host.ask(&more).await,
        ["more: too-large (for ada, depth 1)"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_api_holds_up_nobody_not_even_its_own_room() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    let lobby = host.room("ada", "Lobby").await;
    let ask = format!("/both slow {}", api.url("/held"));
    host.say("ada", &lobby, &ask).await;
    api.until_asked(1).await;
    host.say("ada", &lobby, "/hello").await;
    hears(&host, &lobby, "hello").await;
    api.open_door();
    host.idle().await;
    let texts: Vec<_> = host
        .all_answers(&lobby)
        .iter()
        .map(|message| message.text.clone())
        .collect();
    assert_eq!(
        texts,
        ["asking", "hello", "slow: 200 GET /held (for ada, depth 1)"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_has_sixteen_requests_under_way_and_the_rest_wait() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, &format!("/many 40 {}", api.url("/held")))
        .await;
    api.until_asked(16).await;
    let counts = host.host().journal().counts().await.expect("counted");
    assert_eq!(counts.pending_requests, 40);
    assert_eq!(api.asked().len(), 16);
    api.open_door();
    host.idle().await;
    assert_eq!(api.asked().len(), 40);
    assert_eq!(host.all_answers(&lobby).len(), 40);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_asks_again_ends_at_the_loop_rule() {
    let api = Api::start().await;
    let host = host_for(&api).await;
    host.ask(&format!("/again {}", api.url("/x"))).await;
    assert_eq!(api.asked().len(), 8);
    let error = host.row(GUEST).last_error.unwrap_or_default();
    assert!(error.contains("loop"), "{error}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_plugin_asks_when_it_is_back() {
    use parlor_host::app::reload::FolderChange;
    let api = Api::start().await;
    let host = host_for(&api).await;
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, &format!("/many 17 {}", api.url("/held")))
        .await;
    api.until_asked(16).await;
    let removed = FolderChange::Removed {
        name: GUEST.to_owned(),
    };
    host.host().plugins().apply(removed).await;
    api.open_door();
    // The seventeenth waits for its plugin, and so do the answers of the others.
    let waits = async {
        while host
            .host()
            .journal()
            .counts()
            .await
            .is_ok_and(|counts| counts.pending_requests > 1)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waits)
        .await
        .expect("answered");
    assert_eq!(api.asked().len(), 16);
    assert!(host.all_answers(&lobby).is_empty());
    load(&host, &api.grant()).await;
    host.idle().await;
    assert_eq!(api.asked().len(), 17);
    assert_eq!(host.all_answers(&lobby).len(), 17);
    host.stop().await;
}

fn journal_in(folder: &Path) -> Arc<SqliteJournal> {
    let journal = SqliteJournal::open(folder, SqliteConfig::default());
    Arc::new(journal.expect("the journal opens"))
}

async fn host_on(folder: &Path) -> (TestHost, String) {
    let host = TestHost::start(TestHostParts {
        journal: journal_in(folder),
        ..TestHostParts::default()
    })
    .await;
    let lobby = host.room("ada", "Lobby").await;
    (host, lobby)
}

/// Copies what a crash would leave at this moment.
fn crash_image(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder");
    for end in ["", "-wal"] {
        let name = format!("{JOURNAL_FILE}{end}");
        std::fs::copy(from.join(&name), to.path().join(&name)).expect("copied");
    }
    to
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_request_and_answer_repeats_what_is_safe_and_doubts_the_rest() {
    let api = Api::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (first, lobby) = host_on(folder.path()).await;
    load(&first, &api.grant()).await;
    for (command, body) in [
        ("/get get", ""),
        ("/post post", "tea"),
        ("/order order", "tea"),
    ] {
        let text = format!("{command} {} {body}", api.url("/held"));
        first
            .act("ada", in_thread(&lobby, "t1", &text))
            .await
            .expect("a message is posted");
    }
    api.until_asked(3).await;
    let image = crash_image(folder.path());

    let (second, lobby) = host_on(image.path()).await;
    load(&second, &api.grant()).await;
    // GET and the one with an id are made again; of the POST nobody knows.
    api.until_asked(5).await;
    let doubt = hears(&second, &lobby, "post:").await;
    assert_eq!(doubt.text, "post: in-doubt (for ada, depth 1)");
    api.open_door();
    second.idle().await;
    let mut answers = second.all_answers(&lobby);
    answers.sort_by(|one, other| one.text.cmp(&other.text));
    let texts: Vec<&str> = answers.iter().map(|message| &*message.text).collect();
    assert_eq!(
        texts,
        [
            "get: 200 GET /held (for ada, depth 1)",
            "order: 200 POST /held tea (for ada, depth 1)",
            "post: in-doubt (for ada, depth 1)",
        ]
    );
    assert!(answers.iter().all(|m| m.thread.as_deref() == Some("t1")));
    let ids: Vec<_> = api
        .asked()
        .into_iter()
        .filter_map(|asked| asked.headers.get("idempotency-key").cloned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1], "the other side knows it by the same id");
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_lets_what_is_under_way_end_and_asks_the_rest_afterwards() {
    let api = Api::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (first, lobby) = host_on(folder.path()).await;
    load(&first, &api.grant()).await;
    first
        .say("ada", &lobby, &format!("/many 20 {}", api.url("/held")))
        .await;
    api.until_asked(16).await;
    // The first thing that a stop does, before anything is waited for, is to begin no more.
    tokio::join!(first.stop(), async { api.open_door() });
    assert_eq!(api.asked().len(), 16, "a host that stops begins nothing");

    let (second, lobby) = host_on(folder.path()).await;
    load(&second, &api.grant()).await;
    second.idle().await;
    assert_eq!(api.asked().len(), 20, "none was asked twice");
    let answers = second.all_answers(&lobby);
    for number in 16..20 {
        let key = format!("many-{number}:");
        let told = answers
            .iter()
            .filter(|answer| answer.text.starts_with(&key));
        assert_eq!(told.count(), 1, "{key}");
    }
    second.stop().await;
}

/// A folder with settings and the guest, as an operator has it.
fn operators_folder(api: &Api) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = format!(
        "data = \"data\"\nplugins = \"plugins\"\n[local]\nlisten = \"127.0.0.1:0\"\n\
         [[bot]]\nname = \"parlor\"\nplatform = \"local\"\n[plugin.requests]\n{}\n",
        api.grant()
    );
    std::fs::write(folder.path().join("parlor.toml"), settings).expect("written");
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).expect("made");
    std::fs::write(plugins.join("requests.wasm"), guests::bytes(GUEST)).expect("written");
    folder
}

/// Starts the host of a folder, and ada opens its page.
async fn running(folder: &Path) -> (HostProcess, Person) {
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    let mut host = HostProcess::start(program, folder).expect("it starts");
    let page = host.page().await.expect("it serves");
    let ada = Person::open(&page, "ada").await.expect("ada comes");
    (host, ada)
}

async fn open_lobby(person: &mut Person) -> String {
    let open = Command::OpenRoom {
        name: "Lobby".to_owned(),
    };
    let done = person.act(open).await.expect("a room opens");
    done.conversation.expect("a room has an id").to_string()
}

/// The texts and threads of the answers in a conversation.
async fn answers_in(person: &mut Person, room: &str, key: &str) -> Vec<(String, Option<String>)> {
    let messages = person.messages("ada", room).await.expect("a snapshot");
    let texts = messages.iter().map(|message| {
        let text = message["text"].as_str().unwrap_or_default().to_owned();
        (text, message["thread"].as_str().map(str::to_owned))
    });
    texts.filter(|(text, _)| text.starts_with(key)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_between_request_and_answer_and_the_answer_reaches_its_thread_once() {
    let api = Api::start().await;
    // An API that takes its time, longer than the host lives.
    api.set_delay(Duration::from_secs(40));
    let folder = operators_folder(&api);
    let (host, mut ada) = running(folder.path()).await;
    let lobby = open_lobby(&mut ada).await;
    let ask = format!("/brief slow 120000 {}", api.url("/late"));
    ada.act(in_thread(&lobby, "t42", &ask))
        .await
        .expect("asked");
    let post = format!("/post pay {} once", api.url("/late"));
    ada.act(in_thread(&lobby, "t43", &post))
        .await
        .expect("asked");
    api.until_asked(2).await;
    host.kill().await.expect("killed");

    // Whoever asks again has not to wait as long.
    api.set_delay(Duration::ZERO);
    let (host, mut ada) = running(folder.path()).await;
    for key in ["pay:", "slow:"] {
        if answers_in(&mut ada, &lobby, key).await.is_empty() {
            ada.hears(key).await.expect("the answer comes");
        }
    }
    host.kill().await.expect("killed");

    // Once, and still once after one more crash right behind the answer.
    let (host, mut ada) = running(folder.path()).await;
    ada.act(in_thread(&lobby, "t1", "/hello"))
        .await
        .expect("said");
    if answers_in(&mut ada, &lobby, "hello").await.is_empty() {
        ada.hears("hello").await.expect("it answers");
    }
    let expect = |text: &str, thread: &str| vec![(text.to_owned(), Some(thread.to_owned()))];
    assert_eq!(
        answers_in(&mut ada, &lobby, "slow:").await,
        expect("slow: 200 GET /late (for ada, depth 1)", "t42")
    );
    assert_eq!(
        answers_in(&mut ada, &lobby, "pay:").await,
        expect("pay: in-doubt (for ada, depth 1)", "t43")
    );
    let posts = api
        .asked()
        .into_iter()
        .filter(|asked| asked.method == "POST");
    assert_eq!(
        posts.count(),
        1,
        "what is not safe to repeat is not repeated"
    );
    host.kill().await.expect("killed");
}
