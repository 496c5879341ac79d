//! What each command comes to: changes, or why not. Pure.

mod contacts;
mod rooms;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::forms;
use super::names::{self, id_from_name};
use super::state::{Room, State};
use crate::mailbox::rooms::{
    Change, Command, Done, RoomInfo, RoomMessage, RoomUser, RoomsError, Say,
};
use crate::model::content::ButtonKind;
use crate::model::event::{
    ConversationKind, ConversationRole, QuotedMessage, ReceivedAttachment, UserKind, Visibility,
};
use crate::model::payload::{ConversationChanged, MemberChange};
use crate::model::{Name, Timestamp};

/// Users of the platform.
pub const USERS_MAX: usize = 10_000;
/// Conversations of the platform.
pub const ROOMS_MAX: usize = 10_000;
/// Members of one conversation.
pub const MEMBERS_MAX: usize = 1_000;
/// Bytes of one message's text.
pub const TEXT_MAX: usize = 256 * 1024;
/// Blocks of one message.
pub const BLOCKS_MAX: usize = 4_096;
/// Files of one message.
pub const FILES_MAX: usize = 20;
/// Bytes of one name.
pub const NAME_MAX: usize = 200;
/// Tags of one chat.
pub const TAGS_MAX: usize = 50;

/// Who asks for what, when.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Who.
    pub by: Arc<RoomUser>,
    /// Who asks is new and becomes known with this.
    pub is_new: bool,
    /// When.
    pub now: Timestamp,
    /// The id of a message that this makes.
    pub message_id: Option<Name>,
    /// What ids of this platform begin with.
    pub epoch: &'a str,
    /// The bots that go into new rooms.
    pub bots: &'a [Arc<RoomUser>],
    /// Groups that chats can be handed to, with their people.
    pub groups: &'a BTreeMap<String, Vec<String>>,
    /// Files that came with the command and are stored already.
    pub files: Vec<ReceivedAttachment>,
    /// What a message that this makes or changes does not show as it was meant.
    pub notes: Vec<String>,
}

/// What a command comes to.
#[derive(Debug, Default)]
pub struct Decision {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// The answer.
    pub done: Done,
}

/// Decides a command.
///
/// # Errors
/// Why it is refused.
pub fn decide(state: &State, asked: Asked<'_>, command: Command) -> Result<Decision, RoomsError> {
    let mut rules = Rules {
        state,
        out: Decision::default(),
        asked,
    };
    if rules.asked.is_new {
        let user = rules.asked.by.clone();
        rules.learn(user)?;
    }
    rules.run(command)?;
    Ok(rules.out)
}

struct Rules<'a> {
    state: &'a State,
    asked: Asked<'a>,
    out: Decision,
}

impl Rules<'_> {
    fn run(&mut self, command: Command) -> Result<(), RoomsError> {
        match command {
            Command::Say(say) => self.say(say),
            Command::Edit {
                message,
                text,
                content,
            } => self.edit(&message, text, content),
            Command::Delete { message } => self.delete(&message),
            Command::React {
                message,
                emoji,
                add,
            } => self.react(&message, emoji, add),
            Command::Join { conversation } => self.join(&conversation),
            Command::RequestJoin { conversation } => self.request_join(&conversation),
            Command::Leave { conversation } => self.leave(&conversation),
            Command::Invite { conversation, user } => {
                self.member(&conversation, &user, MemberChange::Invited)
            }
            Command::Remove { conversation, user } => {
                self.member(&conversation, &user, MemberChange::Left)
            }
            Command::Promote { conversation, user } => {
                self.member(&conversation, &user, MemberChange::Promoted)
            }
            Command::Demote { conversation, user } => {
                self.member(&conversation, &user, MemberChange::Demoted)
            }
            Command::OpenRoom { name } => self.open_room(&name),
            Command::OpenDirect { user } => self.open_direct(&user),
            Command::OpenGroup { users } => self.open_group(&users),
            Command::OpenChat { customer } => self.open_chat(&customer),
            Command::CreateRoom {
                name,
                description,
                members,
                public,
                open,
                external,
            } => {
                let info = RoomInfo {
                    description,
                    public,
                    open,
                    external,
                    ..room_info(
                        self.new_room_id("room", &name),
                        ConversationKind::Room,
                        &name,
                    )
                };
                self.create_room(info, &members)
            }
            Command::Update {
                conversation,
                name,
                description,
                public,
                open,
            } => self.update(&conversation, |room| {
                room.name = name.map_or(room.name.clone(), Name::from);
                room.description = description.unwrap_or_else(|| room.description.clone());
                room.public = public.unwrap_or(room.public);
                room.open = open.unwrap_or(room.open);
            }),
            Command::Close { conversation } => self.close(&conversation, true),
            Command::Reopen { conversation } => self.close(&conversation, false),
            Command::Transfer { conversation, to } => self.transfer(&conversation, &to),
            Command::Tag {
                conversation,
                tag,
                add,
            } => self.tag(&conversation, tag, add),
            Command::Submit {
                message,
                form,
                button,
                values,
            } => self.submit(&message, &form, button, &values),
            Command::Press { message, button } => self.press(&message, &button),
            Command::Typing {
                conversation,
                active,
            } => {
                let room = self.room_of_member(&conversation)?;
                let conversation = room.info.id.clone();
                self.push(Change::Typing {
                    conversation,
                    active,
                });
                Ok(())
            }
            Command::SetPresence { status } => {
                self.push(Change::Presence { status });
                Ok(())
            }
            Command::Contact { bot, user, status } => self.contact(&bot, &user, status),
            Command::Other {
                conversation,
                kind,
                json,
            } => {
                let conversation = self.room_of_member(&conversation)?.info.id.clone();
                self.push(Change::Other {
                    conversation,
                    kind,
                    json,
                });
                Ok(())
            }
        }
    }

    fn push(&mut self, change: Change) {
        if self.out.done.conversation.is_none() {
            self.out.done.conversation = change.conversation().cloned();
        }
        self.out.changes.push(change);
    }

    fn room(&self, id: &str) -> Result<&Room, RoomsError> {
        self.state
            .rooms
            .get(id)
            .ok_or_else(|| RoomsError::NotFound(format!("conversation {id}")))
    }

    fn room_of_member(&self, id: &str) -> Result<&Room, RoomsError> {
        let room = self.room(id)?;
        match room.member(&self.asked.by.id) {
            Some(_) => Ok(room),
            None => Err(RoomsError::NotMember(self.asked.by.name.to_string())),
        }
    }

    fn role_in(&self, room: &Room) -> ConversationRole {
        room.member(&self.asked.by.id)
            .map_or(ConversationRole::Unknown, |member| member.role)
    }

    fn message(&self, id: &str) -> Result<(&Room, &Arc<RoomMessage>), RoomsError> {
        let found = self.state.message(id);
        let (room, message) = found
            .filter(|(_, message)| !message.deleted)
            .ok_or_else(|| RoomsError::NotFound(format!("message {id}")))?;
        let hidden = message.visibility == Visibility::Agents
            && self.role_in(room) == ConversationRole::Customer;
        if hidden {
            return Err(RoomsError::NotFound(format!("message {id}")));
        }
        Ok((room, message))
    }

    /// Messages answer to members only.
    fn message_of_member(&self, id: &str) -> Result<(&Room, &Arc<RoomMessage>), RoomsError> {
        let (room, message) = self.message(id)?;
        match room.member(&self.asked.by.id) {
            Some(_) => Ok((room, message)),
            None => Err(RoomsError::NotMember(self.asked.by.name.to_string())),
        }
    }

    fn known_user(&self, name: &str) -> Result<&Arc<RoomUser>, RoomsError> {
        names::find_user(self.state, name)
            .ok_or_else(|| RoomsError::NotFound(format!("user {name}")))
    }

    /// People are made on first use; a bot cannot make people up.
    fn user(&mut self, name: &str) -> Result<Arc<RoomUser>, RoomsError> {
        if let Some(user) = names::find_user(self.state, name) {
            return Ok(user.clone());
        }
        let id = id_from_name(name);
        let made = self.out.changes.iter().find_map(|change| match change {
            Change::User(user) if user.id == id => Some(user.clone()),
            _ => None,
        });
        match made {
            Some(user) => Ok(user),
            None if self.asked.by.kind == UserKind::Bot => {
                Err(RoomsError::NotFound(format!("user {name}")))
            }
            None => {
                let user = names::new_user(name, UserKind::Human)?;
                self.learn(user.clone())?;
                Ok(user)
            }
        }
    }

    fn learn(&mut self, user: Arc<RoomUser>) -> Result<(), RoomsError> {
        if self.state.users.len() >= USERS_MAX {
            return Err(RoomsError::TooLarge("there are too many users".into()));
        }
        self.push(Change::User(user));
        Ok(())
    }

    fn say(&mut self, say: Say) -> Result<(), RoomsError> {
        let room = self.room_of_member(&say.conversation)?;
        let role = self.role_in(room);
        check_size(&say.text, say.content.len())?;
        if say.agents_only && role == ConversationRole::Customer {
            return Err(RoomsError::Denied(
                "a customer cannot write to agents only".into(),
            ));
        }
        if say.files.len() + say.received.len() > FILES_MAX {
            return Err(RoomsError::TooLarge(format!(
                "a message has at most {FILES_MAX} files"
            )));
        }
        let info = room.info.clone();
        let quoted = match &say.reply_to {
            Some(id) => {
                let (_, message) = self.message(id)?;
                Some(QuotedMessage {
                    id: message.id.to_string(),
                    author: message.author.to_string(),
                    text: message.text.clone(),
                    at: message.at,
                })
            }
            None => None,
        };
        if info.closed {
            if role != ConversationRole::Customer {
                return Err(RoomsError::Denied("the chat is closed".into()));
            }
            self.push(Change::Updated {
                room: Arc::new(RoomInfo {
                    closed: false,
                    ..(*info).clone()
                }),
                what: ConversationChanged::Reopened,
            });
        }
        let id = self.message_id();
        self.out.done.message = Some(id.clone());
        let attachments = std::mem::take(&mut self.asked.files);
        let notes = std::mem::take(&mut self.asked.notes);
        let message = RoomMessage {
            id,
            conversation: info.id.clone(),
            author: self.asked.by.id.clone(),
            at: self.asked.now,
            text: say.text,
            content: say.content,
            visibility: if say.agents_only {
                Visibility::Agents
            } else {
                Visibility::All
            },
            thread: say.thread,
            reply_to: say.reply_to,
            quoted,
            quiet: say.quiet,
            entities: say.entities,
            notes,
            attachments,
            edited_at: None,
            deleted: false,
            reactions: Vec::new(),
            answers: Vec::new(),
        };
        self.push(Change::Posted(Arc::new(message)));
        Ok(())
    }

    fn message_id(&mut self) -> Name {
        self.asked.message_id.take().unwrap_or_else(|| {
            let number = self.state.number + self.out.changes.len() as u64 + 1;
            format!("{}-{number}", self.asked.epoch).into()
        })
    }

    fn edit(
        &mut self,
        id: &str,
        text: String,
        content: Vec<crate::model::content::Block>,
    ) -> Result<(), RoomsError> {
        check_size(&text, content.len())?;
        let notes = std::mem::take(&mut self.asked.notes);
        let (_, message) = self.message_of_member(id)?;
        if message.author != self.asked.by.id {
            return Err(RoomsError::Denied(
                "only who wrote a message may change it".into(),
            ));
        }
        let message = RoomMessage {
            text,
            content,
            notes,
            edited_at: Some(self.asked.now),
            answers: Vec::new(),
            ..(**message).clone()
        };
        self.out.done.message = Some(message.id.clone());
        self.push(Change::Edited(Arc::new(message)));
        Ok(())
    }

    fn delete(&mut self, id: &str) -> Result<(), RoomsError> {
        let (room, message) = self.message(id)?;
        let role = self.role_in(room);
        let moderates = matches!(role, ConversationRole::Owner | ConversationRole::Agent);
        if message.author != self.asked.by.id && !moderates {
            return Err(RoomsError::Denied(
                "only who wrote a message, or an owner, may delete it".into(),
            ));
        }
        let change = Change::Deleted {
            conversation: room.info.id.clone(),
            message: message.id.clone(),
        };
        self.push(change);
        Ok(())
    }

    fn react(&mut self, id: &str, emoji: String, added: bool) -> Result<(), RoomsError> {
        check_name(&emoji)?;
        let (room, message) = self.message_of_member(id)?;
        let change = Change::Reacted {
            conversation: room.info.id.clone(),
            message: message.id.clone(),
            emoji,
            added,
        };
        self.push(change);
        Ok(())
    }

    fn submit(
        &mut self,
        id: &str,
        form: &str,
        button: Option<String>,
        values: &BTreeMap<String, Vec<String>>,
    ) -> Result<(), RoomsError> {
        let (room, message) = self.message_of_member(id)?;
        let found = forms::find_form(&message.content, form)
            .ok_or_else(|| RoomsError::NotFound(format!("form {form}")))?;
        let button = forms::submitting_button(found, button)?;
        let values = forms::typed_values(
            found,
            values,
            |name| names::find_user(self.state, name).map(|user| names::model_user(user)),
            |name| {
                let by_id = || self.state.rooms.get(name);
                let room = names::find_room(self.state, name).or_else(by_id);
                room.map(|room| room.info.id.to_string())
            },
        )?;
        let change = Change::Submitted {
            conversation: room.info.id.clone(),
            message: message.id.clone(),
            form: found.id.clone(),
            button,
            values,
        };
        self.push(change);
        Ok(())
    }

    fn press(&mut self, id: &str, button: &str) -> Result<(), RoomsError> {
        let (room, message) = self.message_of_member(id)?;
        let (conversation, message_id) = (room.info.id.clone(), message.id.clone());
        let found = forms::find_button(&message.content, button)
            .ok_or_else(|| RoomsError::NotFound(format!("button {button}")))?
            .clone();
        match found.kind {
            ButtonKind::Action(action) => {
                self.push(Change::Pressed {
                    conversation,
                    message: message_id,
                    button: action.id,
                    value: action.value,
                });
                Ok(())
            }
            ButtonKind::Reply(text) => self.say(Say {
                conversation: conversation.to_string(),
                text,
                ..Say::default()
            }),
            ButtonKind::Link(_) => Err(RoomsError::Unsupported(
                "a link is opened by its reader".into(),
            )),
        }
    }
}

fn room_info(id: Name, kind: ConversationKind, name: &str) -> RoomInfo {
    RoomInfo {
        id,
        kind,
        name: name.trim().into(),
        description: String::new(),
        public: true,
        open: true,
        external: false,
        closed: false,
        tags: Vec::new(),
    }
}

fn check_size(text: &str, blocks: usize) -> Result<(), RoomsError> {
    if text.len() > TEXT_MAX {
        return Err(RoomsError::TooLarge(format!(
            "a message has at most {TEXT_MAX} bytes of text"
        )));
    }
    if blocks > BLOCKS_MAX {
        return Err(RoomsError::TooLarge(format!(
            "a message has at most {BLOCKS_MAX} blocks"
        )));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), RoomsError> {
    names::check_name(name, NAME_MAX)
}
