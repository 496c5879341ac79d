//! Bots that their platforms call: they have a path while they are there, and hear the address as soon
//! as somebody listens.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Door, Hooks};
use crate::mailbox::calls::Called;
use crate::model::Name;

/// A bot with its path.
type CalledBot = (String, Arc<dyn Called>);

/// The bots that are called.
#[derive(Default)]
pub(super) struct CalledBots(Mutex<BTreeMap<Name, CalledBot>>);

impl CalledBots {
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl Hooks {
    /// Lets a bot be called, and the listener open for it; none lets it be called no more.
    pub(crate) fn set_bot(self: &Arc<Self>, bot: &str, called: Option<Arc<dyn Called>>) {
        match called {
            Some(called) => {
                let path = self.ingress.add_bot(&self.tenant, bot, called.clone());
                let Some(path) = path else {
                    tracing::error!(bot, "its path is another bot's; it is not called");
                    called.set_address(None);
                    return;
                };
                self.bots.0.lock().insert(bot.into(), (path, called));
            }
            None => {
                self.ingress.remove_bot(&self.tenant, bot);
                self.bots.0.lock().remove(bot);
            }
        }
        let mut door = self.door.lock();
        self.adjust(&mut door, None);
    }

    /// Where a bot is called, as its platform is told; none where it is not.
    pub fn bot_address(&self, bot: &str) -> Option<String> {
        let door = self.door.lock();
        let base = base_of(&door)?;
        let bots = self.bots.0.lock();
        bots.get(bot).map(|(path, _)| format!("{base}{path}"))
    }

    /// Tells each bot where its platform reaches it.
    pub(super) fn tell_addresses(&self, door: &Door) {
        let base = base_of(door);
        for (path, called) in self.bots.0.lock().values() {
            let address = base.as_ref().map(|base| format!("{base}{path}"));
            called.set_address(address.as_deref());
        }
    }
}

/// What stands before every path, while somebody listens.
fn base_of(door: &Door) -> Option<String> {
    let open = door.open.as_ref()?;
    Some(door.settings.http.base_url(Some(open.bound)))
}
