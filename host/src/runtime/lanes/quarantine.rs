//! Keeps a plugin that fails everybody from being called, and tries it again with one delivery.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::plugin::Next;
use crate::model::Name;

/// Deliveries looked back upon.
const WINDOW: usize = 50;
/// Lanes with a fault in the window that close it.
const LANES: usize = 3;
/// Share of the window's deliveries with a fault that closes it: more than one in so many.
const ONE_IN: usize = 5;
/// The longest wait for a probe.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Whether a plugin is called.
#[derive(Default)]
pub(super) struct Quarantine {
    gate: State,
    /// Why it is not.
    reason: String,
    /// The lanes of the last deliveries' faults; none where a delivery had no fault.
    window: VecDeque<Option<Name>>,
    faults: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Closed {
        until: Instant,
        wait: Duration,
    },
    Probing {
        wait: Duration,
    },
    /// Until another build is installed, or the gate is opened by hand.
    Shut,
}

/// How far a plugin is from quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FaultBudget {
    /// Deliveries among the last [`FaultBudget::WINDOW`] that failed for good.
    pub faults: u32,
    /// How many more may.
    pub faults_left: u32,
    /// Conversations in which they failed.
    pub conversations: u32,
    /// How many more may have failures.
    pub conversations_left: u32,
}

impl FaultBudget {
    /// Deliveries looked back upon.
    pub const WINDOW: usize = WINDOW;
}

/// Why a plugin is not called, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) reason: String,
    /// When it is tried again; none where that is somebody's decision, or happens now.
    pub(super) until: Option<Instant>,
}

impl Quarantine {
    pub(super) fn is_open(&self) -> bool {
        self.gate == State::Open
    }

    /// Tells until when nothing may run.
    pub(super) fn held(&mut self, now: Instant, is_running: bool) -> Option<Instant> {
        match self.gate {
            State::Open => None,
            State::Closed { until, .. } if until > now => Some(until),
            State::Closed { wait, .. } if is_running => Some(now + wait),
            State::Closed { .. } => None,
            State::Probing { wait } => Some(now + wait),
            // Whoever opens it wakes those that wait.
            State::Shut => Some(now + MAX_WAIT),
        }
    }

    /// Closes the gate until another build is installed.
    pub(super) fn shut(&mut self, reason: String) {
        self.gate = State::Shut;
        self.reason = reason;
    }

    /// Tells why nothing is called; none where it is.
    pub(super) fn why(&self) -> Option<Held> {
        let until = match self.gate {
            State::Open => return None,
            State::Closed { until, .. } => Some(until),
            State::Probing { .. } | State::Shut => None,
        };
        let reason = self.reason.clone();
        Some(Held { reason, until })
    }

    /// Tells how far the plugin is from quarantine.
    pub(super) fn budget(&self) -> FaultBudget {
        let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let conversations = self.lanes();
        FaultBudget {
            faults: narrow(self.faults),
            faults_left: narrow((WINDOW / ONE_IN).saturating_sub(self.faults)),
            conversations: narrow(conversations),
            conversations_left: narrow((LANES - 1).saturating_sub(conversations)),
        }
    }

    /// Notes that a delivery begins: a probe, where the gate was closed.
    pub(super) fn begin(&mut self) {
        if let State::Closed { wait, .. } = self.gate {
            self.gate = State::Probing { wait };
        }
    }

    /// Notes how a job ended.
    pub(super) fn end(&mut self, lane: &Name, next: &Next, first_wait: Duration) {
        match (self.gate, next) {
            (State::Open, Next::On { is_fault: true }) => {
                self.note(Some(Name::clone(lane)));
                if self.is_too_much() {
                    self.reason = self.summary();
                    self.close(first_wait);
                }
            }
            (State::Open, Next::On { is_fault: false }) => self.note(None),
            (State::Open, Next::Again { .. } | Next::Back | Next::Skipped)
            | (State::Closed { .. } | State::Shut, _) => {}
            (State::Probing { .. }, Next::On { is_fault: false }) => *self = Self::default(),
            (State::Probing { wait }, Next::On { .. } | Next::Again { .. }) => {
                self.close((wait * 2).min(MAX_WAIT));
            }
            (State::Probing { wait }, Next::Back) => self.close(wait),
            // Nothing was learned: the next delivery is the probe.
            (State::Probing { wait }, Next::Skipped) => {
                let until = Instant::now();
                self.gate = State::Closed { until, wait };
            }
        }
    }

    fn close(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        self.gate = State::Closed { until, wait };
    }

    fn note(&mut self, fault: Option<Name>) {
        // Nothing to remember, nothing to do: this runs for every delivery.
        if self.faults == 0 && fault.is_none() {
            return;
        }
        self.faults += usize::from(fault.is_some());
        self.window.push_back(fault);
        if self.window.len() > WINDOW
            && let Some(Some(_)) = self.window.pop_front()
        {
            self.faults -= 1;
            if self.faults == 0 {
                self.window.clear();
            }
        }
    }

    fn is_too_much(&self) -> bool {
        self.lanes() >= LANES || self.faults * ONE_IN > WINDOW
    }

    /// Lanes with a fault in the window.
    fn lanes(&self) -> usize {
        let mut lanes: Vec<&Name> = self.window.iter().flatten().collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes.len()
    }

    fn summary(&self) -> String {
        let (faults, lanes) = (self.faults, self.lanes());
        let places = if lanes == 1 {
            "conversation"
        } else {
            "conversations"
        };
        format!("{faults} of the last {WINDOW} deliveries failed, in {lanes} {places}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_WAIT: Duration = Duration::from_secs(10);

    /// Ends a delivery of a lane so often.
    fn end(quarantine: &mut Quarantine, lane: &str, next: &Next, times: usize) {
        for _ in 0..times {
            quarantine.end(&Name::from(lane), next, FIRST_WAIT);
        }
    }

    #[test]
    fn more_than_a_fifth_of_the_last_deliveries_closes_it_though_few_conversations_fail() {
        let mut quarantine = Quarantine::default();
        for _ in 0..5 {
            for lane in ["a", "b"] {
                end(&mut quarantine, lane, &Next::FAILED, 1);
                end(&mut quarantine, "c", &Next::DONE, 3);
            }
        }
        assert!(quarantine.is_open(), "10 of 40 are none too many");
        let left = quarantine.budget();
        assert_eq!((left.faults, left.faults_left), (10, 0));
        assert_eq!((left.conversations, left.conversations_left), (2, 0));
        end(&mut quarantine, "a", &Next::FAILED, 1);
        let held = quarantine.why().expect("11 are too many");
        let why = "11 of the last 50 deliveries failed, in 2 conversations";
        assert_eq!(held.reason, why);
    }

    #[test]
    fn faults_count_among_the_last_fifty_deliveries_only() {
        let after = |done: usize| {
            let mut quarantine = Quarantine::default();
            end(&mut quarantine, "a", &Next::FAILED, 10);
            end(&mut quarantine, "a", &Next::DONE, done);
            end(&mut quarantine, "a", &Next::FAILED, 1);
            quarantine
        };
        assert!(!after(39).is_open(), "all eleven are among them");
        assert!(after(40).is_open(), "the oldest is not any more");
        assert_eq!(after(45).budget().faults, 5);

        let mut quarantine = Quarantine::default();
        for lane in ["a", "b"] {
            end(&mut quarantine, lane, &Next::FAILED, 1);
        }
        end(&mut quarantine, "a", &Next::DONE, 50);
        assert_eq!(quarantine.budget().conversations, 0);
        for lane in ["c", "d"] {
            end(&mut quarantine, lane, &Next::FAILED, 1);
        }
        assert!(quarantine.is_open(), "two of four conversations count");
        end(&mut quarantine, "e", &Next::FAILED, 1);
        assert!(!quarantine.is_open());
    }

    #[test]
    fn each_probe_that_fails_doubles_the_wait_up_to_five_minutes() {
        let mut quarantine = Quarantine::default();
        // Ends a delivery so, and tells how long the wait is then, and when it is over.
        let mut wait_after = |next: &Next, times: usize| {
            let before = Instant::now();
            end(&mut quarantine, "a", next, times);
            let until = quarantine.why().and_then(|held| held.until)?;
            assert_eq!(quarantine.held(before, false), Some(until));
            assert_eq!(quarantine.held(until, false), None, "it may be tried");
            quarantine.begin();
            Some((until - before).as_secs())
        };
        assert_eq!(wait_after(&Next::FAILED, 11), Some(10));
        for secs in [20, 40, 80, 160, 300, 300] {
            assert_eq!(wait_after(&Next::FAILED, 1), Some(secs));
        }
        assert_eq!(wait_after(&Next::DONE, 1), None, "it is open");
        assert_eq!(wait_after(&Next::FAILED, 11), Some(10), "it begins anew");
    }

    #[test]
    fn a_probe_that_was_not_called_opens_nothing() {
        let mut quarantine = Quarantine::default();
        let wait = Duration::from_secs(10);
        for lane in ["a", "b", "c"] {
            quarantine.end(&Name::from(lane), &Next::FAILED, wait);
        }
        let later = Instant::now() + wait;
        assert!(quarantine.held(later, false).is_none(), "it may be tried");
        quarantine.begin();
        quarantine.end(&Name::from("a"), &Next::Skipped, wait);
        assert!(!quarantine.is_open());
        let now = Instant::now();
        assert!(
            quarantine.held(now, false).is_none(),
            "the next may be tried at once"
        );
        quarantine.begin();
        quarantine.end(&Name::from("a"), &Next::DONE, wait);
        assert!(quarantine.is_open());
    }
}
