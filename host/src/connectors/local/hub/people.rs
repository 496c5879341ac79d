//! The platform for tests and people who are there before they have done anything.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::log::LOG_MAX;
use super::{Hub, names};
use crate::connectors::local::LocalConfig;
use crate::mailbox::Clock;
use crate::mailbox::rooms::{Change, RoomEvent, RoomsError};
use crate::model::event::UserKind;

impl Hub {
    /// Opens the platform in memory or in its folder, with a clock of its own.
    ///
    /// # Errors
    /// As [`Hub::open`].
    pub fn open_at(config: LocalConfig, clock: Arc<dyn Clock>) -> Result<Self, RoomsError> {
        Self::open_with(config, LOG_MAX, clock)
    }

    /// Everything that changes from now on, whoever may see it.
    pub fn hear_all(&self) -> broadcast::Receiver<Arc<RoomEvent>> {
        self.inner.changes.subscribe()
    }

    /// Makes people known by their names, in no room, where they are not.
    pub(super) fn make_users(&self, users: &[String]) -> Result<(), RoomsError> {
        let inner = &self.inner;
        let mut core = inner.core.lock();
        for name in users {
            if names::find_user(&core.state, name).is_none() {
                let user = names::new_user(name, UserKind::Human)?;
                let id = user.id.clone();
                inner.make(&mut core, &id, inner.clock.now(), None, Change::User(user));
            }
        }
        drop(core);
        inner.flush()
    }
}
