//! What holds for whatever the stream of LSEG Messenger sends.

use parlor_host::connectors::lseg::convert::{Heard, Reading, read_frame};
use parlor_host::model::Name;
use parlor_host::model::event::Bot;

/// A frame of the stream.
pub fn lseg_frame(data: &[u8]) {
    let bot = Bot {
        name: "desk".to_owned(),
        platform: "lseg".to_owned(),
        user_id: "bot_agent.desk@acme.com".to_owned(),
        display_name: "Desk Bot".to_owned(),
    };
    let heard = || {
        let reading = Reading {
            tenant: &Name::from("default"),
            bot: &bot,
            now: 1_800_000_000_000,
            name: &|_| None,
            first: &|_| 1_800_000_000_000,
        };
        read_frame(data, &reading)
    };
    let (Heard::Happened(incoming) | Heard::Invited { incoming, .. }) = heard() else {
        return;
    };
    // The same whenever it comes, never the bot's own, and no larger than it was.
    let (Heard::Happened(again)
    | Heard::Invited {
        incoming: again, ..
    }) = heard()
    else {
        panic!("it was an event");
    };
    assert_eq!(incoming.key, again.key);
    let event = incoming.event;
    assert_eq!(event.id, again.event.id);
    assert!(event.extras.len() <= 8);
    assert!(event.trace_id.chars().all(|sign| sign.is_ascii_hexdigit()));
    let is_message = matches!(
        event.payload,
        parlor_host::model::payload::EventPayload::Message(_)
    );
    let actor = event.actor.as_ref();
    assert!(!is_message || actor.is_none_or(|actor| actor.id != bot.user_id));
}
