//! What comes back of a request action.

use crate::events::{Response, ResponseError, ResponseReceived};

impl ResponseReceived {
    /// Gives the answer, or why there is none. An answer with a bad status is an answer.
    ///
    /// ```
    /// use parlor_sdk::events::ResponseReceived;
    ///
    /// fn sentence(received: &ResponseReceived) -> String {
    ///     match received.answer() {
    ///         Ok(answer) if answer.ok() => answer.text(),
    ///         Ok(answer) => format!("It says {}", answer.status),
    ///         Err(error) => format!("No answer: {}", error.name()),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn answer(&self) -> Result<&Response, ResponseError> {
        self.outcome.as_ref().map_err(|error| *error)
    }
}

impl Response {
    /// Tells whether the status is 200 to 299.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Gives the body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Gives the first header of a lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|header| header.name == name);
        named.next().map(|header| header.value.as_str())
    }
}

impl ResponseError {
    /// Names it in a word, for people and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::TooLarge => "too-large",
            Self::InDoubt => "in-doubt",
            Self::Failed => "failed",
        }
    }
}
