//! Performs actions: each part one request that counts, and what it needs to know before.

mod find;
mod members;
mod message;

pub(super) use message::FILES_BYTES;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::ids::id_from_wire;
use super::site::Call;
use super::split::split;
use super::wire::rest::{Id, Presence, RoomAttributes, RoomDetail, Users};
use super::{MEMBERS, PLATFORM, SymphonyConnector};
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{
    Action, ActionKind, MessageRef, NewConversation, NewRoom, Target, UpdateConversation,
};
use crate::model::event::{Conversation, ConversationKind};
use crate::model::payload::{ActionError, PresenceStatus};

/// Conversations of which it is known who can be there.
const MAX_PLACES: usize = 10_000;

/// How often somebody is added to a room that was just made, …
const ADD_TRIES: u32 = 5;
/// … the wait between, longer each time, where the platform does not say how long, …
const ADD_WAIT: Duration = Duration::from_secs(1);
/// … and the longest where it does.
const ADD_LONGEST: Duration = Duration::from_secs(60);

/// What is known of conversations.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<BTreeMap<String, Place>>);

/// What is known of one.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Everybody there is of the company.
    is_internal: Option<bool>,
    /// One person and the bot.
    is_direct: bool,
}

impl Places {
    /// Notes what an event says of its conversation; who may be there only where it does say that.
    pub(super) fn heard(&self, conversation: &Conversation, is_said: bool) {
        self.learn(&conversation.id, |place| {
            place.is_direct = conversation.kind == ConversationKind::Direct;
            if is_said {
                place.is_internal = Some(!conversation.external && !conversation.cross_pod);
            }
        });
    }

    /// Everybody there is of the company; none where it is not known.
    pub(super) fn is_internal(&self, stream: &str) -> Option<bool> {
        self.of(stream).is_internal
    }

    pub(super) fn is_direct(&self, stream: &str) -> bool {
        self.of(stream).is_direct
    }

    fn of(&self, stream: &str) -> Place {
        self.0.lock().get(stream).copied().unwrap_or_default()
    }

    fn learn(&self, stream: &str, change: impl FnOnce(&mut Place)) {
        let mut known = self.0.lock();
        if known.len() >= MAX_PLACES && !known.contains_key(stream) {
            known.pop_first();
        }
        change(known.entry(stream.to_owned()).or_default());
    }
}

/// Splits an action into parts that are one request each. Pure.
pub(super) fn plan(action: Action) -> Vec<Action> {
    let ActionKind::Send(send) = &action.kind else {
        return vec![action];
    };
    let with = |kind| Action {
        key: action.key.clone(),
        bot: action.bot.clone(),
        as_user: action.as_user.clone(),
        kind,
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
            parts.push(with(ActionKind::Send(send)));
        }
    }
    parts
}

impl SymphonyConnector {
    /// Performs a part.
    pub(super) async fn perform_part(&self, part: &Part) -> Result<Sent, SendError> {
        let action = &part.what.action;
        let user = action.as_user.as_deref();
        let here = |id: &Option<String>| match id {
            Some(id) => id.clone(),
            None => part.what.conversation.to_string(),
        };
        match &action.kind {
            ActionKind::Send(send) => self.send_message(part, send).await,
            ActionKind::Edit(edit) => self.edit_message(part, edit).await,
            ActionKind::Delete(message) => {
                let id = by_id(message)?;
                let path = ["pod", "v1", "admin", "messagesuppression", id, "suppress"];
                self.post(part, &path, None).await?;
                Ok(Sent::default())
            }
            ActionKind::Join(id) => self.join(part, &here(id)).await,
            ActionKind::Leave(id) => self.leave_room(part, &here(id)).await,
            ActionKind::Invite(who) => {
                self.change_member(part, &here(&who.conversation), "add", &who.user)
                    .await
            }
            ActionKind::Remove(who) => {
                self.remove_member(part, &here(&who.conversation), &who.user)
                    .await
            }
            ActionKind::Promote(who) => {
                let room = here(&who.conversation);
                self.change_member(part, &room, "promoteOwner", &who.user)
                    .await
            }
            ActionKind::Demote(who) => {
                let room = here(&who.conversation);
                self.change_member(part, &room, "demoteOwner", &who.user)
                    .await
            }
            ActionKind::CreateConversation(NewConversation::Direct(other)) => {
                let stream = self.open_direct(part, std::slice::from_ref(other)).await?;
                Ok(made(stream))
            }
            ActionKind::CreateConversation(NewConversation::Room(room)) => {
                self.create_room(part, room).await
            }
            ActionKind::UpdateConversation(update) => {
                let room = here(&update.conversation);
                let body = json!(attributes_of_update(update));
                self.post(part, &["pod", "v3", "room", &room, "update"], Some(body))
                    .await?;
                Ok(made(room))
            }
            ActionKind::AcceptContact(other) => self.contact(part, "accept", other).await,
            ActionKind::RejectContact(other) => self.contact(part, "reject", other).await,
            ActionKind::RequestContact(other) => self.contact(part, "create", other).await,
            ActionKind::RemoveContact(other) => {
                let other = number(other)?.to_string();
                let path = ["pod", "v1", "connection", "user", &other, "remove"];
                self.post(part, &path, None).await?;
                Ok(Sent::default())
            }
            ActionKind::SetPresence(status) => {
                let body = json!(Presence {
                    category: category(*status).to_owned(),
                });
                let call = Call::post(&["pod", "v2", "user", "presence"], body).on_behalf_of(user);
                let call = call.query("soft", false).trace(&part.origin.trace_id);
                self.api
                    .pod(&call)
                    .await
                    .map_err(|error| error.send_error())?;
                Ok(Sent::default())
            }
            ActionKind::Other(other) if other.platform == PLATFORM && other.name == "blast" => {
                self.blast(part, &other.json).await
            }
            kind => Err(unsupported(&format!("Symphony has no {}", kind.name()))),
        }
    }

    async fn post(
        &self,
        part: &Part,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<crate::net::Answer, SendError> {
        let call = match body {
            Some(body) => Call::post(path, body),
            None => Call::new(Method::POST, path),
        };
        let call = call.on_behalf_of(part.what.action.as_user.as_deref());
        let call = call.trace(&part.origin.trace_id);
        self.api
            .pod(&call)
            .await
            .map_err(|error| error.send_error())
    }

    async fn contact(&self, part: &Part, what: &str, other: &str) -> Result<Sent, SendError> {
        let body = json!({"userId": number(other)?});
        self.post(part, &["pod", "v1", "connection", what], Some(body))
            .await?;
        Ok(Sent::default())
    }

    /// The conversation with one or several people; the platform gives the one that is there.
    async fn open_direct(&self, part: &Part, users: &[String]) -> Result<String, SendError> {
        let ids: Vec<u64> = users
            .iter()
            .map(|user| number(user))
            .collect::<Result<_, _>>()?;
        let call = Call::post(&["pod", "v1", "im", "create"], json!(ids));
        let call = call.on_behalf_of(part.what.action.as_user.as_deref());
        let call = call.trace(&part.origin.trace_id);
        let made: Id<String> = self
            .api
            .ask_pod_whole(&call)
            .await
            // Whoever asks again gets the same conversation.
            .map_err(|error| again(error.send_error()))?;
        Ok(id_from_wire(&made.id))
    }

    async fn open_by_email(&self, part: &Part, email: &str) -> Result<String, SendError> {
        let call = Call::get(&["pod", "v3", "users"])
            .query("email", email)
            .query("local", false);
        let found: Users = self
            .api
            .ask_pod(&call)
            .await
            .map_err(|error| again(error.send_error()))?;
        let user = found
            .users
            .into_iter()
            .next()
            .ok_or_else(|| SendError::Permanent {
                class: ActionError::NotFound,
                detail: "nobody has this e-mail address".to_owned(),
            })?;
        self.open_direct(part, &[user.id]).await
    }

    async fn create_room(&self, part: &Part, room: &NewRoom) -> Result<Sent, SendError> {
        let body = json!(attributes_of_new(room));
        let call = Call::post(&["pod", "v3", "room", "create"], body);
        let call = call.on_behalf_of(part.what.action.as_user.as_deref());
        let call = call.trace(&part.origin.trace_id);
        let detail: RoomDetail = self
            .api
            .ask_pod_whole(&call)
            .await
            .map_err(|error| error.send_error())?;
        let id = id_from_wire(&detail.room_system_info.id);
        let mut sent = made(id.clone());
        for (number, member) in room.members.iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(MEMBERS.every).await;
            }
            // The room is there: who could not be added is noted, as making it again would double it.
            if let Err(error) = self.add_member(part, &id, member).await {
                sent.notes.push(format!("{member} was not added: {error}"));
            }
        }
        Ok(sent)
    }

    /// Adds somebody to a room that was just made, as often as the platform says that it may be later.
    async fn add_member(&self, part: &Part, room: &str, member: &str) -> Result<(), SendError> {
        let mut tries = 1;
        loop {
            let error = match self.change_member(part, room, "add", member).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let wait = match &error {
                SendError::Throttled { after, .. } => *after,
                SendError::Again { after, .. } => after.unwrap_or(ADD_WAIT * tries),
                _ => return Err(error),
            };
            if tries >= ADD_TRIES {
                return Err(error);
            }
            tries += 1;
            tokio::time::sleep(wait.clamp(MEMBERS.every, ADD_LONGEST)).await;
        }
    }
}

fn attributes_of_new(room: &NewRoom) -> RoomAttributes {
    RoomAttributes {
        name: Some(room.name.clone()),
        // The pod wants one.
        description: Some(match room.description.is_empty() {
            true => room.name.clone(),
            false => room.description.clone(),
        }),
        members_can_invite: Some(room.open || room.public),
        discoverable: Some(room.public),
        public: Some(room.public),
        cross_pod: Some(room.external),
        // A public room must show its history; one between pods must not without a right of its own.
        view_history: Some(!room.external),
        read_only: None,
    }
}

fn attributes_of_update(update: &UpdateConversation) -> RoomAttributes {
    RoomAttributes {
        name: update.name.clone(),
        description: update.description.clone(),
        members_can_invite: update.open,
        discoverable: update.public,
        public: update.public,
        ..RoomAttributes::default()
    }
}

fn category(status: PresenceStatus) -> &'static str {
    match status {
        PresenceStatus::Available => "AVAILABLE",
        PresenceStatus::Busy => "BUSY",
        PresenceStatus::Away => "AWAY",
        PresenceStatus::DoNotDisturb => "DO_NOT_DISTURB",
        PresenceStatus::Offline => "OFFLINE",
    }
}

fn made(conversation: String) -> Sent {
    Sent {
        conversation: Some(conversation),
        ..Sent::default()
    }
}

/// What may safely be asked again, however it ended.
fn again(error: SendError) -> SendError {
    match error {
        SendError::InDoubt(detail) => SendError::Again {
            after: None,
            detail,
        },
        other => other,
    }
}

fn by_id(message: &MessageRef) -> Result<&str, SendError> {
    match message {
        MessageRef::Id(id) => Ok(id),
        MessageRef::Key(key) => Err(SendError::Permanent {
            class: ActionError::NotFound,
            detail: format!("no message has the key {key}"),
        }),
    }
}

/// The platform's user ids are numbers.
fn number(user: &str) -> Result<u64, SendError> {
    user.parse().map_err(|_| SendError::Permanent {
        class: ActionError::NotFound,
        detail: format!("{user} is no user id of Symphony, which is a number"),
    })
}

fn unsupported(detail: &str) -> SendError {
    SendError::Permanent {
        class: ActionError::Unsupported,
        detail: detail.to_owned(),
    }
}
