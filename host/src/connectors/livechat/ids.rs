//! Ids of ours, made from the platform's own.
//!
//! A bot may serve several licences, and the platform's ids say nothing of theirs: behind an id of a
//! chat stands its licence.

use std::fmt;

/// A chat of a licence: `PX1A2B3C4D@b7eff798-…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatId {
    /// The chat.
    pub chat: String,
    /// The licence: the organization's id, in the dialects of chat.io the licence's number.
    pub licence: String,
}

impl ChatId {
    /// Makes one.
    pub fn new(chat: &str, licence: &str) -> Self {
        Self {
            chat: chat.to_owned(),
            licence: licence.to_owned(),
        }
    }

    /// Reads one.
    pub fn parse(id: &str) -> Option<Self> {
        let (chat, licence) = id.rsplit_once('@')?;
        let is_one = !chat.is_empty() && !licence.is_empty() && !chat.contains('@');
        is_one.then(|| Self::new(chat, licence))
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.chat, self.licence)
    }
}

/// An event of a chat: `RT5Y6U7I8O_3@PX1A2B3C4D@b7eff798-…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId {
    /// The event.
    pub event: String,
    /// Its chat.
    pub chat: ChatId,
}

impl EventId {
    /// Makes one.
    pub fn new(event: &str, chat: &ChatId) -> Self {
        Self {
            event: event.to_owned(),
            chat: chat.clone(),
        }
    }

    /// Reads one.
    pub fn parse(id: &str) -> Option<Self> {
        let (event, chat) = id.split_once('@')?;
        let chat = ChatId::parse(chat)?;
        (!event.is_empty()).then(|| Self::new(event, &chat))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.event, self.chat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_text() {
        let chat = ChatId::new("PX1", "b7ef");
        assert_eq!(ChatId::parse(&chat.to_string()), Some(chat.clone()));
        let event = EventId::new("RT_3", &chat);
        assert_eq!(event.to_string(), "RT_3@PX1@b7ef");
        assert_eq!(EventId::parse(&event.to_string()), Some(event));
        for wrong in ["", "PX1", "@b7ef", "PX1@", "a@b@c"] {
            assert_eq!(ChatId::parse(wrong), None, "{wrong}");
        }
        for wrong in ["", "RT_3", "RT_3@PX1", "@PX1@b7ef"] {
            assert_eq!(EventId::parse(wrong), None, "{wrong}");
        }
    }
}
