//! What the platform knows. Answers count against the call's deadline and the bot's rate, and are
//! cached for 60 s. The event's own conversation, members and attachments need no grant.
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
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty, $help:literal;)*) => {$(
        #[doc = $help]
        ///
        /// # Errors
        /// Unsupported, not found, denied, throttled, or failed.
        pub fn $name($($argument: $type),*) -> Result<$answer, ReadError> {
            host::$name($($argument),*)
        }
    )*};
}

reads! {
    find_conversation(bot: &str, name: &str) -> Conversation, "Finds a conversation of a bot by name.";
    conversations(bot: &str, cursor: Option<&str>) -> ConversationPage, "Lists a page of the conversations of a bot.";
    members(conversation: &str, cursor: Option<&str>) -> UserPage, "Lists a page of who is in a conversation.";
    find_user(bot: &str, name: &str) -> User, "Finds a user of a bot's platform by e-mail address or user name.";
    contact(user: &str) -> ContactStatus, "Tells whether a user is a contact of the event's bot.";
    presence(user: &str) -> PresenceStatus, "Tells whether a user is there.";
    message(id: &str) -> PastMessage, "Reads a message of the event's bot by id.";
    history(conversation: &str, before: Option<Timestamp>, count: u32) -> Vec<PastMessage>, "Reads messages of a conversation, newest first, at most 50, older than a moment.";
    attachment(id: &str, offset: u64) -> Chunk, "Reads a part of a received file, at most 1 MiB.";
    transfer_targets(conversation: &str) -> Vec<TransferOption>, "Lists whom a customer chat can be handed to.";
    capabilities(conversation: &str) -> ConversationCapabilities, "Tells what the platform can do in a conversation.";
}
