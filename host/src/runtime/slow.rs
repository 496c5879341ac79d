//! The pool for calls that use more than a tick: threads at a low priority, fair by tenant, then plugin.
//!
//! A guest that computes for long must not hold a worker that serves connections. Its call comes here
//! whole and takes turns with others of its kind, a tick each.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::fair::FairQueue;
use crate::model::Name;

/// The priority of the pool's threads and of compilations.
pub(super) const NICE: i32 = 15;
/// The priority of calls whose result nobody waits for.
pub(super) const TRIAL_NICE: i32 = 19;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The threads.
pub(super) struct SlowPool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    ready: Mutex<FairQueue<Arc<Task>>>,
    wake: Condvar,
    stop: AtomicBool,
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
            ready.push(&tenant, &plugin, self);
            drop(ready);
            queue.wake.notify_one();
        }
    }
}

impl SlowPool {
    /// Starts the threads, at this priority.
    ///
    /// # Errors
    /// The system has no threads for it.
    pub(super) fn start(name: &str, threads: usize, nice: i32) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let pool = Self {
            queue: queue.clone(),
            threads: Mutex::new(Vec::new()),
        };
        for n in 0..threads.max(1) {
            let queue = queue.clone();
            let thread = std::thread::Builder::new()
                .name(format!("parlor-{name}-{n}"))
                .spawn(move || {
                    lower_priority(nice);
                    queue.run();
                })?;
            pool.threads.lock().push(thread);
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
        while let Some(task) = ready.pop() {
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
    fn next(&self) -> Option<Arc<Task>> {
        let mut ready = self.ready.lock();
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(task) = ready.pop() {
                return Some(task);
            }
            self.wake.wait(&mut ready);
        }
    }

    fn run(&self) {
        while let Some(task) = self.next() {
            let _runtime = task.runtime.enter();
            task.queued.store(false, Ordering::SeqCst);
            let waker = Waker::from(task.clone());
            let mut work = task.work.lock();
            let Some(future) = work.as_mut() else {
                continue;
            };
            // A panic of the host's ends this call as a fault; the thread goes on.
            let poll = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                future.as_mut().poll(&mut Context::from_waker(&waker))
            }));
            if !matches!(poll, Ok(Poll::Pending)) {
                *work = None;
            }
        }
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

/// Gives the calling thread a lower priority.
pub(super) fn lower_priority(nice: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls only concern the calling thread and have no memory effects.
    unsafe {
        // A refusal leaves the priority as it is, which is no fault.
        let _ = libc::setpriority(libc::PRIO_PROCESS, libc::gettid() as libc::id_t, nice);
    }
}
