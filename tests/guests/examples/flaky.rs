//! Traps on every tenth event of an instance; the count is in memory, so a new instance begins anew.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest {
    events: u32,
}

#[behaviour(name = "flaky", summary = "Traps on every tenth event")]
impl Guest {
    #[message()]
    fn message(&mut self, text: String) -> String {
        self.events += 1;
        assert!(!self.events.is_multiple_of(10), "the tenth event");
        text
    }
}
