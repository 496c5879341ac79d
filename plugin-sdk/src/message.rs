//! The message to send.

use crate::actions::{Action, ActionKind, Fallback, File, OutgoingAttachment, Send, Target};
use crate::content::Content;
use crate::events::Visibility;

/// A message to send, with how it is sent.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let note = Message::reply("Pizza is on the way!").agents_only().key("note");
/// assert_eq!(Action::from(note).key.as_deref(), Some("note"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Message(Action, Send);

impl Message {
    /// Makes one for a target. At most 64 KiB of text by default.
    pub fn new(target: Target, content: impl Into<Content>) -> Self {
        Self(
            // The kind is put in last; until then it stands for "nothing".
            Action::new(ActionKind::Typing(false)),
            Send {
                target,
                content: content.into(),
                attachments: Vec::new(),
                thread: None,
                visibility: Visibility::All,
                quiet: false,
                fallback: Fallback::Degrade,
            },
        )
    }

    /// Makes one for the event's conversation, and its thread.
    pub fn reply(content: impl Into<Content>) -> Self {
        Self::new(Target::Reply, content)
    }

    /// Makes one for a conversation, by id. Other than the event's own: grant
    /// `send-conversation`.
    pub fn to_conversation(id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Target::Conversation(id.into()), content)
    }

    /// Makes a broadcast to at most 1,000 conversations, by id. Grant `send-conversations`.
    pub fn to_conversations(
        ids: impl IntoIterator<Item = impl Into<String>>,
        content: impl Into<Content>,
    ) -> Self {
        let ids = ids.into_iter().map(Into::into).collect();
        Self::new(Target::Conversations(ids), content)
    }

    /// Makes one for a direct conversation with a user, by id. Grant `send-user`.
    pub fn to_user(id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Target::User(id.into()), content)
    }

    /// Makes one for a conversation with these users, by id. Grant `send-users`.
    pub fn to_users(
        ids: impl IntoIterator<Item = impl Into<String>>,
        content: impl Into<Content>,
    ) -> Self {
        let ids = ids.into_iter().map(Into::into).collect();
        Self::new(Target::Users(ids), content)
    }

    /// Makes one for a direct conversation with the user of an e-mail address. Grant
    /// `send-email`.
    pub fn to_email(address: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Target::Email(address.into()), content)
    }

    /// Shows it to agents only, not to the customer.
    #[must_use]
    pub fn agents_only(mut self) -> Self {
        self.1.visibility = Visibility::Agents;
        self
    }

    /// Sends it without a notification where the platform can.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.1.quiet = true;
        self
    }

    /// Fails as `unsupported` where the platform cannot show something, instead of showing less.
    #[must_use]
    pub fn or_fail(mut self) -> Self {
        self.1.fallback = Fallback::Fail;
        self
    }

    /// Sends it into a thread, by id.
    #[must_use]
    pub fn thread(mut self, id: impl Into<String>) -> Self {
        self.1.thread = Some(id.into());
        self
    }

    /// Adds a file, at most 10 MiB by default, and 16 MiB together in what one event returns.
    #[must_use]
    pub fn attach(
        mut self,
        name: impl Into<String>,
        media_type: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        self.1.attachments.push(OutgoingAttachment::File(File {
            name: name.into(),
            media_type: media_type.into(),
            bytes: bytes.into(),
        }));
        self
    }

    /// Adds a file that was received, by id. One that the event does not carry is a read: grant
    /// `attachment` of `grants.reads`.
    #[must_use]
    pub fn attach_received(mut self, id: impl Into<String>) -> Self {
        self.1
            .attachments
            .push(OutgoingAttachment::Received(id.into()));
        self
    }

    /// Names it for later edits, deletes and outcomes. At most 64 bytes.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0 = self.0.key(key);
        self
    }

    /// Says which bot sends it, by name, where the event names none.
    #[must_use]
    pub fn bot(mut self, name: impl Into<String>) -> Self {
        self.0 = self.0.bot(name);
        self
    }

    /// Sends it on behalf of a user, by id or user name. Grant `as-user`.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.0 = self.0.as_user(user);
        self
    }
}

impl From<Message> for Action {
    fn from(Message(action, send): Message) -> Self {
        Action {
            kind: ActionKind::Send(send),
            ..action
        }
    }
}
