//! What a plugin remembers, over events, instances and restarts.
//!
//! A call sees the newest values and its own writes. Writes are kept with the call's actions, or
//! not at all; where another call changed what this one read, the event is handled again.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! fn count(cx: &Context) -> Result<Reply, Error> {
//!     let visits = state::conversation().number("visits")?.unwrap_or(0) + 1;
//!     state::conversation().set_number("visits", visits)?;
//!     Ok(cx.reply(visits.to_string()))
//! }
//! ```

use std::time::Duration;

use crate::backend::state as host;
pub use host::StateError;

/// Values of one owner. A key has 1 to 256 bytes, a value at most 64 KiB; the total is bounded.
#[derive(Clone, Copy, Debug)]
pub struct Values(host::Scope);

/// Gives the values of the plugin, shared by all conversations.
pub fn plugin() -> Values {
    Values(host::Scope::Plugin)
}

/// Gives the values of the event's conversation.
pub fn conversation() -> Values {
    Values(host::Scope::Conversation)
}

/// Gives the values of the event's actor.
pub fn user() -> Values {
    Values(host::Scope::User)
}

impl Values {
    /// Gets a value, or none.
    ///
    /// # Errors
    /// No such scope, key too large, or the host could not read it.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        host::get(self.0, key)
    }

    /// Gets a text; none where it is not UTF-8.
    ///
    /// # Errors
    /// As [`Values::get`].
    pub fn text(&self, key: &str) -> Result<Option<String>, StateError> {
        Ok(self
            .get(key)?
            .and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Gets a whole number, kept as decimal text.
    ///
    /// # Errors
    /// As [`Values::get`], and `NotANumber`.
    pub fn number(&self, key: &str) -> Result<Option<i64>, StateError> {
        match self.get(key)? {
            None => Ok(None),
            Some(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.parse().ok())
                .map(Some)
                .ok_or(StateError::NotANumber),
        }
    }

    /// Sets a value of at most 64 KiB, for ever.
    ///
    /// # Errors
    /// No such scope, too large, or the plugin's share is used up.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), StateError> {
        host::set(self.0, key, value.as_ref(), None)
    }

    /// Sets a value for some time.
    ///
    /// # Errors
    /// As [`Values::set`].
    pub fn set_for(
        &self,
        key: &str,
        value: impl AsRef<[u8]>,
        time: Duration,
    ) -> Result<(), StateError> {
        let ms = time.as_millis().try_into().unwrap_or(u64::MAX);
        host::set(self.0, key, value.as_ref(), Some(ms))
    }

    /// Sets a whole number, as decimal text.
    ///
    /// # Errors
    /// As [`Values::set`].
    pub fn set_number(&self, key: &str, number: i64) -> Result<(), StateError> {
        self.set(key, number.to_string())
    }

    /// Adds to a number, 0 where there is none. It counts as no read, so it never makes the event
    /// be handled again: the way to count.
    ///
    /// # Errors
    /// As [`Values::set`], and `NotANumber`.
    pub fn add(&self, key: &str, delta: i64) -> Result<(), StateError> {
        host::add(self.0, key, delta)
    }

    /// Deletes a value; one that is not there is no error.
    ///
    /// # Errors
    /// No such scope, or the key is too large.
    pub fn delete(&self, key: &str) -> Result<(), StateError> {
        host::delete(self.0, key)
    }

    /// Lists the first 1,000 keys that begin with a prefix, in order.
    ///
    /// # Errors
    /// As [`Values::get`].
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        host::keys(self.0, prefix, None)
    }

    /// Lists the next 1,000 keys, from the one after a key.
    ///
    /// # Errors
    /// As [`Values::get`].
    pub fn keys_after(&self, prefix: &str, after: &str) -> Result<Vec<String>, StateError> {
        host::keys(self.0, prefix, Some(after))
    }
}
