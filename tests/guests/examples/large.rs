//! Has 80 MiB of memory before its first call: more than a plugin may have where its settings say nothing.

use parlor_sdk::prelude::*;

const BYTES: usize = 80 << 20;

// Written to, so that it is memory and no constant.
static ROOM: [std::sync::atomic::AtomicU8; BYTES] =
    [const { std::sync::atomic::AtomicU8::new(0) }; BYTES];

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "large", summary = "Needs much memory")]
impl Guest {
    #[message()]
    fn message(&mut self, text: String) -> String {
        let place = text.len() % BYTES;
        let calls = ROOM[place].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!(
            "{calls} before, in {} MiB",
            std::hint::black_box(&ROOM).len() >> 20
        )
    }
}
