//! Never comes back from a message.

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

    #[message(equals = "ping")]
    fn ping(&mut self) -> &'static str {
        "pong"
    }
}
