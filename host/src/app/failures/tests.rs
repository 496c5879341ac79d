//! What waits to be told is bounded.

use super::*;
use crate::model::event::{Bot, Conversation, ConversationKind, Message, User};

fn asked(number: u64) -> Delivery {
    let id = format!("e{number}");
    let event = Event {
        id: id.clone(),
        sequence: number,
        attempt: 1,
        occurred_at: 1,
        received_at: 1,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "b".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: Some(Conversation {
            id: "room".to_owned(),
            kind: ConversationKind::Direct,
            name: None,
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(User::of_id("ada")),
        addressing: Addressing::Direct,
        cause: None,
        depth: 0,
        trace_id: "t".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(Message::of_text(&id, "do it")),
    };
    Delivery {
        number,
        tenant: Name::from("default"),
        plugin: Name::from("joke"),
        lane: Name::from("room"),
        event: Arc::new(event),
        view: View::Whole,
        attempt: 3,
        put_back: None,
    }
}

#[test]
fn so_many_failures_wait_and_no_more() {
    let failures = Failures::new("That did not work: {trace}");
    for number in 0..2 * MAX_WAITING as u64 {
        failures.dead(&asked(number));
    }
    assert_eq!(failures.open.load(Ordering::Acquire), MAX_WAITING);
    assert!(!failures.is_idle());
    failures.set_sentence("");
    failures.dead(&asked(7));
    assert_eq!(failures.open.load(Ordering::Acquire), MAX_WAITING);
}

#[test]
fn what_nobody_waits_for_is_not_told() {
    let failures = Failures::new("That did not work: {trace}");
    let mut overheard = asked(1);
    Arc::make_mut(&mut overheard.event).addressing = Addressing::Ambient;
    let mut grown = asked(2);
    Arc::make_mut(&mut grown.event).depth = 1;
    let own = Delivery {
        plugin: Name::from(HOST_PLUGIN),
        ..asked(3)
    };
    for delivery in [overheard, grown, own] {
        failures.dead(&delivery);
        assert!(failures.is_idle(), "{}", delivery.number);
    }
    failures.dead(&asked(4));
    assert!(!failures.is_idle());
}
