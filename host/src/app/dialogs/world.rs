//! The world of a dialog: its clock, its chance, what is noted of the plugin's calls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::journal::TimerNote;
use crate::mailbox::Clock;
use crate::model::delivery::{Delivery, DeliveryNumber, View};
use crate::model::payload::EventPayload;
use crate::model::{HOST_PLUGIN, Timestamp};
use crate::runtime::lanes::CallNote;
use crate::runtime::{LogLine, LogSink, World};

/// Lines of the plugin's log that are kept, and faults and timers of its calls.
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

/// A call that had a fault, whatever came of its delivery then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Faulted {
    /// The delivery.
    pub(super) delivery: DeliveryNumber,
    /// Which try of it this was.
    pub(super) attempt: u32,
    /// The fault, with the guest's backtrace where there is one.
    pub(super) text: String,
}

/// The most that a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Most {
    pub(super) cpu: Duration,
    pub(super) took: Duration,
    pub(super) memory_bytes: u64,
}

/// The plugin's calls.
#[derive(Debug, Default)]
struct Calls {
    count: usize,
    most: Most,
    faults: Vec<Faulted>,
    timers: Vec<TimerNote>,
}

/// What instances take for the world.
#[derive(Debug)]
pub(super) struct DialogWorld {
    clock: Arc<DialogClock>,
    seed: u64,
    instances: AtomicU64,
    called: Mutex<Called>,
    calls: Mutex<Calls>,
    lines: Mutex<Vec<LogLine>>,
}

impl DialogWorld {
    pub(super) fn new(clock: Arc<DialogClock>, seed: u64) -> Self {
        Self {
            clock,
            seed,
            instances: AtomicU64::new(0),
            called: Mutex::default(),
            calls: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    /// What was called so far.
    pub(super) fn called(&self) -> Called {
        self.called.lock().clone()
    }

    /// Notes a call that ended.
    pub(super) fn ended(&self, note: &CallNote<'_>) {
        let delivery = note.delivery;
        if *delivery.plugin == *HOST_PLUGIN {
            return;
        }
        let mut calls = self.calls.lock();
        calls.count += 1;
        let most = &mut calls.most;
        most.cpu = most.cpu.max(note.spent.cpu);
        most.took = most.took.max(note.took);
        most.memory_bytes = most.memory_bytes.max(note.spent.memory_bytes.unwrap_or(0));
        // A try that is made again as the same one rested on state that another call changed meanwhile:
        // what came of it then is no fault of the plugin's.
        let this = (delivery.number, delivery.attempt);
        calls.faults.retain(|it| (it.delivery, it.attempt) != this);
        if let Some(text) = note
            .outcome
            .fault()
            .filter(|_| calls.faults.len() < MAX_LINES)
        {
            calls.faults.push(Faulted {
                delivery: delivery.number,
                attempt: delivery.attempt,
                text: text.to_owned(),
            });
        }
        let room = MAX_LINES.saturating_sub(calls.timers.len());
        let timers = note.outcome.timers().take(room);
        calls.timers.extend(timers.cloned());
    }

    /// How many calls there were so far, and the most that one of them used.
    pub(super) fn calls(&self) -> (usize, Most) {
        let calls = self.calls.lock();
        (calls.count, calls.most)
    }

    /// The calls that had a fault since the last call of this.
    pub(super) fn take_faults(&self) -> Vec<Faulted> {
        std::mem::take(&mut self.calls.lock().faults)
    }

    /// The timers that calls set and ended since the last call of this.
    pub(super) fn take_timers(&self) -> Vec<TimerNote> {
        std::mem::take(&mut self.calls.lock().timers)
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
