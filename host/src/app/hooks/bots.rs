//! Bots that their platforms call: they have a path while they are there, and hear the address as soon
//! as somebody listens.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Door, Hooks};
use crate::mailbox::calls::Called;
use crate::model::Name;
use crate::web::Ingress;

/// The bots that are called.
#[derive(Default)]
pub(super) struct CalledBots(Mutex<Bots>);

#[derive(Default)]
struct Bots {
    /// With their paths.
    placed: BTreeMap<Name, (String, Arc<dyn Called>)>,
    /// Those whose path is another's.
    waiting: BTreeMap<Name, Arc<dyn Called>>,
}

impl Bots {
    /// Gives those who wait their paths, as far as they are free: one that moves makes room for others.
    fn place(&mut self, ingress: &Ingress, tenant: &Name) {
        loop {
            let before = self.waiting.len();
            for (name, called) in std::mem::take(&mut self.waiting) {
                match ingress.add_bot(tenant, &name, called.clone()) {
                    Some(path) => {
                        self.placed.insert(name, (path, called));
                    }
                    None => {
                        self.waiting.insert(name, called);
                    }
                }
            }
            if self.waiting.len() == before {
                return;
            }
        }
    }
}

impl CalledBots {
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().placed.is_empty()
    }
}

impl Hooks {
    /// Lets a bot be called, and the listener open for it; none lets it be called no more.
    pub(crate) fn set_bot(self: &Arc<Self>, bot: &str, called: Option<Arc<dyn Called>>) {
        let is_wanted = called.is_some();
        {
            let mut bots = self.bots.0.lock();
            bots.placed.remove(bot);
            match called {
                Some(called) => {
                    bots.waiting.insert(bot.into(), called);
                }
                None => {
                    self.ingress.remove_bot(&self.tenant, bot);
                    bots.waiting.remove(bot);
                }
            }
            bots.place(&self.ingress, &self.tenant);
            if is_wanted && let Some(called) = bots.waiting.get(bot) {
                tracing::error!(
                    bot,
                    "its path is another bot's; it is called when that has gone"
                );
                called.set_address(None);
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
        let placed = bots.placed.get(bot);
        placed.map(|(path, _)| format!("{base}{path}"))
    }

    /// Tells each bot where its platform reaches it.
    pub(super) fn tell_addresses(&self, door: &Door) {
        let base = base_of(door);
        for (path, called) in self.bots.0.lock().placed.values() {
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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::mailbox::calls::{Call, CallAnswer, CallRefusal};
    use crate::mailbox::{Acceptance, Intake, IntakeError};
    use crate::web::{HookCall, HookSink};

    struct Nobody;

    #[async_trait]
    impl HookSink for Nobody {
        async fn take(&self, _call: HookCall) -> Result<Acceptance, IntakeError> {
            Err(IntakeError::Stopping)
        }

        async fn ring(&self, _called: &dyn Called, _call: Call) -> CallAnswer {
            CallAnswer::Later
        }
    }

    struct At(&'static str);

    #[async_trait]
    impl Called for At {
        fn path(&self) -> Option<String> {
            Some(self.0.to_owned())
        }

        fn set_address(&self, _address: Option<&str>) {}

        fn check(&self, _call: &Call) -> Result<(), CallRefusal> {
            Ok(())
        }

        async fn take(&self, _call: Call, _intake: &dyn Intake) -> CallAnswer {
            CallAnswer::Taken
        }
    }

    #[test]
    fn a_bot_waits_for_a_path_that_another_has() {
        let ingress = Ingress::new(Arc::new(Nobody));
        let tenant = Name::from("default");
        let mut bots = Bots::default();
        let mut set = |name: &str, path: &'static str| {
            bots.placed.remove(name);
            bots.waiting.insert(name.into(), Arc::new(At(path)));
            bots.place(&ingress, &tenant);
            let status = ingress.bot_status().into_iter();
            let places = status.map(|bot| format!("{} {}", bot.path, &*bot.bot));
            places.collect::<Vec<_>>()
        };
        assert_eq!(set("one", "/x"), ["/x one"]);
        assert_eq!(set("two", "/y"), ["/x one", "/y two"]);
        assert_eq!(set("three", "/x"), ["/x one", "/y two"]);
        // They change places: one cannot at first, and is where it was no more.
        assert_eq!(set("one", "/y"), ["/x three", "/y two"]);
        assert_eq!(set("two", "/z"), ["/x three", "/y one", "/z two"]);
    }
}
