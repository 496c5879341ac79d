//! What happened: the payload of an event, one case a kind.
//!
//! A command, and what a key word captured, are one plugin's view of a message: see
//! [`View`](super::delivery::View).

use super::event::{Header, Message, User};
use serde::{Deserialize, Serialize};

/// A message that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEdited {
    /// The message with its new content; its id is the target's.
    pub message: Message,
}

/// A message that was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDeleted {
    /// Its id.
    pub message_id: String,
}

/// A value in a submission, by the field's kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldValue {
    /// `text`, `multiline`, `hidden`, `radio`, `select`, `timezone`.
    Text(String),
    /// `number`.
    Number(f64),
    /// `checkbox`.
    Flag(bool),
    /// `multi-select`.
    Choices(Vec<String>),
    /// `date`, `2026-11-20`.
    Date(String),
    /// `time`, `14:30`.
    Time(String),
    /// `user`.
    Users(Vec<User>),
    /// `conversation`, by id.
    Conversations(Vec<String>),
    /// A platform's own kind, as JSON.
    Other(String),
}

/// One answered field. Fields that were left empty are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubmittedField {
    /// The field's id.
    pub id: String,
    /// Its value.
    pub value: FieldValue,
}

/// A form that was answered, already checked against its rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormSubmitted {
    /// The form's id.
    pub form_id: String,
    /// The message that carried it.
    pub message_id: String,
    /// The answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<SubmittedField>,
    /// The id of the button that submitted it.
    pub button: String,
}

/// Why a form closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormCloseReason {
    /// The person gave up.
    Cancelled,
    /// Its time was over.
    Expired,
    /// Another form took its place.
    Replaced,
}

/// A form that will not be answered any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormClosed {
    /// The form's id.
    pub form_id: String,
    /// The message that carried it.
    pub message_id: String,
    /// Who closed it; none where time did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<User>,
    /// Why.
    pub reason: FormCloseReason,
}

/// A button that was pressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonPressed {
    /// The button's id.
    pub button_id: String,
    /// Its value.
    pub value: String,
    /// The message that carried it.
    pub message_id: String,
}

/// What became of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberChange {
    /// Came in.
    Joined,
    /// Went out.
    Left,
    /// Became an owner.
    Promoted,
    /// Is an owner no more.
    Demoted,
    /// Asks to come in.
    JoinRequested,
    /// Was asked to come in.
    Invited,
}

/// A change of who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChanged {
    /// Whom it concerns; the envelope's actor is who did it.
    pub who: User,
    /// What happened.
    pub change: MemberChange,
    /// It is the bot itself.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub is_self: bool,
}

/// A customer chat that somebody else answers now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The group or agent it went to.
    pub to: String,
    /// Why, as the platform says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its place in the queue there, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u32>,
}

/// What became of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationChanged {
    /// It is new.
    Created,
    /// Its name or settings changed.
    Updated,
    /// It was closed.
    Closed,
    /// It was opened again.
    Reopened,
    /// It was handed on.
    Transferred(Transfer),
}

/// What became of a contact request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactChanged {
    /// The actor asks to be a contact.
    Requested,
    /// The actor is a contact now.
    Accepted,
}

/// An emoji put on or taken off a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The message.
    pub message_id: String,
    /// The emoji's shortcode.
    pub emoji: String,
    /// Put on when true, taken off when false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub added: bool,
}

/// Somebody's being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PresenceStatus {
    /// There.
    Available,
    /// There, and busy.
    Busy,
    /// Away.
    Away,
    /// There, and not to be disturbed.
    DoNotDisturb,
    /// Not there.
    Offline,
}

/// A timer that was due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerFired {
    /// Its name.
    pub name: String,
    /// What `set-timer` gave it.
    pub payload: String,
    /// When it was due; it may fire later.
    pub due_at: u64,
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseError {
    /// The grant does not cover it.
    Denied,
    /// Nothing listens there, or the name is not known.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// The answer is larger than the cap.
    TooLarge,
    /// A restart fell between, and repeating it is not safe.
    InDoubt,
    /// Anything else.
    Failed,
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, without credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Body, capped.
    #[serde(with = "super::base64_bytes")]
    pub body: Vec<u8>,
}

/// How a `request` action ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseReceived {
    /// The action's key.
    pub key: String,
    /// The answer, or why there is none.
    pub outcome: Result<Response, ResponseError>,
}

/// A webhook of the plugin's own that was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookReceived {
    /// The webhook's name in the settings.
    pub name: String,
    /// The sender's id of this delivery, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Headers, without credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Body, capped.
    #[serde(with = "super::base64_bytes")]
    pub body: Vec<u8>,
}

/// Which action an outcome is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRef {
    /// The action's key, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its place in the list it was returned in, from 0.
    pub index: u32,
}

/// An action that was performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionDone {
    /// Which action.
    pub action: ActionRef,
    /// The message made, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The conversation made or used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What was degraded or noted: `table → text`, `was already in`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Why an action failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionError {
    /// The platform has nothing like it.
    Unsupported,
    /// Not granted, or the platform forbids it.
    Denied,
    /// The target does not exist.
    NotFound,
    /// More than the platform takes.
    TooLarge,
    /// The platform's limit was hit too often.
    Throttled,
    /// The platform could not be reached for too long.
    Unavailable,
    /// The operator's rule forbids it.
    RefusedByPolicy,
    /// It may or may not have happened.
    InDoubt,
    /// Anything else.
    Failed,
}

/// An action that was not performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionFailed {
    /// Which action.
    pub action: ActionRef,
    /// Why.
    pub error: ActionError,
    /// The host goes on trying.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub retrying: bool,
    /// A sentence for the author.
    pub detail: String,
}

/// What became of the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifecycle {
    /// The bot is there; once per bot and plugin.
    Started,
    /// The plugin's settings changed.
    ConfigChanged,
    /// A new build serves; the version before it.
    Reloaded(String),
    /// The host is stopping.
    Draining,
}

/// What a platform sent that has no kind here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherEvent {
    /// The platform's name for it.
    pub kind: String,
    /// What it said, as JSON.
    pub json: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventPayload {
    /// A message.
    Message(Message),
    /// A message was changed.
    MessageEdited(MessageEdited),
    /// A message was taken away.
    MessageDeleted(MessageDeleted),
    /// A form was answered.
    FormSubmitted(FormSubmitted),
    /// A form was closed.
    FormClosed(FormClosed),
    /// A button was pressed.
    ButtonPressed(ButtonPressed),
    /// Who is there changed.
    MemberChanged(MemberChanged),
    /// The conversation changed.
    ConversationChanged(ConversationChanged),
    /// A contact changed.
    ContactChanged(ContactChanged),
    /// An emoji was put on or taken off.
    Reaction(Reaction),
    /// The actor began (true) or stopped (false) to type.
    Typing(bool),
    /// The actor's presence changed.
    Presence(PresenceStatus),
    /// A timer was due.
    TimerFired(TimerFired),
    /// A request ended.
    ResponseReceived(ResponseReceived),
    /// A webhook was called.
    WebhookReceived(WebhookReceived),
    /// An action was performed; only when subscribed.
    ActionDone(ActionDone),
    /// An action failed; only when subscribed.
    ActionFailed(ActionFailed),
    /// The plugin's own life.
    Lifecycle(Lifecycle),
    /// Anything else.
    Other(OtherEvent),
}

impl EventPayload {
    /// Bytes of the body that it carries: the one thing in an event that may be large.
    pub fn body_bytes(&self) -> usize {
        match self {
            Self::WebhookReceived(call) => call.body.len(),
            Self::ResponseReceived(received) => {
                let response = received.outcome.as_ref();
                response.map_or(0, |response| response.body.len())
            }
            _ => 0,
        }
    }

    /// Takes the body out.
    pub fn drop_body(&mut self) {
        match self {
            Self::WebhookReceived(call) => call.body = Vec::new(),
            Self::ResponseReceived(received) => {
                if let Ok(response) = &mut received.outcome {
                    response.body = Vec::new();
                }
            }
            _ => {}
        }
    }
}
