//! Values of plugins' state: what is ordered over what is on disk.

use rusqlite::Connection;

use super::state::Lookup;
use super::{SqliteJournal, read};
use crate::journal::shared::now;
use crate::journal::{JournalError, JournalResult, StateKey, StateScope};

impl SqliteJournal {
    pub(super) async fn value(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        if self.commands.is_closed() {
            return Err(JournalError::Closed);
        }
        let value = match self.state.value(key) {
            Lookup::Known(value) => value,
            Lookup::Unknown(mark) => {
                let own = key.clone();
                let read = move |connection: &mut Connection| read::state_value(connection, &own);
                let value = self.readers.read(read).await?;
                self.state.fill(key, value.clone(), mark);
                value
            }
        };
        let (bytes, version) = value.at(now());
        Ok((bytes.map(<[u8]>::to_vec), version))
    }

    pub(super) async fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        // The overlay is read before the disk: what is committed in between is then in both. The
        // version may be older than the list, which a commit finds; it is never newer.
        let overlay = self.state.overlay(scope);
        let from_disk = limit.saturating_add(overlay.keys.len());
        let (own, begin, last) = (scope.clone(), prefix.to_owned(), after.map(str::to_owned));
        let read = move |connection: &mut Connection| {
            read::state_keys(connection, &own, &begin, last.as_deref(), from_disk)
        };
        let (mut keys, version) = self.readers.read(read).await?;
        if !overlay.keys.is_empty() {
            keys.retain(|key| overlay.keys.get(key) != Some(&false));
            let made = overlay.keys.into_iter().filter(|(key, is_there)| {
                *is_there && key.starts_with(prefix) && after.is_none_or(|after| **key > *after)
            });
            keys.extend(made.map(|(key, _)| key));
            keys.sort_unstable();
            keys.dedup();
        }
        keys.truncate(limit);
        Ok((keys, overlay.version.unwrap_or(version)))
    }
}
