//! Keys of events seen, one table a day; three are kept and dropped whole.

use rusqlite::{Connection, Statement};

use crate::model::Timestamp;

/// Days whose keys are kept, the current one included.
const DAYS: u64 = 3;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The keys of the last days.
pub(super) struct DayKeys<'c> {
    connection: &'c Connection,
    today: u64,
    add: Option<Statement<'c>>,
    /// Looks into the tables of the days before that hold anything.
    find: Vec<Statement<'c>>,
}

impl<'c> DayKeys<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            today: 0,
            add: None,
            find: Vec::new(),
        }
    }

    /// Makes the tables right for the day. Called outside a transaction.
    pub(super) fn turn_day(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let day = now / DAY_MS;
        // A clock set back leaves the newest table in use, so that its keys stay the last to go.
        if self.add.is_some() && day <= self.today {
            return Ok(());
        }
        self.forget_statements();
        let mut days = self.days()?;
        let today = days.last().copied().unwrap_or(0).max(day);
        if days.last() != Some(&today) {
            self.connection.execute_batch(&format!(
                "CREATE TABLE keys_{today} (key BLOB PRIMARY KEY) WITHOUT ROWID"
            ))?;
        }
        days.retain(|day| *day < today);
        for day in days {
            if day + DAYS <= today {
                self.connection
                    .execute_batch(&format!("DROP TABLE keys_{day}"))?;
                continue;
            }
            let holds: bool = self.connection.query_row(
                &format!("SELECT EXISTS (SELECT 1 FROM keys_{day})"),
                [],
                |row| row.get(0),
            )?;
            if holds {
                let sql = format!("SELECT 1 FROM keys_{day} WHERE key = ?1");
                self.find.push(self.connection.prepare(&sql)?);
            }
        }
        let sql = format!("INSERT OR IGNORE INTO keys_{today} (key) VALUES (?1)");
        self.add = Some(self.connection.prepare(&sql)?);
        self.today = today;
        Ok(())
    }

    /// Remembers a key; tells whether it is new.
    pub(super) fn insert(&mut self, key: u128) -> rusqlite::Result<bool> {
        let key = key.to_be_bytes();
        for find in &mut self.find {
            if find.exists([&key])? {
                return Ok(false);
            }
        }
        let Some(add) = &mut self.add else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        Ok(add.execute([&key])? > 0)
    }

    /// Prepares everything anew at the next turn.
    pub(super) fn forget_statements(&mut self) {
        self.add = None;
        self.find.clear();
    }

    fn days(&self) -> rusqlite::Result<Vec<u64>> {
        let mut statement = self.connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'keys_*'",
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
