//! What holds for whatever calls a bot on LiveChat.

use parlor_host::connectors::livechat::convert::{Around, events_from_hook};
use parlor_host::connectors::livechat::ids::ChatId;
use parlor_host::connectors::livechat::places::{Known, Places, chat_of};
use parlor_host::connectors::livechat::repeats::Repeats;
use parlor_host::connectors::livechat::wire::Envelope;
use parlor_host::model::Name;
use parlor_host::model::event::Bot;

const LICENCE: &str = "390e44e6";

/// A webhook's body.
pub fn livechat_webhook(data: &[u8]) {
    let Some(envelope) = Envelope::read(data) else {
        return;
    };
    let bot = Bot {
        name: "desk".to_owned(),
        platform: "livechat".to_owned(),
        user_id: "bot".to_owned(),
        display_name: "Desk Bot".to_owned(),
    };
    let (places, repeats) = (Places::default(), Repeats::default());
    places.learn_hook(LICENCE, &bot.user_id, &envelope);
    let chat = chat_of(&envelope.payload).map(|chat| ChatId::new(&chat, LICENCE));
    let known = chat.map_or_else(Known::default, |chat| places.of(&chat));
    let around = Around {
        tenant: &Name::from("default"),
        bot: &bot,
        licence: LICENCE,
        known: &known,
        repeats: &repeats,
        now: 1_780_308_000_000,
    };
    let first = events_from_hook(&around, &envelope);
    let again = events_from_hook(&around, &envelope);
    // What is told again is the same.
    assert_eq!(first.len(), again.len());
    for (one, other) in first.iter().zip(&again) {
        assert_eq!(one.key, other.key);
        let event = &one.event;
        assert!(event.id.len() <= 512 && !event.id.chars().any(char::is_control));
        assert!(event.extras.len() <= 32);
        assert!(
            event
                .extras
                .iter()
                .all(|extra| extra.value.chars().count() <= 1_024)
        );
        let is_own = event
            .actor
            .as_ref()
            .is_some_and(|actor| actor.id == bot.user_id);
        let is_message = matches!(
            event.payload,
            parlor_host::model::payload::EventPayload::Message(_)
        );
        assert!(!(is_own && is_message), "the bot hears itself");
    }
}
