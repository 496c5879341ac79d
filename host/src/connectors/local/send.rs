//! Actions become commands of the platform. Pure.

use super::hub::names::short_hash;
use super::render::render;
use crate::journal::Part;
use crate::mailbox::SendError;
use crate::mailbox::rooms::{Command, RoomsError, Say};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Fallback, MessageRef, NewConversation, OutgoingAttachment, Send, Target,
};
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

/// Makes the command of an action, and says what its message does not show as it was meant.
///
/// # Errors
/// When the action makes no sense on this platform, or its content does not parse.
pub fn plan_action(
    bot: &str,
    conversation: &str,
    action: &Action,
    text_only: bool,
) -> Result<(Plan, Vec<String>), SendError> {
    if action.as_user.is_some() {
        return Err(unsupported(
            "as-user is not supported by the local platform",
        ));
    }
    let mut notes = Vec::new();
    let here = |id: &Option<String>| id.clone().unwrap_or_else(|| conversation.to_owned());
    let command = match &action.kind {
        ActionKind::Send(send) => return plan_send(conversation, send, text_only),
        ActionKind::Edit(edit) => {
            let rendered = render(&edit.content, text_only)?;
            notes = rendered.notes;
            Command::Edit {
                message: by_id(&edit.message)?,
                text: rendered.text,
                content: rendered.content,
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
    Ok((Plan::One(Box::new(command)), notes))
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

fn plan_send(
    conversation: &str,
    send: &Send,
    text_only: bool,
) -> Result<(Plan, Vec<String>), SendError> {
    let rendered = render(&send.content, text_only)?;
    let notes = rendered.notes;
    if send.fallback == Fallback::Fail && !notes.is_empty() {
        return Err(unsupported(&notes.join("; ")));
    }
    let mut say = Say {
        conversation: conversation.to_owned(),
        text: rendered.text,
        content: rendered.content,
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
        Target::Reply => return Ok((Plan::One(Box::new(Command::Say(say))), notes)),
        Target::Conversation(id) => {
            say.conversation.clone_from(id);
            return Ok((Plan::One(Box::new(Command::Say(say))), notes));
        }
        Target::Conversations(_) => {
            return Err(unsupported("a broadcast is split before it is performed"));
        }
        Target::User(user) | Target::Email(user) => Command::OpenDirect { user: user.clone() },
        Target::Users(users) => Command::OpenGroup {
            users: users.clone(),
        },
    };
    Ok((Plan::OpenAndSay(Box::new(open), Box::new(say)), notes))
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
