//! Events to begin with.

use crate::events::{
    Addressing, Bot, Cashtag, Conversation, ConversationKind, ConversationRole, Event,
    EventPayload, Lifecycle, Mention, Message, User, UserKind, Visibility,
};

/// An event without anything in it, by Ada Lovelace in `room-1`.
pub(super) fn blank() -> Event {
    Event {
        id: String::new(),
        sequence: 0,
        attempt: 1,
        occurred_at: 0,
        received_at: 0,
        bot: Some(Bot {
            name: "bench".into(),
            platform: "local".into(),
            user_id: "bot".into(),
            display_name: "Bench".into(),
        }),
        conversation: Some(Conversation {
            id: "room-1".into(),
            kind: ConversationKind::Room,
            name: Some("room-1".into()),
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(person("Ada", "Lovelace")),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "bench".into(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Lifecycle(Lifecycle::Started),
    }
}

/// A person.
pub(super) fn person(first_name: &str, last_name: &str) -> User {
    let name = first_name.to_lowercase();
    User {
        id: name.clone(),
        display_name: [first_name, " ", last_name].concat(),
        email: Some([&name, "@example.com"].concat()),
        user_name: Some(name),
        first_name: Some(first_name.into()),
        last_name: Some(last_name.into()),
        time_zone: None,
        locale: None,
        kind: UserKind::Human,
        role_here: ConversationRole::Member,
        roles: Vec::new(),
    }
}

/// A message; `@name`, `#topic` and `$ticker` in it are entities.
pub(super) fn message(id: &str, text: &str) -> Message {
    let after = |sigil: char| {
        text.split_whitespace()
            .filter_map(move |word| word.strip_prefix(sigil))
            .filter(|word| !word.is_empty())
    };
    Message {
        id: id.to_owned(),
        text: text.to_owned(),
        content: Vec::new(),
        mentions: after('@')
            .map(|name| Mention {
                user_id: name.into(),
                text: name.into(),
            })
            .collect(),
        cashtags: after('$')
            .map(|ticker| Cashtag {
                ticker: ticker.into(),
                ids: Vec::new(),
            })
            .collect(),
        hashtags: after('#').map(Into::into).collect(),
        entities: Vec::new(),
        attachments: Vec::new(),
        reply_to: None,
        quoted: None,
        visibility: Visibility::All,
    }
}
