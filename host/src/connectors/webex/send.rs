//! Performs actions: each part one request that counts, and what it needs to know before.

mod find;
mod members;
mod message;

pub(super) use message::FILE_BYTES;

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::WebexConnector;
use super::api::{ApiError, Body};
use super::split::split;
use super::wire::{Membership, Message, Room};
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{
    Action, ActionKind, MessageRef, NewConversation, NewRoom, Target, UpdateConversation,
};
use crate::model::payload::ActionError;

/// Splits an action into parts that are one message each. Pure.
pub(super) fn plan(action: Action) -> Vec<Action> {
    let ActionKind::Send(send) = &action.kind else {
        return vec![action];
    };
    let targets: Vec<Target> = match &send.target {
        Target::Conversations(ids) => ids.iter().cloned().map(Target::Conversation).collect(),
        target => vec![target.clone()],
    };
    let bodies = split(send.clone());
    let mut parts = Vec::with_capacity(targets.len() * bodies.len());
    for target in &targets {
        for body in &bodies {
            let mut send = body.clone();
            send.target.clone_from(target);
            parts.push(Action {
                key: action.key.clone(),
                bot: action.bot.clone(),
                as_user: action.as_user.clone(),
                kind: ActionKind::Send(send),
            });
        }
    }
    parts
}

impl WebexConnector {
    /// Performs a part.
    pub(super) async fn perform_part(&self, part: &Part) -> Result<Sent, SendError> {
        let action = &part.what.action;
        if action.as_user.is_some() {
            return Err(unsupported("a bot on Webex acts for nobody"));
        }
        let here = |id: &Option<String>| match id {
            Some(id) => id.clone(),
            None => part.what.conversation.to_string(),
        };
        match &action.kind {
            ActionKind::Send(send) => self.send_message(part, send).await,
            ActionKind::Edit(edit) => self.edit_message(part, edit).await,
            ActionKind::Delete(message) => {
                let id = by_id(message)?;
                match self.api.delete(&["messages", id]).await {
                    Ok(()) => Ok(Sent::default()),
                    // It is not there, which is what was asked for.
                    Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                        Ok(Sent::default())
                    }
                    Err(error) => Err(error.repeat_error()),
                }
            }
            ActionKind::Join(id) => self.join(&here(id)).await,
            ActionKind::Leave(id) => self.leave_room(&here(id)).await,
            ActionKind::Invite(who) => {
                let room = here(&who.conversation);
                let mut sent = made(room.clone());
                if self.add_member(&room, &who.user).await? {
                    sent.notes.push("was already in".to_owned());
                }
                Ok(sent)
            }
            ActionKind::Remove(who) => {
                self.remove_member(&here(&who.conversation), &who.user)
                    .await
            }
            ActionKind::Promote(who) => {
                let room = here(&who.conversation);
                self.set_moderator(&room, &who.user, true).await
            }
            ActionKind::Demote(who) => {
                let room = here(&who.conversation);
                self.set_moderator(&room, &who.user, false).await
            }
            ActionKind::CreateConversation(NewConversation::Direct(other)) => {
                self.find_direct(other).await
            }
            ActionKind::CreateConversation(NewConversation::Room(room)) => {
                self.create_room(room).await
            }
            ActionKind::UpdateConversation(update) => {
                self.update_room(&here(&update.conversation), update).await
            }
            kind => Err(unsupported(&format!("Webex has no {}", kind.name()))),
        }
    }

    /// The direct space with somebody. Webex makes one with the first message only.
    async fn find_direct(&self, other: &str) -> Result<Sent, SendError> {
        let query = if other.contains('@') {
            [("personEmail", other)]
        } else {
            [("personId", other)]
        };
        let found: Result<super::wire::Page<Message>, ApiError> =
            self.api.get(&["messages", "direct"], &query).await;
        match found {
            Ok(page) => match page.items.first() {
                Some(message) => Ok(made(message.room_id.clone())),
                None => Err(no_direct()),
            },
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Err(no_direct()),
            Err(error) => Err(error.repeat_error()),
        }
    }

    async fn create_room(&self, room: &NewRoom) -> Result<Sent, SendError> {
        let mut body = Map::new();
        body.insert("title".to_owned(), room.name.clone().into());
        if !room.description.trim().is_empty() {
            body.insert("description".to_owned(), room.description.clone().into());
        }
        let mut notes = Vec::new();
        if room.public {
            // A public space must say what it is for.
            if room.description.trim().is_empty() {
                body.insert("description".to_owned(), room.name.clone().into());
            }
            body.insert("isPublic".to_owned(), true.into());
        }
        if !room.open {
            notes.push("members may invite others, unless somebody moderates the space".to_owned());
        }
        let found: Room = self
            .api
            .send(Method::POST, &["rooms"], Body::Json(Value::Object(body)))
            .await
            .map_err(|error| error.send_error())?;
        for member in &room.members {
            // The room is there: who cannot be brought in is told of, and no reason to make another.
            if let Err(error) = self.add_member(&found.id, member).await {
                notes.push(format!("{member} is not in it: {error}"));
            }
        }
        Ok(Sent {
            notes,
            ..made(found.id)
        })
    }

    async fn update_room(&self, id: &str, update: &UpdateConversation) -> Result<Sent, SendError> {
        let mut body = Map::new();
        let title = match &update.name {
            Some(name) => name.clone(),
            // It must be said even where it stays.
            None => {
                let room: Room = self
                    .api
                    .get(&["rooms", id], &[])
                    .await
                    .map_err(|error| error.repeat_error())?;
                room.title.unwrap_or_default()
            }
        };
        body.insert("title".to_owned(), title.into());
        if let Some(description) = &update.description {
            body.insert("description".to_owned(), description.clone().into());
        }
        if let Some(public) = update.public {
            body.insert("isPublic".to_owned(), public.into());
        }
        let mut notes = Vec::new();
        if update.open.is_some() {
            notes.push("who may invite → not changed".to_owned());
        }
        let room: Room = self
            .api
            .send(Method::PUT, &["rooms", id], Body::Json(Value::Object(body)))
            .await
            .map_err(|error| error.repeat_error())?;
        self.directory.met_room(room);
        Ok(Sent {
            notes,
            ..made(id.to_owned())
        })
    }
}

fn no_direct() -> SendError {
    unsupported("Webex begins a direct space with its first message: send one to the user")
}

/// The message, by Webex's id: keys were looked up before.
fn by_id(message: &MessageRef) -> Result<&str, SendError> {
    match message {
        MessageRef::Id(id) => Ok(id),
        MessageRef::Key(key) => Err(SendError::Permanent {
            class: ActionError::NotFound,
            detail: format!("no message has the key {key}"),
        }),
    }
}

fn made(conversation: String) -> Sent {
    Sent {
        conversation: Some(conversation),
        ..Sent::default()
    }
}

pub(super) fn unsupported(detail: &str) -> SendError {
    SendError::Permanent {
        class: ActionError::Unsupported,
        detail: detail.to_owned(),
    }
}

/// Somebody's part in a space.
async fn membership(
    connector: &WebexConnector,
    room: &str,
    user: &str,
) -> Result<Option<Membership>, ApiError> {
    let who = if user.contains('@') {
        ("personEmail", user)
    } else {
        ("personId", user)
    };
    let query = [("roomId", room), who];
    let found: Result<Vec<Membership>, ApiError> =
        connector.api.list(&["memberships"], &query, |_| true).await;
    match found {
        Ok(found) => Ok(found.into_iter().next()),
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}
