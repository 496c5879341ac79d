//! Counts by reading and writing one key that all conversations share: conflicts must not lose a step.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "counter", summary = "Counts by reading and writing")]
impl Guest {
    #[message(equals = "+1")]
    fn add(&mut self) -> Result<String, Error> {
        let n = state::plugin().number("n")?.unwrap_or(0) + 1;
        state::plugin().set_number("n", n)?;
        Ok(n.to_string())
    }

    #[message(equals = "total")]
    fn total(&mut self) -> Result<String, Error> {
        Ok(state::plugin().number("n")?.unwrap_or(0).to_string())
    }
}
