//! Leaks handles of host resources by the million.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "handles", summary = "Leaks handles by the million")]
impl Guest {
    #[message(equals = "leak")]
    fn leak(&mut self) -> String {
        leak(2_000_000);
        "leaked".into()
    }

    #[command("leak {count:int}", name = "leak-some")]
    fn leak_some(&mut self, count: u32) -> String {
        leak(count);
        format!("leaked {count}")
    }

    // A few in each event: an instance must not keep them for ever.
    #[message(equals = "drip")]
    fn drip(&mut self) -> String {
        leak(100);
        "leaked".into()
    }
}

#[cfg(target_arch = "wasm32")]
fn leak(count: u32) {
    for _ in 0..count {
        std::mem::forget(wasip2::http::types::Fields::new());
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn leak(_count: u32) {}
