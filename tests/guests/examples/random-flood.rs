//! Asks for 64 MB of random bytes at once, then for as many in small parts.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "random-flood", summary = "Asks for a flood of random bytes")]
impl Guest {
    #[message(equals = "once")]
    fn once(&mut self) -> String {
        format!("{} bytes", random::bytes(64_000_000).len())
    }

    #[message(equals = "parts")]
    fn parts(&mut self) -> String {
        let count: usize = (0..64_000).map(|_| random::bytes(1_000).len()).sum();
        format!("{count} bytes")
    }

    #[command("bytes {count:int}")]
    fn bytes(&mut self, count: usize) -> String {
        format!("{} bytes", random::bytes(count).len())
    }
}
