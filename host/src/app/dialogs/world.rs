//! The world of a dialog: its clock, its chance, what is noted of the plugin's calls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::mailbox::Clock;
use crate::model::Timestamp;
use crate::model::delivery::{Delivery, View};
use crate::model::payload::EventPayload;
use crate::runtime::{LogLine, LogSink, World};

/// Lines of the plugin's log that are kept.
const MAX_LINES: usize = 10_000;

/// A clock that goes on when a step says so.
#[derive(Debug)]
pub(super) struct DialogClock(AtomicU64);

impl DialogClock {
    pub(super) fn at(moment: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(moment)))
    }

    pub(super) fn set(&self, moment: Timestamp) {
        self.0.store(moment, Ordering::SeqCst);
    }
}

impl Clock for DialogClock {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

/// What a plugin was called with.
#[derive(Clone, Debug, Default)]
pub(super) struct Called {
    /// Commands, by name.
    pub(super) commands: BTreeSet<String>,
    /// Forms, by id.
    pub(super) forms: BTreeSet<String>,
    /// Buttons, by id.
    pub(super) buttons: BTreeSet<String>,
}

/// What instances take for the world.
#[derive(Debug)]
pub(super) struct DialogWorld {
    clock: Arc<DialogClock>,
    seed: u64,
    instances: AtomicU64,
    called: Mutex<Called>,
    lines: Mutex<Vec<LogLine>>,
}

impl DialogWorld {
    pub(super) fn new(clock: Arc<DialogClock>, seed: u64) -> Self {
        Self {
            clock,
            seed,
            instances: AtomicU64::new(0),
            called: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    /// What was called so far.
    pub(super) fn called(&self) -> Called {
        self.called.lock().clone()
    }

    /// The lines that the plugin wrote since the last call.
    pub(super) fn take_lines(&self) -> Vec<LogLine> {
        std::mem::take(&mut *self.lines.lock())
    }
}

impl World for DialogWorld {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn seed(&self) -> u64 {
        // Far apart, so that no instance repeats what another saw.
        let instance = self.instances.fetch_add(1, Ordering::Relaxed);
        self.seed.wrapping_add(instance << 32)
    }

    fn called(&self, delivery: &Delivery) {
        let mut called = self.called.lock();
        if let View::Command { name, .. } = &delivery.view {
            called.commands.insert(name.clone());
        }
        match &delivery.event.payload {
            EventPayload::FormSubmitted(submitted) => {
                called.forms.insert(submitted.form_id.clone());
            }
            EventPayload::ButtonPressed(pressed) => {
                called.buttons.insert(pressed.button_id.clone());
            }
            _ => {}
        }
    }
}

impl LogSink for DialogWorld {
    fn write(&self, line: LogLine) {
        let mut lines = self.lines.lock();
        if lines.len() < MAX_LINES {
            lines.push(line);
        }
    }
}
