//! Calls itself without end.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "recursion", summary = "Calls itself without end")]
impl Guest {
    #[message(equals = "recurse")]
    fn recurse(&mut self) -> String {
        deeper(1).to_string()
    }
}

fn deeper(depth: u64) -> u64 {
    // A frame of its own size, and something to do after the call, so that no compiler makes it a loop.
    let mut frame = [depth; 16];
    std::hint::black_box(&mut frame);
    if std::hint::black_box(depth) == u64::MAX {
        return depth;
    }
    deeper(depth + 1) + std::hint::black_box(frame[3])
}
