//! Changes of the platform become events. Pure.
//!
//! | Change | Event | Key |
//! |---|---|---|
//! | posted | message | platform, bot, epoch, the change's number |
//! | edited, deleted | message-edited, message-deleted | the same |
//! | submitted, pressed | form-submitted, button-pressed | the same |
//! | member | member-changed | the same |
//! | created, updated | conversation-changed | the same |
//! | contact, reacted, other | contact-changed, reaction, other | the same |
//! | typing, presence | typing, presence | the same with `~` before the number |
//!
//! The number of a change is in the platform's log before anybody sees the change, so a change that
//! is offered again after a crash has its old key. The epoch is made when a folder is first used:
//! numbers that begin anew in a new folder are no duplicates. Typing and presence are never kept;
//! their numbers rise over starts.

use super::hub::Heard;
use super::hub::names::{model_member, model_user};
use crate::content::{TextEntities, entities_from_text, without_mention};
use crate::journal::EventKey;
use crate::mailbox::Incoming;
use crate::mailbox::rooms::{Change, RoomInfo, RoomMember, RoomMessage};
use crate::model::Name;
use crate::model::directory::ContactStatus;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, ConversationRole, Event, Message, User,
};
use crate::model::payload::{
    ButtonPressed, ContactChanged, EventPayload, FormSubmitted, MemberChanged, MessageDeleted,
    MessageEdited, OtherEvent, Reaction,
};

/// The platform's name in events and settings.
pub const PLATFORM: &str = "local";

/// Makes the event of a change; none where it is no event for a bot.
pub fn event_from_change(tenant: &Name, bot: &Bot, epoch: &str, heard: &Heard) -> Option<Incoming> {
    let change = &heard.event.change;
    let (payload, addressing) = payload_from_change(bot, heard)?;
    let mark = if change.is_passing() { "~" } else { "" };
    let id = format!("{}:{epoch}-{mark}{}", bot.name, heard.event.number);
    let thread = match change {
        Change::Posted(message) | Change::Edited(message) => message.thread.clone(),
        _ => None,
    };
    Some(Incoming {
        tenant: tenant.clone(),
        key: EventKey::new(&[PLATFORM, &id]),
        event: Event {
            trace_id: id.clone(),
            id,
            sequence: 0,
            attempt: 1,
            occurred_at: heard.event.at,
            received_at: heard.event.at,
            bot: Some(bot.clone()),
            conversation: heard.room.as_ref().map(|room| model_room(room, thread)),
            actor: Some(actor(heard)),
            addressing,
            cause: None,
            depth: 0,
            extras: Vec::new(),
            raw: None,
            payload,
        },
    })
}

/// A conversation as events and reads show it.
pub fn model_room(room: &RoomInfo, thread: Option<String>) -> Conversation {
    Conversation {
        id: room.id.to_string(),
        kind: room.kind,
        name: Some(room.name.to_string()),
        external: room.external,
        cross_pod: false,
        thread,
    }
}

/// A message as events and reads show it; also whether the bot is mentioned.
pub fn model_message(bot: &Bot, message: &RoomMessage, members: &[RoomMember]) -> (Message, bool) {
    let (text, mentioned) = without_mention(&message.text, &bot.display_name, &bot.user_id);
    let entities = entities(&text, members, &bot.user_id);
    let message = Message {
        id: message.id.to_string(),
        content: message.content.clone(),
        mentions: entities.mentions,
        cashtags: entities.cashtags,
        hashtags: entities.hashtags,
        entities: message.entities.clone(),
        attachments: message.attachments.clone(),
        reply_to: message.reply_to.clone(),
        quoted: message.quoted.clone(),
        visibility: message.visibility,
        text,
    };
    (message, mentioned)
}

fn entities(text: &str, members: &[RoomMember], own_id: &str) -> TextEntities {
    if !text.contains(['@', '$', '#']) {
        return TextEntities::default();
    }
    let people: Vec<User> = members
        .iter()
        .filter(|member| *member.user.id != *own_id)
        .map(|member| model_user(&member.user))
        .collect();
    entities_from_text(text, &people)
}

fn payload_from_change(bot: &Bot, heard: &Heard) -> Option<(EventPayload, Addressing)> {
    let direct = heard
        .room
        .as_ref()
        .is_some_and(|room| room.kind == ConversationKind::Direct);
    let plain = if direct {
        Addressing::Direct
    } else {
        Addressing::Ambient
    };
    let addressing = |mentioned: bool| {
        if mentioned && !direct {
            Addressing::Mention
        } else {
            plain
        }
    };
    let payload = match &heard.event.change {
        Change::User(_) => return None,
        Change::Posted(message) => {
            let (message, mentioned) = model_message(bot, message, &heard.members);
            return Some((EventPayload::Message(message), addressing(mentioned)));
        }
        Change::Edited(message) => {
            let (message, mentioned) = model_message(bot, message, &heard.members);
            let payload = EventPayload::MessageEdited(MessageEdited { message });
            return Some((payload, addressing(mentioned)));
        }
        Change::Deleted { message, .. } => EventPayload::MessageDeleted(MessageDeleted {
            message_id: message.to_string(),
        }),
        Change::Created { .. } => {
            EventPayload::ConversationChanged(crate::model::payload::ConversationChanged::Created)
        }
        Change::Updated { what, .. } => EventPayload::ConversationChanged(what.clone()),
        Change::Member { role, change, .. } => {
            let who = heard.subject.as_ref()?;
            EventPayload::MemberChanged(MemberChanged {
                who: model_member(who, *role),
                change: *change,
                is_self: *who.id == *bot.user_id,
            })
        }
        Change::Reacted {
            message,
            emoji,
            added,
            ..
        } => EventPayload::Reaction(Reaction {
            message_id: message.to_string(),
            emoji: emoji.clone(),
            added: *added,
        }),
        Change::Submitted {
            message,
            form,
            button,
            values,
            ..
        } => EventPayload::FormSubmitted(FormSubmitted {
            form_id: form.clone(),
            message_id: message.to_string(),
            values: values.clone(),
            button: button.clone(),
        }),
        Change::Pressed {
            message,
            button,
            value,
            ..
        } => EventPayload::ButtonPressed(ButtonPressed {
            button_id: button.clone(),
            value: value.clone(),
            message_id: message.to_string(),
        }),
        Change::Contact { status, .. } => match status {
            ContactStatus::Pending => EventPayload::ContactChanged(ContactChanged::Requested),
            ContactStatus::Accepted => EventPayload::ContactChanged(ContactChanged::Accepted),
            ContactStatus::None | ContactStatus::Requested | ContactStatus::Rejected => {
                return None;
            }
        },
        Change::Other { kind, json, .. } => EventPayload::Other(OtherEvent {
            kind: kind.clone(),
            json: json.clone(),
        }),
        Change::Presence { status } => EventPayload::Presence(*status),
        Change::Typing { active, .. } => EventPayload::Typing(*active),
    };
    Some((payload, plain))
}

fn actor(heard: &Heard) -> User {
    let role = heard
        .members
        .iter()
        .find(|member| member.user.id == heard.actor.id)
        .map(|member| member.role)
        .or(match &heard.event.change {
            // Who has left is no member any more; the change says what they were.
            Change::Member { user, role, .. } if *user == heard.actor.id => Some(*role),
            _ => None,
        });
    match role {
        Some(role) => model_member(&heard.actor, role),
        None => User {
            role_here: ConversationRole::Unknown,
            ..model_user(&heard.actor)
        },
    }
}
