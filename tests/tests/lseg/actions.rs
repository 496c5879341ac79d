//! What plugins can do there, and what they are told they cannot.

use parlor_host::config::{Platform, Settings};
use parlor_host::connectors::lseg::LsegConnector;
use parlor_host::mailbox::{Connector as _, Read, ReadAnswer};
use parlor_host::model::directory::ReadError;
use serde_json::json;

use crate::desk::{Desk, fast, platform};

async fn desk() -> Desk {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["actions"]).await;
    desk.joins("Desk").await;
    desk
}

impl Desk {
    /// Has the guest act, and gives the outcome that it hears.
    pub(crate) async fn outcome(&self, command: &str) -> String {
        let before = self.sim.sent_count();
        self.sim.say("Desk", "ada", &format!("/do {command}"));
        let mut last = before;
        loop {
            self.host.idle().await;
            self.sim.say("Desk", "ada", "/outcomes");
            let told = self
                .does(last, |sent| {
                    let is_told = sent.text == "nothing" || sent.text.contains(": ");
                    sent.kind == "message" && sent.conversation == "Desk" && is_told
                })
                .await;
            if told.text != "nothing" {
                return told.text;
            }
            last = told.n;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_made_with_people_in_them_and_people_are_taken_out() {
    let desk = desk().await;
    let before = desk.sim.sent_count();
    // The guest names a member who is no address.
    for command in ["create-conversation Tigers", "create-direct ada"] {
        let refused = desk.outcome(command).await;
        assert!(refused.contains("NotFound"), "{command}: {refused}");
    }
    assert!(
        desk.sim
            .sent_after(before)
            .iter()
            .all(|sent| sent.kind != "create")
    );
    let direct = desk.outcome("create-direct Ada@Example.com").await;
    assert!(direct.contains("user:ada@example.com"), "{direct}");

    let invited = desk.outcome("invite bob@example.com").await;
    assert!(invited.contains("done"), "{invited}");
    assert!(
        desk.sim
            .people("Desk")
            .contains(&"bob@example.com".to_owned())
    );
    // Only of rooms that the bot has made.
    let refused = desk.outcome("remove bob@example.com").await;
    assert!(refused.contains("Denied"), "{refused}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_messenger_does_not_have_is_unsupported() {
    let desk = desk().await;
    for command in [
        "typing",
        "react message-1",
        "delete message-1",
        "promote ada@example.com",
        "update-conversation New",
        "set-presence",
        "close",
        "send-file",
        "send-strict",
        "edit-fail message-1",
    ] {
        let outcome = desk.outcome(command).await;
        assert!(outcome.contains("Unsupported"), "{command}: {outcome}");
    }
    let outcome = desk.outcome("send-agents").await;
    assert!(outcome.contains("RefusedByPolicy"), "{outcome}");
    let outcome = desk.outcome("send-user somebody").await;
    assert!(outcome.contains("NotFound"), "{outcome}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_agents_passes_where_the_settings_let_it() {
    let sim = fast().await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nagents-only = \"all\"";
    let desk = Desk::on(sim, more, &["actions"]).await;
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/do send-agents");
    desk.says(before, "to agents").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_written_to_alone_whoever_is_named_together() {
    let desk = desk().await;
    let before = desk.sim.sent_count();
    let both = "/do send-users ada@example.com,bob@example.com";
    desk.sim.say("Desk", "ada", both);
    let first = desk.says(before, "to users").await;
    let second = desk.says(first.n, "to users").await;
    assert_eq!(first.conversation, "ada@example.com");
    assert_eq!(second.conversation, "bob@example.com");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_leave_one_a_second_and_none_is_refused() {
    // The platform's real second.
    let sim = platform(1.0).await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["actions"]).await;
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/many 4");
    for number in 0..4 {
        desk.says(before, &format!("message {number}")).await;
    }
    let did = desk.said(before);
    let texts: Vec<&str> = did.iter().map(|sent| sent.text.as_str()).collect();
    assert_eq!(texts, ["message 0", "message 1", "message 2", "message 3"]);
    let asked = desk.asked();
    assert!(asked.iter().all(|line| !line.contains("429")), "{asked:#?}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_several_messages_of_whole_lines() {
    let sim = fast().await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nmessage-characters = 100";
    let desk = Desk::on(sim, more, &["echo"]).await;
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    let words: Vec<String> = (0..40).map(|number| format!("word{number:02}")).collect();
    desk.sim
        .say("Desk", "ada", &format!("/echo {}", words.join(" ")));
    desk.says(before, "word39").await;
    let did = desk.said(before);
    assert!(did.len() >= 3, "{did:#?}");
    assert!(
        did.iter().all(|sent| sent.text.chars().count() <= 100),
        "{did:#?}"
    );
    let texts: Vec<&str> = did.iter().map(|sent| sent.text.as_str()).collect();
    assert_eq!(texts.join(" "), words.join(" "));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_found_by_name_and_nothing_else_can_be_asked() {
    let sim = fast().await;
    sim.room("Desk");
    sim.act(
        "room",
        json!({"conversation": "Compliance", "kind": "managed"}),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let text = crate::desk::settings(&sim, Some(folder.path()), "rooms = \"listed\"");
    let settings = Settings::parse(&folder.path().join("parlor.toml"), &text, &|_| None);
    let settings = settings.expect("settings");
    let Platform::Lseg(config) = &settings.bots[0].platform else {
        panic!("the bot is on another platform");
    };
    let connector = LsegConnector::new("default".into(), crate::desk::DESK, (**config).clone());
    let connector = connector.expect("a connector");
    let read = |read| connector.read(read);
    let named = Read::FindConversation {
        name: "Compliance".to_owned(),
    };
    let Ok(ReadAnswer::Conversation(found)) = read(named).await else {
        panic!("it is not found");
    };
    assert_eq!(found.name.as_deref(), Some("Compliance"));
    let none = Read::FindConversation {
        name: "Nowhere".to_owned(),
    };
    assert!(matches!(read(none).await, Err(ReadError::NotFound)));
    let all = read(Read::Conversations { cursor: None }).await;
    let Ok(ReadAnswer::Conversations(page)) = all else {
        panic!("no conversations");
    };
    let names = page.items.iter().filter_map(|item| item.name.as_deref());
    assert_eq!(names.collect::<Vec<_>>(), ["Desk", "Compliance"]);
    let id = found.id.clone();
    for unsupported in [
        Read::Members {
            conversation: id.clone(),
            cursor: None,
        },
        Read::History {
            conversation: id,
            before: None,
            count: 1,
        },
        Read::FindUser {
            name: "ada@example.com".to_owned(),
        },
        Read::Message { id: "m".to_owned() },
    ] {
        assert!(matches!(
            read(unsupported).await,
            Err(ReadError::Unsupported)
        ));
    }
}
