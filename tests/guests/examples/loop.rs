//! Never comes back from `loop`; comes back from `spin N` after N million steps.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "loop", summary = "Never comes back from a message")]
impl Guest {
    #[message(equals = "loop")]
    fn message(&mut self) {
        let mut steps = 0_u64;
        loop {
            steps = std::hint::black_box(steps.wrapping_add(1));
        }
    }

    // So many million steps, which are the same work on every machine.
    #[command("spin {millions:int}")]
    fn spin(&mut self, millions: u64) -> &'static str {
        let mut steps = 0_u64;
        while steps < millions * 1_000_000 {
            steps = std::hint::black_box(steps.wrapping_add(1));
        }
        "spun"
    }

    #[message(equals = "ping")]
    fn ping(&mut self) -> &'static str {
        "pong"
    }
}
