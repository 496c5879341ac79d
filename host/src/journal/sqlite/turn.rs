//! The state in a turn: what was read must be as it was, then the writes take their place.

use std::sync::Arc;

use rusqlite::OptionalExtension as _;

use super::apply::moment;
use super::state::{Kept, Lookup, Scope, Value};
use super::writer::Writer;
use crate::journal::shared::{add, is_over};
use crate::journal::{StateChange, StateDelta, StateKey, StateScope};

impl Writer<'_> {
    /// Tells whether everything that a call read has the version it had.
    pub(super) fn is_unchanged(&mut self, delta: &StateDelta) -> rusqlite::Result<bool> {
        for (key, seen) in &delta.reads {
            let now = self.now;
            if self.load_value(key)?.at(now).1 != *seen {
                return Ok(false);
            }
        }
        for (scope, seen) in &delta.lists {
            if self.load_scope(scope)?.version != *seen {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes into the cache; rows follow in [`Writer::flush_state`], one for each key however
    /// often the batch writes it.
    pub(super) fn write_state(
        &mut self,
        writes: Vec<(StateKey, StateChange)>,
    ) -> rusqlite::Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let (version, reserve) = self.index.take_version();
        if let Some(end) = reserve {
            let set = &mut self.statements.set_meta;
            set.execute(("next_version", end))?;
        }
        for (key, change) in writes {
            self.write_value(key, change, version)?;
        }
        Ok(())
    }

    fn write_value(
        &mut self,
        key: StateKey,
        change: StateChange,
        version: u64,
    ) -> rusqlite::Result<()> {
        let before = self.load_value(&key)?;
        let mut scope = self.load_scope(&key.scope)?;
        let live = before
            .bytes
            .as_deref()
            .filter(|_| !is_over(before.expires_at, self.now));
        let (bytes, expires_at) = match change {
            StateChange::Set(bytes, expires_at) => (Some(Arc::from(bytes)), expires_at),
            StateChange::Delete => (None, None),
            StateChange::Add(delta) => (
                Some(Arc::from(add(live, delta))),
                live.and(before.expires_at),
            ),
        };
        let was_there = live.is_some();
        let size = |bytes: &Option<Arc<[u8]>>| {
            bytes
                .as_ref()
                .map_or(0, |bytes| (key.key.len() + bytes.len()) as u64)
        };
        let (freed, taken) = (size(&before.bytes), size(&bytes));
        if scope.id == 0 {
            if before.bytes.is_none() && bytes.is_none() {
                return Ok(());
            }
            scope.id = self.index.next_scope;
            self.index.next_scope += 1;
        }
        if was_there != bytes.is_some() {
            scope.version = version;
        }
        scope.bytes = scope.bytes.saturating_sub(freed).saturating_add(taken);
        let value = Value {
            bytes,
            version,
            expires_at,
        };
        self.state.resize(&key.scope, freed, taken);
        self.state.put_scope(&key.scope, scope, Kept::Open);
        self.state.put_value(&key, value.clone(), Kept::Open);
        self.dirty_scopes.insert(key.scope.clone(), scope);
        self.dirty_values.insert(key, (scope.id, value));
        Ok(())
    }

    /// Writes the rows of what the batch changed.
    pub(super) fn flush_state(&mut self) -> rusqlite::Result<()> {
        for (name, scope) in self.dirty_scopes.drain() {
            self.statements.set_scope.execute((
                scope.id,
                name.tenant,
                name.plugin,
                name.scope,
                scope.version,
                scope.bytes,
            ))?;
        }
        for (key, (scope, value)) in self.dirty_values.drain() {
            match value.bytes {
                Some(bytes) => self.statements.set_value.execute((
                    scope,
                    key.key,
                    &bytes[..],
                    value.version,
                    value.expires_at.map(moment),
                ))?,
                None => self.statements.delete_value.execute((scope, key.key))?,
            };
        }
        Ok(())
    }

    fn load_value(&mut self, key: &StateKey) -> rusqlite::Result<Value> {
        if let Lookup::Known(value) = self.state.value(key) {
            return Ok(value);
        }
        let scope = self.load_scope(&key.scope)?;
        let mut value = Value::default();
        if scope.id != 0 {
            let get = &mut self.statements.get_value;
            let found = get.query_row((scope.id, &key.key), super::read::value);
            value = found.optional()?.unwrap_or_default();
        }
        self.state.put_value(key, value.clone(), Kept::Clean);
        Ok(value)
    }

    fn load_scope(&mut self, name: &StateScope) -> rusqlite::Result<Scope> {
        if let Some(scope) = self.state.scope(name) {
            return Ok(scope);
        }
        let get = &mut self.statements.get_scope;
        let scope = get
            .query_row((&name.tenant, &name.plugin, &name.scope), |row| {
                Ok(Scope {
                    id: row.get(0)?,
                    version: row.get(1)?,
                    bytes: row.get(2)?,
                })
            })
            .optional()?
            .unwrap_or_default();
        self.state.put_scope(name, scope, Kept::Clean);
        Ok(scope)
    }
}
