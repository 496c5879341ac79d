//! Keys of events seen, one table a day; three are kept and dropped whole.
//!
//! Keys are hashes, so each would touch another page of a day's table, and pages are what a commit
//! costs. They are therefore logged in order first, with a copy in memory, and go over into the
//! table sorted, a bucket at a time: that writes a page for dozens of keys and halves the writer's
//! work for a message.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use rusqlite::{Connection, Statement};

use crate::journal::numbers::Spread;
use crate::model::Timestamp;

/// Days whose keys are kept, the current one included.
const DAYS: u64 = 3;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Keys in one log before they go over into the day's table; few in tests, so that in each of them
/// some do.
pub(super) const LOG_KEYS: usize = if cfg!(test) { 8 } else { 65_536 };
/// Keys that go over with each batch at least; else twice as many as came.
const SETTLED_KEYS: usize = 64;
/// Buckets into which a log is sorted: by the first byte.
const BUCKETS: usize = 256;

type KeySet = HashSet<u128, BuildHasherDefault<Spread>>;

/// The keys of the last days.
pub(super) struct DayKeys<'c> {
    connection: &'c Connection,
    today: u64,
    /// Puts a key into today's table.
    settle: Option<Statement<'c>>,
    /// Looks into the tables of the days.
    find: Vec<Statement<'c>>,
    logs: [Statement<'c>; 2],
    /// The log that is written; the other one goes over.
    active: usize,
    recent: KeySet,
    settling: KeySet,
    /// The keys of `settling` that have not gone over, by first byte.
    buckets: Vec<Vec<u128>>,
    added: usize,
    log_keys: usize,
}

impl<'c> DayKeys<'c> {
    pub(super) fn open(connection: &'c Connection, log_keys: usize) -> rusqlite::Result<Self> {
        let log = |at| connection.prepare(&format!("INSERT INTO keys_log_{at} (key) VALUES (?1)"));
        let mut keys = Self {
            connection,
            today: 0,
            settle: None,
            find: Vec::new(),
            logs: [log(0)?, log(1)?],
            active: 0,
            recent: KeySet::default(),
            settling: KeySet::default(),
            buckets: Vec::new(),
            added: 0,
            log_keys,
        };
        keys.load()?;
        Ok(keys)
    }

    /// Reads the logs, at the start and after a failed batch.
    pub(super) fn load(&mut self) -> rusqlite::Result<()> {
        let read = |at: usize| -> rusqlite::Result<KeySet> {
            self.connection
                .prepare(&format!("SELECT key FROM keys_log_{at}"))?
                .query_map([], |row| row.get(0).map(u128::from_be_bytes))?
                .collect()
        };
        let (recent, settling) = (read(0)?, read(1)?);
        self.active = 0;
        self.recent = recent;
        self.begin_settling(settling);
        self.added = 0;
        self.settle = None;
        Ok(())
    }

    /// Makes the tables right for the day. Called outside a transaction.
    pub(super) fn turn_day(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let day = now / DAY_MS;
        // A clock set back leaves the newest table in use, so that its keys stay the last to go.
        if self.settle.is_some() && day <= self.today {
            return Ok(());
        }
        self.settle = None;
        self.find.clear();
        let mut days = self.days()?;
        let today = days.last().copied().unwrap_or(0).max(day);
        if days.last() != Some(&today) {
            self.connection.execute_batch(&format!(
                "CREATE TABLE keys_{today} (key BLOB PRIMARY KEY) WITHOUT ROWID"
            ))?;
            days.push(today);
        }
        for day in days {
            if day + DAYS <= today {
                self.connection
                    .execute_batch(&format!("DROP TABLE keys_{day}"))?;
                continue;
            }
            let sql = format!("SELECT 1 FROM keys_{day} WHERE key = ?1");
            self.find.push(self.connection.prepare(&sql)?);
        }
        let sql = format!("INSERT OR IGNORE INTO keys_{today} (key) VALUES (?1)");
        self.settle = Some(self.connection.prepare(&sql)?);
        self.today = today;
        Ok(())
    }

    /// Remembers a key; tells whether it is new.
    pub(super) fn insert(&mut self, key: u128) -> rusqlite::Result<bool> {
        if self.recent.contains(&key) || self.settling.contains(&key) {
            return Ok(false);
        }
        let bytes = key.to_be_bytes();
        for find in &mut self.find {
            if find.exists([&bytes])? {
                return Ok(false);
            }
        }
        self.logs[self.active].execute([&bytes])?;
        self.recent.insert(key);
        self.added += 1;
        Ok(true)
    }

    /// Lets some keys go over, at the end of a batch.
    pub(super) fn settle_some(&mut self) -> rusqlite::Result<()> {
        let most = SETTLED_KEYS.max(2 * std::mem::take(&mut self.added));
        if self.settling.is_empty() {
            if self.recent.len() >= self.log_keys {
                let full = std::mem::take(&mut self.recent);
                self.active = 1 - self.active;
                self.begin_settling(full);
            }
            return Ok(());
        }
        let Some(settle) = &mut self.settle else {
            return Ok(());
        };
        for _ in 0..most {
            while self.buckets.last().is_some_and(Vec::is_empty) {
                self.buckets.pop();
                if let Some(bucket) = self.buckets.last_mut() {
                    bucket.sort_unstable();
                }
            }
            let Some(key) = self.buckets.last_mut().and_then(Vec::pop) else {
                break;
            };
            settle.execute([key.to_be_bytes()])?;
        }
        if self.buckets.is_empty() {
            // Without a condition SQLite drops the pages whole.
            let log = 1 - self.active;
            self.connection
                .prepare_cached(&format!("DELETE FROM keys_log_{log}"))?
                .execute([])?;
            self.settling.clear();
        }
        Ok(())
    }

    fn begin_settling(&mut self, keys: KeySet) {
        self.buckets = vec![Vec::new(); BUCKETS];
        for key in &keys {
            self.buckets[usize::from(key.to_be_bytes()[0])].push(*key);
        }
        // An empty one on top: taking it away sorts the first that has keys.
        self.buckets.push(Vec::new());
        self.settling = keys;
    }

    fn days(&self) -> rusqlite::Result<Vec<u64>> {
        let mut statement = self.connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'keys_[0-9]*'",
        )?;
        let names = statement
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let mut days: Vec<u64> = names
            .iter()
            .filter_map(|name| name.strip_prefix("keys_")?.parse().ok())
            .collect();
        days.sort_unstable();
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(connection: &Connection, table: &str) -> u64 {
        connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .expect("counted")
    }

    #[test]
    fn keys_go_over_and_are_never_new_again() {
        const DAY: u64 = 20_000;
        let connection = Connection::open_in_memory().expect("opened");
        for log in 0..2 {
            let sql = format!(
                "CREATE TABLE keys_log_{log} (number INTEGER PRIMARY KEY, key BLOB NOT NULL)"
            );
            connection.execute_batch(&sql).expect("made");
        }
        let key = |at: u64| u128::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mut keys = DayKeys::open(&connection, 100).expect("opened");
        for at in 0..1_000 {
            keys.turn_day(DAY * DAY_MS).expect("turned");
            assert!(keys.insert(key(at)).expect("inserted"), "{at}");
            assert!(!keys.insert(key(at / 2)).expect("found"), "{at}");
            if at % 10 == 0 {
                keys.settle_some().expect("settled");
            }
            if at % 333 == 0 {
                keys.load().expect("loaded");
            }
        }
        let logged = count(&connection, "keys_log_0") + count(&connection, "keys_log_1");
        assert!(logged <= 220, "{logged}");
        assert!(count(&connection, &format!("keys_{DAY}")) >= 780);
        keys.turn_day((DAY + 2) * DAY_MS).expect("turned");
        for at in 0..1_000 {
            assert!(!keys.insert(key(at)).expect("found"), "{at}");
        }
        keys.turn_day((DAY + 3) * DAY_MS).expect("turned");
        assert!(keys.insert(key(0)).expect("forgotten"));
    }
}
