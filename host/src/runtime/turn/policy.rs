//! What a plugin may do, and which action needs which grant.
//!
//! Without a grant a plugin may answer in the event's conversation with the event's bot, edit and
//! delete its own messages, join the event's conversation, leave what it joined, set and end timers.
//! A `request` wants an HTTP grant. Everything else wants `grants.actions` with one of
//! [`ACTION_GRANTS`](crate::model::grants::ACTION_GRANTS); to send on a file that the event does not
//! carry is a read of it, and wants `grants.reads`.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::action::{Action, ActionKind, MessageRef, Target};
use crate::model::event::Event;
use crate::model::grants::PluginGrants;
use crate::model::limits::Limits;
use crate::model::payload::EventPayload;

/// The read that sending on a received file is.
pub(super) const ATTACHMENT: &str = "attachment";

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

/// What is granted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionGrants {
    /// All; for the host's own plugin.
    All,
    /// These.
    These(Box<PluginGrants>),
}

impl ActionGrants {
    /// Grants nothing.
    pub fn none() -> Self {
        Self::These(Box::default())
    }

    /// Gives the line of the settings that is missing for an action; none where it is granted.
    pub fn missing_action(&self, name: &str) -> Option<String> {
        match self {
            Self::All => None,
            Self::These(granted) if granted.actions.allows(name) => None,
            Self::These(granted) => Some(granted.actions.line_with(name)),
        }
    }

    /// Gives the line of the settings that is missing for a read; none where it is granted.
    pub fn missing_read(&self, name: &str) -> Option<String> {
        match self {
            Self::All => None,
            Self::These(granted) if granted.reads.allows(name) => None,
            Self::These(granted) => Some(granted.reads.line_with(name)),
        }
    }

    /// Tells whether the operator lets the plugin take part with a bot.
    pub fn covers_bot(&self, bot: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(granted) => granted.covers_bot(bot),
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

/// Tells the grant that an action needs, by what the event is about. `own` are ids of messages that
/// the plugin is known to have sent.
pub(super) fn grant_for(
    action: &Action,
    event: &Event,
    own: &HashSet<String>,
) -> Option<&'static str> {
    let own_place = event.conversation.as_ref().map(|place| place.id.as_str());
    let is_here = |conversation: &str| own_place == Some(conversation);
    let own_bot = event.bot.as_ref().map(|bot| bot.name.as_str());
    let is_other_bot = match (action.bot.as_deref(), own_bot) {
        (Some(named), Some(own)) => named != own,
        _ => false,
    };
    let unless_own = |message: &MessageRef, grant: &'static str| match message {
        MessageRef::Key(_) => None,
        MessageRef::Id(id) => {
            (!own.contains(id) && own_message(event) != Some(id)).then_some(grant)
        }
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
        ActionKind::Edit(edit) => unless_own(&edit.message, "edit"),
        ActionKind::Delete(message) => unless_own(message, "delete"),
        ActionKind::React(_) => Some("react"),
        ActionKind::Typing(_) => Some("typing"),
        ActionKind::Join(named) => {
            let is_elsewhere = named.as_deref().is_some_and(|id| !is_here(id));
            (is_other_bot || is_elsewhere).then_some("join")
        }
        ActionKind::Leave(_) => None,
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

/// The messages that a list names by id to change or take away, and that may be the plugin's own.
pub(crate) fn named_messages<'a>(
    actions: &'a [Action],
    event: &'a Event,
) -> impl Iterator<Item = (&'a Action, &'a str)> {
    let named = actions.iter().filter_map(|action| match &action.kind {
        ActionKind::Edit(edit) => Some((action, &edit.message)),
        ActionKind::Delete(message) => Some((action, message)),
        _ => None,
    });
    named.filter_map(move |(action, message)| match message {
        MessageRef::Id(id) if own_message(event) != Some(id) => Some((action, id.as_str())),
        _ => None,
    })
}

/// Tells whether the event's message carries this file.
pub(super) fn carries_attachment(event: &Event, id: &str) -> bool {
    let message = match &event.payload {
        EventPayload::Message(message) => message,
        EventPayload::MessageEdited(edited) => &edited.message,
        _ => return false,
    };
    message.attachments.iter().any(|file| file.id == id)
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
