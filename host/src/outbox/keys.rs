//! Sends under a key that are not through: whoever names a message by its key waits for those that
//! were committed before it, in whatever lane they are.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;

use crate::journal::{Part, PartNumber};
use crate::model::Name;
use crate::model::action::ActionKind;

/// Tenant, plugin and key.
type Key = (Name, Name, String);

/// The open sends of each key.
#[derive(Default)]
pub(super) struct Keys {
    open: Mutex<HashMap<Key, BTreeSet<PartNumber>>>,
}

impl Keys {
    pub(super) fn put(&self, part: &Part) {
        if let Some(key) = names(part) {
            self.open.lock().entry(key).or_default().insert(part.number);
        }
    }

    pub(super) fn ended(&self, part: &Part) {
        let Some(key) = names(part) else {
            return;
        };
        let mut open = self.open.lock();
        if let Some(parts) = open.get_mut(&key) {
            parts.remove(&part.number);
            if parts.is_empty() {
                open.remove(&key);
            }
        }
    }

    /// Tells whether a message that a part names by a key is still to be sent.
    pub(super) fn is_open_before(&self, part: &Part, key: &str) -> bool {
        let open = self.open.lock();
        if open.is_empty() {
            return false;
        }
        let key = (
            Name::clone(&part.tenant),
            Name::clone(&part.plugin),
            key.to_owned(),
        );
        // Parts wait only for lower numbers, so they never wait for one another.
        open.get(&key)
            .and_then(BTreeSet::first)
            .is_some_and(|first| *first < part.number)
    }
}

fn names(part: &Part) -> Option<Key> {
    let key = part.what.action.key.as_ref()?;
    let sends = matches!(part.what.action.kind, ActionKind::Send(_));
    sends.then(|| {
        (
            Name::clone(&part.tenant),
            Name::clone(&part.plugin),
            key.clone(),
        )
    })
}
