//! Ends its process, or aborts it.

#![expect(
    clippy::disallowed_methods,
    reason = "this guest tests that the host outlives both"
)]

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "exit", summary = "Ends its process")]
impl Guest {
    #[command("exit {code:int}")]
    fn exit(&mut self, code: i64) {
        std::process::exit(i32::try_from(code).unwrap_or(1));
    }

    #[message(equals = "abort")]
    fn abort(&mut self) {
        std::process::abort();
    }
}
