//! What the bench answers to reads of the directory.

use std::collections::BTreeMap;

use super::Bench;
use crate::Behaviour;
use crate::bench::{Answer, event};
use crate::directory::{
    Chunk, ContactStatus, ConversationCapabilities, ConversationPage, PastMessage, ReadError,
    TransferOption,
};
use crate::events::{
    Conversation, EventPayload, MessageReceived, PresenceStatus, ReceivedAttachment,
};

/// Bytes of one part of a file.
const PART: usize = 1024 * 1024;
/// Messages of one read of the past.
const PAST: usize = 50;

/// What is known besides the members of the conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    seen: Seen,
    /// By the user on whose behalf it is read.
    seen_as: BTreeMap<String, Seen>,
    past: Vec<(String, PastMessage)>,
    files: BTreeMap<String, Vec<u8>>,
    transfer: Vec<TransferOption>,
    capabilities: Option<ConversationCapabilities>,
}

/// What the bot sees, or a user.
#[derive(Clone, Debug, Default)]
struct Seen {
    conversations: Vec<Conversation>,
    contacts: BTreeMap<String, ContactStatus>,
    presence: BTreeMap<String, PresenceStatus>,
}

impl Known {
    fn seen(&self, by: Option<&str>) -> Result<&Seen, ReadError> {
        match by {
            None => Ok(&self.seen),
            Some(user) => self.seen_as.get(user).ok_or(ReadError::Denied),
        }
    }

    pub(super) fn find_conversation(&self, name: &str) -> Result<Conversation, ReadError> {
        let mut known = self.seen.conversations.iter();
        let found = known.find(|place| place.name.as_deref() == Some(name));
        found.cloned().ok_or(ReadError::NotFound)
    }

    pub(super) fn conversations(&self, by: Option<&str>) -> Result<ConversationPage, ReadError> {
        Ok(ConversationPage {
            items: self.seen(by)?.conversations.clone(),
            next: None,
        })
    }

    pub(super) fn contact(&self, by: Option<&str>, user: &str) -> Result<ContactStatus, ReadError> {
        let known = self.seen(by)?.contacts.get(user).copied();
        Ok(known.unwrap_or(ContactStatus::None))
    }

    pub(super) fn presence(
        &self,
        by: Option<&str>,
        user: &str,
    ) -> Result<PresenceStatus, ReadError> {
        let known = self.seen(by)?.presence.get(user).copied();
        Ok(known.unwrap_or(PresenceStatus::Offline))
    }

    pub(super) fn message(&self, id: &str) -> Result<PastMessage, ReadError> {
        let mut past = self.past.iter().map(|(_, message)| message);
        let found = past.find(|past| past.message.id == id);
        found.cloned().ok_or(ReadError::NotFound)
    }

    pub(super) fn history(
        &self,
        conversation: &str,
        before: Option<u64>,
        count: u32,
    ) -> Result<Vec<PastMessage>, ReadError> {
        let count = usize::try_from(count).unwrap_or(PAST).min(PAST);
        let here = self.past.iter().rev();
        let here = here.filter(|(place, past)| {
            place == conversation && before.is_none_or(|before| past.at < before)
        });
        Ok(here.take(count).map(|(_, past)| past.clone()).collect())
    }

    pub(super) fn attachment(&self, id: &str, offset: u64) -> Result<Chunk, ReadError> {
        let bytes = self.files.get(id).ok_or(ReadError::NotFound)?;
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let end = bytes.len().min(start.saturating_add(PART));
        Ok(Chunk {
            bytes: bytes.get(start..end).unwrap_or_default().to_vec(),
            total: bytes.len() as u64,
        })
    }

    pub(super) fn transfer_targets(&self) -> Result<Vec<TransferOption>, ReadError> {
        match self.transfer.is_empty() {
            true => Err(ReadError::Unsupported),
            false => Ok(self.transfer.clone()),
        }
    }

    pub(super) fn capabilities(&self) -> Result<ConversationCapabilities, ReadError> {
        self.capabilities.ok_or(ReadError::Unsupported)
    }
}

impl<P: Behaviour> Bench<P> {
    /// Makes a conversation known, for reads.
    #[must_use]
    pub fn known_conversation(mut self, conversation: Conversation) -> Self {
        self.world.known.seen.conversations.push(conversation);
        self
    }

    /// Makes a conversation of a user known, for reads by [`as_user`](crate::directory::as_user). A user
    /// of whom nothing is known is one for whom the bot may not read.
    #[must_use]
    pub fn known_conversation_of(mut self, user: &str, conversation: Conversation) -> Self {
        self.seen_by(user).conversations.push(conversation);
        self
    }

    /// Says what a user, by id, is to the bot; others are no contacts.
    #[must_use]
    pub fn contact(mut self, user: &str, status: ContactStatus) -> Self {
        let contacts = &mut self.world.known.seen.contacts;
        contacts.insert(user.to_owned(), status);
        self
    }

    /// Says what a user, by id, is to another, for reads by [`as_user`](crate::directory::as_user).
    #[must_use]
    pub fn contact_of(mut self, user: &str, other: &str, status: ContactStatus) -> Self {
        let contacts = &mut self.seen_by(user).contacts;
        contacts.insert(other.to_owned(), status);
        self
    }

    /// Says whether a user, by id, is there; others are not.
    #[must_use]
    pub fn presence(mut self, user: &str, status: PresenceStatus) -> Self {
        let presence = &mut self.world.known.seen.presence;
        presence.insert(user.to_owned(), status);
        self
    }

    /// Says whether a user, by id, is there for another, for reads by [`as_user`](crate::directory::as_user).
    #[must_use]
    pub fn presence_for(mut self, user: &str, other: &str, status: PresenceStatus) -> Self {
        let presence = &mut self.seen_by(user).presence;
        presence.insert(other.to_owned(), status);
        self
    }

    fn seen_by(&mut self, user: &str) -> &mut Seen {
        self.world.known.seen_as.entry(user.to_owned()).or_default()
    }

    /// Adds a message of the past to a conversation, by id: newer ones later.
    #[must_use]
    pub fn past_message(mut self, conversation: &str, message: PastMessage) -> Self {
        self.world
            .known
            .past
            .push((conversation.to_owned(), message));
        self
    }

    /// Makes a file known by its id.
    #[must_use]
    pub fn file(mut self, id: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.world.known.files.insert(id.to_owned(), bytes.into());
        self
    }

    /// Adds somebody a customer chat can be handed to.
    #[must_use]
    pub fn transfer_option(mut self, to: TransferOption) -> Self {
        self.world.known.transfer.push(to);
        self
    }

    /// Says what the platform can do.
    #[must_use]
    pub fn capabilities(mut self, can: ConversationCapabilities) -> Self {
        self.world.known.capabilities = Some(can);
        self
    }

    /// Says something with a file, as [`Bench::say`].
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Size;
    ///
    /// #[behaviour(name = "size", summary = "Tells the size of files")]
    /// impl Size {
    ///     #[message(has(attachment))]
    ///     fn size(&mut self, cx: &Context) -> Result<Reply, Error> {
    ///         let Some(file) = cx.message().and_then(|m| m.attachments.first()) else {
    ///             return Ok(Reply::none());
    ///         };
    ///         let bytes = directory::whole_attachment(&file.id, 4 << 20)?;
    ///         Ok(cx.reply(format!("{}: {} bytes", file.name, bytes.len())))
    ///     }
    /// }
    ///
    /// # fn main() {
    /// let mut bench = Bench::new(Size);
    /// let answer = bench.say_with_file("look", "a.csv", "text/csv", vec![0; 3 << 20]);
    /// assert_eq!(answer.texts(), ["a.csv: 3145728 bytes"]);
    /// # }
    /// ```
    pub fn say_with_file(
        &mut self,
        text: &str,
        name: &str,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Answer {
        let bytes = bytes.into();
        let mut message = event::message(&self.next_id("message"), text);
        let id = [&message.id, ".0"].concat();
        message.attachments.push(ReceivedAttachment {
            id: id.clone(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: Some(bytes.len() as u64),
        });
        self.world.known.files.insert(id, bytes);
        if let Some(payload) = self.command(&message) {
            return self.deliver(payload);
        }
        let payload = MessageReceived {
            message,
            arguments: Vec::new(),
        };
        if self.hears(&payload) {
            return self.deliver(EventPayload::Message(payload));
        }
        Answer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[derive(Default)]
    struct Reader;

    #[behaviour(name = "reader", summary = "Reads", no_export)]
    impl Reader {
        #[command("/read {name} {what}")]
        fn read(&mut self, cx: &Context, name: String, what: String) -> Reply {
            cx.reply(match name.as_str() {
                "contact" => format!("{:?}", directory::contact(&what)),
                "presence" => format!("{:?}", directory::presence(&what)),
                "history" => match directory::history(&what, None, 2) {
                    Ok(past) => past
                        .iter()
                        .map(|past| past.message.text.clone() + " ")
                        .collect(),
                    Err(error) => format!("{error:?}"),
                },
                "message" => directory::message(&what)
                    .map_or_else(|error| format!("{error:?}"), |past| past.message.text),
                "file" => format!("{:?}", directory::whole_attachment(&what, 3)),
                "room" => format!("{:?}", directory::find_conversation("bench", &what).is_ok()),
                "transfer" => format!(
                    "{:?}",
                    directory::transfer_targets(&what).map(|to| to.len())
                ),
                _ => format!("{:?}", directory::capabilities(&what).map(|can| can.edit)),
            })
        }
    }

    fn past(id: &str, text: &str) -> PastMessage {
        PastMessage {
            author: event::person("Ada", "Lovelace"),
            at: 1,
            message: event::message(id, text),
        }
    }

    #[test]
    fn answers_reads_as_it_was_told() {
        let mut bench = Bench::new(Reader)
            .contact("ada", ContactStatus::Accepted)
            .presence("ada", PresenceStatus::Busy)
            .past_message("room-1", past("m1", "one"))
            .past_message("room-2", past("m2", "two"))
            .past_message("room-1", past("m3", "three"))
            .file("f1", "abc")
            .file("f2", "abcd")
            .transfer_option(TransferOption {
                group: true,
                id: "sales".into(),
                name: "Sales".into(),
                available: true,
            });
        for (question, wanted) in [
            ("contact ada", "Ok(ContactStatus::Accepted)"),
            ("contact bob", "Ok(ContactStatus::None)"),
            ("presence ada", "Ok(PresenceStatus::Busy)"),
            ("presence bob", "Ok(PresenceStatus::Offline)"),
            ("history room-1", "three one "),
            ("message m2", "two"),
            ("message m9", "ReadError::NotFound"),
            ("file f1", "Ok([97, 98, 99])"),
            ("transfer room-1", "Ok(1)"),
            ("room nowhere", "false"),
            ("capabilities room-1", "Err(ReadError::Unsupported)"),
        ] {
            let answer = bench.say(&format!("/read {question}"));
            assert_eq!(answer.texts(), [wanted], "{question}");
        }
        let large = bench.say("/read file f2").texts().concat();
        assert!(large.contains("more than 3 bytes"), "{large}");
    }

    #[test]
    fn each_user_sees_what_is_theirs() {
        #[derive(Default)]
        struct Asker;

        #[behaviour(name = "asker", summary = "Asks for others", no_export)]
        impl Asker {
            #[command("/as {user}")]
            fn ask(&mut self, cx: &Context, user: String) -> Reply {
                let user = directory::as_user(&user);
                let rooms = user
                    .conversations("bench", None)
                    .map(|page| page.items.len());
                let (contact, presence) = (user.contact("eve"), user.presence("eve"));
                cx.reply(format!("{rooms:?} {contact:?} {presence:?}"))
            }
        }

        let hers = Conversation {
            id: "room-1".into(),
            kind: crate::events::ConversationKind::Room,
            name: Some("Hers".into()),
            external: false,
            cross_pod: false,
            thread: None,
        };
        let mut bench = Bench::new(Asker)
            .contact("eve", ContactStatus::Accepted)
            .known_conversation_of("grace", hers)
            .contact_of("grace", "eve", ContactStatus::Pending)
            .presence_for("grace", "eve", PresenceStatus::Busy)
            .presence_for("heidi", "mal", PresenceStatus::Busy);
        for (user, wanted) in [
            (
                "grace",
                "Ok(1) Ok(ContactStatus::Pending) Ok(PresenceStatus::Busy)",
            ),
            (
                "heidi",
                "Ok(0) Ok(ContactStatus::None) Ok(PresenceStatus::Offline)",
            ),
            (
                "ivan",
                "Err(ReadError::Denied) Err(ReadError::Denied) Err(ReadError::Denied)",
            ),
        ] {
            let answer = bench.say(&format!("/as {user}"));
            assert_eq!(answer.texts(), [wanted], "{user}");
        }
    }
}
