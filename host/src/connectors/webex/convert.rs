//! Notices of Webex, with what was asked for them, become events. Pure.
//!
//! | Notice | Event | Key, behind platform and bot |
//! |---|---|---|
//! | messages created | message | `created`, message |
//! | messages updated | message-edited | `updated`, message, time of the change |
//! | messages deleted | message-deleted | `deleted`, message |
//! | memberships created, deleted | member-changed | event, membership, its time |
//! | memberships updated | member-changed | `updated`, membership, its time, moderator or not |
//! | rooms created, updated | conversation-changed | event, room, last activity |
//! | attachmentActions created | form-submitted, button-pressed; message for a reply button | `action`, action |
//! | anything else | other | resource, event, id |
//!
//! The id of a delivery is the webhook's, which names no event: two webhooks that overlap, a second
//! try, and a socket that tells again all come to the same key (webex.md §4.8).
//!
//! What the bot did itself is dropped before anything is asked for. Extras: of a message
//! `mentioned-groups`, `diagnostic` (what cannot be read still).

pub mod action;

use super::PLATFORM;
use super::html::{read_html, without_name};
use super::ids::is_same;
use super::wire::{Message as WireMessage, Notice, Person, Room};
use crate::content::{clean, entities_from_text};
use crate::journal::EventKey;
use crate::mailbox::Incoming;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, ConversationRole, Event, Extra, Mention,
    Message, ReceivedAttachment, User, UserKind, Visibility,
};
use crate::model::payload::{
    ConversationChanged, EventPayload, MemberChange, MemberChanged, MessageDeleted, MessageEdited,
    OtherEvent,
};
use crate::model::{Name, Timestamp};

/// The domains of bots' addresses.
const BOT_DOMAINS: [&str; 2] = ["@webex.bot", "@sparkbot.io"];

/// What is known beside a notice.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Who did it.
    pub actor: Option<Person>,
    /// Whom it is about, where that is another.
    pub about: Option<Person>,
    /// Where.
    pub room: Option<Room>,
    /// The message.
    pub message: Option<WireMessage>,
    /// Its files.
    pub files: Vec<ReceivedAttachment>,
    /// What a card's button gave.
    pub payload: Option<EventPayload>,
    /// The bot's names, longest first.
    pub own_names: Vec<String>,
}

/// Reads a moment as Webex writes it; 0 where it is none.
pub fn moment(text: Option<&str>) -> Timestamp {
    let read = text.and_then(|text| text.trim().parse::<jiff::Timestamp>().ok());
    let millis = read.map(jiff::Timestamp::as_millisecond);
    millis.map_or(0, |millis| Timestamp::try_from(millis).unwrap_or(0))
}

/// Tells whether the bot did it itself: it is not told of that.
pub fn is_own(bot: &Bot, notice: &Notice) -> bool {
    let is_bot = |id: Option<&str>| id.is_some_and(|id| is_same(id, &bot.user_id));
    let author = match notice.resource.as_str() {
        // A moderator may have taken the bot's message away, or the bot's place.
        "messages" if notice.event != "deleted" => notice.data.person_id.as_deref(),
        _ => None,
    };
    is_bot(author) || is_bot(notice.actor_id.as_deref())
}

/// Makes the event of a notice; none where there is nothing to tell.
pub fn event_of_notice(tenant: &Name, bot: &Bot, notice: &Notice, known: Known) -> Incoming {
    let data = &notice.data;
    let event = notice.event.as_str();
    let mut extras = Vec::new();
    let mut is_mentioned = false;
    let mut key: Vec<String> = vec![event.to_owned(), data.id.clone()];
    let mut thread = None;
    let payload = match (notice.resource.as_str(), event) {
        ("messages", "created" | "updated") => {
            let found = known.message.clone().unwrap_or_default();
            let message = message_of(bot, &found, &known);
            is_mentioned = found
                .mentioned_people
                .iter()
                .any(|id| is_same(id, &bot.user_id));
            extra(
                &mut extras,
                "mentioned-groups",
                &found.mentioned_groups.join(" "),
            );
            if let Some(errors) = &found.errors {
                extra(&mut extras, "diagnostic", &errors.to_string());
            }
            thread.clone_from(&found.parent_id);
            key = vec![event.to_owned(), found.id.clone()];
            if event == "updated" {
                let at = found.updated.as_ref().or(data.updated.as_ref());
                key.push(at.cloned().unwrap_or_default());
                EventPayload::MessageEdited(MessageEdited { message })
            } else {
                EventPayload::Message(message)
            }
        }
        ("messages", "deleted") => EventPayload::MessageDeleted(MessageDeleted {
            message_id: data.id.clone(),
        }),
        ("memberships", "created" | "updated" | "deleted") => {
            key.push(data.created.clone().unwrap_or_default());
            if event == "updated" {
                key.push(data.is_moderator.unwrap_or_default().to_string());
            }
            EventPayload::MemberChanged(member(bot, notice, known.about.as_ref()))
        }
        ("rooms", "created" | "updated") => {
            // As it was told: what the space says of itself by now may be of something later, and one
            // notice that is followed up twice would be two events.
            let told = data.last_activity.clone();
            let room = known.room.as_ref();
            let activity = told.or_else(|| room?.last_activity.clone());
            key.push(activity.unwrap_or_default());
            EventPayload::ConversationChanged(match event {
                "created" => ConversationChanged::Created,
                _ => ConversationChanged::Updated,
            })
        }
        ("attachmentActions", "created") => {
            key = vec!["action".to_owned(), data.id.clone()];
            known.payload.clone().unwrap_or_else(|| other(notice))
        }
        _ => {
            key.insert(0, notice.resource.clone());
            other(notice)
        }
    };
    let mut conversation = conversation(notice, &known);
    if let Some(place) = &mut conversation {
        place.thread = thread;
    }
    let is_direct = conversation
        .as_ref()
        .is_some_and(|place| place.kind == ConversationKind::Direct);
    let addressing = match (is_direct, is_mentioned) {
        (true, _) => Addressing::Direct,
        (false, true) => Addressing::Mention,
        (false, false) => Addressing::Ambient,
    };
    let id = format!("{}:{}", bot.name, key.join(":"));
    let at = data.updated.as_deref().filter(|_| event == "updated");
    let at = at.or(data.created.as_deref());
    let at = known
        .message
        .as_ref()
        .and_then(|message| message.updated.as_deref().or(message.created.as_deref()))
        .or(at);
    let mut keyed = vec![PLATFORM, &bot.name];
    keyed.extend(key.iter().map(String::as_str));
    Incoming {
        tenant: Name::clone(tenant),
        key: EventKey::new(&keyed),
        event: Event {
            trace_id: trace(&id),
            id,
            sequence: 0,
            attempt: 1,
            occurred_at: moment(at),
            received_at: 0,
            bot: Some(bot.clone()),
            conversation,
            actor: actor(notice, known.actor.as_ref()),
            addressing,
            cause: None,
            depth: 0,
            extras,
            raw: None,
            payload,
        },
    }
}

/// A message as plugins see it.
pub fn message_of(bot: &Bot, message: &WireMessage, known: &Known) -> Message {
    let is_mentioned = message
        .mentioned_people
        .iter()
        .any(|id| is_same(id, &bot.user_id));
    let text = message.text.as_deref().unwrap_or_default();
    let html = message.html.as_deref().filter(|html| !html.is_empty());
    let is_hidden = |part: &str| {
        let errors = message.errors.as_ref();
        errors.is_some_and(|errors| errors.get(part).is_some())
    };
    let (text, mut mentions) = match html.filter(|_| !is_hidden("html")) {
        Some(html) => {
            let read = read_html(html, &bot.user_id);
            (read.text, read.mentions)
        }
        // What is there in place of the text is encrypted.
        None if is_hidden("text") => (String::new(), Vec::new()),
        None => {
            let names: Vec<&str> = known.own_names.iter().map(String::as_str).collect();
            let text = match is_mentioned {
                true => without_name(text, &names),
                false => text,
            };
            (text.to_owned(), Vec::new())
        }
    };
    for mention in &mut mentions {
        // Webex writes bare keys in the text and whole ids beside it.
        let whole = message
            .mentioned_people
            .iter()
            .find(|id| is_same(id, &mention.user_id));
        if let Some(whole) = whole {
            mention.user_id.clone_from(whole);
        }
    }
    for id in &message.mentioned_people {
        if !mentions.iter().any(|known| is_same(&known.user_id, id)) {
            let name = if is_same(id, &bot.user_id) {
                bot.display_name.clone()
            } else {
                String::new()
            };
            mentions.push(Mention {
                user_id: id.clone(),
                text: name,
            });
        }
    }
    let text = clean(&text).into_owned();
    let found = entities_from_text(&text, &[]);
    Message {
        id: message.id.clone(),
        text,
        content: Vec::new(),
        mentions,
        cashtags: found.cashtags,
        hashtags: found.hashtags,
        entities: Vec::new(),
        attachments: known.files.clone(),
        reply_to: message.parent_id.clone(),
        quoted: None,
        visibility: Visibility::All,
    }
}

fn member(bot: &Bot, notice: &Notice, about: Option<&Person>) -> MemberChanged {
    let data = &notice.data;
    let is_moderator = data.is_moderator.unwrap_or_default();
    let id = data.person_id.clone().unwrap_or_default();
    let mut who = match about {
        Some(person) => user(person),
        None => unknown_user(&id, data.person_email.as_deref()),
    };
    if let Some(name) = data
        .person_display_name
        .as_deref()
        .filter(|name| !name.is_empty())
    {
        name.clone_into(&mut who.display_name);
    }
    let change = match (notice.event.as_str(), is_moderator) {
        ("created", _) => MemberChange::Joined,
        ("deleted", _) => MemberChange::Left,
        (_, true) => MemberChange::Promoted,
        (_, false) => MemberChange::Demoted,
    };
    who.role_here = match change {
        MemberChange::Left => ConversationRole::Unknown,
        _ if is_moderator => ConversationRole::Owner,
        _ => ConversationRole::Member,
    };
    MemberChanged {
        is_self: is_same(&id, &bot.user_id),
        who,
        change,
    }
}

fn other(notice: &Notice) -> EventPayload {
    EventPayload::Other(OtherEvent {
        kind: format!("{}:{}", notice.resource, notice.event),
        json: serde_json::to_string(&notice.data).unwrap_or_default(),
    })
}

fn conversation(notice: &Notice, known: &Known) -> Option<Conversation> {
    let message = known.message.as_ref();
    let id = match notice.resource.as_str() {
        "rooms" => Some(notice.data.id.as_str()),
        _ => notice.data.room_id.as_deref(),
    };
    let id = message
        .map(|message| message.room_id.as_str())
        .filter(|id| !id.is_empty())
        .or(id)?;
    let kind = message
        .and_then(|message| message.room_type.as_deref())
        .or(notice.data.room_type.as_deref())
        .or_else(|| known.room.as_ref()?.r#type.as_deref())
        .or(notice
            .data
            .r#type
            .as_deref()
            .filter(|_| notice.resource == "rooms"));
    Some(place(id, kind, known.room.as_ref()))
}

/// A space as plugins see it.
pub fn place(id: &str, kind: Option<&str>, room: Option<&Room>) -> Conversation {
    let title = room.filter(|room| {
        // A title that is encrypted still is none.
        let errors = room.errors.as_ref();
        errors.is_none_or(|errors| errors.get("title").is_none())
    });
    let title = title.and_then(|room| room.title.clone());
    Conversation {
        id: id.to_owned(),
        kind: match kind {
            Some("direct") => ConversationKind::Direct,
            Some("group") => ConversationKind::Room,
            _ => ConversationKind::Other,
        },
        name: title.filter(|title| !title.trim().is_empty()),
        external: false,
        cross_pod: false,
        thread: None,
    }
}

fn actor(notice: &Notice, person: Option<&Person>) -> Option<User> {
    if let Some(person) = person {
        return Some(user(person));
    }
    let data = &notice.data;
    let id = notice.actor_id.as_deref().or(data.person_id.as_deref())?;
    let is_person = data
        .person_id
        .as_deref()
        .is_some_and(|person| is_same(person, id));
    let email = data.person_email.as_deref().filter(|_| is_person);
    Some(unknown_user(id, email))
}

/// Somebody of whom the platform says no more than this.
pub fn unknown_user(id: &str, email: Option<&str>) -> User {
    let mut user = User::of_id(id);
    if let Some(email) = email {
        email.clone_into(&mut user.display_name);
        user.email = Some(email.to_owned());
        if is_bot_address(email) {
            user.kind = UserKind::Bot;
        }
    }
    user
}

/// Somebody as plugins see them.
pub fn user(person: &Person) -> User {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let email = person.emails.first().cloned();
    let is_bot =
        person.r#type.as_deref() == Some("bot") || email.as_deref().is_some_and(is_bot_address);
    let name = given(&person.display_name)
        .or_else(|| given(&person.nick_name))
        .or_else(|| email.clone());
    User {
        display_name: name.unwrap_or_else(|| person.id.clone()),
        user_name: email.clone(),
        first_name: given(&person.first_name),
        last_name: given(&person.last_name),
        email,
        time_zone: given(&person.timezone),
        kind: if is_bot {
            UserKind::Bot
        } else {
            UserKind::Human
        },
        ..User::of_id(&person.id)
    }
}

fn is_bot_address(email: &str) -> bool {
    let email = email.to_ascii_lowercase();
    BOT_DOMAINS.iter().any(|domain| email.ends_with(domain))
}

fn extra(extras: &mut Vec<Extra>, name: &str, value: &str) {
    if !value.trim().is_empty() {
        extras.push(Extra {
            name: name.to_owned(),
            value: value.chars().take(1_024).collect(),
        });
    }
}

fn trace(id: &str) -> String {
    let key = EventKey::new(&[id]);
    key.0.iter().map(|byte| format!("{byte:02x}")).collect()
}
