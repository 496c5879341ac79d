//! Grows its memory until it is refused. `grow` then answers how far it came; `trap` goes on and aborts.
//! `reach N` grows to N pages in all.

use parlor_sdk::prelude::*;

// More than any host should give: 4 GiB, a page at a time.
#[cfg(target_arch = "wasm32")]
const PAGES: usize = 65_536;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "memory", summary = "Grows its memory until it is refused")]
impl Guest {
    #[message(equals = "grow")]
    fn grow(&mut self) -> String {
        format!("refused after {} pages", grow())
    }

    #[command("reach {pages:int}")]
    fn reach(&mut self, pages: usize) -> String {
        let got = reach(pages);
        if got == pages {
            format!("reached {got} pages")
        } else {
            format!("refused at {got} pages")
        }
    }

    #[message(equals = "trap")]
    fn trap(&mut self) -> String {
        let mut hoard: Vec<Vec<u8>> = Vec::new();
        loop {
            hoard.push(vec![1; 1 << 20]);
            std::hint::black_box(&hoard);
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn grow() -> usize {
    (0..PAGES)
        .take_while(|_| std::arch::wasm32::memory_grow::<0>(1) != usize::MAX)
        .count()
}

#[cfg(not(target_arch = "wasm32"))]
fn grow() -> usize {
    0
}

/// Grows to a size in pages; the size that came of it.
#[cfg(target_arch = "wasm32")]
fn reach(pages: usize) -> usize {
    use std::arch::wasm32::{memory_grow, memory_size};
    while memory_size::<0>() < pages && memory_grow::<0>(1) != usize::MAX {}
    memory_size::<0>()
}

#[cfg(not(target_arch = "wasm32"))]
fn reach(_pages: usize) -> usize {
    0
}
