//! What nobody heard: a host that is down, webhooks that are not taken or get lost.

use std::sync::Arc;
use std::time::Duration;

use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{LiveChat, LiveChatOptions};
use serde_json::json;

use crate::desk::{Front, personal};
use crate::gate::Gate;

/// A bot whose host may go and come back.
struct Lasting {
    gate: Gate,
    folder: tempfile::TempDir,
}

impl Lasting {
    async fn new() -> Self {
        Self {
            gate: Gate::new().await,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Starts a host, which is behind the gate from its first moment.
    async fn host(&self, sim: LiveChat, plugins: &[&str]) -> Front {
        let settings = personal(&sim, "");
        let http = "[http]\nlisten = \"127.0.0.1:0\"\n";
        assert!(settings.starts_with(http));
        let settings = format!(
            "data = \"{}\"\n{}{}",
            self.folder.path().display(),
            self.gate.http(),
            &settings[http.len()..]
        );
        let journal = SqliteJournal::open(self.folder.path(), SqliteConfig::default());
        let journal = Arc::new(journal.expect("a journal"));
        let front = Front::again(sim, settings, plugins, journal).await;
        self.gate.leads_to(front.host.host().hooks().address());
        front
    }

    /// Waits until nothing is left to be read back.
    async fn is_read_back(&self, front: &Front) {
        let mark = self.folder.path().join("connectors/desk/not-read-back");
        front
            .host
            .eventually("the gap is closed", || !mark.exists())
            .await;
    }
}

fn echoes(front: &Front) -> Vec<String> {
    let sent = front.sim.sent_after(0).into_iter();
    let said = sent.filter(|sent| sent.kind == "message");
    said.map(|sent| sent.text).collect()
}

/// Waits until the platform has given up a webhook.
async fn given_up(sim: &LiveChat, text: &str) {
    let found = sim
        .delivered_like(PATIENCE, |it| {
            it.attempt == 4 && it.body.to_string().contains(text)
        })
        .await;
    assert!(found.is_some(), "{text} is not given up");
}

async fn platform() -> LiveChat {
    let options = LiveChatOptions::default().clock(50.0);
    LiveChat::start(options).await.expect("the platform")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_the_host_was_down_is_heard_in_order_though_webhooks_come_first() {
    let lasting = Lasting::new().await;
    let front = lasting.host(platform().await, &["echo"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "/echo zero");
    front.says(0, "zero").await;
    let sim = front.close().await;
    lasting.gate.leads_to(None);
    // The chat is closed and begins again meanwhile; another begins and is over.
    sim.say("shop", "ann", "/echo one");
    sim.act(
        "close",
        json!({"conversation": "shop", "user": "bob@example.com"}),
    );
    sim.say("shop", "ann", "/echo two");
    sim.say("gone", "eve", "/echo too late");
    sim.act(
        "close",
        json!({"conversation": "gone", "user": "bob@example.com"}),
    );
    let gone = sim.chat_id("gone").expect("a chat");
    given_up(&sim, "too late").await;
    // Webhooks are taken before the bot is ready.
    let requests = sim.request_count();
    sim.fault(Fault::on("POST */get_bot").delay(Duration::from_secs(1)));
    let front = lasting.host(sim, &["echo"]).await;
    front.sim.say("shop", "ann", "/echo three");
    front.says(0, "three").await;
    assert_eq!(echoes(&front), ["zero", "one", "two", "three"]);
    front.until(BotState::Connected).await;
    // It tried to answer there, too.
    let tried = front
        .sim
        .request_like(requests, PATIENCE, |it| {
            it.path.ends_with("/add_user_to_chat") && it.body.contains(&gone)
        })
        .await;
    assert!(tried.is_some(), "{:#?}", front.asked());
    lasting.is_read_back(&front).await;
    assert_eq!(echoes(&front).len(), 4, "and nothing twice");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_whose_sender_hangs_up_is_read_back() {
    use tokio::io::AsyncWriteExt as _;

    let lasting = Lasting::new().await;
    let front = lasting.host(platform().await, &["echo"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "/echo zero");
    front.says(0, "zero").await;
    let sim = front.close().await;
    // Nothing is registered or made anew by the second: its gap is closed soon.
    let front = lasting.host(sim, &["echo"]).await;
    front.until(BotState::Connected).await;
    lasting.is_read_back(&front).await;

    front.sim.set(json!({"lose_hooks": true}));
    front.sim.say("shop", "ann", "/echo one");
    let mut body = front.sim.delivered()[0].body.clone();
    body["payload"] = json!({"chat_id": "PUNKNOWN01", "user_id": "x"});
    body["action"] = "chat_deactivated".into();
    let body = body.to_string();
    front
        .sim
        .fault(Fault::on("POST */get_chat").delay(Duration::from_secs(2)));
    let address: url::Url = front.address().parse().expect("an address");
    let to = front.host.host().hooks().address().expect("it listens");
    let mut sender = tokio::net::TcpStream::connect(to)
        .await
        .expect("a connection");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        address.path(),
        body.len()
    );
    let before = front.sim.request_count();
    sender.write_all(head.as_bytes()).await.expect("it is sent");
    sender.write_all(body.as_bytes()).await.expect("it is sent");
    let asked = front
        .sim
        .request_like(before, PATIENCE, |it| it.path.ends_with("/get_chat"))
        .await;
    assert!(asked.is_some(), "it is looked up");
    drop(sender);
    // It is read once a minute at most, and was just now.
    let is_one = |sent: &parlor_tests::sim::Sent| sent.kind == "message" && sent.text == "one";
    let said = front.sim.sent_like(0, PATIENCE * 2, is_one).await;
    assert!(said.is_some(), "{:#?}", front.asked());
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_new_webhooks_are_not_known_yet_is_read_back() {
    let sim = platform().await;
    sim.set(json!({"lose_hooks": true}));
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings, &["echo"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "/echo one");
    front.says(0, "one").await;
    // What was heard so is not heard once more.
    front.sim.set(json!({"lose_hooks": false}));
    front.sim.say("shop", "ann", "/echo two");
    front.says(0, "two").await;
    assert_eq!(echoes(&front), ["one", "two"]);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_one_chat_are_told_in_the_order_in_which_they_come() {
    let front = Front::with(&["echo"]).await;
    // What there was at the beginning is read.
    let read = front.sim.request_like(0, PATIENCE, |it| {
        it.path.ends_with("/list_chats")
            && it.body.contains("\"active\":false")
            && it.status == Some(200)
    });
    assert!(read.await.is_some());
    // The first waits for who is there; the second comes meanwhile.
    front.sim.set(json!({"lose_hooks": true}));
    front.sim.say("shop", "ann", "opens");
    front.sim.set(json!({"lose_hooks": false}));
    let chat = front.sim.chat_id("shop").expect("a chat");
    let customer = front.sim.present("shop")[0].clone();
    front
        .sim
        .fault(Fault::on("POST */get_chat").delay(Duration::from_millis(800)));
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let secret = front.sim.act("secret", json!({}))["secret"].clone();
    let post = |number: u32| {
        let body = json!({"webhook_id": "w", "secret_key": secret, "action": "incoming_event",
            "organization_id": parlor_tests::sim::livechat::ORGANIZATION,
            "payload": {"chat_id": chat, "thread_id": "T", "event": {
                "id": format!("T_{number}"), "type": "message", "text": format!("/echo {number}"),
                "author_id": customer,
                "visibility": "all"}}});
        client.post(front.address()).json(&body).send()
    };
    let (first, second) = (tokio::spawn(post(1)), async {
        // The first has to be there.
        let asked = front
            .sim
            .request_like(0, PATIENCE, |it| it.path.ends_with("/get_chat"))
            .await;
        assert!(asked.is_some());
        post(2).await
    });
    assert_eq!(second.await.expect("an answer").status(), 200);
    assert_eq!(
        first.await.expect("it ends").expect("an answer").status(),
        200
    );
    front.says(0, "2").await;
    assert_eq!(echoes(&front), ["1", "2"]);
    front.stop().await;
}
