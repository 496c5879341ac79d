//! Ids as they are compared and put into addresses, and the names that rendered forms carry.

use std::fmt;

/// Begins the ids of forms that are rows of buttons: what they submit is a press.
pub(super) const BUTTONS_FORM: &str = "parlor-buttons-";
/// Begins the names of buttons that say the text behind it for the person who presses.
pub(super) const REPLY_BUTTON: &str = "parlor.reply.";
/// Stands for a field called `action`: a submission has the button's name under that one.
pub(super) const ACTION_FIELD: &str = "parlor.field.action";
/// The name of the button in a submission.
pub(super) const ACTION: &str = "action";
/// Begins what a room selector gives where a person was picked: a conversation with that user.
pub const USER_CONVERSATION: &str = "user:";

/// Writes a stream's or message's id in URL-safe base64 without padding: forms and copies of the
/// client write standard base64.
pub fn id_from_wire(id: &str) -> String {
    id.trim()
        .trim_end_matches('=')
        .chars()
        .map(|sign| match sign {
            '+' => '-',
            '/' => '_',
            sign => sign,
        })
        .collect()
}

/// Gives the id of the message that a form's `formMessageId` names: standard base64, and behind its
/// padding the digits of the form.
pub fn message_id_of_form(id: &str) -> String {
    id_from_wire(id.split('=').next().unwrap_or_default())
}

/// Names a received file for reads and for sending it on: Symphony's own id counts within a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentId {
    /// The stream.
    pub stream: String,
    /// The message.
    pub message: String,
    /// The file, as it was written.
    pub file: String,
}

impl AttachmentId {
    /// Reads what [`AttachmentId`] writes.
    pub fn parse(id: &str) -> Option<Self> {
        let mut parts = id.splitn(3, '/');
        let (stream, message, file) = (parts.next()?, parts.next()?, parts.next()?);
        let is_whole = !stream.is_empty() && !message.is_empty() && !file.is_empty();
        is_whole.then(|| Self {
            stream: stream.to_owned(),
            message: message.to_owned(),
            file: file.to_owned(),
        })
    }
}

impl fmt::Display for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.stream, self.message, self.file)
    }
}
