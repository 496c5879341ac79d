//! People who are there before they have done anything.

use super::{Hub, names, now};
use crate::mailbox::rooms::{Change, RoomsError};
use crate::model::event::UserKind;

impl Hub {
    /// Makes people known by their names, in no room, where they are not.
    pub(super) fn make_users(&self, users: &[String]) -> Result<(), RoomsError> {
        let inner = &self.inner;
        let mut core = inner.core.lock();
        for name in users {
            if names::find_user(&core.state, name).is_none() {
                let user = names::new_user(name, UserKind::Human)?;
                let id = user.id.clone();
                inner.make(&mut core, &id, now(), None, Change::User(user));
            }
        }
        drop(core);
        inner.flush()
    }
}
