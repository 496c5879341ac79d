//! A new build's probation: time and a delivery end it well, the first fault ends it badly.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What a fault in the probation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// The plugin is held, and the delivery waits for the build that is installed next.
    Hold,
    /// The probation begins anew: there is no build to return to.
    BeginAnew,
}

/// How a probation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The build served long enough without a fault.
    Good,
    /// It had a fault, which says this.
    Fault(String),
}

/// What a fault means for its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// A fault like any other.
    No,
    /// The build is given up for it: the plugin is to be held, and [`Probation::tell`] to be called.
    First,
    /// It was given up before.
    Already,
}

/// Hears that a probation has ended. Must not block.
pub type OnVerdict = Box<dyn Fn() + Send + Sync>;

/// A new build's probation.
pub struct Probation {
    least: Duration,
    on_fault: OnFault,
    hear: OnVerdict,
    is_over: AtomicBool,
    state: Mutex<State>,
}

struct State {
    since: Instant,
    has_handled: bool,
    had_fault: bool,
    verdict: Option<Verdict>,
    /// The build goes on although it failed.
    is_released: bool,
}

impl Probation {
    /// Begins a probation that lasts so long at least, and until a delivery was handled.
    pub fn new(least: Duration, on_fault: OnFault, hear: OnVerdict) -> Self {
        Self {
            least,
            on_fault,
            hear,
            is_over: AtomicBool::new(false),
            state: Mutex::new(State {
                since: Instant::now(),
                has_handled: false,
                had_fault: false,
                verdict: None,
                is_released: false,
            }),
        }
    }

    /// How it ended; none while it lasts.
    pub fn verdict(&self) -> Option<Verdict> {
        self.state.lock().verdict.clone()
    }

    /// Tells whether the build never had a fault in it.
    pub fn is_clean(&self) -> bool {
        !self.state.lock().had_fault
    }

    pub(super) fn least(&self) -> Duration {
        self.least
    }

    /// Notes that a delivery was handled. This runs for every delivery.
    pub(super) fn handled(&self) {
        if !self.is_over.load(Ordering::Acquire) {
            self.state.lock().has_handled = true;
            self.look(Instant::now());
        }
    }

    /// Ends the probation where it has lasted long enough.
    pub(super) fn look(&self, now: Instant) {
        let mut state = self.state.lock();
        let is_served = state.has_handled && now.duration_since(state.since) >= self.least;
        if is_served && state.verdict.is_none() {
            state.verdict = Some(Verdict::Good);
            drop(state);
            self.is_over.store(true, Ordering::Release);
            self.tell();
        }
    }

    /// Notes a fault; tells what it means.
    pub(super) fn faulted(&self, text: &str) -> Failing {
        let mut state = self.state.lock();
        match (&state.verdict, self.on_fault) {
            (Some(Verdict::Fault(_)), _) if !state.is_released => Failing::Already,
            (Some(_), _) => Failing::No,
            (None, OnFault::BeginAnew) => {
                state.since = Instant::now();
                state.has_handled = false;
                state.had_fault = true;
                Failing::No
            }
            (None, OnFault::Hold) => {
                state.had_fault = true;
                state.verdict = Some(Verdict::Fault(text.to_owned()));
                self.is_over.store(true, Ordering::Release);
                Failing::First
            }
        }
    }

    /// Tells whoever listens that it has ended.
    pub(super) fn tell(&self) {
        (self.hear)();
    }

    /// Lets a build go on that failed: its faults are like any other's from now on.
    pub(super) fn release(&self) {
        self.state.lock().is_released = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;

    const LEAST: Duration = Duration::from_secs(60);

    fn probation(on_fault: OnFault) -> (Probation, Arc<AtomicU32>) {
        let heard = Arc::new(AtomicU32::new(0));
        let hears = Arc::clone(&heard);
        let hear: OnVerdict = Box::new(move || {
            hears.fetch_add(1, Ordering::Relaxed);
        });
        (Probation::new(LEAST, on_fault, hear), heard)
    }

    #[tokio::test]
    async fn time_and_a_delivery_end_it_well() {
        let later = Instant::now() + LEAST + LEAST;
        let (served, heard) = probation(OnFault::Hold);
        served.handled();
        assert_eq!(served.verdict(), None, "too early");
        served.look(later);
        assert_eq!(served.verdict(), Some(Verdict::Good));
        assert_eq!(served.faulted("late"), Failing::No, "it is over");
        served.handled();
        assert_eq!(heard.load(Ordering::Relaxed), 1);

        let (idle, heard) = probation(OnFault::Hold);
        idle.look(later);
        assert_eq!(idle.verdict(), None, "it was never called");
        idle.handled();
        idle.look(later);
        assert_eq!(idle.verdict(), Some(Verdict::Good));
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn the_first_fault_ends_it_where_there_is_a_build_to_return_to() {
        let later = Instant::now() + LEAST + LEAST;
        let (first, heard) = probation(OnFault::Hold);
        assert_eq!(first.faulted("one"), Failing::First);
        first.tell();
        assert_eq!(first.faulted("two"), Failing::Already, "it was in flight");
        first.look(later);
        assert_eq!(first.verdict(), Some(Verdict::Fault("one".to_owned())));
        assert_eq!(heard.load(Ordering::Relaxed), 1);
        first.release();
        assert_eq!(first.faulted("three"), Failing::No);

        let (only, heard) = probation(OnFault::BeginAnew);
        only.handled();
        assert_eq!(only.faulted("one"), Failing::No);
        assert!(!only.is_clean());
        only.look(later);
        assert_eq!(only.verdict(), None, "it has handled nothing since");
        only.handled();
        only.look(later);
        assert_eq!(only.verdict(), Some(Verdict::Good));
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }
}
