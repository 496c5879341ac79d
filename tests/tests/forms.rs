//! Forms and buttons that the host runs itself, on a platform that shows text only.

use std::path::Path;
use std::sync::Arc;

use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::sqlite::{JOURNAL_FILE, SqliteConfig, SqliteJournal};
use parlor_host::mailbox::rooms::Command;
use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};

/// The bot's platform has neither forms nor buttons.
const TEXT_ONLY: &str = "[[bot]]\nname = \"parlor\"\nplatform = \"local\"\ntext-only = true\n";

async fn text_only(settings: &str) -> TestHost {
    let host = TestHost::start(TestHostParts {
        settings: format!("{TEXT_ONLY}{settings}"),
        ..TestHostParts::default()
    })
    .await;
    load(&host).await;
    host
}

async fn load(host: &TestHost) {
    host.load("blocks", guests::bytes("blocks"), None).await;
    assert_eq!(host.row("blocks").last_error, None);
}

/// A host whose journal and rooms are on disk.
async fn on_disk(folder: &Path) -> TestHost {
    let journal = SqliteJournal::open(&folder.join("data"), SqliteConfig::default())
        .expect("a journal opens");
    let hub = Hub::open(LocalConfig {
        folder: Some(folder.join("local")),
        ..LocalConfig::default()
    })
    .expect("rooms open");
    let parts = TestHostParts {
        journal: Arc::new(journal),
        settings: TEXT_ONLY.to_owned(),
        ..TestHostParts::default()
    };
    let host = TestHost::start_closed(parts, hub).await;
    load(&host).await;
    host.open().await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn form_is_asked_field_by_field_and_wakes_the_plugin_once() {
    let host = text_only("").await;
    let direct = host.direct("ada").await;
    assert_eq!(
        host.ask_in("ada", &direct, "/block form").await,
        ["A form\nName\n\nSay “back” for the question before, “cancel” to end."]
    );
    assert_eq!(
        host.ask_in("ada", &direct, "Ada Lovelace").await,
        ["Colour (one of these, by number or text)\n1. Red\n2. Green"]
    );
    assert_eq!(
        host.ask_in("ada", &direct, "Green").await,
        ["Sure (yes or no)"]
    );
    let submitted = host.ask_in("ada", &direct, "yes").await;
    assert_eq!(submitted.len(), 1, "{submitted:?}");
    assert!(
        submitted[0].starts_with("form-1 by submit:"),
        "{submitted:?}"
    );
    for part in ["Ada Lovelace", "Text(\"g\")", "Flag(true)"] {
        assert!(submitted[0].contains(part), "{part}: {submitted:?}");
    }
    // It is over: what is said now is an ordinary message.
    assert!(host.ask_in("ada", &direct, "Green").await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_persons_own_messages_are_answers() {
    let host = text_only("").await;
    let lobby = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    host.ask_in("ada", &lobby, "/block form").await;
    assert!(host.ask_in("bob", &lobby, "Bob").await.is_empty());
    let other = host.room("ada", "Attic").await;
    assert!(host.ask_in("ada", &other, "Ada").await.is_empty());
    let next = host.ask_in("ada", &lobby, "Ada").await;
    assert!(next[0].starts_with("ada: Colour"), "{next:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_or_mention_is_no_answer() {
    let host = text_only("").await;
    let lobby = host.room("ada", "Lobby").await;
    host.ask_in("ada", &lobby, "/block form").await;
    let command = host.ask_in("ada", &lobby, "/content plain").await;
    assert_eq!(command, ["<b>plain</b> & *as it is*"]);
    let help = host.ask_in("ada", &lobby, "/help").await;
    assert!(help[0].contains("/block <name>"), "{help:?}");
    let usage = host.ask_in("ada", &lobby, "/block").await;
    assert!(usage[0].starts_with("Usage:"), "{usage:?}");
    assert!(host.ask_in("ada", &lobby, "@parlor hello").await.is_empty());
    let next = host.ask_in("ada", &lobby, "Ada").await;
    assert!(next[0].starts_with("ada: Colour"), "{next:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_ends_and_back_repeats() {
    let host = text_only("").await;
    let direct = host.direct("ada").await;
    host.ask_in("ada", &direct, "/block form").await;
    host.ask_in("ada", &direct, "Ada").await;
    assert_eq!(host.ask_in("ada", &direct, "back").await, ["Name"]);
    host.ask_in("ada", &direct, "Eve").await;
    let mut ended = host.ask_in("ada", &direct, "cancel").await;
    ended.sort();
    assert_eq!(
        ended,
        ["Cancelled.", "form-1 closed: FormCloseReason::Cancelled"]
    );
    assert!(host.ask_in("ada", &direct, "Green").await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answer_is_asked_again_with_the_reason_three_times() {
    let host = text_only("").await;
    let direct = host.direct("ada").await;
    host.ask_in("ada", &direct, "/field number").await;
    for _ in 0..3 {
        let again = host.ask_in("ada", &direct, "11").await;
        assert!(
            again[0].starts_with("A field must be at most 10.\nA field (a number"),
            "{again:?}"
        );
    }
    let mut ended = host.ask_in("ada", &direct, "11").await;
    ended.sort();
    assert_eq!(
        ended[0],
        "A field must be at most 10. A form is closed, because that was not right too often."
    );
    assert_eq!(ended[1], "form-number closed: FormCloseReason::Cancelled");
    host.stop().await;
}

/// Every kind of field through the whole host: an answer, and what the plugin gets.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_field_is_askable() {
    let host = text_only("").await;
    let direct = host.direct("ada").await;
    host.room("bob", "Lobby").await;
    for (kind, answer, wanted) in [
        ("text", "abc", "Text(\"abc\")"),
        ("multiline", "one\ntwo", "Text(\"one\\ntwo\")"),
        ("number", "7", "Number(7.0)"),
        ("checkbox", "no", "Flag(false)"),
        ("radio", "1", "Text(\"r\")"),
        ("select", "green", "Text(\"g\")"),
        ("multi-select", "1, 2", "Choices([\"r\", \"g\"])"),
        ("date", "2026-11-20", "Date(\"2026-11-20\")"),
        ("time", "14:30", "Time(\"14:30\")"),
        ("timezone", "Europe/London", "Text(\"Europe/London\")"),
        ("user", "@bob", "id: \"bob\""),
        ("conversation", "Lobby", "Conversations([\"room:lobby\"])"),
        ("other", "3", "Other(\"[\\\"3\\\"]\")"),
        // Not asked: what the author set comes back with the button.
        ("hidden", "1", "Text(\"unseen\")"),
        ("read-only", "1", "Text(\"fixed\")"),
    ] {
        let asked = host.ask_in("ada", &direct, &format!("/field {kind}")).await;
        assert!(asked[0].starts_with("A form"), "{kind}: {asked:?}");
        let answered = host.ask_in("ada", &direct, answer).await;
        let start = format!("form-{kind} by submit:");
        assert!(answered[0].starts_with(&start), "{kind}: {answered:?}");
        assert!(answered[0].contains(wanted), "{kind}: {answered:?}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_form_takes_the_place_of_the_first() {
    let host = text_only("").await;
    let direct = host.direct("ada").await;
    host.ask_in("ada", &direct, "/block form").await;
    host.ask_in("ada", &direct, "Ada").await;
    let mut asked = host.ask_in("ada", &direct, "/field date").await;
    asked.sort();
    assert!(asked[0].starts_with("A form\nA field"), "{asked:?}");
    assert_eq!(asked[1], "form-1 closed: FormCloseReason::Replaced");
    let answered = host.ask_in("ada", &direct, "2026-11-20").await;
    assert!(
        answered[0].starts_with("form-date by submit:"),
        "{answered:?}"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_in_one_room_go_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = on_disk(folder.path()).await;
    let lobby = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    let asked = host.ask_in("ada", &lobby, "/block form").await;
    assert!(asked[0].contains("ada: Name"), "{asked:?}");
    let asked = host.ask_in("bob", &lobby, "/block form").await;
    assert!(asked[0].contains("bob: Name"), "{asked:?}");
    let next = host.ask_in("ada", &lobby, "Ada").await;
    assert!(next[0].starts_with("ada: Colour"), "{next:?}");
    // One wrong answer, so that there is a try to remember.
    host.ask_in("ada", &lobby, "blue").await;
    host.stop().await;

    let host = on_disk(folder.path()).await;
    for _ in 0..2 {
        let again = host.ask_in("ada", &lobby, "blue").await;
        assert!(
            again[0].starts_with("ada: Colour must be one of"),
            "{again:?}"
        );
    }
    let next = host.ask_in("bob", &lobby, "Bob").await;
    assert!(next[0].starts_with("bob: Colour"), "{next:?}");
    host.ask_in("bob", &lobby, "1").await;
    host.ask_in("ada", &lobby, "2").await;
    host.stop().await;

    let host = on_disk(folder.path()).await;
    let ada = host.ask_in("ada", &lobby, "yes").await;
    let bob = host.ask_in("bob", &lobby, "no").await;
    for (answers, wanted) in [
        (ada, ["Ada", "\"g\"", "true"]),
        (bob, ["Bob", "\"r\"", "false"]),
    ] {
        assert_eq!(answers.len(), 1, "{answers:?}");
        for part in wanted {
            assert!(answers[0].contains(part), "{part}: {answers:?}");
        }
    }
    assert!(host.ask_in("ada", &lobby, "yes").await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_of_silence_close_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = on_disk(folder.path()).await;
    let direct = host.direct("ada").await;
    host.ask_in("ada", &direct, "/block form").await;
    host.stop().await;
    let wait_back = |ms: u64| {
        let path = folder.path().join("data").join(JOURNAL_FILE);
        let connection = rusqlite::Connection::open(path).expect("the journal opens");
        let sql = "UPDATE forms SET form = json_set(form, '$.dialogs[0].heard_at',
            json_extract(form, '$.dialogs[0].heard_at') - ?1)";
        assert_eq!(connection.execute(sql, [ms]).expect("changed"), 1);
    };

    wait_back(9 * 60_000);
    let host = on_disk(folder.path()).await;
    host.idle().await;
    let next = host.ask_in("ada", &direct, "Ada").await;
    assert!(next[0].starts_with("Colour"), "{next:?}");
    host.stop().await;

    wait_back(10 * 60_000);
    let host = on_disk(folder.path()).await;
    host.idle().await;
    let said = host.all_answers(&direct);
    let mut last: Vec<&str> = said.iter().rev().take(2).map(|m| m.text.as_str()).collect();
    last.sort_unstable();
    assert_eq!(
        last,
        [
            "A form is closed, because nothing was heard for 10 minutes.",
            "form-1 closed: FormCloseReason::Expired"
        ]
    );
    assert!(host.ask_in("ada", &direct, "Red").await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_presses_a_button_while_it_is_shown() {
    let host = text_only("").await;
    let lobby = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    let attic = host.room("ada", "Attic").await;
    let shown = host.ask_in("ada", &lobby, "/block buttons").await;
    assert_eq!(
        shown,
        ["1. Yes\n2. No\nOpen (https://example.com)\n3. Say it\n\nReply with a number."]
    );
    assert_eq!(host.ask_in("ada", &lobby, "1").await, ["yes pressed: 1"]);
    // Everybody who was there has seen it.
    assert_eq!(host.ask_in("bob", &lobby, "2").await, ["no pressed: 0"]);
    // Who came later has not, nor does it hold elsewhere.
    host.room("eve", "Lobby").await;
    host.idle().await;
    assert!(host.ask_in("eve", &lobby, "1").await.is_empty());
    assert!(host.ask_in("ada", &attic, "1").await.is_empty());
    // A number that stands for nothing, and one among words, are messages.
    for text in ["4", "0", "1 of them", "1st", "1000"] {
        assert!(host.ask_in("ada", &lobby, text).await.is_empty(), "{text}");
    }
    // What is shown last counts.
    host.ask_in("bob", &lobby, "/block card").await;
    assert_eq!(
        host.ask_in("ada", &lobby, "1").await,
        ["card-button pressed: card-value"]
    );
    assert!(host.ask_in("ada", &lobby, "2").await.is_empty());
    assert_eq!(
        host.ask_in("eve", &lobby, "1").await,
        ["card-button pressed: card-value"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_a_deleted_message_presses_nothing() {
    let host = text_only("").await;
    let lobby = host.room("ada", "Lobby").await;
    host.ask_in("ada", &lobby, "/block buttons").await;
    let message = host.all_answers(&lobby).pop().expect("it was sent");
    // Whoever made a room owns it.
    let create = Command::CreateRoom {
        name: "Attic".to_owned(),
        description: String::new(),
        members: Vec::new(),
        public: true,
        open: true,
        external: false,
    };
    let attic = host.act("eve", create).await.expect("a room is made");
    let attic = attic.conversation.expect("it has an id").to_string();
    host.ask_in("eve", &attic, "/block buttons").await;
    let owned = host.all_answers(&attic).pop().expect("it was sent");
    let delete = |message: &str| Command::Delete {
        message: message.to_owned(),
    };
    assert!(host.act("ada", delete(&message.id)).await.is_err());
    host.act("eve", delete(&owned.id))
        .await
        .expect("an owner may");
    host.idle().await;
    assert!(host.ask_in("eve", &attic, "1").await.is_empty());
    assert_eq!(host.ask_in("ada", &lobby, "1").await, ["yes pressed: 1"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_answer_a_form_by_its_number() {
    let host = text_only("").await;
    let lobby = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    let asked = host.ask_in("ada", &lobby, "/rule once").await;
    assert!(asked[0].contains("1. Answer form-rule"), "{asked:?}");
    assert!(asked[0].contains("ada: Name"), "{asked:?}");
    let asked = host.ask_in("bob", &lobby, "1").await;
    assert!(asked[0].starts_with("bob: Name"), "{asked:?}");
    // The first answer is the only one, and whoever is in the middle of it is told.
    let mut answered = host.ask_in("bob", &lobby, "Bob").await;
    answered.sort();
    assert_eq!(
        answered[0],
        "ada: form-rule is closed, because somebody else has answered."
    );
    assert!(
        answered[1].starts_with("form-rule by submit:"),
        "{answered:?}"
    );
    assert!(host.ask_in("ada", &lobby, "Ada").await.is_empty());
    assert!(host.ask_in("ada", &lobby, "1").await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_answer_and_how_often_holds_for_questions_too() {
    let host = text_only("[roles]\nstaff = [\"bob\"]\n").await;
    let lobby = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    for (rule, by_ada, by_bob) in [
        ("roles", "ada: That form is for somebody else.", "bob: Name"),
        (
            "users",
            "ada: That form is for somebody else.",
            "bob: That form is for somebody else.",
        ),
    ] {
        let shown = host.ask_in("ada", &lobby, &format!("/rule {rule}")).await;
        assert!(!shown[0].contains("ada: Name"), "{shown:?}");
        let ada = host.ask_in("ada", &lobby, "1").await;
        assert_eq!(ada, [by_ada], "{rule}");
        let bob = host.ask_in("bob", &lobby, "1").await;
        assert!(bob[0].starts_with(by_bob), "{rule}: {bob:?}");
        host.ask_in("bob", &lobby, "cancel").await;
    }
    host.ask_in("ada", &lobby, "/rule once-per-user").await;
    let answered = host.ask_in("ada", &lobby, "Ada").await;
    assert!(
        answered[0].starts_with("form-rule by submit:"),
        "{answered:?}"
    );
    assert_eq!(
        host.ask_in("ada", &lobby, "1").await,
        ["ada: You have answered that form already."]
    );
    // A form for the one who asked offers others nothing.
    let shown = host.ask_in("ada", &lobby, "/rule actor").await;
    assert!(
        shown[0].contains("ada: Name") && !shown[0].contains("1."),
        "{shown:?}"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn form_closes_at_its_end() {
    let host = text_only("").await;
    let direct = host.direct("ada").await;
    host.ask_in("ada", &direct, "/rule after").await;
    let both_told = || {
        let said = host.all_answers(&direct);
        let told = |text: &str| said.iter().any(|message| message.text == text);
        told("That form is closed.") && told("form-rule closed: FormCloseReason::Expired")
    };
    host.eventually("the end is told", both_told).await;
    assert!(host.ask_in("ada", &direct, "Ada").await.is_empty());
    let open = host.host().journal().open_forms().await.expect("listed");
    assert_eq!(open, []);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_says_is_a_setting() {
    let host = text_only(
        "[sentences]
form-how = \"“{cancel}” ends.\"
form-cancelled = \"Schade.\"
word-cancel = \"Ende\"
hint-flag = \"{yes} oder {no}\"
word-yes = \"ja\"
word-no = \"nein\"
help-title = \"Das geht:\"
",
    )
    .await;
    let direct = host.direct("ada").await;
    let asked = host.ask_in("ada", &direct, "/field checkbox").await;
    assert!(asked[0].contains("A field (ja oder nein; "), "{asked:?}");
    assert!(asked[0].ends_with("“Ende” ends."), "{asked:?}");
    let ended = host.ask_in("ada", &direct, "ende").await;
    assert!(ended.contains(&"Schade.".to_owned()), "{ended:?}");
    host.ask_in("ada", &direct, "/field checkbox").await;
    let answered = host.ask_in("ada", &direct, "nein").await;
    assert!(answered[0].contains("Flag(false)"), "{answered:?}");
    let help = host.ask_in("ada", &direct, "/help").await;
    assert!(help[0].starts_with("Das geht:"), "{help:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn degraded_messages_say_so() {
    let host = text_only("").await;
    let lobby = host.room("ada", "Lobby").await;
    for (command, notes) in [
        ("/block table", vec!["table → aligned text"]),
        ("/block form", vec!["form → questions", "heading → line"]),
        ("/block buttons", vec!["buttons → numbers"]),
        ("/block card", vec!["buttons → numbers", "card → text"]),
        ("/block image", vec!["image → its text"]),
        ("/block raw", vec!["symphony markup → its stand-in"]),
        ("/content plain", vec![]),
    ] {
        host.ask_in("ada", &lobby, command).await;
        let message = host.all_answers(&lobby).pop().expect("it was sent");
        assert!(message.content.is_empty(), "{command}: {message:?}");
        let mut found = message.notes.clone();
        found.sort();
        assert_eq!(found, notes, "{command}");
    }
    host.stop().await;
}
