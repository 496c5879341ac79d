//! Has 80 MiB of memory before its first call: more than a plugin may have where its settings say nothing.

use std::sync::atomic::{AtomicU8, Ordering};

use parlor_sdk::prelude::*;

const PAGE: usize = 64 << 10;
const PAGES: usize = (80 << 20) / PAGE;

// Written to, so that it is memory and no constant. In pages, because the compiler makes one byte after another.
static ROOM: [[AtomicU8; PAGE]; PAGES] = [const { [const { AtomicU8::new(0) }; PAGE] }; PAGES];

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "large", summary = "Needs much memory")]
impl Guest {
    #[message()]
    fn message(&mut self, text: String) -> String {
        let page = &ROOM[text.len() % PAGES];
        let calls = page[0].fetch_add(1, Ordering::Relaxed);
        format!(
            "{calls} before, in {} MiB",
            (std::hint::black_box(&ROOM).len() * PAGE) >> 20
        )
    }
}
