//! Why an event was not handled.

use std::time::Duration;

pub use crate::bindings::exports::parlor::bot::behaviour::HandleError as Error;

use crate::backend::state::StateError;
use crate::directory::ReadError;

impl Error {
    /// Asks for another try, as the host sees fit. Three tries in 30 s are the default.
    pub fn retry() -> Self {
        Self::Retry(None)
    }

    /// Asks for another try after a pause, at most 30 s by default.
    pub fn retry_after(pause: Duration) -> Self {
        Self::Retry(Some(pause.as_millis().try_into().unwrap_or(u64::MAX)))
    }

    /// Ends the event without effects and without a fault. The text is logged.
    pub fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    /// Sends the event to the dead letters now. A fault.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        match error {
            StateError::NoScope => Self::failed("state: the event has no such scope"),
            StateError::TooLarge => Self::failed("state: key or value too large"),
            StateError::Full => Self::failed("state: full"),
            StateError::NotANumber => Self::failed("state: not a number"),
            StateError::Failed => Self::Retry(None),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unsupported => Self::failed("directory: unsupported"),
            ReadError::NotFound => Self::failed("directory: not found"),
            ReadError::Denied => Self::failed("directory: denied"),
            ReadError::Throttled(ms) => Self::Retry(Some(ms)),
            ReadError::Failed(text) => Self::Failed(text),
        }
    }
}
