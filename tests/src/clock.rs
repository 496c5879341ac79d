//! A clock that a test sets: hours pass without waiting for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parlor_host::mailbox::Clock;
use parlor_host::model::Timestamp;

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// Makes one that shows this moment.
    pub fn at(moment: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(moment)))
    }

    /// Sets it, forward or back.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}
