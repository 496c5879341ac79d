//! What a handler gives back.

use crate::actions::Action;
use crate::content::Content;
use crate::message::Message;
use crate::{Error, Request, Timer};

/// Actions in the order in which the host performs them. At most 100 by default; empty is fine.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let reply = Reply::from("Thanks!").and(Action::set_timer("later", Schedule::After(5_000), "tea"));
/// assert_eq!(reply.actions().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply(Vec<Action>);

impl Reply {
    /// Makes one without actions.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds what is to be done after it.
    #[must_use]
    pub fn and(mut self, next: impl Into<Reply>) -> Self {
        self.0.extend(next.into().0);
        self
    }

    /// Lists the actions.
    pub fn actions(&self) -> &[Action] {
        &self.0
    }
}

impl From<Reply> for Vec<Action> {
    fn from(reply: Reply) -> Self {
        reply.0
    }
}

impl From<Vec<Action>> for Reply {
    fn from(actions: Vec<Action>) -> Self {
        Self(actions)
    }
}

impl From<Action> for Reply {
    fn from(action: Action) -> Self {
        Self(vec![action])
    }
}

impl From<()> for Reply {
    fn from((): ()) -> Self {
        Self::none()
    }
}

impl<T: Into<Reply>> From<Option<T>> for Reply {
    fn from(reply: Option<T>) -> Self {
        reply.map_or_else(Self::none, Into::into)
    }
}

impl FromIterator<Action> for Reply {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().collect())
    }
}

/// What a handler may return: nothing, text, content, a message, a request, a timer, an action, a
/// [`Reply`], an option of those, or a result of those with [`Error`].
pub trait IntoReply {
    /// Turns it into actions.
    ///
    /// # Errors
    /// The handler's own error.
    fn into_reply(self) -> Result<Reply, Error>;
}

impl<T: Into<Reply>> IntoReply for Result<T, Error> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map(Into::into)
    }
}

impl<T: Into<Reply>> IntoReply for Option<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self.into())
    }
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self)
    }
}

macro_rules! plain_replies {
    ($($plain:ty),*) => {$(
        impl IntoReply for $plain {
            fn into_reply(self) -> Result<Reply, Error> {
                Ok(self.into())
            }
        }
    )*};
}

plain_replies!(
    (),
    Action,
    Vec<Action>,
    Message,
    Request,
    Timer,
    Content,
    String,
    &str
);

macro_rules! message_replies {
    ($($content:ty),*) => {$(
        impl From<$content> for Reply {
            fn from(content: $content) -> Self {
                Message::reply(content).into()
            }
        }
    )*};
}

message_replies!(Content, String, &str);

impl From<Message> for Reply {
    fn from(message: Message) -> Self {
        Action::from(message).into()
    }
}
