//! Waits in the host thirty times for 5 ms, then answers: 150 ms of time, and next to none of a processor's.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "sleep", summary = "Waits in the host")]
impl Guest {
    #[message(equals = "sleep")]
    fn sleep(&mut self) -> String {
        for _ in 0..30 {
            wait(5);
        }
        "slept".into()
    }

    #[command("sleep {ms:int}", name = "sleep-for")]
    fn sleep_for(&mut self, ms: u64) -> String {
        wait(ms);
        format!("slept {ms}")
    }
}

#[cfg(target_arch = "wasm32")]
fn wait(ms: u64) {
    wasip2::clocks::monotonic_clock::subscribe_duration(ms * 1_000_000).block();
}

#[cfg(not(target_arch = "wasm32"))]
fn wait(_ms: u64) {}
