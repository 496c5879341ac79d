//! Leaks pollables by the million, or waits for a long list of them.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "pollables", summary = "Makes pollables by the million")]
impl Guest {
    #[message(equals = "leak")]
    fn leak(&mut self) -> String {
        for _ in 0..2_000_000 {
            pollable::leak();
        }
        "leaked".into()
    }

    #[message(equals = "poll")]
    fn poll(&mut self) -> String {
        pollable::poll(2_000_000);
        "polled".into()
    }

    #[message(equals = "forever")]
    fn forever(&mut self) -> String {
        pollable::forever();
        "after for ever".into()
    }
}

#[cfg(target_arch = "wasm32")]
mod pollable {
    use wasip2::clocks::monotonic_clock::subscribe_duration;
    use wasip2::io::poll::poll as poll_all;

    pub(super) fn leak() {
        std::mem::forget(subscribe_duration(u64::MAX));
    }

    pub(super) fn poll(count: usize) {
        let list: Vec<_> = (0..count).map(|_| subscribe_duration(0)).collect();
        std::hint::black_box(poll_all(&list.iter().collect::<Vec<_>>()));
    }

    pub(super) fn forever() {
        subscribe_duration(u64::MAX).block();
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod pollable {
    pub(super) fn leak() {}
    pub(super) fn poll(_count: usize) {}
    pub(super) fn forever() {}
}
