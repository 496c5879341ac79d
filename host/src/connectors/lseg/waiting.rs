//! What was heard and is not in the journal yet, in order. It outlasts the session that heard it: the
//! platform keeps nothing, so what was read from the stream is never read again.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::journal::EventKey;
use crate::mailbox::Incoming;
use crate::model::Timestamp;

/// Events that wait for the host; when they are so many, no more is read.
const MOST: usize = 1_000;
/// Bytes of them; the last may go beyond.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Events that are handed over at one time.
const BATCH: usize = 64;
/// What is heard again within this time, and says nothing of its own, is the same.
const SAME_MS: u64 = 60_000;
/// Events without a time of their own that are remembered.
const REMEMBERED: usize = 256;

/// Events that wait.
#[derive(Default)]
pub(super) struct Waiting {
    events: Mutex<VecDeque<Incoming>>,
    counts: watch::Sender<Counts>,
    /// When events without a time of their own were heard first.
    first: Mutex<VecDeque<(EventKey, Timestamp)>>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    came: usize,
    went: usize,
    /// Bytes of what waits.
    bytes: usize,
}

impl Counts {
    fn waiting(&self) -> usize {
        self.came - self.went
    }
}

impl Waiting {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.counts.borrow().waiting()
    }

    /// Waits until there is room for one more.
    pub(super) async fn room(&self) {
        let has_room = |counts: &Counts| counts.waiting() < MOST && counts.bytes < MOST_BYTES;
        self.until(has_room).await;
    }

    /// Takes an event. Whoever waited for room before has it.
    pub(super) fn push(&self, incoming: Incoming) {
        let size = size(&incoming);
        self.events.lock().push_back(incoming);
        self.counts.send_modify(|counts| {
            counts.came += 1;
            counts.bytes += size;
        });
    }

    /// Waits for events, and gives the first of them. They wait until they are [taken](Self::taken).
    pub(super) async fn first(&self) -> Vec<Incoming> {
        self.until(|counts| counts.waiting() > 0).await;
        let events = self.events.lock();
        events.iter().take(BATCH).cloned().collect()
    }

    /// Lets go of the first so many: the journal has them.
    pub(super) fn taken(&self, count: usize) {
        let mut events = self.events.lock();
        let count = count.min(events.len());
        let size: usize = events.drain(..count).map(|one| size(&one)).sum();
        drop(events);
        self.counts.send_modify(|counts| {
            counts.went += count;
            counts.bytes -= size;
        });
    }

    /// Waits until the journal has what waits now.
    pub(super) async fn through(&self) {
        let came = self.counts.borrow().came;
        self.until(|counts| counts.went >= came).await;
    }

    /// When something was heard that says no time of its own: what comes twice has one time.
    pub(super) fn heard_at(&self, key: EventKey, now: Timestamp) -> Timestamp {
        let mut first = self.first.lock();
        first.retain(|(_, at)| now.saturating_sub(*at) < SAME_MS);
        if let Some((_, at)) = first.iter().find(|(known, _)| *known == key) {
            return *at;
        }
        if first.len() >= REMEMBERED {
            first.pop_front();
        }
        first.push_back((key, now));
        now
    }

    async fn until(&self, holds: impl Fn(&Counts) -> bool) {
        let mut counts = self.counts.subscribe();
        // Whoever counts is this, and is there.
        let _ = counts.wait_for(|counts| holds(counts)).await;
    }
}

/// What an event holds: it was made of this.
fn size(incoming: &Incoming) -> usize {
    incoming.event.raw.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::connectors::lseg::tests::events::said;

    #[test]
    fn what_waits_stays_until_it_is_taken_and_fills_up() {
        let waiting = Waiting::default();
        assert!(waiting.first().now_or_never().is_none());
        for number in 0..MOST {
            assert!(waiting.room().now_or_never().is_some());
            waiting.push(said(&format!("m{number}")));
        }
        assert!(waiting.room().now_or_never().is_none(), "no more is read");
        let ids = || {
            let first = waiting.first().now_or_never().expect("some wait");
            let ids: Vec<String> = first.into_iter().map(|one| one.event.id).collect();
            (ids.len(), ids[0].clone())
        };
        assert_eq!(ids(), ids(), "who was interrupted asks again");
        assert_eq!(ids(), (BATCH, "lseg:desk:post:m0".to_owned()));
        assert!(waiting.through().now_or_never().is_none());
        waiting.taken(BATCH);
        assert_eq!(ids().1, format!("lseg:desk:post:m{BATCH}"));
        assert_eq!(waiting.len(), MOST - BATCH);
        waiting.taken(MOST);
        assert_eq!(waiting.len(), 0);
        assert!(waiting.through().now_or_never().is_some());
    }

    #[test]
    fn a_few_large_ones_fill_it_up_too() {
        let waiting = Waiting::default();
        let mut large = said("m");
        large.event.raw = Some("x".repeat(MOST_BYTES / 2));
        for _ in 0..2 {
            assert!(waiting.room().now_or_never().is_some());
            waiting.push(large.clone());
        }
        assert!(waiting.room().now_or_never().is_none());
        waiting.taken(1);
        assert!(waiting.room().now_or_never().is_some());
    }

    #[test]
    fn what_says_no_time_is_of_the_minute_when_it_was_heard_first() {
        let waiting = Waiting::default();
        let (one, other) = (EventKey::new(&["one"]), EventKey::new(&["other"]));
        assert_eq!(waiting.heard_at(one, 1_000), 1_000);
        assert_eq!(waiting.heard_at(one, 2_000), 1_000);
        assert_eq!(waiting.heard_at(other, 2_000), 2_000);
        assert_eq!(waiting.heard_at(one, 61_000), 61_000);
    }
}
