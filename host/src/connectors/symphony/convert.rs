//! Events of the datafeed become events. Pure.
//!
//! | Type | Event | Key, behind platform and bot |
//! |---|---|---|
//! | MESSAGESENT, SHAREDPOST | message | the message's id |
//! | MESSAGESENT with `replacing` | message-edited, of the first message of the row | the edit's own message id |
//! | MESSAGESUPPRESSED | message-deleted | type, the id of the message that went |
//! | SYMPHONYELEMENTSACTION | form-submitted, button-pressed; message for a reply button | type, envelope |
//! | USERREQUESTEDTOJOINROOM, USERJOINEDROOM, USERLEFTROOM, ROOMMEMBERPROMOTEDTOOWNER, ROOMMEMBERDEMOTEDFROMOWNER | member-changed | type, envelope, stream, user |
//! | INSTANTMESSAGECREATED, ROOMCREATED, ROOMUPDATED, ROOMDEACTIVATED, ROOMREACTIVATED | conversation-changed | type, envelope, stream |
//! | CONNECTIONREQUESTED, CONNECTIONACCEPTED | contact-changed | type, envelope, user |
//! | GENERICSYSTEMEVENT, anything else | other | type, envelope |
//!
//! *Envelope* is the event's `messageId`; without one its `id` and `timestamp`, because `id` alone is
//! shared by what one gesture does; without these a hash of the payload. An event that is queued again,
//! and one that comes by a second feed or the other version of the feed, has all of them again. What is
//! known by the id of a message has no other part in its key: each feed may number events in its own way.
//!
//! Extras: of a message `diagnostic` (what could not be read), `disclaimer`, `user-agent`,
//! `original-format`, and of an edit `edit-message-id`, `replacing`, `silent`; of a room `room-name`,
//! `description`, `creator`, `public`, `discoverable`, `read-only`, `copy-protected`,
//! `members-can-invite`, `can-view-history`, `keywords`; of a wish to join `owners`; of a system event
//! `event-subtype`, `source-system`.
//!
//! What the bot did itself is dropped by its user id, whatever the type, as the BDKs do; its own
//! messages are told as [`Echo`].

mod form;
mod message;
mod people;

use serde_json::value::RawValue;

use super::PLATFORM;
use super::ids::id_from_wire;
use super::wire::event::{
    GenericSystemEvent, Membership, Payload, StreamEvent, V4Event, V4Message, V4Stream, V4User,
};
use crate::content::clean_line;
use crate::journal::EventKey;
use crate::mailbox::Incoming;
use crate::model::Name;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, ConversationRole, Event, Extra, User,
};
use crate::model::payload::{
    ContactChanged, ConversationChanged, EventPayload, MemberChange, MemberChanged, MessageDeleted,
    OtherEvent,
};

pub use message::{MessageRead, mark_of, message_from_wire};
pub use people::{conversation_from_wire, user_from_wire};

/// The most extras of an event.
const MAX_EXTRAS: usize = 24;
/// The most characters of an extra's value.
const MAX_EXTRA: usize = 1_024;
/// The most bytes of an event's id that is written out; a longer one is hashed.
const MAX_ID: usize = 256;

/// What an event of the feed comes to.
#[derive(Clone, Debug, Default)]
pub struct Converted {
    /// What goes in.
    pub incoming: Vec<Incoming>,
    /// The bot's own message, where it was one.
    pub echo: Option<Echo>,
    /// The event does not say whether people of other companies are in its conversation, which counts
    /// as external then. Whoever can ask the pod does.
    pub is_place_unsaid: bool,
}

/// The bot's own message, as the feed gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The stream.
    pub conversation: String,
    /// The message.
    pub message: String,
    /// What its entity data was marked with ([`RenderOptions::mark`](super::render::RenderOptions)).
    pub mark: Option<String>,
}

/// Makes the events of an event of the feed. `raw` becomes the event's own text, for those who may
/// read it.
pub fn event_from_wire(
    tenant: &Name,
    bot: &Bot,
    event: &V4Event,
    raw: Option<&RawValue>,
) -> Converted {
    let payload = event.payload();
    if let Some(own) = drop_own(bot, event, &payload) {
        return own;
    }
    let found = Found::of(bot, event, payload);
    let id = event_id(bot, event, &found);
    let conversation = found.stream.as_ref().map(conversation_from_wire);
    let is_place_unsaid = found
        .stream
        .as_ref()
        .is_some_and(|stream| !people::says_who_is_there(stream));
    let is_direct = conversation
        .as_ref()
        .is_some_and(|place| place.kind == ConversationKind::Direct);
    let addressing = match (is_direct, found.is_mentioned) {
        (true, _) => Addressing::Direct,
        (false, true) => Addressing::Mention,
        (false, false) => Addressing::Ambient,
    };
    let mut extras = found.extras;
    extra(&mut extras, "diagnostic", event.diagnostic.as_deref());
    let actor = event.user().or(found.actor.as_ref());
    let incoming = Incoming {
        tenant: Name::clone(tenant),
        key: EventKey::new(&[PLATFORM, &id]),
        event: Event {
            trace_id: trace_id(event, &id),
            id,
            sequence: 0,
            attempt: 1,
            occurred_at: found.at.or(event.timestamp).unwrap_or_default(),
            received_at: 0,
            bot: Some(bot.clone()),
            actor: actor.map(|user| User {
                role_here: found.role,
                ..user_from_wire(user)
            }),
            conversation,
            addressing,
            cause: None,
            depth: 0,
            extras,
            raw: raw.map(|raw| raw.get().to_owned()),
            payload: found.payload,
        },
    };
    Converted {
        incoming: vec![incoming],
        echo: None,
        is_place_unsaid,
    }
}

fn drop_own(bot: &Bot, event: &V4Event, payload: &Payload) -> Option<Converted> {
    let message = match payload {
        Payload::MessageSent(message) => Some(message),
        Payload::SharedPost(post) => post.message.as_ref(),
        _ => None,
    };
    let author = message.and_then(|message| message.user.as_ref());
    let user = event.user().or(author)?;
    if user.user_id.as_deref() != Some(bot.user_id.as_str()) {
        return None;
    }
    Some(Converted {
        incoming: Vec::new(),
        echo: message.and_then(echo),
        is_place_unsaid: false,
    })
}

fn echo(message: &V4Message) -> Option<Echo> {
    let stream = message.stream.as_ref()?.stream_id.as_deref()?;
    Some(Echo {
        conversation: id_from_wire(stream),
        message: id_from_wire(message.message_id.as_deref()?),
        mark: mark_of(&message.data_text()),
    })
}

/// What an event is about.
struct Found {
    payload: EventPayload,
    /// What makes it one and the same, behind type and envelope.
    key: Key,
    stream: Option<V4Stream>,
    /// Who did it, where the envelope does not say.
    actor: Option<V4User>,
    role: ConversationRole,
    at: Option<u64>,
    is_mentioned: bool,
    extras: Vec<Extra>,
}

enum Key {
    /// This id alone.
    Message(String),
    /// The type and this id.
    Type(String),
    /// The type, the envelope and these.
    Envelope(Vec<String>),
}

impl Found {
    fn new(payload: EventPayload, key: Key, stream: Option<V4Stream>) -> Self {
        Self {
            payload,
            key,
            stream,
            actor: None,
            role: ConversationRole::Unknown,
            at: None,
            is_mentioned: false,
            extras: Vec::new(),
        }
    }

    fn of(bot: &Bot, event: &V4Event, payload: Payload) -> Self {
        match payload {
            Payload::MessageSent(message) => Self::message(bot, message, None),
            Payload::SharedPost(post) => match post.message {
                Some(message) => Self::message(bot, message, post.shared_message),
                None => Self::other(event, None),
            },
            Payload::MessageSuppressed(gone) => match &gone.message_id {
                Some(id) => {
                    let message_id = id_from_wire(id);
                    let key = Key::Type(message_id.clone());
                    let payload = EventPayload::MessageDeleted(MessageDeleted { message_id });
                    Self::new(payload, key, gone.stream)
                }
                None => Self::other(event, None),
            },
            Payload::SymphonyElementsAction(action) => form::found(event, action),
            Payload::InstantMessageCreated(what) => Self::place(what, ConversationChanged::Created),
            Payload::RoomCreated(what) => {
                let mut found = Self::place(what, ConversationChanged::Created);
                // Told to whoever made it.
                found.role = ConversationRole::Owner;
                found
            }
            Payload::RoomUpdated(what) => Self::place(what, ConversationChanged::Updated),
            Payload::RoomDeactivated(what) => Self::place(what, ConversationChanged::Closed),
            Payload::RoomReactivated(what) => Self::place(what, ConversationChanged::Reopened),
            Payload::UserRequestedToJoinRoom(mut what) => {
                what.affected_user = event.user().cloned();
                Self::member(bot, event, what, MemberChange::JoinRequested)
            }
            Payload::UserJoinedRoom(what) => Self::member(bot, event, what, MemberChange::Joined),
            Payload::UserLeftRoom(what) => Self::member(bot, event, what, MemberChange::Left),
            Payload::RoomMemberPromotedToOwner(what) => {
                Self::member(bot, event, what, MemberChange::Promoted)
            }
            Payload::RoomMemberDemotedFromOwner(what) => {
                Self::member(bot, event, what, MemberChange::Demoted)
            }
            Payload::ConnectionRequested(what) => {
                Self::contact(what.to_user.as_ref(), ContactChanged::Requested)
            }
            Payload::ConnectionAccepted(what) => {
                Self::contact(what.from_user.as_ref(), ContactChanged::Accepted)
            }
            Payload::GenericSystemEvent(what) => Self::generic(event, what),
            Payload::Unknown => Self::other(event, None),
        }
    }

    fn message(bot: &Bot, mut message: V4Message, shared: Option<V4Message>) -> Self {
        if let Some(shared) = shared {
            message.shared_message = Some(Box::new(shared));
        }
        if let Some(stream) = &mut message.stream {
            stream.external = stream.external.or(message.external_recipients);
        }
        let id = id_from_wire(message.message_id.as_deref().unwrap_or_default());
        let read = message_from_wire(bot, &message);
        let key = if id.is_empty() {
            Key::Envelope(Vec::new())
        } else {
            Key::Message(id)
        };
        Self {
            actor: message.user,
            at: message.timestamp,
            is_mentioned: read.is_mentioned,
            extras: read.extras,
            ..Self::new(read.payload, key, message.stream)
        }
    }

    fn place(what: StreamEvent, change: ConversationChanged) -> Self {
        let mut stream = as_room(what.stream, &change);
        let mut extras = Vec::new();
        if let Some(room) = what.room_properties.or(what.new_room_properties) {
            people::room_extras(&mut extras, &room);
            if let Some(stream) = &mut stream {
                stream.room_name = stream.room_name.take().or(room.name);
                stream.external = stream.external.or(room.external);
                stream.cross_pod = stream.cross_pod.or(room.cross_pod);
            }
        }
        let key = Key::Envelope(vec![stream_key(stream.as_ref())]);
        Self {
            extras,
            ..Self::new(EventPayload::ConversationChanged(change), key, stream)
        }
    }

    fn member(bot: &Bot, event: &V4Event, what: Membership, change: MemberChange) -> Self {
        let Some(user) = &what.affected_user else {
            return Self::other(event, what.stream);
        };
        let who = user_from_wire(user);
        let role_here = match change {
            MemberChange::Promoted => ConversationRole::Owner,
            MemberChange::Joined | MemberChange::Demoted => ConversationRole::Member,
            MemberChange::Left | MemberChange::JoinRequested | MemberChange::Invited => {
                ConversationRole::Unknown
            }
        };
        let stream = as_room(what.stream, &ConversationChanged::Updated);
        let key = Key::Envelope(vec![stream_key(stream.as_ref()), who.id.clone()]);
        let mut extras = Vec::new();
        if !what.affected_users.is_empty() {
            let owners = what.affected_users.iter();
            let owners: Vec<&str> = owners.filter_map(|user| user.user_id.as_deref()).collect();
            extra(&mut extras, "owners", Some(&owners.join(" ")));
        }
        let payload = EventPayload::MemberChanged(MemberChanged {
            is_self: who.id == bot.user_id,
            who: User { role_here, ..who },
            change,
        });
        Self {
            extras,
            ..Self::new(payload, key, stream)
        }
    }

    fn contact(other: Option<&V4User>, change: ContactChanged) -> Self {
        let user = other.and_then(|user| user.user_id.clone());
        let key = Key::Envelope(vec![user.unwrap_or_default()]);
        Self::new(EventPayload::ContactChanged(change), key, None)
    }

    fn generic(event: &V4Event, what: GenericSystemEvent) -> Self {
        let mut found = Self::other(event, what.stream);
        found.at = what.event_timestamp;
        extra(
            &mut found.extras,
            "event-subtype",
            what.event_subtype.as_deref(),
        );
        extra(
            &mut found.extras,
            "source-system",
            what.source_system.as_deref(),
        );
        found
    }

    fn other(event: &V4Event, stream: Option<V4Stream>) -> Self {
        let payload = event.payload.as_ref().map(|payload| payload.get());
        let payload = EventPayload::Other(OtherEvent {
            kind: event.kind.clone().unwrap_or_default(),
            json: payload.unwrap_or("{}").to_owned(),
        });
        Self::new(payload, Key::Envelope(Vec::new()), stream)
    }
}

// Some of these events leave the type out, and are of rooms only. A MIM and an IM say theirs.
fn as_room(stream: Option<V4Stream>, change: &ConversationChanged) -> Option<V4Stream> {
    let mut stream = stream?;
    if stream.stream_type.is_none() && *change != ConversationChanged::Created {
        stream.stream_type = Some("ROOM".to_owned());
    }
    Some(stream)
}

fn stream_key(stream: Option<&V4Stream>) -> String {
    let id = stream.and_then(|stream| stream.stream_id.as_deref());
    id_from_wire(id.unwrap_or_default())
}

fn event_id(bot: &Bot, event: &V4Event, found: &Found) -> String {
    let kind = event.kind.as_deref().unwrap_or("event");
    let id = match &found.key {
        Key::Message(id) => format!("{}:{id}", bot.name),
        Key::Type(id) => format!("{}:{kind}:{id}", bot.name),
        Key::Envelope(more) => {
            let mut id = format!("{}:{kind}:{}", bot.name, envelope(event));
            for part in more.iter().filter(|part| !part.is_empty()) {
                id.push(':');
                id.push_str(part);
            }
            id
        }
    };
    if id.len() <= MAX_ID && !id.chars().any(char::is_control) {
        return id;
    }
    format!("{}:{}", bot.name, hash(&id))
}

fn envelope(event: &V4Event) -> String {
    if let Some(id) = event.message_id.as_deref().filter(|id| !id.is_empty()) {
        return id_from_wire(id);
    }
    let at = event.timestamp.unwrap_or_default();
    match event.id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => format!("{id}:{at}"),
        None => {
            let payload = event.payload.as_ref().map(|payload| payload.get());
            format!("{at}:{}", hash(payload.unwrap_or_default()))
        }
    }
}

fn hash(text: &str) -> String {
    let key = EventKey::new(&[text]);
    key.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

// The platform's own tools look for it where it fits their header.
fn trace_id(event: &V4Event, id: &str) -> String {
    let fits = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|sign| sign.is_ascii_alphanumeric())
    };
    event.id.as_deref().filter(fits).unwrap_or(id).to_owned()
}

fn extra(extras: &mut Vec<Extra>, name: &str, value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return;
    };
    if extras.len() < MAX_EXTRAS {
        extras.push(Extra {
            name: name.to_owned(),
            value: clean_line(value).chars().take(MAX_EXTRA).collect(),
        });
    }
}

/// Where something happened, for events that carry no more than a stream's id.
pub fn conversation_of_id(id: &str) -> Conversation {
    conversation_from_wire(&V4Stream {
        stream_id: Some(id.to_owned()),
        ..V4Stream::default()
    })
}
