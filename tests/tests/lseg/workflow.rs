//! The workflow of the vendor's demos: log in, write to one person, list the rooms, join, answer, leave.

use parlor_tests::sim::lseg::BOT;

use crate::desk::{Desk, fast};

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_logs_in_writes_to_a_person_joins_answers_and_leaves() {
    let sim = fast().await;
    sim.room("Lobby");
    let desk_room = sim.room("Desk");
    let plugins = ["echo", "complex-message", "actions"];
    let desk = Desk::on(sim, "rooms = [\"Lobby\"]", &plugins).await;
    desk.joins("Lobby").await;
    assert_eq!(desk.grants("password"), 1);
    assert!(
        !desk.sim.has_joined("Desk"),
        "it is in no room that is not named"
    );

    desk.sim
        .say("Lobby", "ada", "/do send-email ada@example.com");
    let direct = desk.says(0, "to an address").await;
    assert_eq!(direct.conversation, "ada@example.com");

    desk.sim
        .say("Lobby", "ada", &format!("/do join {desk_room}"));
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "Hello");
    let hello = desk.says(before, "Hello").await;
    assert_eq!(hello.conversation, "Desk");
    desk.sim.say("Desk", "ada", "/complex_message");
    let complex = desk.says(hello.n, "Assessment").await;
    check_table(&complex.text);

    desk.sim.say("Desk", "ada", "/do leave");
    desk.does(complex.n, |sent| {
        sent.kind == "leave" && sent.conversation == "Desk"
    })
    .await;
    assert!(!desk.sim.has_joined("Desk") && desk.sim.has_joined("Lobby"));
    desk.stop().await;
}

/// A title, a head, three rows of six cells, an arrow up and one down, an address and a sign.
fn check_table(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        !lines[0].contains('\t') && !lines[0].starts_with(' '),
        "{text}"
    );
    let rows: Vec<&&str> = lines.iter().filter(|line| line.contains('\t')).collect();
    assert_eq!(rows.len(), 4, "{text}");
    assert!(
        rows.iter().all(|row| row.split('\t').count() == 6),
        "{text}"
    );
    for once in ["(up) ", "(dn) ", " https://example.com/assessment", "☕"] {
        assert_eq!(text.matches(once).count(), 1, "{once}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_where_the_question_came_from() {
    let sim = fast().await;
    sim.room("Desk");
    sim.room("Ops");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["echo"]).await;
    desk.joins("Desk").await;
    desk.joins("Ops").await;
    let mut last = 0;
    for room in ["Ops", "Desk"] {
        desk.sim.say(room, "ada", "hello");
        let answer = desk.says(last, "Hello").await;
        assert_eq!(answer.conversation, room);
        last = answer.n;
    }
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_does_not_hear_itself_echoed_or_not() {
    for echo in [false, true] {
        let sim = fast().await;
        sim.set(serde_json::json!({ "echo": echo }));
        sim.room("Desk");
        let desk = Desk::on(sim, "rooms = \"listed\"", &["echo"]).await;
        desk.joins("Desk").await;
        let before = desk.sim.sent_count();
        // What it says is what it would answer.
        desk.sim.say("Desk", "ada", "/echo /echo once");
        let said = desk.says(before, "/echo once").await;
        assert_eq!(desk.meanwhile(said.n).await.len(), 0, "echo {echo}");
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_plugins_answer_here_as_everywhere() {
    let sim = fast().await;
    sim.room("Desk");
    let plugins = ["joke", "pizza", "activities", "echo"];
    // What pizza says is for agents.
    let more = "rooms = \"listed\"\nagents-only = \"all\"";
    let desk = Desk::on(sim, more, &plugins).await;
    desk.joins("Desk").await;
    let mut last = desk.sim.sent_count();
    for (said, answered) in [
        ("/joke", ""),
        (&*format!("@{BOT} /joke"), ""),
        ("/buy 1000 $goog", "1000"),
        ("pizza please", "Pizza is on the way!"),
        ("hello", "Hello"),
    ] {
        desk.sim.say("Desk", "ada", said);
        last = desk.says(last, answered).await.n;
    }
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_asked_question_by_question_and_a_button_is_a_number() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["activities"]).await;
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/form");
    let question = desk.says(before, "").await;
    assert!(!question.text.contains('<'), "{}", question.text);
    // No person answers before the platform has said that the question is there.
    desk.host.idle().await;
    desk.sim.say("Desk", "ada", "Ada");
    desk.says(question.n, "Hello, Ada").await;
    desk.stop().await;
}
