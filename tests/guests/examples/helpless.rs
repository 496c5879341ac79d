//! Takes `/help` away from the host, and does not say what its command does.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "helpless", summary = "Helps nobody")]
impl Guest {
    #[command("/help", help = "Helps nobody")]
    fn help(&mut self) -> &'static str {
        "Ask somebody else."
    }

    #[command("/mystery {what}")]
    fn mystery(&mut self, what: String) -> String {
        what
    }
}
