//! Performs actions: each part one request that counts, and what it needs to know before.

use std::time::Duration;

use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::LsegConnector;
use super::api::{ApiError, Call};
use super::convert::{DIRECT, direct_with};
use super::render::render;
use super::rooms::KnownRoom;
use super::split::split;
use super::wire::{RoomList, made_room, posted_message};
use crate::journal::{Part, Sent};
use crate::mailbox::{AgentsOnly, SendError};
use crate::model::action::{Action, ActionKind, Fallback, NewConversation, NewRoom, Send, Target};
use crate::model::content::{Block, Content, MediaSource};
use crate::model::event::Visibility;
use crate::model::payload::ActionError;

/// Rooms, as they are in addresses.
const ROOMS: &str = "chatrooms";
/// Managed rooms, as they are in addresses.
const MANAGED: &str = "managed_chatrooms";

/// Lets messages leave one by one, however they come to leave.
#[derive(Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

impl Gate {
    /// Waits until the next message may leave.
    async fn pass(&self, every: Duration) {
        let mut next = self.0.lock().await;
        if let Some(at) = *next {
            tokio::time::sleep_until(at).await;
        }
        *next = Some(Instant::now() + every);
    }
}

/// Splits an action into parts that are one request each. Pure.
pub(super) fn plan(action: Action, most: usize) -> Vec<Action> {
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
        // There are no groups: everybody gets it alone.
        Target::Users(ids) => ids.iter().cloned().map(Target::User).collect(),
        target => vec![target.clone()],
    };
    let bodies = split(send.clone(), most);
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

/// Where a message goes.
enum Place {
    Room(String),
    Person(String),
}

impl LsegConnector {
    /// Performs a part.
    pub(super) async fn perform_part(&self, part: &Part) -> Result<Sent, SendError> {
        let action = &part.what.action;
        if action.as_user.is_some() {
            return Err(unsupported("Messenger lets no bot act for a user"));
        }
        let here = |id: &Option<String>| match id {
            Some(id) => id.clone(),
            None => part.what.conversation.to_string(),
        };
        match &action.kind {
            ActionKind::Send(send) => self.send_message(part, send).await,
            ActionKind::Edit(_) => {
                let detail = "Messenger changes no messages".to_owned();
                Err(SendError::WillNotEdit(detail))
            }
            ActionKind::Join(id) => self.join(&here(id)).await,
            ActionKind::Leave(id) => self.leave_room(&here(id)).await,
            ActionKind::Invite(who) => {
                let room = here(&who.conversation);
                self.change_member(&room, &["invite"], &who.user).await
            }
            ActionKind::Remove(who) => {
                let room = here(&who.conversation);
                let path = ["participants", "remove"];
                self.change_member(&room, &path, &who.user).await
            }
            ActionKind::CreateConversation(NewConversation::Direct(user)) => Ok(Sent {
                // There is nothing to make: a message to the person makes it.
                conversation: Some(direct_with(address(user)?)),
                ..Sent::default()
            }),
            ActionKind::CreateConversation(NewConversation::Room(room)) => {
                self.create_room(part, room).await
            }
            kind => Err(unsupported(&format!("Messenger has no {}", kind.name()))),
        }
    }

    /// Looks for a part whose end is not known.
    pub(super) async fn find_part(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        match &part.what.action.kind {
            // Asked again these change nothing more.
            ActionKind::Join(_)
            | ActionKind::Leave(_)
            | ActionKind::Invite(_)
            | ActionKind::Remove(_)
            | ActionKind::CreateConversation(NewConversation::Direct(_)) => Ok(None),
            ActionKind::CreateConversation(NewConversation::Room(room)) => {
                self.find_made(part, room).await
            }
            _ => Err(SendError::InDoubt(
                "Messenger does not tell what was said".to_owned(),
            )),
        }
    }

    async fn send_message(&self, part: &Part, send: &Send) -> Result<Sent, SendError> {
        refuse_files(send)?;
        let rendered = render(&send.content)?;
        let mut notes = rendered.notes;
        if rendered.text.trim().is_empty() {
            return Err(SendError::Permanent {
                class: ActionError::Failed,
                detail: "there is nothing in the message that Messenger shows".to_owned(),
            });
        }
        if send.visibility == Visibility::Agents {
            notes.push(self.agents_only()?);
        }
        if send.thread.is_some() {
            notes.push("thread → the conversation".to_owned());
        }
        if send.quiet {
            notes.push("quiet → as any message".to_owned());
        }
        if send.fallback == Fallback::Fail && !notes.is_empty() {
            return Err(unsupported(&notes.join("; ")));
        }
        let (message, conversation) = match place_of(part, &send.target)? {
            Place::Person(email) => {
                let body = json!({"recipientEmail": email, "message": rendered.text});
                self.pass().await;
                let call = Call::post(&["message"], Some(body));
                let answer = self.api.ask(&call).await;
                let answer = answer.map_err(|error| error.send_error())?;
                (posted_message(&answer.body), direct_with(&email))
            }
            Place::Room(id) => (self.post(&id, &rendered.text).await?, id),
        };
        Ok(Sent {
            // The platform names no message that is sent. What is asked with one, and what is sent again in
            // its place, is known by a name of ours.
            message: Some(message.unwrap_or_else(|| own_name(part))),
            conversation: Some(conversation),
            notes,
            was_member: false,
        })
    }

    /// Says something in a room. One that the bot was dragged into and is not in is joined, unless it was
    /// left on purpose; so is one that has dropped it without a word, when that shows. An invitation is
    /// not accepted by an answer to it.
    async fn post(&self, id: &str, text: &str) -> Result<Option<String>, SendError> {
        let room = self.room(id).await?;
        let may_join = room.listed && !self.rooms.was_left(id);
        let has_joined = may_join && !self.rooms.is_in(id);
        if has_joined {
            self.join_room(&room, OnPurpose::No)
                .await
                .map_err(|error| error.again())?;
        }
        let error = match self.post_once(&room, text).await {
            Ok(message) => return Ok(message),
            Err(error) => error,
        };
        let is_refused = error.refusal().is_some_and(|it| it.is_about_request());
        if !is_refused || !may_join || has_joined {
            return Err(error.send_error());
        }
        // Not there, or the message is wrong: a join tells which.
        if let Err(join) = self.join_room(&room, OnPurpose::No).await {
            let is_refused = join.refusal().is_some_and(|it| it.is_about_request());
            return Err(match is_refused {
                true => error.send_error(),
                // What cannot be told now is told later.
                false => join.again(),
            });
        }
        let posted = self.post_once(&room, text).await;
        posted.map_err(|error| error.send_error())
    }

    async fn post_once(&self, room: &KnownRoom, text: &str) -> Result<Option<String>, ApiError> {
        self.pass().await;
        let path = [kind(room), room.id.as_str(), "post"];
        let call = Call::post(&path, Some(json!({"message": text})));
        let answer = self.api.ask(&call).await?;
        Ok(posted_message(&answer.body))
    }

    async fn pass(&self) {
        let pace = self.pace.load().bot;
        self.gate
            .pass(pace.map_or(Duration::ZERO, |rate| rate.every))
            .await;
    }

    async fn join(&self, id: &str) -> Result<Sent, SendError> {
        let room = self.room(id).await?;
        let was_member = self.rooms.is_in(id);
        let joined = self.join_room(&room, OnPurpose::Yes).await;
        joined.map_err(|error| error.again())?;
        Ok(Sent {
            was_member,
            ..made(id.to_owned())
        })
    }

    /// Goes into a room; whoever is there already may. One that was left on purpose is joined on purpose
    /// only.
    pub(super) async fn join_room(
        &self,
        room: &KnownRoom,
        on_purpose: OnPurpose,
    ) -> Result<(), ApiError> {
        let _turn = self.moving.lock().await;
        if on_purpose == OnPurpose::No && self.rooms.was_left(&room.id) {
            return Ok(());
        }
        let path = [kind(room), room.id.as_str(), "join"];
        match self.api.ask(&Call::post(&path, None)).await {
            Ok(_) => {
                let on_purpose = on_purpose == OnPurpose::Yes;
                self.rooms.joined(&room.id, room.managed, on_purpose);
                Ok(())
            }
            Err(error) => {
                if error.is_denied() || error.refusal().is_some_and(|it| it.is_about_request()) {
                    self.rooms.refused(&room.id);
                }
                Err(error)
            }
        }
    }

    async fn leave_room(&self, id: &str) -> Result<Sent, SendError> {
        let room = self.room(id).await?;
        let _turn = self.moving.lock().await;
        let path = [kind(&room), id, "leave"];
        let left = self.api.ask(&Call::post(&path, None)).await;
        match left {
            Ok(_) => {}
            // Who is not there has left.
            Err(error) if error.refusal().is_some_and(|it| it.is_about_request()) => {
                tracing::info!(room = id, %error, "not left: the bot is not there");
            }
            Err(error) => return Err(error.again()),
        }
        self.rooms.left(id);
        Ok(made(id.to_owned()))
    }

    async fn change_member(
        &self,
        room: &str,
        what: &[&str],
        user: &str,
    ) -> Result<Sent, SendError> {
        let email = address(user)?;
        let room = self.room(room).await?;
        let mut path = vec![kind(&room), room.id.as_str()];
        path.extend(what);
        let call = Call::post(&path, Some(json!({"emails": [email]})));
        let changed = self.api.ask(&call).await;
        changed.map_err(|error| error.again())?;
        Ok(made(room.id))
    }

    /// Makes a room, goes into it and invites people: three requests of one part, of which the first is
    /// made once. What is made is noted, so that the part goes on there when it is tried again.
    async fn create_room(&self, part: &Part, new: &NewRoom) -> Result<Sent, SendError> {
        let members = addresses(new)?;
        let name = own_name(part);
        let known = self.rooms.making(&name).and_then(|making| making.made);
        let id = match known {
            Some(id) => id,
            None => {
                // Should the end of the request not be known, its room is told apart from these.
                let list = self.list().await.map_err(|error| error.again())?;
                self.rooms.begin_making(&name, ids_of(&list, &new.name));
                let call = Call::post(&[ROOMS], Some(json!({"name": new.name})));
                let made = self.api.ask(&call).await.and_then(|answer| {
                    // It is made; without its id it has to be looked for.
                    made_room(&answer.body).ok_or_else(|| self.api.nonsense())
                });
                let id = made
                    .map_err(|error| error.send_error())
                    .inspect_err(|error| {
                        if !matches!(error, SendError::InDoubt(_)) {
                            self.rooms.end_making(&name);
                        }
                    })?;
                self.rooms.made(&name, &id, &new.name);
                id
            }
        };
        self.fill_room(&name, id, members).await
    }

    /// Goes into a room of its own and invites people. What fails for now is tried again; who cannot be
    /// invited at all is noted, as the room is there.
    async fn fill_room(
        &self,
        part: &str,
        id: String,
        members: Vec<&str>,
    ) -> Result<Sent, SendError> {
        let mut sent = made(id.clone());
        let room = self.rooms.find(&id).unwrap_or_else(|| unknown(&id));
        if let Err(error) = self.join_room(&room, OnPurpose::Yes).await {
            let why = refusal(error.again())?;
            sent.notes.push(format!("the bot did not come in: {why}"));
        }
        if !members.is_empty() {
            let path = [ROOMS, id.as_str(), "invite"];
            let call = Call::post(&path, Some(json!({"emails": members})));
            if let Err(error) = self.api.ask(&call).await {
                let why = refusal(error.again())?;
                sent.notes.push(format!("nobody was invited: {why}"));
            }
        }
        let asked = "public, external, open, description → as Messenger makes rooms";
        sent.notes.push(asked.to_owned());
        self.rooms.end_making(part);
        Ok(sent)
    }

    /// Looks for a room that may have been made: one of its name that was not there before.
    async fn find_made(&self, part: &Part, new: &NewRoom) -> Result<Option<Sent>, SendError> {
        let members = addresses(new)?;
        let name = own_name(part);
        // What was never begun was not made.
        let Some(making) = self.rooms.making(&name) else {
            return Ok(None);
        };
        let id = match making.made {
            Some(id) => Some(id),
            None => {
                let list = self.list().await.map_err(|error| error.again())?;
                let mut ids = ids_of(&list, &new.name).into_iter();
                ids.find(|id| !making.before.contains(id))
            }
        };
        let Some(id) = id else {
            return Ok(None);
        };
        self.rooms.made(&name, &id, &new.name);
        self.fill_room(&name, id, members).await.map(Some)
    }

    /// What is known of a room; one that is not known is looked for once.
    async fn room(&self, id: &str) -> Result<KnownRoom, SendError> {
        if id.is_empty() || id.starts_with(DIRECT) {
            return Err(SendError::Permanent {
                class: ActionError::NotFound,
                detail: format!("\"{id}\" is no room"),
            });
        }
        if let Some(room) = self.rooms.find(id) {
            return Ok(room);
        }
        // Where it cannot be listed, the room is asked for as one that is not managed.
        if let Ok(list) = self.list().await
            && let Some((room, managed)) = list.rooms.into_iter().find(|(room, _)| room.id == id)
        {
            return Ok(KnownRoom {
                id: room.id,
                name: room.name,
                managed,
                listed: true,
            });
        }
        Ok(unknown(id))
    }

    fn agents_only(&self) -> Result<String, SendError> {
        match self.config.agents_only {
            AgentsOnly::All => Ok("agents only → everybody there".to_owned()),
            AgentsOnly::Refuse => Err(SendError::Permanent {
                class: ActionError::RefusedByPolicy,
                detail: "for agents only, and people of other companies may be there; \
                         `agents-only = \"all\"` of the bot lets it pass"
                    .to_owned(),
            }),
        }
    }
}

/// Whether a room is joined because somebody wants it, or as the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnPurpose {
    Yes,
    No,
}

/// The rooms of this name that a bot can have made.
fn ids_of(list: &RoomList, name: &str) -> Vec<String> {
    let of_name = list
        .rooms
        .iter()
        .filter(|(room, is_managed)| !is_managed && room.name.as_deref() == Some(name));
    of_name.map(|(room, _)| room.id.clone()).collect()
}

/// The words of a refusal that is for good; any other error is one.
fn refusal(error: SendError) -> Result<String, SendError> {
    match error {
        SendError::Permanent { detail, .. } => Ok(detail),
        other => Err(other),
    }
}

fn addresses(new: &NewRoom) -> Result<Vec<&str>, SendError> {
    let members = new.members.iter();
    members.map(|user| address(user)).collect()
}

fn unknown(id: &str) -> KnownRoom {
    KnownRoom {
        id: id.to_owned(),
        name: None,
        managed: false,
        listed: false,
    }
}

fn kind(room: &KnownRoom) -> &'static str {
    if room.managed { MANAGED } else { ROOMS }
}

fn place_of(part: &Part, target: &Target) -> Result<Place, SendError> {
    let of = |id: &str| match id.strip_prefix(DIRECT) {
        Some(email) => Ok(Place::Person(address(email)?.to_owned())),
        None => Ok(Place::Room(id.to_owned())),
    };
    match target {
        Target::Reply => of(&part.what.conversation),
        Target::Conversation(id) => of(id),
        Target::User(user) => Ok(Place::Person(address(user)?.to_owned())),
        Target::Email(email) => Ok(Place::Person(address(email)?.to_owned())),
        Target::Conversations(_) | Target::Users(_) => {
            Err(unsupported("a broadcast is split before it is performed"))
        }
    }
}

/// A user's id is an e-mail address.
fn address(user: &str) -> Result<&str, SendError> {
    let user = user.trim();
    let is_address = user
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if is_address && !user.contains(char::is_whitespace) {
        return Ok(user);
    }
    Err(SendError::Permanent {
        class: ActionError::NotFound,
        detail: format!("{user} is no user of Messenger, who is known by an e-mail address"),
    })
}

/// The platform takes no files. Of an image its text is shown, and so it need not be refused.
fn refuse_files(send: &Send) -> Result<(), SendError> {
    let is_shown = |number: usize| {
        match &send.content {
        Content::Blocks(blocks) => blocks.iter().any(|block| {
            matches!(block, Block::Image(image)
                if image.source == MediaSource::Attachment(u32::try_from(number).unwrap_or(u32::MAX)))
        }),
        _ => false,
    }
    };
    if (0..send.attachments.len()).all(is_shown) {
        return Ok(());
    }
    Err(unsupported("Messenger takes no files"))
}

/// Names a message that was sent, the same at every try.
fn own_name(part: &Part) -> String {
    format!("sent:{}-{}-{}", part.tenant, part.delivery, part.number)
}

fn made(conversation: String) -> Sent {
    Sent {
        conversation: Some(conversation),
        ..Sent::default()
    }
}

fn unsupported(detail: &str) -> SendError {
    SendError::Permanent {
        class: ActionError::Unsupported,
        detail: detail.to_owned(),
    }
}
