//! Answers `big` with a message of 10 MiB, and `exact N` with one of N bytes.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "big-message", summary = "Sends messages of any size")]
impl Guest {
    #[message(equals = "big")]
    fn big(&mut self) -> String {
        "x".repeat(10 << 20)
    }

    #[command("exact {bytes:int}")]
    fn exact(&mut self, bytes: usize) -> String {
        "x".repeat(bytes)
    }
}
