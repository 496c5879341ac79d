//! What actions name: messages, new rooms, and changes of conversations.

use crate::actions::{MessageRef, NewRoom, UpdateConversation};

impl MessageRef {
    /// Names a message by the platform's id.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let message = MessageRef::by_id("message-7");
    /// # let _ = message;
    /// ```
    pub fn by_id(id: impl Into<String>) -> Self {
        Self::Id(id.into())
    }

    /// Names a message by the key of the action that sent it.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let message = MessageRef::by_key("status");
    /// # let _ = message;
    /// ```
    pub fn by_key(key: impl Into<String>) -> Self {
        Self::Key(key.into())
    }
}

impl NewRoom {
    /// Makes a private room, in which its owner alone invites others.
    ///
    /// ```
    /// use parlor_sdk::actions::NewRoom;
    ///
    /// let room = NewRoom::named("Incident 7").description("What is down and who is on it").member("ada");
    /// assert_eq!(room.members, ["ada"]);
    /// ```
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            members: Vec::new(),
            public: false,
            external: false,
            open: false,
        }
    }

    /// Says what it is for.
    ///
    /// ```
    /// # use parlor_sdk::actions::NewRoom;
    /// let room = NewRoom::named("Lunch").description("Where to go today");
    /// # let _ = room;
    /// ```
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Puts a user in, by id.
    ///
    /// ```
    /// # use parlor_sdk::actions::NewRoom;
    /// let room = NewRoom::named("Lunch").member("ada").member("bob");
    /// assert_eq!(room.members.len(), 2);
    /// ```
    #[must_use]
    pub fn member(mut self, user: impl Into<String>) -> Self {
        self.members.push(user.into());
        self
    }

    /// Lets everybody find it.
    ///
    /// ```
    /// # use parlor_sdk::actions::NewRoom;
    /// assert!(NewRoom::named("Lunch").public().public);
    /// ```
    #[must_use]
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Opens it to other companies.
    ///
    /// ```
    /// # use parlor_sdk::actions::NewRoom;
    /// assert!(NewRoom::named("Suppliers").external().external);
    /// ```
    #[must_use]
    pub fn external(mut self) -> Self {
        self.external = true;
        self
    }

    /// Lets members invite others.
    ///
    /// ```
    /// # use parlor_sdk::actions::NewRoom;
    /// assert!(NewRoom::named("Lunch").open().open);
    /// ```
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }
}

impl UpdateConversation {
    /// Makes one that changes nothing yet, of the event's conversation.
    ///
    /// ```
    /// use parlor_sdk::actions::UpdateConversation;
    ///
    /// let solved = UpdateConversation::new().name("Incident 7, solved").open(false);
    /// assert_eq!(solved.description, None);
    /// ```
    #[expect(
        clippy::new_without_default,
        reason = "the type is the contract's own, and a default would say nothing"
    )]
    pub fn new() -> Self {
        Self {
            conversation: None,
            name: None,
            description: None,
            public: None,
            open: None,
        }
    }

    /// Gives it another name.
    ///
    /// ```
    /// # use parlor_sdk::actions::UpdateConversation;
    /// let renamed = UpdateConversation::new().name("Lunch at noon");
    /// # let _ = renamed;
    /// ```
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says what it is for.
    ///
    /// ```
    /// # use parlor_sdk::actions::UpdateConversation;
    /// let described = UpdateConversation::new().description("Where to go today");
    /// # let _ = described;
    /// ```
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Lets everybody find it, or members only.
    ///
    /// ```
    /// # use parlor_sdk::actions::UpdateConversation;
    /// assert_eq!(UpdateConversation::new().public(false).public, Some(false));
    /// ```
    #[must_use]
    pub fn public(mut self, public: bool) -> Self {
        self.public = Some(public);
        self
    }

    /// Lets members invite others, or owners only.
    ///
    /// ```
    /// # use parlor_sdk::actions::UpdateConversation;
    /// assert_eq!(UpdateConversation::new().open(true).open, Some(true));
    /// ```
    #[must_use]
    pub fn open(mut self, open: bool) -> Self {
        self.open = Some(open);
        self
    }
}
