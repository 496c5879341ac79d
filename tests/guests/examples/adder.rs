//! Counts by `state.add` on one key that all conversations share: never a conflict.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "adder", summary = "Counts by adding")]
impl Guest {
    #[message(equals = "+1")]
    fn add(&mut self) -> Result<&'static str, Error> {
        state::plugin().add("n", 1)?;
        Ok("added")
    }

    #[message(equals = "total")]
    fn total(&mut self) -> Result<String, Error> {
        Ok(state::plugin().number("n")?.unwrap_or(0).to_string())
    }
}
