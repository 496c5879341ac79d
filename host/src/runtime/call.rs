//! One stay in a guest under its limits: processor time, wall clock, and where it runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::UpdateDeadline;

use super::ticker::Ticking;

/// The processor time after which a call leaves the workers that serve connections.
const HANDOVER_AFTER: Duration = Duration::from_millis(1);

/// Calls handed over in a row after which a plugin begins on the slow pool.
const HANDOVERS_IN_ROW: u32 = 3;

/// How long it then begins there.
const BEGINS_SLOW_FOR: Duration = Duration::from_secs(60);

/// Processor time of a call: the sum of the times inside its polls, host work for it included.
///
/// Until the call is handed over, that is the wall's time, which costs next to nothing to read and also
/// goes on while the system runs others. So it counts up to the handover only, and ends no call: a busy
/// machine is no fault of the guest's. From then on it is what the thread has really used.
///
/// The store's interruption callback reads it while a poll runs, so it lives beside the store.
#[derive(Debug)]
pub(super) struct CpuClock {
    epoch: Instant,
    budget_ns: AtomicU64,
    used_ns: AtomicU64,
    entered_ns: AtomicU64,
    slow: AtomicBool,
}

impl CpuClock {
    /// Makes a clock for calls of one instance.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            budget_ns: AtomicU64::new(0),
            used_ns: AtomicU64::new(0),
            entered_ns: AtomicU64::new(0),
            slow: AtomicBool::new(false),
        })
    }

    fn start(&self, budget: Duration) {
        let budget = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
        self.budget_ns.store(budget, Ordering::Relaxed);
        self.used_ns.store(0, Ordering::Relaxed);
        self.slow.store(false, Ordering::Relaxed);
    }

    fn now_ns(&self) -> u64 {
        if self.is_slow() {
            thread_cpu_ns()
        } else {
            u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
        }
    }

    fn enter(&self) {
        self.entered_ns.store(self.now_ns(), Ordering::Relaxed);
    }

    fn leave(&self) {
        let used = self.used_now_ns();
        let used = match self.is_slow() {
            true => used,
            false => used.min(HANDOVER_AFTER.as_nanos() as u64),
        };
        self.used_ns.store(used, Ordering::Relaxed);
    }

    fn used_now_ns(&self) -> u64 {
        let inside = self
            .now_ns()
            .saturating_sub(self.entered_ns.load(Ordering::Relaxed));
        self.used_ns.load(Ordering::Relaxed).saturating_add(inside)
    }

    /// The processor time of the last call.
    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed))
    }

    fn is_over_budget(&self) -> bool {
        self.used_ns.load(Ordering::Relaxed) > self.budget_ns.load(Ordering::Relaxed)
    }

    /// Tells whether the last call was on the slow pool at its end.
    pub(super) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// Decides at a tick whether the guest goes on.
    pub(super) fn at_tick(&self) -> UpdateDeadline {
        let used = self.used_now_ns();
        let is_slow = self.is_slow();
        if is_slow && used > self.budget_ns.load(Ordering::Relaxed) {
            UpdateDeadline::Interrupt
        } else if is_slow || u128::from(used) >= HANDOVER_AFTER.as_nanos() {
            UpdateDeadline::Yield(1)
        } else {
            UpdateDeadline::Continue(1)
        }
    }
}

/// The processor time of the calling thread.
pub(super) fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of this function.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if failed != 0 {
        return 0;
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// Why a stay in a guest was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Its processor time was used up between two interruptions.
    Cpu,
    /// Its time by the wall clock was over.
    Deadline,
    /// The runtime is going down, or a host function panicked.
    Lost,
}

/// The limits of one stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Processor time.
    pub(super) cpu: Duration,
    /// Time by the wall clock.
    pub(super) deadline: Duration,
}

/// A stay in a guest: measures it and ends it when it is over its limits.
pub(super) struct Stay<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    clock: Arc<CpuClock>,
    deadline: Duration,
    started: Instant,
    /// Made at the first wait: most calls never wait, and a timer costs more than they do.
    sleep: Option<Pin<Box<Sleep>>>,
    _ticking: Ticking,
}

impl<T> Stay<T> {
    /// Begins a stay. The future owns the store, so that it can go to another thread whole.
    pub(super) fn new(
        future: Pin<Box<dyn Future<Output = T> + Send>>,
        clock: Arc<CpuClock>,
        bounds: Bounds,
        ticking: Ticking,
    ) -> Self {
        clock.start(bounds.cpu);
        Self {
            future,
            clock,
            deadline: bounds.deadline,
            started: Instant::now(),
            sleep: None,
            _ticking: ticking,
        }
    }

    /// Tells whether the call has used so much that it belongs on the slow pool.
    pub(super) fn is_heavy(&self) -> bool {
        self.clock.used() >= HANDOVER_AFTER
    }

    /// Measures from now on as the slow pool does.
    pub(super) fn go_slow(&self) {
        self.clock.slow.store(true, Ordering::Relaxed);
    }
}

impl<T> Future for Stay<T> {
    type Output = Result<T, Stopped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.clock.enter();
        let poll = this.future.as_mut().poll(cx);
        this.clock.leave();
        if let Poll::Ready(answer) = poll {
            return Poll::Ready(Ok(answer));
        }
        if this.clock.is_over_budget() {
            return Poll::Ready(Err(Stopped::Cpu));
        }
        let sleep = this.sleep.get_or_insert_with(|| {
            let left = this.deadline.saturating_sub(this.started.elapsed());
            Box::pin(tokio::time::sleep(left))
        });
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(Stopped::Deadline)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What is known of how a plugin's calls went, to decide where the next one begins.
#[derive(Debug)]
pub(super) struct Pace {
    epoch: Instant,
    in_row: AtomicU32,
    slow_until_ms: AtomicU64,
}

impl Pace {
    /// Makes the record of a plugin that was not called yet.
    pub(super) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            in_row: AtomicU32::new(0),
            slow_until_ms: AtomicU64::new(0),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells whether a call begins on the slow pool.
    pub(super) fn begins_slow(&self) -> bool {
        let until = self.slow_until_ms.load(Ordering::Relaxed);
        until != 0 && self.now_ms() < until
    }

    /// Records a call that ended where it began. Making an instance is no call: one that never comes back
    /// from an event is made anew, quickly, before each.
    pub(super) fn was_quick(&self) {
        if self.in_row.load(Ordering::Relaxed) != 0 {
            self.in_row.store(0, Ordering::Relaxed);
        }
    }

    /// Records a call that was handed over.
    pub(super) fn was_handed_over(&self) {
        if self.in_row.fetch_add(1, Ordering::Relaxed) + 1 < HANDOVERS_IN_ROW {
            return;
        }
        self.begin_slow();
    }

    /// Records a call that trapped or was over a limit. It will be again, when the event is tried again at
    /// the latest; and what it made the host do meanwhile, instances made and taken apart, is not for
    /// the workers.
    pub(super) fn was_stopped(&self) {
        self.begin_slow();
    }

    fn begin_slow(&self) {
        self.in_row.store(0, Ordering::Relaxed);
        let until = self
            .now_ms()
            .saturating_add(BEGINS_SLOW_FOR.as_millis() as u64);
        self.slow_until_ms.store(until, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::ticker::Ticker;
    use super::*;

    #[tokio::test]
    async fn time_that_the_system_gives_to_others_is_not_the_guests() {
        let cpu = Duration::from_millis(5);
        let clock = CpuClock::new();
        let inside = clock.clone();
        let mut polls = 0;
        let future = std::future::poll_fn(move |cx| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(());
            }
            pause(cpu * 4);
            assert!(matches!(inside.at_tick(), UpdateDeadline::Yield(_)));
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        let ticker = Ticker::start(|| {}).expect("a thread");
        let bounds = Bounds {
            cpu,
            deadline: Duration::from_secs(60),
        };
        let mut stay = Stay::new(Box::pin(future), clock, bounds, ticker.enter());
        let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut stay).poll(cx))).await;
        assert!(first.is_pending() && stay.is_heavy(), "{first:?}");
        stay.go_slow();
        assert_eq!(stay.await, Ok(()));
    }

    /// What a thread sees of a machine that runs others.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time must pass inside the poll"
    )]
    fn pause(time: Duration) {
        std::thread::sleep(time);
    }

    #[test]
    fn begins_slow_after_three_handovers_in_a_row() {
        let pace = Pace::new();
        pace.was_handed_over();
        pace.was_handed_over();
        pace.was_quick();
        pace.was_handed_over();
        pace.was_handed_over();
        assert!(!pace.begins_slow());
        pace.was_handed_over();
        assert!(pace.begins_slow());
    }

    #[test]
    fn begins_slow_after_a_call_that_was_stopped() {
        let pace = Pace::new();
        pace.was_stopped();
        assert!(pace.begins_slow());
    }
}
