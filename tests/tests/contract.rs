//! Every part of the contract, through a wasm plugin on the local platform. What waits for a later
//! issue stands in `pending.toml` with its number.

#[path = "contract/actions.rs"]
mod actions;
#[path = "contract/content.rs"]
mod content;
#[path = "contract/errors.rs"]
mod errors;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/lifecycle.rs"]
mod lifecycle;
#[path = "contract/limits_of_actions.rs"]
mod limits_of_actions;
#[path = "contract/limits_of_calls.rs"]
mod limits_of_calls;
#[path = "contract/limits_of_http.rs"]
mod limits_of_http;
#[path = "contract/logs.rs"]
mod logs;
#[path = "contract/members.rs"]
mod members;
#[path = "contract/people.rs"]
mod people;
#[path = "contract/reads.rs"]
mod reads;
#[path = "contract/state.rs"]
mod state;
#[path = "contract/targets.rs"]
mod targets;

use std::sync::Arc;

use parlor_host::mailbox::rooms::{Command, RoomMessage};
use parlor_tests::harness::TestHost;
use parlor_tests::{contract, guests};

/// Grants for everything that the guests do.
const ALL_READS: &str = r#"grants.reads = ["find-conversation", "conversations", "members",
    "find-user", "contact", "presence", "message", "history", "transfer-targets", "capabilities"]"#;

#[test]
fn every_part_of_the_contract_has_a_test_or_waits() {
    let root = guests::workspace();
    let wanted = contract::wanted(&root.join("wit")).expect("wit/ can be read");
    let pending = contract::pending(&root.join("tests/pending.toml")).expect("pending.toml reads");
    let tests = contract::tests_in(&root.join("tests/tests")).expect("tests can be read");
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|name| !tests.contains(name) && !pending.contains_key(*name))
        .collect();
    assert!(missing.is_empty(), "no test and not pending: {missing:?}");
    let stale: Vec<&String> = pending
        .keys()
        .filter(|name| tests.contains(name) || !wanted.contains(name))
        .collect();
    assert!(
        stale.is_empty(),
        "pending, but tested or unknown: {stale:?}"
    );
}

#[test]
fn a_part_without_a_test_is_found() {
    let names = contract::test_functions("#[test]\nfn action_send() {}\ncase!(block_table, 1);");
    assert_eq!(names, ["action_send", "block_table"]);
}

/// Starts a host with one guest, says something, and gives the bot's last message.
async fn last_answer(guest: &str, text: &str) -> (TestHost, String, Arc<RoomMessage>) {
    let host = TestHost::with(&[guest]).await;
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, text).await;
    host.idle().await;
    let answer = host.answers("ada", &lobby).pop();
    let answer = answer.unwrap_or_else(|| panic!("`{text}` has no answer"));
    (host, lobby, answer)
}

macro_rules! case {
    ($name:ident, $guest:literal, $text:literal, $check:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let (host, _, answer) = last_answer($guest, $text).await;
            let check: fn(&RoomMessage) -> bool = $check;
            assert!(check(&answer), "{answer:?}");
            host.stop().await;
        }
    };
}

case!(action_send, "actions", "/do send", |m| m.text == "sent");
case!(target_reply, "actions", "/do send hello", |m| m.text
    == "hello");
case!(event_command, "actions", "/do send word", |m| m.text
    == "word");
case!(event_message, "kinds", "anything at all", |m| m
    .text
    .starts_with("message:"));

#[tokio::test(flavor = "multi_thread")]
async fn action_set_timer() {
    let host = TestHost::with(&["actions"]).await;
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, "/do set-timer 20").await;
    host.eventually("the timer fires", || !host.all_answers(&lobby).is_empty())
        .await;
    let text = host.all_answers(&lobby)[0].text.clone();
    assert_eq!(text, "timer-1 fired with payload-1");
    host.stop().await;
}

/// Has `kinds` tell the event that something on the platform makes.
async fn heard(kind: &str, act: impl AsyncFnOnce(&TestHost, &str)) {
    let host = TestHost::with(&["kinds"]).await;
    let lobby = host.room("ada", "Lobby").await;
    act(&host, &lobby).await;
    host.idle().await;
    host.say("ada", &lobby, &format!("seen {kind}")).await;
    host.idle().await;
    let answer = host.answers("ada", &lobby).pop().expect("it answers");
    assert!(
        answer.text.starts_with(&format!("{kind}:")),
        "{}",
        answer.text
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_message_edited() {
    heard("message-edited", async |host, lobby| {
        let message = host.say("ada", lobby, "before").await;
        let edit = Command::Edit {
            message,
            text: "after".to_owned(),
            content: Vec::new(),
        };
        host.act("ada", edit).await.expect("an own message changes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_message_deleted() {
    heard("message-deleted", async |host, lobby| {
        let message = host.say("ada", lobby, "gone").await;
        let delete = Command::Delete { message };
        host.act("ada", delete).await.expect("an own message goes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_member_changed() {
    heard("member-changed", async |host, _| {
        host.room("bob", "Lobby").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_reaction() {
    heard("reaction", async |host, lobby| {
        let message = host.say("ada", lobby, "nice").await;
        let react = Command::React {
            message,
            emoji: "smile".to_owned(),
            add: true,
        };
        host.act("ada", react).await.expect("an emoji is put on");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_action_done() {
    heard("action-done", async |host, lobby| {
        host.say("ada", lobby, "answer me").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_form_submitted() {
    let (host, lobby, form) = last_answer("blocks", "/block form").await;
    let values = [("name", "Ada"), ("colour", "r"), ("sure", "true")];
    let submit = Command::Submit {
        message: form.id.to_string(),
        form: "form-1".to_owned(),
        button: None,
        values: values
            .map(|(id, value)| (id.to_owned(), vec![value.to_owned()]))
            .into(),
    };
    host.act("ada", submit).await.expect("the form is taken");
    host.idle().await;
    let answer = host.answers("ada", &lobby).pop().expect("it answers");
    assert!(answer.text.starts_with("form-1 by"), "{}", answer.text);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_form_closed() {
    let (host, lobby, _) = last_answer("blocks", "/rule after").await;
    let closed = "form-rule closed: FormCloseReason::Expired";
    let is_told = || host.all_answers(&lobby).iter().any(|m| m.text == closed);
    host.eventually("the form closes", is_told).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_button_pressed() {
    let (host, lobby, row) = last_answer("blocks", "/block buttons").await;
    let press = Command::Press {
        message: row.id.to_string(),
        button: "yes".to_owned(),
    };
    host.act("ada", press).await.expect("the button is pressed");
    host.idle().await;
    let answer = host.answers("ada", &lobby).pop().expect("it answers");
    assert_eq!(answer.text, "yes pressed: 1");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_timer_fired() {
    let (host, lobby, _) = last_answer("kinds", "hello").await;
    host.say("ada", &lobby, "timer 20").await;
    host.idle().await;
    let fired = |message: &Arc<RoomMessage>| message.text.starts_with("timer-fired:");
    let has_fired = || host.answers("ada", &lobby).iter().any(fired);
    host.eventually("the timer fires", has_fired).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_members() {
    let (host, _, answer) = last_answer("reads", "/here members").await;
    assert!(answer.text.contains("ada"), "{}", answer.text);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_capabilities() {
    let (host, _, answer) = last_answer("reads", "/here capabilities").await;
    assert!(answer.text.starts_with("Ok("), "{}", answer.text);
    host.stop().await;
}

/// A read that needs a grant is denied without it and answered with it.
async fn granted_read(question: &str, word: &str) {
    let host = TestHost::with(&["reads"]).await;
    let denied = host.ask(question).await;
    assert!(denied[0].to_lowercase().contains("denied"), "{denied:?}");
    host.load("reads", guests::bytes("reads"), Some(ALL_READS))
        .await;
    let answer = host.ask(question).await;
    assert!(answer[0].contains(word), "{answer:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_find_conversation() {
    granted_read("/read find-conversation parlor Lobby", "Lobby").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_conversations() {
    granted_read("/read conversations parlor", "Lobby").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_find_user() {
    granted_read("/read find-user parlor ada", "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_add() {
    let host = TestHost::with(&["adder"]).await;
    for _ in 0..3 {
        host.ask("+1").await;
    }
    assert_eq!(host.ask("total").await, ["3"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_set() {
    let host = TestHost::with(&["counter"]).await;
    for _ in 0..3 {
        host.ask("+1").await;
    }
    assert_eq!(host.ask("total").await, ["3"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_actions() {
    let host = TestHost::with(&["actions"]).await;
    assert_eq!(host.ask("/many 100").await.len(), 100);
    assert!(host.ask("/many 101").await.is_empty());
    let error = host.row("actions").last_error.unwrap_or_default();
    assert!(error.contains("101") && error.contains("100"), "{error}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_message_bytes() {
    let host = TestHost::with(&["big-message"]).await;
    assert_eq!(host.ask("exact 65536").await[0].len(), 65_536);
    assert!(host.ask("exact 65537").await.is_empty());
    host.stop().await;
}
