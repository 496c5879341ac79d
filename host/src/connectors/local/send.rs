//! Actions become commands of the platform. Pure.

use super::convert::PLATFORM;
use super::hub::names::short_hash;
use crate::content;
use crate::journal::Part;
use crate::mailbox::SendError;
use crate::mailbox::rooms::{Command, RoomsError, Say};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Fallback, MessageRef, NewConversation, OutgoingAttachment, Send, Target,
};
use crate::model::content::{Block, Content};
use crate::model::directory::ContactStatus;
use crate::model::event::Visibility;
use crate::model::payload::ActionError;

/// What a part comes to.
#[derive(Debug)]
pub enum Plan {
    /// One command.
    One(Box<Command>),
    /// A command that makes or finds the conversation, and the message to say there.
    OpenAndSay(Box<Command>, Box<Say>),
}

/// The id under which a part is performed, and which its message gets. The journal's number alone
/// would name another part once a journal begins anew beside an old log.
pub fn part_id(part: &Part) -> Name {
    let number = part.number.to_string();
    let place = format!("{}.{}", part.what.index, part.what.part);
    let hash = short_hash(&[
        &part.tenant,
        &part.what.bot,
        &part.plugin,
        &number,
        &part.origin.id,
        &place,
    ]);
    format!("b-{hash}").into()
}

/// Makes the command of an action.
///
/// # Errors
/// When the action makes no sense on this platform, or its content does not parse.
pub fn plan_action(bot: &str, conversation: &str, action: &Action) -> Result<Plan, SendError> {
    if action.as_user.is_some() {
        return Err(unsupported(
            "as-user is not supported by the local platform",
        ));
    }
    let here = |id: &Option<String>| id.clone().unwrap_or_else(|| conversation.to_owned());
    let command = match &action.kind {
        ActionKind::Send(send) => return plan_send(conversation, send),
        ActionKind::Edit(edit) => {
            let (text, content) = said(&edit.content)?;
            Command::Edit {
                message: by_id(&edit.message)?,
                text,
                content,
            }
        }
        ActionKind::Delete(message) => Command::Delete {
            message: by_id(message)?,
        },
        ActionKind::React(react) => Command::React {
            message: by_id(&react.message)?,
            emoji: react.emoji.clone(),
            add: react.add,
        },
        ActionKind::Typing(active) => Command::Typing {
            conversation: conversation.to_owned(),
            active: *active,
        },
        ActionKind::Join(id) => Command::Join {
            conversation: here(id),
        },
        ActionKind::Leave(id) => Command::Leave {
            conversation: here(id),
        },
        ActionKind::Invite(who) => Command::Invite {
            conversation: here(&who.conversation),
            user: who.user.clone(),
        },
        ActionKind::Remove(who) => Command::Remove {
            conversation: here(&who.conversation),
            user: who.user.clone(),
        },
        ActionKind::Promote(who) => Command::Promote {
            conversation: here(&who.conversation),
            user: who.user.clone(),
        },
        ActionKind::Demote(who) => Command::Demote {
            conversation: here(&who.conversation),
            user: who.user.clone(),
        },
        ActionKind::CreateConversation(NewConversation::Direct(user)) => {
            Command::OpenDirect { user: user.clone() }
        }
        ActionKind::CreateConversation(NewConversation::Room(room)) => Command::CreateRoom {
            name: room.name.clone(),
            description: room.description.clone(),
            members: room.members.clone(),
            public: room.public,
            open: room.open,
            external: room.external,
        },
        ActionKind::UpdateConversation(update) => Command::Update {
            conversation: here(&update.conversation),
            name: update.name.clone(),
            description: update.description.clone(),
            public: update.public,
            open: update.open,
        },
        ActionKind::AcceptContact(user) => contact(bot, user, ContactStatus::Accepted),
        ActionKind::RejectContact(user) => contact(bot, user, ContactStatus::Rejected),
        ActionKind::RequestContact(user) => contact(bot, user, ContactStatus::Requested),
        ActionKind::RemoveContact(user) => contact(bot, user, ContactStatus::None),
        ActionKind::SetPresence(status) => Command::SetPresence { status: *status },
        ActionKind::Transfer(transfer) => Command::Transfer {
            conversation: here(&transfer.conversation),
            to: transfer.to.clone(),
        },
        ActionKind::Close(id) => Command::Close {
            conversation: here(id),
        },
        ActionKind::Tag(tag) => Command::Tag {
            conversation: here(&tag.conversation),
            tag: tag.tag.clone(),
            add: tag.add,
        },
        ActionKind::Request(_) | ActionKind::SetTimer(_) | ActionKind::CancelTimer(_) => {
            return Err(unsupported(
                "requests and timers are the host's, not a platform's",
            ));
        }
        ActionKind::Other(other) => {
            return Err(unsupported(&format!(
                "the local platform has no action {} of {}",
                other.name, other.platform
            )));
        }
    };
    Ok(Plan::One(Box::new(command)))
}

/// What a refusal means for the outbox.
pub fn send_error(error: RoomsError) -> SendError {
    let class = match &error {
        RoomsError::NotFound(_) => ActionError::NotFound,
        RoomsError::NotMember(_) | RoomsError::Denied(_) => ActionError::Denied,
        RoomsError::Unsupported(_) => ActionError::Unsupported,
        RoomsError::TooLarge(_) => ActionError::TooLarge,
        RoomsError::Unavailable(_) => ActionError::Unavailable,
        // Parts are performed once by their id, so a repetition is safe.
        RoomsError::Busy | RoomsError::Storage(_) => {
            return SendError::Again {
                after: None,
                detail: error.to_string(),
            };
        }
    };
    SendError::Permanent {
        class,
        detail: error.to_string(),
    }
}

fn plan_send(conversation: &str, send: &Send) -> Result<Plan, SendError> {
    let (text, content) = said(&send.content)?;
    if send.fallback == Fallback::Fail
        && let Some(foreign) = foreign_markup(&content)
    {
        return Err(unsupported(&format!(
            "the local platform does not show markup of {foreign}"
        )));
    }
    let mut say = Say {
        conversation: conversation.to_owned(),
        text,
        content,
        agents_only: send.visibility == Visibility::Agents,
        thread: send.thread.clone(),
        quiet: send.quiet,
        ..Say::default()
    };
    for attachment in &send.attachments {
        match attachment {
            OutgoingAttachment::File(file) => say.files.push(file.clone()),
            OutgoingAttachment::Received(id) => say.received.push(id.clone()),
            OutgoingAttachment::Kept(file) => {
                return Err(SendError::Permanent {
                    class: ActionError::Failed,
                    detail: format!("the bytes of {} were not read", file.name),
                });
            }
        }
    }
    let open = match &send.target {
        Target::Reply => return Ok(Plan::One(Box::new(Command::Say(say)))),
        Target::Conversation(id) => {
            say.conversation.clone_from(id);
            return Ok(Plan::One(Box::new(Command::Say(say))));
        }
        Target::Conversations(_) => {
            return Err(unsupported("a broadcast is split before it is performed"));
        }
        Target::User(user) | Target::Email(user) => Command::OpenDirect { user: user.clone() },
        Target::Users(users) => Command::OpenGroup {
            users: users.clone(),
        },
    };
    Ok(Plan::OpenAndSay(Box::new(open), Box::new(say)))
}

/// The platform whose own markup a content has, where that is another one.
fn foreign_markup(blocks: &[Block]) -> Option<&str> {
    blocks.iter().find_map(|block| match block {
        Block::Raw(raw) if raw.platform != PLATFORM => Some(raw.platform.as_str()),
        _ => None,
    })
}

/// Text and blocks of a content; no blocks where the text says it all.
fn said(content: &Content) -> Result<(String, Vec<Block>), SendError> {
    match content {
        Content::Plain(text) => Ok((text.clone(), Vec::new())),
        // The host has checked blocks before it committed them.
        Content::Blocks(blocks) => Ok((content::text(blocks).0, blocks.clone())),
        Content::Markdown(_) | Content::MessageMl(_) => {
            let blocks = content::blocks(content).map_err(|error| SendError::Permanent {
                class: ActionError::Failed,
                detail: error.to_string(),
            })?;
            Ok((content::text(&blocks).0, blocks))
        }
    }
}

fn by_id(message: &MessageRef) -> Result<String, SendError> {
    match message {
        MessageRef::Id(id) => Ok(id.clone()),
        MessageRef::Key(key) => Err(SendError::Permanent {
            class: ActionError::NotFound,
            detail: format!("no message has the key {key}"),
        }),
    }
}

fn contact(bot: &str, user: &str, status: ContactStatus) -> Command {
    Command::Contact {
        bot: bot.to_owned(),
        user: user.to_owned(),
        status,
    }
}

fn unsupported(detail: &str) -> SendError {
    SendError::Permanent {
        class: ActionError::Unsupported,
        detail: detail.to_owned(),
    }
}
