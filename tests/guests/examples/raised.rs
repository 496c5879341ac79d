//! `versioned` with a state of its own: its state version is 1, and it traps on `trap`.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "versioned",
    version = "2.0.0",
    summary = "Has changed its state",
    state_version = 1
)]
impl Guest {
    #[message()]
    fn message(&mut self, text: String) -> Result<String, Error> {
        state::plugin().set("shape", "new")?;
        assert_ne!(text, "trap", "as it was told");
        Ok(format!("raised {text}"))
    }
}
