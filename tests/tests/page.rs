//! The page in a real browser: what a person sees and types, from the first greeting to a plugin's new build.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use parlor_host::config::variable;
use parlor_host::web::{PageServer, WebError};
use parlor_tests::browser::Browser;
use parlor_tests::candidate::{CANDIDATE, new_build, old_build};
use parlor_tests::guests;
use parlor_tests::harness::TestHost;
use parlor_tests::scale::is_ci;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The picture's and every test's page.
const SIZE: (u32, u32) = (1280, 800);
/// What the guest `versioned` answers, and what its next build does.
const OLD: &str = "ANSWER-0000000000";
const NEW: &str = "ANSWER-0000000001";

/// A host, its page's listener, and a browser that has opened it.
struct Page {
    host: TestHost,
    browser: Browser,
    origin: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), WebError>>,
}

impl Page {
    async fn open(program: PathBuf, plugins: &[&str]) -> Result<Self> {
        let host = TestHost::in_folder(plugins).await;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let rooms = host.rooms();
        let page = PageServer::on(listener, None, rooms, host.host().plugins().clone())?;
        let (url, origin) = (page.url(), page.address().to_string());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(page.serve(async move {
            // Dropped or sent: either is the end.
            let _ = stopped.await;
        }));
        let mut browser = Browser::start(program, SIZE).await?;
        browser.open(&url).await?;
        browser
            .wait_for("document.getElementById('status').dataset.state === 'connected' && !document.getElementById('composer').disabled")
            .await?;
        Ok(Self {
            host,
            browser,
            origin,
            stop,
            server,
        })
    }

    /// Types into the message box and presses Enter.
    async fn say(&mut self, text: &str) -> Result<()> {
        self.browser.type_into("#composer", text).await?;
        self.browser.enter().await
    }

    /// Waits until a message of the bot has exactly this text.
    async fn sees(&mut self, text: &str) -> Result<()> {
        let condition = format!(
            "[...document.querySelectorAll('#messages .message:has(.badge) .body')]
                .some((body) => body.textContent.trim() === {})",
            json!(text)
        );
        self.browser.wait_for(&condition).await
    }

    /// Waits until the panel shows that a plugin serves.
    async fn serves(&mut self, plugin: &str) -> Result<()> {
        let condition = format!("document.querySelector('[data-plugin={plugin}] .state.good')");
        self.browser.wait_for(&condition).await
    }

    async fn close(self) -> Result<()> {
        self.browser.stop().await?;
        // A server that has ended by itself says so below.
        let _ = self.stop.send(());
        self.server.await??;
        self.host.stop().await;
        Ok(())
    }
}

/// The browser's program. Where none is installed a test says that it is left out; CI must have one.
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must hear of it"
)]
fn browser() -> Option<PathBuf> {
    let program = Browser::find();
    if program.is_none() {
        assert!(!is_ci(), "CI has no Chromium");
        eprintln!("left out: no Chromium is installed");
    }
    program
}

/// The guest `versioned` with another answer.
fn next_build() -> Vec<u8> {
    let mut wasm = guests::bytes("versioned");
    let places: Vec<usize> = wasm
        .windows(OLD.len())
        .enumerate()
        .filter_map(|(place, bytes)| (bytes == OLD.as_bytes()).then_some(place))
        .collect();
    assert_eq!(places.len(), 1, "the marker is there once");
    wasm[places[0]..places[0] + OLD.len()].copy_from_slice(NEW.as_bytes());
    wasm
}

#[tokio::test(flavor = "multi_thread")]
async fn person_talks_and_new_build_answers_without_reload() -> Result<()> {
    let Some(program) = browser() else {
        return Ok(());
    };
    let plugins = ["activities", "complex-message", "echo"];
    let mut page = Page::open(program, &plugins).await?;
    page.browser.evaluate("window.__same = 1").await?;
    for plugin in plugins {
        page.serves(plugin).await?;
    }

    page.say("hello").await?;
    page.sees("Hello Anna").await?;

    page.say("/complex_message").await?;
    let table = "document.querySelectorAll('#messages table tbody tr').length === 3
        && document.querySelectorAll('#messages table thead th').length === 6";
    page.browser.wait_for(table).await?;

    page.say("/form").await?;
    let field = "#messages form.form input[name=name]";
    let there = format!("document.querySelector({})", json!(field));
    page.browser.wait_for(&there).await?;
    page.browser.type_into(field, "Ada").await?;
    page.browser.enter().await?;
    page.sees("Hello, Ada").await?;

    page.host.put("versioned", &guests::bytes("versioned"));
    page.serves("versioned").await?;
    page.say("which build?").await?;
    page.sees(OLD).await?;
    let old = page.host.row("versioned").last_reload;
    page.host.put("versioned", &next_build());
    page.host
        .until("versioned", |row| row.last_reload != old)
        .await;
    page.say("and now?").await?;
    page.sees(NEW).await?;
    page.serves("versioned").await?;

    assert_eq!(page.browser.evaluate("window.__same").await?, 1);
    let seen = "document.getElementById('agents-only-label').checkVisibility()";
    assert_eq!(page.browser.evaluate(seen).await?, false, "not in a room");
    let problem = "document.getElementById('problem').textContent";
    assert_eq!(page.browser.evaluate(problem).await?, "");
    let own = [
        format!("http://{}/", page.origin),
        format!("ws://{}/", page.origin),
    ];
    let requests = page.browser.requests();
    assert!(requests.iter().any(|url| url.starts_with(&own[1])));
    for url in requests {
        let stays = own.iter().any(|own| url.starts_with(own));
        assert!(stays, "{url} is not the page's own");
    }
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_in_the_shadow_is_shown_with_its_last_difference() -> Result<()> {
    let Some(program) = browser() else {
        return Ok(());
    };
    let mut page = Page::open(program, &["activities"]).await?;
    for build in [old_build(), new_build()] {
        let settings = Some("shadow = true");
        page.host.load(CANDIDATE, build, settings).await;
    }
    page.serves(CANDIDATE).await?;
    page.say("greet").await?;
    page.sees("good day").await?;
    let row = "document.querySelector('[data-plugin=candidate]').textContent";
    for wanted in ["1 compared, 1 different, 0 skipped", ": good evening"] {
        let there = format!("{row}.includes({})", json!(wanted));
        page.browser.wait_for(&there).await?;
    }
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_quarantine_is_shown_with_why_and_what_is_left_of_its_faults() -> Result<()> {
    let Some(program) = browser() else {
        return Ok(());
    };
    let mut page = Page::open(program, &["activities", "trap-handle"]).await?;
    page.serves("trap-handle").await?;
    for room in ["one", "two", "three"] {
        let room = page.host.room("ada", room).await;
        page.host.say("ada", &room, "error").await;
    }
    let row = "document.querySelector('[data-plugin=trap-handle]')";
    let bad = format!("{row}.querySelector('.state.bad')?.textContent === 'quarantined'");
    page.browser.wait_for(&bad).await?;
    for wanted in [
        "in quarantine: 3 of the last 50 deliveries failed, in 3 conversations",
        "7 faults left, in 0 more conversations",
        "tried again at ",
        ", call 1: ",
        "handle gives up",
    ] {
        let there = format!("{row}.textContent.includes({})", json!(wanted));
        page.browser.wait_for(&there).await?;
    }
    page.serves("activities").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_shows_each_answer_as_all_platforms_would_get_it_side_by_side() -> Result<()> {
    let Some(program) = browser() else {
        return Ok(());
    };
    let plugins = ["activities", "complex-message"];
    let mut page = Page::open(program, &plugins).await?;
    for plugin in plugins {
        page.serves(plugin).await?;
    }
    page.say("/complex_message").await?;
    let table = "document.querySelectorAll('#messages table').length === 1";
    page.browser.wait_for(table).await?;
    let none = "document.querySelectorAll('.elsewhere').length";
    assert_eq!(page.browser.evaluate(none).await?, 0, "nobody has asked");

    let switch = "document.getElementById('elsewhere').click()";
    page.browser.evaluate(switch).await?;
    let columns = "[...document.querySelectorAll('.message:has(table) .elsewhere section')]";
    let there = format!("{columns}.length === 4");
    page.browser.wait_for(&there).await?;
    let names = format!("{columns}.map((one) => one.dataset.platform)");
    assert_eq!(
        page.browser.evaluate(&names).await?,
        json!(["Symphony", "Webex", "LiveChat", "LSEG Messenger"])
    );
    let tops = format!("new Set({columns}.map((one) => one.getBoundingClientRect().top)).size");
    assert_eq!(page.browser.evaluate(&tops).await?, 1, "side by side");
    let sent = |platform: &str| {
        format!(
            "document.querySelector('.message:has(table) [data-platform=\"{platform}\"]').innerText"
        )
    };
    for (platform, wanted) in [
        ("Symphony", "<messageML>"),
        ("Webex", "Webex is sent:"),
        ("LiveChat", "\"type\": \"message\""),
        ("LSEG Messenger", "table →"),
    ] {
        let text = page.browser.evaluate(&sent(platform)).await?;
        let text = text.as_str().unwrap_or_default();
        assert!(text.contains(wanted), "{platform}: {text}");
    }

    // A platform without forms is asked the first question.
    page.say("/form").await?;
    let form = ".message:has(form.form) .elsewhere [data-platform=\"LSEG Messenger\"]";
    let asked = format!("document.querySelector('{form}').innerText.includes('Your name')");
    page.browser.wait_for(&asked).await?;
    let given = ".message:has(form.form) .elsewhere [data-platform=Symphony]";
    let asked = format!("document.querySelector('{given}').innerText.includes('<form')");
    page.browser.wait_for(&asked).await?;

    page.browser.evaluate(switch).await?;
    let gone = "document.querySelectorAll('.elsewhere').length === 0";
    page.browser.wait_for(gone).await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn how_others_would_get_a_message_is_told_to_those_who_may_see_it() {
    let host = TestHost::with(&["echo"]).await;
    let direct = host.direct("anna").await;
    host.ask_in("anna", &direct, "hello").await;
    let rooms = host.rooms();
    let (snapshot, _) = rooms.view("anna").expect("a view");
    let messages = snapshot.rooms.iter().flat_map(|room| &room.messages);
    let all: Vec<_> = messages
        .map(|message| (message.author != snapshot.viewer.id, message.id.clone()))
        .collect();
    let of_bot = |wanted: bool| all.iter().find(|(is_bots, _)| *is_bots == wanted);
    let (_, answer) = of_bot(true).expect("an answer");
    let (_, said) = of_bot(false).expect("what was said");
    let shown = rooms.elsewhere("anna", answer).expect("it is kept");
    for platform in &shown {
        assert!(
            platform.sent.iter().any(|sent| sent.contains("Hello anna")),
            "{platform:?}"
        );
    }
    assert_eq!(shown.len(), 4);
    assert_eq!(
        rooms.elsewhere("eve", answer),
        None,
        "it is not hers to see"
    );
    assert_eq!(rooms.elsewhere("anna", said), None, "no bot said it");
    host.stop().await;
}

/// Takes the picture of the documentation, where it is asked for: `PARLOR_SCREENSHOT=docs/page.png`.
#[tokio::test(flavor = "multi_thread")]
async fn picture_of_the_page() -> Result<()> {
    let Some(file) = variable("PARLOR_SCREENSHOT") else {
        return Ok(());
    };
    let program = browser().context("a picture needs a browser")?;
    let plugins = ["activities", "complex-message", "echo", "joke", "pizza"];
    let mut page = Page::open(program, &plugins).await?;
    for plugin in plugins {
        page.serves(plugin).await?;
    }
    page.say("hello").await?;
    page.sees("Hello Anna").await?;
    for (command, messages) in [("/joke", 4), ("/complex_message", 6), ("/form", 8)] {
        page.say(command).await?;
        let there =
            format!("document.querySelectorAll('#messages .message').length === {messages}");
        page.browser.wait_for(&there).await?;
    }
    let end = "document.getElementById('messages').scrollTop = 1e6, document.activeElement.blur()";
    page.browser.evaluate(end).await?;
    let picture = page.browser.screenshot().await?;
    std::fs::write(guests::workspace().join(file), picture)?;
    page.close().await
}
