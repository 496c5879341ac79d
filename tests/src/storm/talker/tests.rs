//! The audit finds what it is there for: each kind of wrong, once, in rooms that are right otherwise.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::findings::Findings;
use super::{BOT, Sent, TOTAL, Talker, audit};

/// A room in which this was said and answered, in this order: by the user what has a question mark before it.
fn room(number: usize, said: &[&str]) -> Talker {
    let mut talker = Talker::new(number, false);
    talker.room = Some(format!("room{number}"));
    for (place, said) in said.iter().enumerate() {
        let id = format!("m{place}");
        let (author, text) = match said.strip_prefix('?') {
            Some(text) => (talker.user.clone(), text),
            None => (BOT.to_owned(), *said),
        };
        if author != BOT && text != TOTAL {
            talker.sent.push(Sent {
                text: text.to_owned(),
                id: Some(id.clone()),
                at: Instant::now(),
            });
        }
        let message = message(&id, &author, text);
        talker.see(serde_json::from_value(message).expect("a message"));
    }
    talker
}

fn message(id: &str, author: &str, text: &str) -> Value {
    json!({ "id": id, "conversation": "room", "author": author, "at": 0, "text": text, "visibility": "all" })
}

/// Checks what an audit of rooms counts: lost, twice, out of order.
#[track_caller]
fn check(talkers: &[Talker], wanted: (u64, u64, u64)) {
    let mut findings = Findings::default();
    audit(talkers, &mut findings);
    let found = (findings.lost, findings.duplicated, findings.inverted);
    assert_eq!(found, wanted, "{findings}");
    assert_eq!(findings.is_clean(), wanted == (0, 0, 0));
}

#[test]
fn a_room_in_which_all_is_answered_once_in_order_is_clean() {
    let first = room(1, &["?/echo 1.0", "?+1", "1.0", "1", "?/echo 1.2", "1.2"]);
    let second = room(2, &["?+1", "2", "?+1", "3"]);
    check(&[first, second], (0, 0, 0));
    let mut asked = room(1, &["?+1", "1", "?total", "1"]);
    asked.allow_total();
    check(&[asked], (0, 0, 0));
}

#[test]
fn an_answer_that_never_came_is_lost() {
    check(&[room(1, &["?/echo 1.0", "?/echo 1.1", "1.1"])], (1, 0, 0));
    // One addition without an answer; the sum has no step too few.
    check(&[room(1, &["?+1", "?+1", "1"])], (1, 0, 0));
}

#[test]
fn a_message_that_was_taken_and_is_gone_is_lost() {
    let mut talker = room(1, &["?/echo 1.0", "1.0"]);
    talker.sent.push(Sent {
        text: "/echo 1.1".to_owned(),
        id: Some("gone".to_owned()),
        at: Instant::now(),
    });
    check(&[talker], (1, 0, 0));
    // What nobody was told is taken may be gone.
    let mut talker = room(1, &["?/echo 1.0", "1.0"]);
    talker.sent.push(Sent {
        text: "/echo 1.1".to_owned(),
        id: None,
        at: Instant::now(),
    });
    check(&[talker], (0, 0, 0));
}

#[test]
fn a_step_of_the_sum_that_nobody_was_told_is_lost() {
    check(&[room(1, &["?+1", "1", "?+1", "3"])], (1, 0, 0));
}

#[test]
fn an_answer_too_many_is_a_double() {
    check(&[room(1, &["?/echo 1.0", "1.0", "1.0"])], (0, 1, 0));
    check(&[room(1, &["?/echo 1.0", "1.0", "9.9"])], (0, 1, 0));
    check(&[room(1, &["?+1", "1", "2"])], (0, 1, 0));
}

#[test]
fn one_sum_that_two_were_told_is_a_double() {
    check(&[room(1, &["?+1", "1"]), room(2, &["?+1", "1"])], (0, 1, 0));
}

#[test]
fn a_message_that_is_there_twice_is_a_double_and_wants_an_answer() {
    let mut talker = room(1, &["?/echo 1.0", "1.0"]);
    let again = message("again", "talker1", "/echo 1.0");
    talker.see(serde_json::from_value(again).expect("a message"));
    check(&[talker], (1, 1, 0));
}

#[test]
fn an_answer_before_that_of_an_earlier_message_is_an_inversion() {
    let echoes = ["?/echo 1.0", "?/echo 1.1", "1.1", "1.0"];
    check(&[room(1, &echoes)], (0, 0, 1));
    check(&[room(1, &["?+1", "?+1", "2", "1"])], (0, 0, 1));
}
