//! Frames of the stream as events. Pure.
//!
//! What makes an event one and the same:
//!
//! | Event | Key |
//! |---|---|
//! | a message | its room and its `messageId`; without one, its room, sender, time and text |
//! | an invitation | its room, who invites, and its time or, without one, the minute when it was heard first |
//! | the bot comes into a room, or goes | the room and the number of the change, kept over restarts; a record that is lost numbers anew, and says since when |
//! | a room is new, renamed, gone | the same |
//! | anything else | all of it, and when it was heard: nothing is known of it that would tell two apart |
//!
//! All of them have the bot in them: two bots in one room hear each for itself.

use serde_json::Value;

use super::PLATFORM;
use super::rooms::{RoomChange, RoomNews};
use super::wire::{is_error, is_pending};
use crate::content::{TextEntities, clean_line, entities_from_text, mentions_bot, without_mention};
use crate::journal::EventKey;
use crate::mailbox::Incoming;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, Event, Extra, Mention, Message, User,
    UserKind, Visibility,
};
use crate::model::payload::{EventPayload, MemberChange, MemberChanged, OtherEvent};
use crate::model::{Name, Timestamp};

/// Begins the id of what is no room: one person and the bot.
pub const DIRECT: &str = "user:";
/// How accounts of bots begin, as the vendor makes them.
const BOT_ACCOUNT: &str = "bot_agent.";
/// Bytes of an event of an unknown kind that are handed on.
const OTHER_BYTES: usize = 64 * 1024;
/// Characters of an error's words that are shown.
const SHOWN: usize = 300;
/// Bytes of a kind's name.
const KIND_BYTES: usize = 64;
/// What is larger is in milliseconds, what is smaller in seconds.
const MILLIS: u64 = 100_000_000_000;

/// What is needed to read a frame.
pub struct Reading<'a> {
    /// The tenant.
    pub tenant: &'a Name,
    /// The bot.
    pub bot: &'a Bot,
    /// The moment.
    pub now: Timestamp,
    /// The name of a room.
    pub name: &'a dyn Fn(&str) -> Option<String>,
    /// When something was heard first that says no time of its own.
    pub first: &'a dyn Fn(EventKey) -> Timestamp,
}

/// What a frame is.
#[derive(Debug)]
pub enum Heard {
    /// The stream has taken the token of this request.
    Connected(Option<String>),
    /// The stream refuses this request.
    Failed {
        /// The request.
        request: Option<String>,
        /// What it says.
        why: String,
        /// It says that the bot may not, or that it is not known.
        is_denied: bool,
    },
    /// Something happened.
    Happened(Box<Incoming>),
    /// The bot is asked into a room.
    Invited {
        /// The room.
        room: String,
        /// It can be accepted.
        is_open: bool,
        /// The event.
        incoming: Box<Incoming>,
    },
    /// Nothing that concerns anybody: the bot's own words, or an answer.
    Nothing,
    /// No frame of this platform.
    Nonsense,
}

/// Reads a frame.
pub fn read_frame(bytes: &[u8], reading: &Reading<'_>) -> Heard {
    let Ok(frame) = serde_json::from_slice::<Value>(bytes) else {
        return Heard::Nonsense;
    };
    if !frame.is_object() {
        return Heard::Nonsense;
    }
    let request = words(&frame["reqId"]);
    if let Some(error) = frame.get("error").filter(|error| is_error(error)) {
        let code = words(&error["code"]);
        let denied = ["401", "403", "451"];
        return Heard::Failed {
            request,
            why: why(error),
            is_denied: code.is_some_and(|code| denied.contains(&code.as_str())),
        };
    }
    let Some(kind) = frame["event"].as_str() else {
        // An answer to a request, perhaps; nothing of it is documented.
        return match request {
            Some(_) => Heard::Nothing,
            None => Heard::Nonsense,
        };
    };
    match kind {
        "connected" => Heard::Connected(request),
        "chatroomPost" => post(&frame, reading),
        "chatroomInvite" => invite(&frame, reading),
        // A later version may say so.
        "authenticated" => Heard::Nothing,
        kind => other(kind, &frame, bytes, reading),
    }
}

fn post(frame: &Value, reading: &Reading<'_>) -> Heard {
    let post = &frame["post"];
    let (Some(room), Some(text)) = (words(&post["chatroomId"]), post["message"].as_str()) else {
        return Heard::Nonsense;
    };
    let sender = user(&post["sender"]);
    if sender
        .as_ref()
        .is_some_and(|sender| is_own(sender, reading.bot))
    {
        return Heard::Nothing;
    }
    let sender_id = sender.as_ref().map_or("", |sender| sender.id.as_str());
    let at = moment(&post["timestamp"]);
    let given = words(&post["messageId"]);
    let bot = reading.bot.name.as_str();
    let (key, id) = match &given {
        // Nobody says whether an id is unique beyond its room.
        Some(id) => (
            EventKey::new(&[PLATFORM, bot, "post", &room, id]),
            id.clone(),
        ),
        None => {
            let moment = at.unwrap_or(reading.now).to_string();
            let key = EventKey::new(&[PLATFORM, bot, "post", &room, sender_id, &moment, text]);
            (key, hex(key))
        }
    };
    let conversation = conversation(&room, post["chatroomType"].as_str(), reading);
    let (message, is_mentioned) = message(&id, text, sender.as_ref(), reading.bot);
    let addressing = match (conversation.kind, is_mentioned) {
        (ConversationKind::Direct, _) => Addressing::Direct,
        (_, true) => Addressing::Mention,
        (_, false) => Addressing::Ambient,
    };
    Heard::Happened(Box::new(incoming(
        key,
        &format!("post:{id}"),
        reading,
        Found {
            at,
            conversation: Some(conversation),
            actor: sender,
            addressing,
            extras: Vec::new(),
            raw: Some(frame.to_string()),
            payload: EventPayload::Message(message),
        },
    )))
}

/// A message as plugins get it, and whether it mentions the bot.
fn message(id: &str, text: &str, sender: Option<&User>, bot: &Bot) -> (Message, bool) {
    let (text, was_mentioned) = without_mention(text, &bot.display_name, &bot.user_id);
    let known: Vec<User> = sender.cloned().into_iter().collect();
    let TextEntities {
        mut mentions,
        cashtags,
        hashtags,
    } = entities_from_text(&text, &known);
    if was_mentioned && !mentions_bot(bot, &mentions) {
        mentions.insert(
            0,
            Mention {
                user_id: bot.user_id.clone(),
                text: bot.display_name.clone(),
            },
        );
    }
    let message = Message {
        id: id.to_owned(),
        text,
        content: Vec::new(),
        mentions,
        cashtags,
        hashtags,
        entities: Vec::new(),
        attachments: Vec::new(),
        reply_to: None,
        quoted: None,
        visibility: Visibility::All,
    };
    (message, was_mentioned)
}

fn invite(frame: &Value, reading: &Reading<'_>) -> Heard {
    let invite = &frame["invite"];
    let Some(room) = words(&invite["chatroomId"]) else {
        return Heard::Nonsense;
    };
    let from = user(&invite["from"]);
    let at = moment(&invite["timestamp"]);
    let by = from.as_ref().map_or("", |from| from.id.as_str());
    let status = words(&invite["status"]);
    let said = status.as_deref().unwrap_or_default();
    let bot = reading.bot.name.as_str();
    let key = |when: &str| EventKey::new(&[PLATFORM, bot, "invite", &room, by, when, said]);
    let when = at.unwrap_or_else(|| (reading.first)(key("")));
    let key = key(&when.to_string());
    let mut extras = Vec::new();
    for (name, value) in [
        ("company", words(&invite["from"]["company"])),
        ("invite-status", status.clone()),
    ] {
        if let Some(value) = value {
            extras.push(Extra {
                name: name.to_owned(),
                value: clean_line(&value).into_owned(),
            });
        }
    }
    let found = Found {
        at,
        conversation: Some(conversation(
            &room,
            invite["chatroomType"].as_str(),
            reading,
        )),
        actor: from,
        addressing: Addressing::Ambient,
        extras,
        raw: Some(frame.to_string()),
        payload: EventPayload::MemberChanged(MemberChanged {
            who: User::of_bot(reading.bot),
            change: MemberChange::Invited,
            is_self: true,
        }),
    };
    Heard::Invited {
        room,
        is_open: is_pending(status.as_deref()),
        incoming: Box::new(incoming(
            key,
            &format!("invite:{}", hex(key)),
            reading,
            found,
        )),
    }
}

fn other(kind: &str, frame: &Value, bytes: &[u8], reading: &Reading<'_>) -> Heard {
    tracing::debug!(kind, "event of an unknown kind");
    let json = frame.to_string();
    if json.len() > OTHER_BYTES || kind.len() > KIND_BYTES {
        return Heard::Nothing;
    }
    let when = reading.now.to_string();
    let text = String::from_utf8_lossy(bytes);
    let key = EventKey::new(&[PLATFORM, &reading.bot.name, "other", &when, &text]);
    let found = Found {
        at: None,
        conversation: None,
        actor: None,
        addressing: Addressing::Ambient,
        extras: Vec::new(),
        raw: Some(json.clone()),
        payload: EventPayload::Other(OtherEvent {
            kind: clean_line(kind).into_owned(),
            json,
        }),
    };
    Heard::Happened(Box::new(incoming(
        key,
        &format!("other:{}", hex(key)),
        reading,
        found,
    )))
}

/// What plugins hear of a room, or of the bot in it.
pub(super) fn event_of_news(news: &RoomNews, reading: &Reading<'_>) -> Incoming {
    let number = match news.era {
        0 => news.number.to_string(),
        era => format!("{era}.{}", news.number),
    };
    let own = |change| {
        EventPayload::MemberChanged(MemberChanged {
            who: User::of_bot(reading.bot),
            change,
            is_self: true,
        })
    };
    let (kind, payload) = match &news.what {
        RoomChange::Joined => ("joined", own(MemberChange::Joined)),
        RoomChange::Left => ("left", own(MemberChange::Left)),
        RoomChange::Room(change) => ("room", EventPayload::ConversationChanged(change.clone())),
    };
    let bot = reading.bot.name.as_str();
    let key = EventKey::new(&[PLATFORM, bot, kind, &news.room.id, &number]);
    let mut place = conversation(&news.room.id, None, reading);
    place.name.clone_from(&news.room.name);
    let found = Found {
        at: None,
        conversation: Some(place),
        // Nobody is named: what a bot did itself it does not hear.
        actor: None,
        addressing: Addressing::Ambient,
        extras: Vec::new(),
        raw: None,
        payload,
    };
    let id = format!("{kind}:{}:{number}", news.room.id);
    incoming(key, &id, reading, found)
}

struct Found {
    at: Option<Timestamp>,
    conversation: Option<Conversation>,
    actor: Option<User>,
    addressing: Addressing,
    extras: Vec<Extra>,
    raw: Option<String>,
    payload: EventPayload,
}

fn incoming(key: EventKey, id: &str, reading: &Reading<'_>, found: Found) -> Incoming {
    Incoming {
        tenant: Name::clone(reading.tenant),
        key,
        event: Event {
            id: format!("{PLATFORM}:{}:{id}", reading.bot.name),
            sequence: 0,
            attempt: 1,
            occurred_at: found.at.unwrap_or(reading.now),
            received_at: 0,
            bot: Some(reading.bot.clone()),
            conversation: found.conversation,
            actor: found.actor,
            addressing: found.addressing,
            cause: None,
            depth: 0,
            trace_id: hex(key),
            extras: found.extras,
            raw: found.raw,
            payload: found.payload,
        },
    }
}

/// A room, or what the stream calls by another name.
fn conversation(id: &str, kind: Option<&str>, reading: &Reading<'_>) -> Conversation {
    let kind = match kind {
        None | Some("chatroom" | "managedChatroom" | "managed_chatroom") => ConversationKind::Room,
        Some(_) => ConversationKind::Other,
    };
    Conversation {
        id: id.to_owned(),
        kind,
        name: (reading.name)(id),
        // Nobody says whether people of other companies are there. What is not known is not internal.
        external: true,
        cross_pod: false,
        thread: None,
    }
}

/// A conversation with one person, known by their address.
pub(super) fn direct_with(email: &str) -> String {
    format!("{DIRECT}{}", email.trim().to_lowercase())
}

/// Who somebody is: known by the e-mail address, without regard to case.
fn user(value: &Value) -> Option<User> {
    let email = words(&value["email"])?;
    let id = email.to_lowercase();
    let given = |names: [&str; 2]| names.iter().find_map(|name| words(&value[*name]));
    let first_name = given(["firstName", "givenName"]);
    let last_name = given(["lastName", "familyName"]);
    let whole = given(["displayName", "name"]).or_else(|| match (&first_name, &last_name) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    });
    Some(User {
        display_name: whole.unwrap_or_else(|| email.clone()),
        first_name,
        last_name,
        kind: match id.starts_with(BOT_ACCOUNT) {
            true => UserKind::Bot,
            false => UserKind::Human,
        },
        email: Some(email),
        ..User::of_id(&id)
    })
}

fn is_own(user: &User, bot: &Bot) -> bool {
    user.id == bot.user_id
}

/// A text or a number, without space around it; none where there is nothing in it.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A moment: as a text of ISO 8601, or in seconds or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    let text = words(value)?;
    let number = text.parse::<u64>().ok();
    if let Some(number) = number {
        return Some(if number >= MILLIS {
            number
        } else {
            number.checked_mul(1_000)?
        });
    }
    let stamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_millisecond()).ok()
}

fn why(error: &Value) -> String {
    let of = |name: &str| words(error.get(name)?);
    let text = words(error)
        .or_else(|| of("message"))
        .or_else(|| of("code"));
    let text = text.unwrap_or_else(|| "an error without words".to_owned());
    clean_line(&text).chars().take(SHOWN).collect()
}

fn hex(key: EventKey) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(32);
    for byte in key.0 {
        // A text can always grow.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
