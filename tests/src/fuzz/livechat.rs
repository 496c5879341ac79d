//! What holds for whatever calls a bot on LiveChat.

use parlor_host::connectors::livechat::convert::{Around, events_from_hook};
use parlor_host::connectors::livechat::ids::ChatId;
use parlor_host::connectors::livechat::places::{Known, Places, chat_of};
use parlor_host::connectors::livechat::repeats::Repeats;
use parlor_host::connectors::livechat::wire::Envelope;
use parlor_host::model::Name;
use parlor_host::model::event::Bot;

const LICENCE: &str = "390e44e6";
const OWN: &str = "bot";

/// Lets a bot of this id hear what a webhook of this licence tells; nothing was heard there before.
pub fn hearing_livechat<T>(
    licence: &str,
    own: &str,
    envelope: &Envelope,
    hear: impl FnOnce(&Around<'_>) -> T,
) -> T {
    let bot = Bot {
        name: "desk".to_owned(),
        platform: "livechat".to_owned(),
        user_id: own.to_owned(),
        display_name: "Desk Bot".to_owned(),
    };
    let (places, repeats) = (Places::default(), Repeats::default());
    places.learn_hook(licence, own, envelope);
    let chat = chat_of(&envelope.payload).map(|chat| ChatId::new(&chat, licence));
    let known = chat.map_or_else(Known::default, |chat| places.of(&chat));
    hear(&Around {
        tenant: &Name::from("default"),
        bot: &bot,
        licence,
        known: &known,
        repeats: &repeats,
        now: 1_780_308_000_000,
    })
}

/// A webhook's body.
pub fn livechat_webhook(data: &[u8]) {
    let Some(envelope) = Envelope::read(data) else {
        return;
    };
    let (first, again) = hearing_livechat(LICENCE, OWN, &envelope, |around| {
        let hear = || events_from_hook(around, &envelope);
        (hear(), hear())
    });
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
        let is_own = event.actor.as_ref().is_some_and(|actor| actor.id == OWN);
        let is_message = matches!(
            event.payload,
            parlor_host::model::payload::EventPayload::Message(_)
        );
        assert!(!(is_own && is_message), "the bot hears itself");
    }
}
