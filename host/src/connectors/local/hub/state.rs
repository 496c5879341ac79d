//! What the local platform knows, and how each change alters it. No I/O.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::mailbox::rooms::{
    Change, Done, RoomAnswer, RoomEvent, RoomInfo, RoomMember, RoomMessage, RoomReaction, RoomUser,
};
use crate::model::directory::ContactStatus;
use crate::model::payload::{MemberChange, PresenceStatus};
use crate::model::{Name, NameMap, Timestamp};

/// Messages kept for each conversation.
pub const HISTORY_MAX: usize = 200;
/// Outbox parts whose end is remembered, so that one performed again is done once. Twice what a
/// bot's outbox may hold.
pub const PERFORMED_MAX: usize = 20_000;
/// Answers shown under one message.
pub const ANSWERS_MAX: usize = 20;
/// Emojis on one message.
pub const REACTIONS_MAX: usize = 20;
/// Users who are shown under one emoji.
pub const REACTION_USERS_MAX: usize = 100;

/// A conversation.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its name and settings.
    pub info: Arc<RoomInfo>,
    /// Who is there.
    pub members: Arc<Vec<RoomMember>>,
    /// Its last messages, oldest first.
    pub messages: VecDeque<Arc<RoomMessage>>,
}

impl Room {
    /// The member of this id.
    pub fn member(&self, user: &str) -> Option<&RoomMember> {
        self.members.iter().find(|member| *member.user.id == *user)
    }
}

/// Everything. A clone is cheap enough to be written out while changes go on.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The number of the last change.
    pub number: u64,
    /// Users by id.
    pub users: NameMap<Name, Arc<RoomUser>>,
    /// Conversations by id.
    pub rooms: NameMap<Name, Room>,
    /// Contacts of bots, by bot and user.
    pub contacts: NameMap<(Name, Name), ContactStatus>,
    /// Who said that they are there.
    pub presence: NameMap<Name, PresenceStatus>,
    /// Where each kept message is.
    places: NameMap<Name, Name>,
    /// What became of outbox parts.
    performed: NameMap<Name, Done>,
    performed_order: VecDeque<Name>,
}

impl State {
    /// The conversation and the message of this id.
    pub fn message(&self, id: &str) -> Option<(&Room, &Arc<RoomMessage>)> {
        let room = self.rooms.get(self.places.get(id)?)?;
        let message = room.messages.iter().rev().find(|m| *m.id == *id)?;
        Some((room, message))
    }

    /// What became of an outbox part that was performed.
    pub fn performed(&self, part: &str) -> Option<&Done> {
        self.performed.get(part)
    }

    /// Remembered parts, oldest first.
    pub fn all_performed(&self) -> impl Iterator<Item = (&Name, &Done)> {
        self.performed_order
            .iter()
            .filter_map(|part| Some((part, self.performed.get(part)?)))
    }

    /// Remembers what became of a part.
    pub fn remember(&mut self, part: Name, done: Done) {
        if self.performed_order.len() >= PERFORMED_MAX
            && let Some(old) = self.performed_order.pop_front()
        {
            self.performed.remove(&old);
        }
        if self.performed.insert(part.clone(), done).is_none() {
            self.performed_order.push_back(part);
        }
    }

    /// Makes a change. Answers the messages that it pushed out or took away, whose files can go.
    pub fn apply(&mut self, event: &RoomEvent) -> Option<Arc<RoomMessage>> {
        if !event.change.is_passing() {
            self.number = self.number.max(event.number);
        }
        if let Some(part) = &event.part {
            self.remember(part.clone(), done_of(&event.change));
        }
        match &event.change {
            Change::User(user) => {
                self.users.insert(user.id.clone(), user.clone());
            }
            Change::Created { room, members } => {
                self.rooms
                    .entry(room.id.clone())
                    .or_insert_with(|| Room {
                        info: room.clone(),
                        members: Arc::new(Vec::new()),
                        messages: VecDeque::new(),
                    })
                    .members = Arc::new(members.clone());
            }
            Change::Updated { room, .. } => {
                if let Some(known) = self.rooms.get_mut(&room.id) {
                    known.info = room.clone();
                }
            }
            Change::Member {
                conversation,
                user,
                role,
                change,
            } => {
                let user = self.users.get(user).cloned();
                if let (Some(room), Some(user)) = (self.rooms.get_mut(conversation), user) {
                    change_member(room, user, *role, *change);
                }
            }
            Change::Posted(message) => return self.keep(message),
            Change::Edited(message) => {
                if let Some(old) = self.message_mut(&message.id) {
                    *old = message.clone();
                }
            }
            Change::Deleted { message, .. } => return self.take_away(message),
            Change::Reacted {
                message,
                emoji,
                added,
                ..
            } => self.change_message(message, |m| react(m, &event.by, emoji, *added)),
            Change::Submitted {
                message,
                form,
                button,
                ..
            } => self.change_message(message, |m| {
                answer(m, &event.by, event.at, Some(form.clone()), button)
            }),
            Change::Pressed {
                message, button, ..
            } => self.change_message(message, |m| answer(m, &event.by, event.at, None, button)),
            Change::Contact { bot, user, status } => {
                let key = (bot.clone(), user.clone());
                if *status == ContactStatus::None {
                    self.contacts.remove(&key);
                } else {
                    self.contacts.insert(key, *status);
                }
            }
            Change::Presence { status } => {
                if *status == PresenceStatus::Offline {
                    self.presence.remove(&event.by);
                } else {
                    self.presence.insert(event.by.clone(), *status);
                }
            }
            Change::Other { .. } | Change::Typing { .. } => {}
        }
        None
    }

    /// Puts back a message as it was.
    pub fn restore(&mut self, message: &Arc<RoomMessage>) {
        self.keep(message);
    }

    fn keep(&mut self, message: &Arc<RoomMessage>) -> Option<Arc<RoomMessage>> {
        let room = self.rooms.get_mut(&message.conversation)?;
        let old = (room.messages.len() >= HISTORY_MAX)
            .then(|| room.messages.pop_front())
            .flatten();
        room.messages.push_back(message.clone());
        self.places
            .insert(message.id.clone(), message.conversation.clone());
        if let Some(old) = &old {
            self.places.remove(&old.id);
        }
        old
    }

    fn take_away(&mut self, id: &str) -> Option<Arc<RoomMessage>> {
        let message = self.message_mut(id)?;
        let old = message.clone();
        let new = Arc::make_mut(message);
        new.text.clear();
        new.content.clear();
        new.attachments.clear();
        new.reactions.clear();
        new.answers.clear();
        new.entities.clear();
        new.quoted = None;
        new.deleted = true;
        Some(old)
    }

    fn change_message(&mut self, id: &str, change: impl FnOnce(&mut RoomMessage)) {
        if let Some(message) = self.message_mut(id) {
            change(Arc::make_mut(message));
        }
    }

    fn message_mut(&mut self, id: &str) -> Option<&mut Arc<RoomMessage>> {
        let room = self.rooms.get_mut(self.places.get(id)?)?;
        room.messages.iter_mut().rev().find(|m| *m.id == *id)
    }
}

fn done_of(change: &Change) -> Done {
    Done {
        conversation: change.conversation().cloned(),
        message: match change {
            Change::Posted(message) => Some(message.id.clone()),
            _ => None,
        },
        was_member: false,
    }
}

fn change_member(
    room: &mut Room,
    user: Arc<RoomUser>,
    role: crate::model::event::ConversationRole,
    change: MemberChange,
) {
    let members = Arc::make_mut(&mut room.members);
    let place = members.iter().position(|member| member.user.id == user.id);
    match (change, place) {
        (MemberChange::JoinRequested, _) => {}
        (MemberChange::Left, Some(place)) => {
            members.remove(place);
        }
        (MemberChange::Left, None) => {}
        (_, Some(place)) => {
            if let Some(member) = members.get_mut(place) {
                member.role = role;
            }
        }
        (_, None) => members.push(RoomMember { user, role }),
    }
}

fn react(message: &mut RoomMessage, user: &Name, emoji: &str, added: bool) {
    let place = message.reactions.iter().position(|r| r.emoji == emoji);
    match (place, added) {
        (None, true) if message.reactions.len() < REACTIONS_MAX => {
            message.reactions.push(RoomReaction {
                emoji: emoji.to_owned(),
                users: vec![user.clone()],
            });
        }
        (Some(place), true) => {
            let users = &mut message.reactions[place].users;
            if !users.contains(user) && users.len() < REACTION_USERS_MAX {
                users.push(user.clone());
            }
        }
        (Some(place), false) => {
            message.reactions[place].users.retain(|u| u != user);
            if message.reactions[place].users.is_empty() {
                message.reactions.remove(place);
            }
        }
        (None, _) => {}
    }
}

fn answer(
    message: &mut RoomMessage,
    user: &Name,
    at: Timestamp,
    form: Option<String>,
    button: &str,
) {
    if message.answers.len() >= ANSWERS_MAX {
        message.answers.remove(0);
    }
    message.answers.push(RoomAnswer {
        user: user.clone(),
        at,
        form,
        button: button.to_owned(),
    });
}
