//! Strangers whose calls are being read: so many at one time, and where there is no room, whoever has
//! been slowest gives way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::TURN_WITHIN;
use super::check::Refusal;

/// How long a call may be read while others wait: what a platform sends comes in one piece.
const SLOW: Duration = Duration::from_millis(500);
/// How often it is looked who has been that slow.
const LOOK: Duration = Duration::from_millis(50);

/// Those who are being read.
#[derive(Clone)]
pub(super) struct Readers {
    pub(super) turns: Arc<Semaphore>,
    all: Arc<Mutex<All>>,
}

#[derive(Default)]
struct All {
    count: u64,
    /// By their number: the first has been read longest.
    reading: BTreeMap<u64, (Instant, CancellationToken)>,
}

/// One who is being read, and then answered.
pub(super) struct Reading {
    _turn: OwnedSemaphorePermit,
    all: Arc<Mutex<All>>,
    number: u64,
    gives_way: CancellationToken,
}

impl Readers {
    pub(super) fn new(most: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(most)),
            all: Arc::default(),
        }
    }

    /// Waits for a turn, which somebody slow gives away.
    ///
    /// # Errors
    /// [`Refusal::Busy`] where nobody does in time.
    pub(super) async fn enter(&self) -> Result<Reading, Refusal> {
        let entering = async {
            let mut turn = std::pin::pin!(self.turns.clone().acquire_owned());
            loop {
                tokio::select! {
                    biased;
                    turn = &mut turn => return turn,
                    () = tokio::time::sleep(LOOK) => self.push_out(),
                }
            }
        };
        let turn = tokio::time::timeout(TURN_WITHIN, entering).await;
        // The semaphores are never closed.
        let turn = turn
            .map_err(|_| Refusal::Busy)?
            .map_err(|_| Refusal::Busy)?;
        let gives_way = CancellationToken::new();
        let mut all = self.all.lock();
        all.count += 1;
        let number = all.count;
        all.reading
            .insert(number, (Instant::now(), gives_way.clone()));
        Ok(Reading {
            _turn: turn,
            all: self.all.clone(),
            number,
            gives_way,
        })
    }

    fn push_out(&self) {
        let mut all = self.all.lock();
        let is_slow = |(began, _): &(Instant, CancellationToken)| began.elapsed() >= SLOW;
        if let Some(first) = all.reading.first_entry()
            && is_slow(first.get())
        {
            first.remove().1.cancel();
        }
    }

    /// How many are being read.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.all.lock().reading.len()
    }
}

impl Reading {
    /// Resolves when it has to give way.
    pub(super) async fn gives_way(&self) {
        self.gives_way.cancelled().await;
    }

    /// It has proved who it is, and gives way to nobody.
    pub(super) fn is_proved(&self) {
        self.all.lock().reading.remove(&self.number);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.all.lock().reading.remove(&self.number);
    }
}
