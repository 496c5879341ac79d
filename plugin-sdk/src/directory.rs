//! What the platform knows. Answers count against the call's deadline and the bot's rate, and are
//! cached for 60 s. Members and capabilities of the event's own conversation, and the files that the event
//! carries, need no grant; everything else wants its own name in `grants.reads`, and is denied without.
//!
//! What another user sees is read by [`as_user`].
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! fn who(cx: &Context) -> Result<Reply, Error> {
//!     let Some(here) = cx.conversation() else { return Ok(Reply::none()) };
//!     let page = directory::members(&here.id, None)?;
//!     Ok(cx.reply(page.items.len().to_string()))
//! }
//! ```

use crate::backend::directory as host;
use crate::content::Timestamp;
use crate::events::{Conversation, PresenceStatus, User};
pub use host::{
    Chunk, ContactStatus, ConversationCapabilities, ConversationPage, PastMessage, ReadError,
    TransferOption, UserPage,
};

macro_rules! reads {
    ($($name:ident($($argument:ident: $type:ty),* $(; $behalf:ident)?) -> $answer:ty, $help:literal, $example:literal;)*) => {$(
        #[doc = $help]
        ///
        /// ```
        /// # use parlor_sdk::prelude::*;
        /// # fn read(cx: &Context) -> Result<(), Error> {
        #[doc = $example]
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// Unsupported, not found, denied, throttled, or failed.
        pub fn $name($($argument: $type),*) -> Result<$answer, ReadError> {
            host::$name($($argument),* $(, $behalf)?)
        }
    )*};
}

/// Whom the bot reads for, where it is for itself.
const NOBODY: Option<&str> = None;

reads! {
    find_conversation(bot: &str, name: &str) -> Conversation, "Finds a conversation of a bot by name.", "let room = directory::find_conversation(\"desk\", \"Incident 7\")?;";
    conversations(bot: &str, cursor: Option<&str>; NOBODY) -> ConversationPage, "Lists a page of the conversations of a bot.", "let first = directory::conversations(\"desk\", None)?;";
    members(conversation: &str, cursor: Option<&str>) -> UserPage, "Lists a page of who is in a conversation.", "let Some(here) = cx.conversation() else { return Ok(()) };\nlet people = directory::members(&here.id, None)?;";
    find_user(bot: &str, name: &str) -> User, "Finds a user of a bot's platform by e-mail address or user name.", "let ada = directory::find_user(\"desk\", \"ada@acme.com\")?;";
    contact(user: &str; NOBODY) -> ContactStatus, "Tells whether a user is a contact of the event's bot.", "let is_contact = directory::contact(\"ada\")? == directory::ContactStatus::Accepted;";
    presence(user: &str; NOBODY) -> PresenceStatus, "Tells whether a user is there.", "let status = directory::presence(\"ada\")?;";
    message(id: &str) -> PastMessage, "Reads a message of the event's bot by id.", "let before = directory::message(\"message-7\")?;";
    history(conversation: &str, before: Option<Timestamp>, count: u32) -> Vec<PastMessage>, "Reads messages of a conversation, newest first, at most 50, older than a moment.", "let Some(here) = cx.conversation() else { return Ok(()) };\nlet last_ten = directory::history(&here.id, None, 10)?;";
    attachment(id: &str, offset: u64) -> Chunk, "Reads a part of a received file, at most 1 MiB.", "let first_part = directory::attachment(\"message-7.0\", 0)?;";
    transfer_targets(conversation: &str) -> Vec<TransferOption>, "Lists whom a customer chat can be handed to.", "let Some(here) = cx.conversation() else { return Ok(()) };\nlet there = directory::transfer_targets(&here.id)?.into_iter().find(|to| to.available);";
    capabilities(conversation: &str) -> ConversationCapabilities, "Tells what the platform can do in a conversation.", "let Some(here) = cx.conversation() else { return Ok(()) };\nlet can_edit = directory::capabilities(&here.id)?.edit;";
}

/// Reads on behalf of a user, by id or user name: what that user may see. Grant `as-user`, in
/// `grants.actions`, besides the read's own. A platform that has nothing like it says unsupported; one
/// that does not let the bot act for this user, denied.
///
/// ```
/// # use parlor_sdk::prelude::*;
/// # fn read(cx: &Context) -> Result<(), Error> {
/// let grace = directory::as_user("grace");
/// let hers = grace.conversations("desk", None)?;
/// let knows_eve = grace.contact("7696581394433")? == directory::ContactStatus::Accepted;
/// let eve_is = grace.presence("7696581394433")?;
/// # Ok(())
/// # }
/// ```
pub fn as_user(user: &str) -> AsUser<'_> {
    AsUser(user)
}

/// Reads on behalf of a user, as [`as_user`] makes them.
#[derive(Clone, Copy, Debug)]
pub struct AsUser<'a>(&'a str);

impl AsUser<'_> {
    /// Lists a page of the user's conversations, as [`conversations`].
    ///
    /// # Errors
    /// Unsupported, not found, denied, throttled, or failed.
    pub fn conversations(
        self,
        bot: &str,
        cursor: Option<&str>,
    ) -> Result<ConversationPage, ReadError> {
        host::conversations(bot, cursor, Some(self.0))
    }

    /// Tells whether another user is a contact of the user, as [`contact`].
    ///
    /// # Errors
    /// Unsupported, not found, denied, throttled, or failed.
    pub fn contact(self, other: &str) -> Result<ContactStatus, ReadError> {
        host::contact(other, Some(self.0))
    }

    /// Tells whether another user is there for the user, as [`presence`].
    ///
    /// # Errors
    /// Unsupported, not found, denied, throttled, or failed.
    pub fn presence(self, other: &str) -> Result<PresenceStatus, ReadError> {
        host::presence(other, Some(self.0))
    }
}

/// Reads a received file whole, part by part; one of more than `most` bytes is refused unread.
///
/// ```
/// # use parlor_sdk::prelude::*;
/// # fn read(cx: &Context) -> Result<(), Error> {
/// let Some(file) = cx.message().and_then(|message| message.attachments.first()) else { return Ok(()) };
/// let bytes = directory::whole_attachment(&file.id, 1024 * 1024)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`attachment`], and failed where the file is larger.
pub fn whole_attachment(id: &str, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    loop {
        let part = attachment(id, bytes.len() as u64)?;
        if part.total > most {
            let text = ["the file has more than ", &most.to_string(), " bytes"].concat();
            return Err(ReadError::Failed(text));
        }
        let is_last = part.bytes.is_empty();
        bytes.extend(part.bytes);
        if is_last || bytes.len() as u64 >= part.total {
            return Ok(bytes);
        }
    }
}
