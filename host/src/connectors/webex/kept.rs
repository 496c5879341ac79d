//! What a bot keeps in its folder, once for each folder in a process: a bot whose settings change has
//! two connectors for a moment, and what one of them writes down the other must know.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::ids::key_of;
use super::sent::SentLog;
use super::spool::Spool;
use crate::mailbox::Progress;

/// Messages that are known to have been heard.
const MAX_HEARD: usize = 20_000;

/// What bots keep in their folders, by folder.
#[derive(Default)]
pub struct Keeps(Mutex<HashMap<PathBuf, Held>>);

/// What is held of a folder while anybody uses it. The spool may be used longer: what it has begun to
/// write it ends.
struct Held {
    kept: Weak<Kept>,
    spool: Weak<Spool>,
}

/// What one bot keeps.
pub(super) struct Kept {
    /// The notices that wait.
    pub(super) spool: Arc<Spool>,
    /// How far it is.
    pub(super) progress: Progress,
    /// What its parts became.
    pub(super) sent: SentLog,
    /// What the journal has.
    pub(super) heard: Heard,
}

impl Keeps {
    /// What is kept in a folder; without one nothing outlasts the connector.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn of(&self, folder: Option<&Path>) -> io::Result<Arc<Kept>> {
        let Some(folder) = folder else {
            return Ok(Arc::new(Kept::new(None, Arc::new(Spool::open(None)?))));
        };
        let mut held = self.0.lock();
        if let Some(kept) = held.get(folder).and_then(|held| held.kept.upgrade()) {
            return Ok(kept);
        }
        let spool = held.get(folder).and_then(|held| held.spool.upgrade());
        let spool = match spool {
            Some(spool) => spool,
            None => Arc::new(Spool::open(Some(folder))?),
        };
        let kept = Arc::new(Kept::new(Some(folder), spool));
        held.retain(|_, held| held.spool.strong_count() > 0);
        let now_held = Held {
            kept: Arc::downgrade(&kept),
            spool: Arc::downgrade(&kept.spool),
        };
        held.insert(folder.to_owned(), now_held);
        Ok(kept)
    }
}

impl Kept {
    fn new(folder: Option<&Path>, spool: Arc<Spool>) -> Self {
        Self {
            spool,
            progress: Progress::new(folder.map(Path::to_owned)),
            sent: SentLog::new(folder),
            heard: Heard::default(),
        }
    }
}

/// The last messages that the journal has: what is read back of them need not be offered again.
#[derive(Default)]
pub(super) struct Heard(Mutex<HeardKeys>);

#[derive(Default)]
struct HeardKeys {
    known: HashSet<String>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl Heard {
    /// Notes that the journal has a message.
    pub(super) fn note(&self, message: &str) {
        let mut keys = self.0.lock();
        let key = key_of(message);
        if !keys.known.insert(key.clone()) {
            return;
        }
        keys.order.push_back(key);
        if keys.order.len() > MAX_HEARD
            && let Some(oldest) = keys.order.pop_front()
        {
            keys.known.remove(&oldest);
        }
    }

    /// Tells whether the journal is known to have a message.
    pub(super) fn knows(&self, message: &str) -> bool {
        self.0.lock().known.contains(&key_of(message))
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Notice;
    use super::*;

    fn notice(id: &str) -> Notice {
        let mut notice = Notice::default();
        notice.data.id = id.to_owned();
        notice
    }

    #[tokio::test]
    async fn two_connectors_of_one_folder_know_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let keeps = Keeps::default();
        let old = keeps.of(Some(folder.path())).unwrap();
        old.spool.keep(notice("before")).await.unwrap();
        // Made while the old one still hears: what that keeps from here on is there too, and once.
        let new = keeps.of(Some(folder.path())).unwrap();
        old.spool.keep(notice("meanwhile")).await.unwrap();
        let taken = old.spool.next().await;
        old.spool.done(taken.number).await;
        old.progress.reached(5_000);
        drop(old);
        assert_eq!(new.spool.next().await.notice.data.id, "meanwhile");
        assert_eq!(new.spool.quiet(), None);
        new.progress.open_gap(None);
        assert_eq!(new.progress.gap(), Some(5_000));
        // Nobody holds it any more: the next one reads what is on disk.
        drop(new);
        let next = keeps.of(Some(folder.path())).unwrap();
        assert_eq!(next.spool.next().await.notice.data.id, "meanwhile");
    }

    #[test]
    fn so_many_messages_are_known_by_either_form_of_their_ids() {
        let heard = Heard::default();
        let id = super::super::ids::public_id("us", "MESSAGE", "AB-1");
        heard.note(&id);
        heard.note(&id);
        assert!(heard.knows("ab-1") && !heard.knows("ab-2"));
        for number in 0..MAX_HEARD {
            heard.note(&number.to_string());
        }
        assert!(!heard.knows("ab-1") && heard.knows("0"));
    }
}
