//! The pool for calls that use more than a tick: threads at a low priority, fair by tenant, then plugin.
//!
//! A guest that computes for long must not hold a worker that serves connections. Its call comes here
//! whole and takes turns with others of its kind, a tick each.
//!
//! The threads run when nothing else wants a processor. Any other priority, however low, is not enough: once
//! it runs, Linux leaves such a thread its slice of a millisecond or more, and with all processors taken by
//! guests each step of an answer waits for one. Where the processors are wanted for long, such threads get
//! next to nothing; then they step back, and threads of a low priority take the turns.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::call::thread_cpu_ns;
use super::fair::FairQueue;
use crate::model::Name;

/// The priority of compilations, and of the pool's threads where the processors are wanted.
pub(super) const NICE: i32 = 15;
/// The priority of calls whose result nobody waits for.
pub(super) const TRIAL_NICE: i32 = 19;
/// A thread that waits so long for a processor within one turn steps back…
const STARVED: Duration = Duration::from_millis(50);
/// … for this time.
const STEP_BACK: Duration = Duration::from_secs(5);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The threads.
pub(super) struct SlowPool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    ready: Mutex<Ready>,
    /// Wakes those that run when nothing else does, …
    wake: Condvar,
    /// … those that take their place, …
    relieve: Condvar,
    /// … and those that have stepped back.
    end: Condvar,
    stop: AtomicBool,
}

#[derive(Default)]
struct Ready {
    tasks: FairQueue<Arc<Task>>,
    /// Threads that have stepped back.
    away: usize,
}

/// What a thread of the pool is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// It runs when nothing else wants a processor.
    Last,
    /// It runs at a low priority, while one of those gets none.
    Relief,
    /// It runs at this priority, for calls whose result nobody waits for.
    Trial(i32),
}

impl Rank {
    fn name(self) -> &'static str {
        match self {
            Self::Last => "slow",
            Self::Relief => "relief",
            Self::Trial(_) => "trial",
        }
    }
}

struct Task {
    work: Mutex<Option<Work>>,
    queued: AtomicBool,
    queue: Arc<Queue>,
    runtime: Handle,
    tenant: Name,
    plugin: Name,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            let queue = self.queue.clone();
            let mut ready = queue.ready.lock();
            let (tenant, plugin) = (self.tenant.clone(), self.plugin.clone());
            ready.tasks.push(&tenant, &plugin, self);
            let is_relieved = ready.away > 0;
            drop(ready);
            queue.wake.notify_one();
            if is_relieved {
                queue.relieve.notify_one();
            }
        }
    }
}

impl SlowPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system has no threads for it.
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        Self::of(threads, &[Rank::Last, Rank::Relief])
    }

    /// Starts one thread for calls whose result nobody waits for, at this priority.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn start_trial(nice: i32) -> std::io::Result<Self> {
        Self::of(1, &[Rank::Trial(nice)])
    }

    fn of(threads: usize, ranks: &[Rank]) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let pool = Self {
            queue: queue.clone(),
            threads: Mutex::new(Vec::new()),
        };
        for n in 0..threads.max(1) {
            for rank in ranks.iter().copied() {
                let queue = queue.clone();
                let thread = std::thread::Builder::new()
                    .name(format!("parlor-{}-{n}", rank.name()))
                    .spawn(move || {
                        match rank {
                            Rank::Last => be_last(),
                            Rank::Relief => lower_priority(NICE),
                            Rank::Trial(nice) => lower_priority(nice),
                        }
                        queue.run(rank);
                    })?;
                pool.threads.lock().push(thread);
            }
        }
        Ok(pool)
    }

    /// Runs a future on the pool; dropping the returned one ends it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        tenant: &Name,
        plugin: &Name,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let work = Answered {
            sender: Some(sender),
            future: Box::pin(future),
        };
        let task = Arc::new(Task {
            work: Mutex::new(Some(Box::pin(work))),
            queued: AtomicBool::new(false),
            queue: self.queue.clone(),
            runtime: Handle::current(),
            tenant: tenant.clone(),
            plugin: plugin.clone(),
        });
        task.wake();
        receiver.await.ok()
    }

    /// Ends the threads; what they were running is dropped.
    pub(super) fn stop(&self) {
        self.queue.stop.store(true, Ordering::SeqCst);
        {
            let _ready = self.queue.ready.lock();
            self.queue.wake.notify_all();
            self.queue.relieve.notify_all();
            self.queue.end.notify_all();
        }
        let me = std::thread::current().id();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            if thread.thread().id() != me {
                // A thread of the pool has nothing to say at its end.
                let _ = thread.join();
            }
        }
        let mut ready = self.queue.ready.lock();
        let mut left = Vec::new();
        while let Some(task) = ready.tasks.pop() {
            left.push(task);
        }
        drop(ready);
        for task in left {
            task.work.lock().take();
        }
    }
}

impl Drop for SlowPool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Queue {
    fn next(&self, rank: Rank) -> Option<Arc<Task>> {
        let mut ready = self.ready.lock();
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return None;
            }
            let may_run = rank != Rank::Relief || ready.away > 0;
            if may_run && let Some(task) = ready.tasks.pop() {
                return Some(task);
            }
            match rank {
                Rank::Last | Rank::Trial(_) => self.wake.wait(&mut ready),
                Rank::Relief => self.relieve.wait(&mut ready),
            }
        }
    }

    fn run(&self, rank: Rank) {
        while let Some(task) = self.next(rank) {
            let (began, used) = (Instant::now(), thread_cpu_ns());
            turn(&task);
            let used = Duration::from_nanos(thread_cpu_ns().saturating_sub(used));
            if rank == Rank::Last && began.elapsed().saturating_sub(used) > STARVED {
                self.step_back();
            }
        }
    }

    /// Leaves the turns to others for a while.
    fn step_back(&self) {
        let until = Instant::now() + STEP_BACK;
        let mut ready = self.ready.lock();
        ready.away += 1;
        self.relieve.notify_all();
        loop {
            let is_stopping = self.stop.load(Ordering::SeqCst);
            if is_stopping || self.end.wait_until(&mut ready, until).timed_out() {
                break;
            }
        }
        ready.away -= 1;
    }
}

/// Lets a call go on as far as it goes at one time.
fn turn(task: &Arc<Task>) {
    let _runtime = task.runtime.enter();
    task.queued.store(false, Ordering::SeqCst);
    let waker = Waker::from(task.clone());
    let mut work = task.work.lock();
    let Some(future) = work.as_mut() else {
        return;
    };
    // A panic of the host's ends this call as a fault; the thread goes on.
    let poll = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        future.as_mut().poll(&mut Context::from_waker(&waker))
    }));
    if !matches!(poll, Ok(Poll::Pending)) {
        *work = None;
    }
}

/// A future that sends its answer, and ends when nobody waits for it.
struct Answered<T> {
    sender: Option<oneshot::Sender<T>>,
    future: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> Future for Answered<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(sender) = &mut this.sender else {
            return Poll::Ready(());
        };
        if sender.poll_closed(cx).is_ready() {
            return Poll::Ready(());
        }
        let Poll::Ready(answer) = this.future.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        if let Some(sender) = this.sender.take() {
            // Where nobody waits any more, the answer is dropped.
            let _ = sender.send(answer);
        }
        Poll::Ready(())
    }
}

/// Lets the calling thread run when nothing else wants a processor.
fn be_last() {
    #[cfg(target_os = "linux")]
    {
        let parameters = libc::sched_param { sched_priority: 0 };
        // SAFETY: the call reads a structure of this function and concerns the calling thread only.
        let refused =
            unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
        if refused != 0 {
            lower_priority(NICE);
        }
    }
}

/// Gives the calling thread a lower priority.
pub(super) fn lower_priority(nice: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls only concern the calling thread and have no memory effects.
    unsafe {
        // A refusal leaves the priority as it is, which is no fault.
        let _ = libc::setpriority(libc::PRIO_PROCESS, libc::gettid() as libc::id_t, nice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of the thread that takes a turn, which first waits so long.
    #[expect(
        clippy::disallowed_methods,
        reason = "what a thread sees that gets no processor: time passes inside the poll"
    )]
    async fn thread_after(pool: &SlowPool, wait: Duration) -> Option<String> {
        let (tenant, plugin) = (Name::from("t"), Name::from("p"));
        let work = async move {
            std::thread::sleep(wait);
            std::thread::current().name().map(str::to_owned)
        };
        pool.run(&tenant, &plugin, work).await.flatten()
    }

    #[tokio::test]
    async fn threads_that_get_no_processor_are_relieved() {
        let pool = SlowPool::start(1).expect("threads");
        let name = thread_after(&pool, STARVED * 2).await;
        assert_eq!(name.as_deref(), Some("parlor-slow-0"));
        // It steps back after its answer is sent: until then it may take one more.
        let begun = Instant::now();
        while thread_after(&pool, Duration::ZERO).await.as_deref() != Some("parlor-relief-0") {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "nobody relieves it"
            );
        }
    }
}
