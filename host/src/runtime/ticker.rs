//! The clock that interrupts guests: one thread, which sleeps for good while no call is in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

/// The time between two looks at a running guest.
pub(super) const TICK: Duration = Duration::from_millis(2);

/// Ticks without a call after which the thread stops looking. Going to sleep and being woken costs
/// a call more than its work does, so the thread stays up over short pauses.
const IDLE_TICKS: u32 = 50;

/// The thread and who keeps it awake.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    calls: AtomicUsize,
    parked: AtomicBool,
    stop: AtomicBool,
    thread: std::sync::OnceLock<std::thread::Thread>,
}

/// Keeps the clock running while it lives.
pub(super) struct Ticking(Arc<Shared>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    /// Starts the thread; `tick` is called every [`TICK`] while a call is in flight.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn start(mut tick: impl FnMut() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            calls: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            thread: std::sync::OnceLock::new(),
        });
        let inner = shared.clone();
        let thread = std::thread::Builder::new()
            .name("parlor-ticker".to_owned())
            .spawn(move || inner.run(&mut tick))?;
        shared.thread.get_or_init(|| thread.thread().clone());
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Counts a call as in flight.
    pub(super) fn enter(&self) -> Ticking {
        // Before the look at `parked`, which the thread sets before its last look at `calls`.
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.shared.wake();
        }
        Ticking(self.shared.clone())
    }

    /// Tells whether the thread sleeps for good.
    #[cfg(test)]
    pub(super) fn is_parked(&self) -> bool {
        self.shared.parked.load(Ordering::SeqCst)
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.wake();
        if let Some(thread) = self.thread.lock().take() {
            // The thread cannot have panicked: it only counts and sleeps.
            let _ = thread.join();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn run(&self, tick: &mut impl FnMut()) {
        let mut idle = 0;
        while !self.stop.load(Ordering::SeqCst) {
            if self.calls.load(Ordering::SeqCst) > 0 {
                idle = 0;
                tick();
            } else {
                idle += 1;
            }
            if idle < IDLE_TICKS {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a thread of its own, whose work is to wait for the next tick"
                )]
                std::thread::sleep(TICK);
                continue;
            }
            self.parked.store(true, Ordering::SeqCst);
            while self.calls.load(Ordering::SeqCst) == 0 && !self.stop.load(Ordering::SeqCst) {
                std::thread::park();
            }
            self.parked.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
