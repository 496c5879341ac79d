//! What a plugin may do, and which action needs which grant.
//!
//! Without a grant a plugin may answer in the event's conversation with the event's bot, edit and
//! delete its own messages, put a reaction on the event's message or its own, join the event's
//! conversation, leave what it joined, show that it is typing, set and end timers. A `request`
//! wants an HTTP grant. Everything else wants `grants.actions` with one of [`GRANTS`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::action::{Action, ActionKind, MessageRef, Target};
use crate::model::event::Event;
use crate::model::limits::Limits;
use crate::model::payload::EventPayload;

/// The names that `grants.actions` knows, with what each allows.
pub const GRANTS: &[(&str, &str)] = &[
    (
        "send-conversation",
        "send to a conversation that is not the event's, or with another bot",
    ),
    ("send-conversations", "send to up to 1,000 conversations"),
    ("send-user", "send to a user, by id"),
    ("send-users", "send to several users, by id"),
    ("send-email", "send to a user, by e-mail address"),
    (
        "send-attachment",
        "send on a received file that the event does not carry",
    ),
    (
        "edit",
        "edit a message by its id that the event is not about",
    ),
    (
        "delete",
        "delete a message by its id that the event is not about",
    ),
    (
        "react",
        "react to a message by its id that is not the event's",
    ),
    ("join", "join a conversation that is not the event's"),
    ("invite", "bring a user into a conversation"),
    ("remove", "take a user out of a conversation"),
    ("promote", "make a user an owner"),
    ("demote", "make an owner a member"),
    ("create-conversation", "make a conversation"),
    ("update-conversation", "change a conversation"),
    ("accept-contact", "accept a contact request"),
    ("reject-contact", "reject a contact request"),
    ("request-contact", "ask a user to be a contact"),
    ("remove-contact", "end a contact"),
    ("set-presence", "say whether the bot is there"),
    ("transfer", "hand a customer chat on"),
    ("close", "end a customer chat"),
    ("tag", "put a tag on a customer chat or take it off"),
    ("other", "anything of one platform"),
    ("as-user", "act on behalf of a user"),
];

/// Which HTTP requests a plugin may make.
pub trait HttpGrants: Send + Sync {
    /// Tells whether a grant covers a request.
    fn allows(&self, method: &str, url: &str) -> bool;
}

impl HttpGrants for crate::net::HttpGrants {
    fn allows(&self, method: &str, url: &str) -> bool {
        let (Ok(method), Ok(url)) = (method.parse(), url.parse()) else {
            return false;
        };
        self.check(&method, &url).is_ok()
    }
}

/// Which actions are granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionGrants {
    /// All; for the host's own plugin.
    All,
    /// These.
    These(BTreeSet<String>),
}

impl ActionGrants {
    /// Grants nothing.
    pub fn none() -> Self {
        Self::These(BTreeSet::new())
    }

    /// Tells whether an action is granted.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }
}

/// What a plugin may do.
#[derive(Clone)]
pub struct Policy {
    /// Actions.
    pub actions: ActionGrants,
    /// Requests; none where no HTTP is granted.
    pub http: Option<Arc<dyn HttpGrants>>,
    /// Limits.
    pub limits: Limits,
}

/// Tells the grant that an action needs, by what the event is about.
pub(super) fn grant_for(action: &Action, event: &Event) -> Option<&'static str> {
    let own_place = event.conversation.as_ref().map(|place| place.id.as_str());
    let is_here = |conversation: &str| own_place == Some(conversation);
    let own_bot = event.bot.as_ref().map(|bot| bot.name.as_str());
    let is_other_bot = match (action.bot.as_deref(), own_bot) {
        (Some(named), Some(own)) => named != own,
        _ => false,
    };
    let by_id = |message: &MessageRef, grant: &'static str| match message {
        MessageRef::Key(_) => None,
        MessageRef::Id(id) => (own_message(event) != Some(id.as_str())).then_some(grant),
    };
    match &action.kind {
        ActionKind::Send(send) => match &send.target {
            Target::Reply => is_other_bot.then_some("send-conversation"),
            Target::Conversation(id) => {
                (is_other_bot || !is_here(id)).then_some("send-conversation")
            }
            Target::Conversations(_) => Some("send-conversations"),
            Target::User(_) => Some("send-user"),
            Target::Users(_) => Some("send-users"),
            Target::Email(_) => Some("send-email"),
        },
        ActionKind::Edit(edit) => by_id(&edit.message, "edit"),
        ActionKind::Delete(message) => by_id(message, "delete"),
        ActionKind::React(react) => match &react.message {
            MessageRef::Id(id) if event_message(event) == Some(id.as_str()) => None,
            message => by_id(message, "react"),
        },
        ActionKind::Join(named) => {
            let is_elsewhere = named.as_deref().is_some_and(|id| !is_here(id));
            (is_other_bot || is_elsewhere).then_some("join")
        }
        ActionKind::Typing(_) | ActionKind::Leave(_) => None,
        ActionKind::SetTimer(_) | ActionKind::CancelTimer(_) | ActionKind::Request(_) => None,
        ActionKind::Invite(_) => Some("invite"),
        ActionKind::Remove(_) => Some("remove"),
        ActionKind::Promote(_) => Some("promote"),
        ActionKind::Demote(_) => Some("demote"),
        ActionKind::CreateConversation(_) => Some("create-conversation"),
        ActionKind::UpdateConversation(_) => Some("update-conversation"),
        ActionKind::AcceptContact(_) => Some("accept-contact"),
        ActionKind::RejectContact(_) => Some("reject-contact"),
        ActionKind::RequestContact(_) => Some("request-contact"),
        ActionKind::RemoveContact(_) => Some("remove-contact"),
        ActionKind::SetPresence(_) => Some("set-presence"),
        ActionKind::Transfer(_) => Some("transfer"),
        ActionKind::Close(_) => Some("close"),
        ActionKind::Tag(_) => Some("tag"),
        ActionKind::Other(_) => Some("other"),
    }
}

/// Tells whether the event's message carries a file.
pub(super) fn carries_attachment(event: &Event, id: &str) -> bool {
    match &event.payload {
        EventPayload::Message(message) => message.attachments.iter().any(|file| file.id == id),
        EventPayload::MessageEdited(edited) => {
            edited.message.attachments.iter().any(|file| file.id == id)
        }
        _ => false,
    }
}

/// The plugin's own message that the event is about.
fn own_message(event: &Event) -> Option<&str> {
    match &event.payload {
        EventPayload::FormSubmitted(form) => Some(&form.message_id),
        EventPayload::FormClosed(form) => Some(&form.message_id),
        EventPayload::ButtonPressed(button) => Some(&button.message_id),
        EventPayload::ActionDone(done) => done.message_id.as_deref(),
        _ => None,
    }
}

/// Somebody's message that the event is about.
fn event_message(event: &Event) -> Option<&str> {
    match &event.payload {
        EventPayload::Message(message) => Some(&message.id),
        EventPayload::MessageEdited(edited) => Some(&edited.message.id),
        EventPayload::Reaction(reaction) => Some(&reaction.message_id),
        _ => None,
    }
}
