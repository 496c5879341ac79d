//! The bots that are there, by name: what the outbox, the lanes and the reads see of the connectors.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::mailbox::{Connector, Connectors};
use crate::model::Name;

type Bots = BTreeMap<Name, BTreeMap<Name, Arc<dyn Connector>>>;

/// Every bot of every tenant.
#[derive(Default)]
pub(super) struct BotDirectory {
    bots: RwLock<Bots>,
}

impl BotDirectory {
    /// Makes a bot known.
    pub(super) fn add(&self, tenant: &Name, name: &str, connector: Arc<dyn Connector>) {
        let mut bots = self.bots.write();
        bots.entry(tenant.clone())
            .or_default()
            .insert(name.into(), connector);
    }

    /// Makes a bot unknown.
    pub(super) fn remove(&self, tenant: &Name, name: &str) {
        if let Some(bots) = self.bots.write().get_mut(tenant) {
            bots.remove(name);
        }
    }
}

impl Connectors for BotDirectory {
    fn connector(&self, tenant: &str, bot: &str) -> Option<Arc<dyn Connector>> {
        self.bots.read().get(tenant)?.get(bot).cloned()
    }

    fn bots(&self, tenant: &str) -> Vec<Name> {
        let bots = self.bots.read();
        bots.get(tenant)
            .map(|bots| bots.keys().cloned().collect())
            .unwrap_or_default()
    }
}
