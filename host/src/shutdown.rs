//! Stopping in order: one token that everything watches, one tracker of every task.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The code with which a host ends that was told twice to stop.
pub const EXIT_INTERRUPTED: i32 = 130;

/// What stands for the signals in [`Shutdown`]; 0 is none.
const INTERRUPT: u8 = 1;
const TERMINATE: u8 = 2;

/// What tells tasks to stop, and waits for them.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
    signal: Arc<AtomicU8>,
}

impl Shutdown {
    /// Makes one that nobody has asked to stop.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that is cancelled when it is time to stop.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts a task that the stop waits for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Says that it is time to stop.
    pub fn stop(&self) {
        self.token.cancel();
    }

    /// Tells whether it is time to stop.
    pub fn is_stopping(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Tells whether a person's Ctrl-C began the stop.
    pub fn was_interrupted(&self) -> bool {
        self.signal.load(Ordering::Acquire) == INTERRUPT
    }

    /// The signal that began the stop, where one did.
    pub fn signal(&self) -> Option<&'static str> {
        match self.signal.load(Ordering::Acquire) {
            INTERRUPT => Some("SIGINT"),
            TERMINATE => Some("SIGTERM"),
            _ => None,
        }
    }

    /// Waits until it is time to stop.
    pub async fn wait_for_stop(&self) {
        self.token.cancelled().await;
    }

    /// Waits until every task has ended, at most so long; tells whether all have.
    pub async fn wait_for_tasks(&self, most: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(most, self.tasks.wait()).await.is_ok()
    }

    /// Stops on the first Ctrl-C or SIGTERM, and ends the process with [`EXIT_INTERRUPTED`] on the
    /// second. The listening task ends with the process, not before: it is what answers the second.
    ///
    /// # Errors
    /// The system's, where signals cannot be listened for.
    pub fn listen_for_signals(&self) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let token = self.token.clone();
        let signal = Arc::clone(&self.signal);
        tokio::spawn(async move {
            let is_interrupt = signals.next().await;
            let came = if is_interrupt { INTERRUPT } else { TERMINATE };
            signal.store(came, Ordering::Release);
            tracing::info!("stopping");
            token.cancel();
            signals.next().await;
            exit_at_once();
        });
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a second signal means now; the journal is made for it"
)]
fn exit_at_once() {
    std::process::exit(EXIT_INTERRUPTED);
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one; tells whether it was Ctrl-C.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => false,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> bool {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_its_tasks_and_no_longer_than_told() {
        let shutdown = Shutdown::new();
        let inner = shutdown.clone();
        let task = shutdown.spawn(async move { inner.wait_for_stop().await });
        assert!(!shutdown.wait_for_tasks(Duration::ZERO).await);
        shutdown.stop();
        assert!(shutdown.is_stopping());
        assert!(shutdown.wait_for_tasks(Duration::from_secs(20)).await);
        assert!(task.await.is_ok());
    }
}
