//! The import `state`: newest values with the call's own writes over them; everything read is recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::journal::{Journal, JournalResult, StateChange, StateDelta, StateKey, StateScope};
use crate::model::Name;
use crate::runtime::bindings::parlor::bot::state as wit;
use crate::runtime::store::StoreData;

/// Writes of one call: a turn has to fit into the journal's record.
const WRITES: usize = 1_000;
/// Bytes of keys and values that one call may write.
const WRITE_BYTES: u64 = 512 * 1024;
/// Keys that one call may read or write.
const KEYS: usize = 4_096;
/// Bytes of values that one call may hold on the host.
const HELD_BYTES: usize = 8 * 1024 * 1024;
/// Scopes that one call may list.
const LISTS: usize = 64;
/// Keys in one answer.
const LISTED: usize = 1_000;

type Entry = (Name, String);

/// State that is not the journal's own: what a trial sees.
#[async_trait]
pub trait StateReads: Send + Sync {
    /// Reads a value and its version (0 where there is none).
    async fn get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)>;

    /// Lists keys that begin with `prefix`, after `after`, at most `limit`, with the version of the scope.
    async fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)>;

    /// Bytes that a plugin's state takes.
    async fn size(&self, tenant: &str, plugin: &str) -> JournalResult<u64>;
}

/// Where the state of a call lies.
#[derive(Clone)]
pub(in crate::runtime) enum StateFrom {
    Journal(Arc<dyn Journal>),
    Trial(Arc<dyn StateReads>),
}

impl StateFrom {
    async fn get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        match self {
            Self::Journal(journal) => journal.state_get(key).await,
            Self::Trial(state) => state.get(key).await,
        }
    }

    async fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        match self {
            Self::Journal(journal) => journal.state_keys(scope, prefix, after, limit).await,
            Self::Trial(state) => state.keys(scope, prefix, after, limit).await,
        }
    }

    /// Bytes that a plugin's state takes.
    pub(in crate::runtime) async fn size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        match self {
            Self::Journal(journal) => journal.state_size(tenant, plugin).await,
            Self::Trial(state) => state.size(tenant, plugin).await,
        }
    }
}

/// What one call did to the state.
#[derive(Default)]
pub(in crate::runtime) struct StateCall {
    delta: StateDelta,
    seen: BTreeMap<Entry, Seen>,
    held: usize,
    written: u64,
    /// The size of the plugin's state when this call first wrote.
    size: Option<u64>,
}

/// A value as the call sees it.
enum Seen {
    /// Read or set.
    Known(Option<Vec<u8>>),
    /// Added to, and never read.
    Added(i64),
}

impl StateCall {
    /// Ends the call: what it read and wrote.
    pub(in crate::runtime) fn finish(self) -> StateDelta {
        self.delta
    }

    fn hold(&mut self, bytes: usize) -> Result<(), wit::StateError> {
        self.held = self.held.saturating_add(bytes);
        if self.held > HELD_BYTES || self.seen.len() >= KEYS {
            return Err(wit::StateError::Failed);
        }
        Ok(())
    }

    fn write(&mut self, key: StateKey, change: StateChange) {
        self.delta.writes.push((key, change));
    }
}

fn number(value: Option<&Vec<u8>>) -> Option<i64> {
    let Some(bytes) = value else {
        return Some(0);
    };
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn decimal(number: i64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// A result whose outer error traps and whose inner one the plugin hears.
type Answer<T> = wasmtime::Result<Result<T, wit::StateError>>;

macro_rules! attempt {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

impl StoreData {
    fn state_scope(
        &self,
        scope: wit::Scope,
    ) -> wasmtime::Result<Result<StateScope, wit::StateError>> {
        let event = self.call_event()?;
        let scope = match scope {
            wit::Scope::Plugin => Some("p".to_owned()),
            wit::Scope::Conversation => event.conversation.as_ref().map(|c| format!("c{}", c.id)),
            wit::Scope::User => event.actor.as_ref().map(|u| format!("u{}", u.id)),
        };
        Ok(match scope {
            Some(scope) => Ok(StateScope {
                tenant: self.plugin.tenant.clone(),
                plugin: self.plugin.name.clone(),
                scope: scope.into(),
            }),
            None => Err(wit::StateError::NoScope),
        })
    }

    fn state_key(&self, scope: wit::Scope, key: String) -> Answer<StateKey> {
        let scope = attempt!(self.state_scope(scope)?);
        let limit = self.plugin.limits.state_key_bytes as usize;
        if key.is_empty() || key.len() > limit {
            return Ok(Err(wit::StateError::TooLarge));
        }
        Ok(Ok(StateKey { scope, key }))
    }

    /// Counts a write against the call's and the plugin's bounds.
    async fn admit_write(&mut self, bytes: usize) -> Result<(), wit::StateError> {
        let state = &mut self.state;
        state.written = state.written.saturating_add(bytes as u64);
        if state.delta.writes.len() >= WRITES || state.written > WRITE_BYTES {
            return Err(wit::StateError::Full);
        }
        let size = match state.size {
            Some(size) => size,
            None => {
                let size = self.plugin.state_size().await?;
                self.state.size = Some(size);
                size
            }
        };
        if size.saturating_add(self.state.written) > self.plugin.limits.state_bytes {
            return Err(wit::StateError::Full);
        }
        self.plugin.wrote_state(bytes as u64);
        Ok(())
    }

    /// Reads a value that the call does not know, and records it.
    async fn load(&mut self, key: &StateKey) -> Result<Option<Vec<u8>>, wit::StateError> {
        let outside = self.outside().map_err(|_| wit::StateError::Failed)?;
        let read = outside.state.get(key).await;
        let (value, version) = read.map_err(|_| wit::StateError::Failed)?;
        if let Some(notes) = &self.notes {
            notes.note_value(key, value.as_deref());
        }
        self.state.delta.reads.push((key.clone(), version));
        self.state.hold(value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }
}

impl wit::Host for StoreData {
    async fn get(&mut self, scope: wit::Scope, key: String) -> Answer<Option<Vec<u8>>> {
        let key = attempt!(self.state_key(scope, key)?);
        let entry = (key.scope.scope.clone(), key.key.clone());
        let added = match self.state.seen.get(&entry) {
            Some(Seen::Known(value)) => return Ok(Ok(value.clone())),
            Some(Seen::Added(added)) => Some(*added),
            None => None,
        };
        let mut value = attempt!(self.load(&key).await);
        if let Some(added) = added {
            // As the journal adds: what is no number counts as 0.
            let sum = number(value.as_ref()).unwrap_or(0).saturating_add(added);
            value = Some(decimal(sum));
        }
        self.state.seen.insert(entry, Seen::Known(value.clone()));
        Ok(Ok(value))
    }

    async fn keys(
        &mut self,
        scope: wit::Scope,
        prefix: String,
        after: Option<String>,
    ) -> Answer<Vec<String>> {
        let scope = attempt!(self.state_scope(scope)?);
        if self.state.delta.lists.len() >= LISTS {
            return Ok(Err(wit::StateError::Failed));
        }
        // Keys that this call deleted may be in the journal's answer and make room for others.
        let limit = LISTED + self.state.delta.writes.len();
        let listed = self
            .outside()?
            .state
            .keys(&scope, &prefix, after.as_deref(), limit)
            .await;
        let Ok((listed, version)) = listed else {
            return Ok(Err(wit::StateError::Failed));
        };
        if let Some(notes) = &self.notes {
            notes.note_keys(&scope, &prefix, after.as_deref(), limit, &listed);
        }
        let more = listed.len() >= limit;
        let last = listed.last().cloned();
        let mut keys: std::collections::BTreeSet<String> = listed.into_iter().collect();
        let from = (scope.scope.clone(), prefix.clone());
        for ((_, key), seen) in self
            .state
            .seen
            .range(from..)
            .take_while(|((of, key), _)| *of == scope.scope && key.starts_with(&prefix))
        {
            let is_listed = after.as_ref().is_none_or(|after| key > after)
                // Beyond the last key of a full answer there may be others before this one.
                && (!more || last.as_ref().is_none_or(|last| key <= last));
            match seen {
                Seen::Known(None) => {
                    keys.remove(key);
                }
                Seen::Known(Some(_)) | Seen::Added(_) if is_listed => {
                    keys.insert(key.clone());
                }
                Seen::Known(Some(_)) | Seen::Added(_) => {}
            }
        }
        if !self.state.delta.lists.iter().any(|(of, _)| *of == scope) {
            self.state.delta.lists.push((scope, version));
        }
        Ok(Ok(keys.into_iter().take(LISTED).collect()))
    }

    async fn set(
        &mut self,
        scope: wit::Scope,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> Answer<()> {
        let key = attempt!(self.state_key(scope, key)?);
        if value.len() > self.plugin.limits.state_value_bytes as usize {
            return Ok(Err(wit::StateError::TooLarge));
        }
        attempt!(self.admit_write(key.key.len() + value.len()).await);
        attempt!(self.state.hold(value.len()));
        let until = ttl_ms.map(|ttl| self.now().saturating_add(ttl));
        let entry = (key.scope.scope.clone(), key.key.clone());
        let seen = Seen::Known(Some(value.clone()));
        self.state.seen.insert(entry, seen);
        self.state.write(key, StateChange::Set(value, until));
        Ok(Ok(()))
    }

    async fn delete(&mut self, scope: wit::Scope, key: String) -> Answer<()> {
        let key = attempt!(self.state_key(scope, key)?);
        // A delete takes a row of the turn and frees bytes, so it never meets a full state.
        if self.state.delta.writes.len() >= WRITES {
            return Ok(Err(wit::StateError::Full));
        }
        attempt!(self.state.hold(0));
        let entry = (key.scope.scope.clone(), key.key.clone());
        self.state.seen.insert(entry, Seen::Known(None));
        self.state.write(key, StateChange::Delete);
        Ok(Ok(()))
    }

    async fn add(&mut self, scope: wit::Scope, key: String, delta: i64) -> Answer<()> {
        let key = attempt!(self.state_key(scope, key)?);
        let entry = (key.scope.scope.clone(), key.key.clone());
        let seen = match self.state.seen.get(&entry) {
            Some(Seen::Known(value)) => match number(value.as_ref()) {
                Some(number) => Seen::Known(Some(decimal(number.saturating_add(delta)))),
                None => return Ok(Err(wit::StateError::NotANumber)),
            },
            Some(Seen::Added(added)) => Seen::Added(added.saturating_add(delta)),
            None => Seen::Added(delta),
        };
        // A number has at most 20 digits and a sign.
        attempt!(self.admit_write(key.key.len() + 21).await);
        attempt!(self.state.hold(0));
        self.state.seen.insert(entry, seen);
        self.state.write(key, StateChange::Add(delta));
        Ok(Ok(()))
    }
}
