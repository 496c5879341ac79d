//! The host that native builds talk to: one of the thread's own, put there by the bench for a call.
#![expect(
    unreachable_pub,
    reason = "mirrors the generated imports, which are public"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::content::Timestamp;
use crate::http::{HttpError, Response};

/// Everything that host calls read and write.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) config: BTreeMap<String, config::Value>,
    pub(crate) limits: config::Limits,
    pub(crate) state: BTreeMap<(String, String), (Vec<u8>, Option<Timestamp>)>,
    pub(crate) conversation: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) log: Vec<(log::Level, String)>,
    pub(crate) responses: BTreeMap<String, Result<Response, HttpError>>,
    pub(crate) requests: Vec<(String, String, Vec<u8>)>,
    pub(crate) members: Vec<crate::events::User>,
    pub(crate) known: super::reads::Known,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::default());
}

/// Swaps the thread's world.
pub(crate) fn swap(world: &mut World) {
    WORLD.with_borrow_mut(|current| std::mem::swap(current, world));
}

impl Default for World {
    fn default() -> Self {
        Self {
            config: BTreeMap::new(),
            limits: config::default_limits(),
            state: BTreeMap::new(),
            conversation: None,
            actor: None,
            log: Vec::new(),
            responses: BTreeMap::new(),
            requests: Vec::new(),
            members: Vec::new(),
            known: super::reads::Known::default(),
            now: 1_800_000_000_000,
            seed: 0x9E37_79B9_7F4A_7C15,
        }
    }
}

pub mod log {
    pub use crate::bindings::parlor::bot::log::Level;

    pub fn write(level: Level, text: &str) {
        super::WORLD.with_borrow_mut(|world| world.log.push((level, text.to_owned())));
    }
}

pub mod config {
    pub use crate::bindings::parlor::bot::config::{Limits, Value};

    pub fn get(key: &str) -> Option<Value> {
        super::WORLD.with_borrow(|world| world.config.get(key).cloned())
    }

    pub fn enforced() -> Limits {
        super::WORLD.with_borrow(|world| world.limits)
    }

    /// The host's defaults.
    pub(super) fn default_limits() -> Limits {
        Limits {
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            cpu_ms: 100,
            deadline_ms: 5_000,
            instances: 8,
            actions: 100,
            message_bytes: 64 << 10,
            attachment_bytes: 10 << 20,
            attachments_bytes: 16 << 20,
            broadcast: 1_000,
            action_key_bytes: 64,
            log_bytes: 64 << 10,
            state_key_bytes: 256,
            state_value_bytes: 64 << 10,
            state_bytes: 64 << 20,
            random_bytes: 64 << 10,
            handles: 1_024,
            http_requests: 16,
            http_open: 4,
            http_body_bytes: 4 << 20,
            http_header_bytes: 16 << 10,
            timers: 10_000,
            result_bytes: 24 << 20,
        }
    }
}

pub mod state {
    pub use crate::bindings::parlor::bot::state::{Scope, StateError};

    use super::{WORLD, World};

    fn owner(world: &World, scope: Scope, key: &str) -> Result<(String, String), StateError> {
        if key.is_empty() || key.len() > world.limits.state_key_bytes as usize {
            return Err(StateError::TooLarge);
        }
        Ok((prefix(world, scope)?, key.to_owned()))
    }

    fn prefix(world: &World, scope: Scope) -> Result<String, StateError> {
        let (kind, id) = match scope {
            Scope::Plugin => ("plugin", Some("")),
            Scope::Conversation => ("conversation ", world.conversation.as_deref()),
            Scope::User => ("user ", world.actor.as_deref()),
        };
        id.map(|id| [kind, id].concat()).ok_or(StateError::NoScope)
    }

    pub fn get(scope: Scope, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        WORLD.with_borrow(|world| {
            let found = world.state.get(&owner(world, scope, key)?);
            let alive = |end: &Option<u64>| end.is_none_or(|end| world.now < end);
            Ok(found
                .filter(|(_, end)| alive(end))
                .map(|(value, _)| value.clone()))
        })
    }

    pub fn keys(scope: Scope, start: &str, after: Option<&str>) -> Result<Vec<String>, StateError> {
        WORLD.with_borrow(|world| {
            let owner = prefix(world, scope)?;
            Ok(world
                .state
                .keys()
                .filter(|(whose, key)| *whose == owner && key.starts_with(start))
                .map(|(_, key)| key.clone())
                .filter(|key| after.is_none_or(|after| key.as_str() > after))
                .take(1_000)
                .collect())
        })
    }

    pub fn set(scope: Scope, key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), StateError> {
        WORLD.with_borrow_mut(|world| {
            let owner = owner(world, scope, key)?;
            if value.len() > world.limits.state_value_bytes as usize {
                return Err(StateError::TooLarge);
            }
            let end = ttl.map(|ttl| world.now.saturating_add(ttl));
            world.state.insert(owner, (value.to_vec(), end));
            Ok(())
        })
    }

    pub fn delete(scope: Scope, key: &str) -> Result<(), StateError> {
        WORLD.with_borrow_mut(|world| {
            let owner = owner(world, scope, key)?;
            world.state.remove(&owner);
            Ok(())
        })
    }

    pub fn add(scope: Scope, key: &str, delta: i64) -> Result<(), StateError> {
        let number = match get(scope, key)? {
            None => 0,
            Some(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or(StateError::NotANumber)?,
        };
        let sum = number.checked_add(delta).ok_or(StateError::NotANumber)?;
        set(scope, key, sum.to_string().as_bytes(), None)
    }
}

pub mod random {
    pub fn get_random_u64() -> u64 {
        // SplitMix64: even enough for tests, and the same for the same seed.
        super::WORLD.with_borrow_mut(|world| {
            world.seed = world.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = world.seed;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        })
    }

    pub fn get_random_bytes(count: u64) -> Vec<u8> {
        (0..count).map(|_| get_random_u64() as u8).collect()
    }
}

pub mod clock {
    pub fn now() -> u64 {
        super::WORLD.with_borrow(|world| world.now)
    }
}

pub mod http {
    use crate::http::{Call, HttpError, Response};

    // The bench has bodies at once and knows no time.
    pub type AddHeaders = fn();
    pub type WriteBody = fn();
    pub type MakeOptions = fn();
    pub fn add_headers() {}
    pub fn write_body() {}
    pub fn make_options() {}

    pub fn send(call: &Call) -> Result<Response, HttpError> {
        super::WORLD.with_borrow_mut(|world| {
            world
                .requests
                .push((call.method.clone(), call.url.clone(), call.body.clone()));
            let answer = world
                .responses
                .get(&call.url)
                .cloned()
                .unwrap_or(Err(HttpError::Denied))?;
            if answer.body.len() > call.max_body {
                return Err(HttpError::TooLarge);
            }
            Ok(answer)
        })
    }
}

pub mod directory {
    pub use crate::bindings::parlor::bot::directory::{
        Chunk, ContactStatus, ConversationCapabilities, ConversationPage, PastMessage, ReadError,
        TransferOption, UserPage,
    };

    use crate::events::{Conversation, PresenceStatus, User};

    pub fn members(conversation: &str, _: Option<&str>) -> Result<UserPage, ReadError> {
        super::WORLD.with_borrow(|world| {
            if world.conversation.as_deref() == Some(conversation) {
                Ok(UserPage {
                    items: world.members.clone(),
                    next: None,
                })
            } else {
                Err(ReadError::Denied)
            }
        })
    }

    pub fn find_user(_: &str, name: &str) -> Result<User, ReadError> {
        super::WORLD.with_borrow(|world| {
            let wanted = Some(name);
            let is = |user: &&User| {
                user.email.as_deref() == wanted || user.user_name.as_deref() == wanted
            };
            world
                .members
                .iter()
                .find(is)
                .cloned()
                .ok_or(ReadError::NotFound)
        })
    }

    /// Reads that what the bench was told answers.
    macro_rules! known {
        ($($name:ident($($given:ident: $type:ty),*; $($used:ident),*) -> $answer:ty;)*) => {$(
            pub fn $name($($given: $type),*) -> Result<$answer, ReadError> {
                super::WORLD.with_borrow(|world| world.known.$name($($used),*))
            }
        )*};
    }

    known! {
        find_conversation(_bot: &str, name: &str; name) -> Conversation;
        conversations(_bot: &str, _cursor: Option<&str>, by: Option<&str>; by) -> ConversationPage;
        contact(user: &str, by: Option<&str>; by, user) -> ContactStatus;
        presence(user: &str, by: Option<&str>; by, user) -> PresenceStatus;
        message(id: &str; id) -> PastMessage;
        history(conversation: &str, before: Option<u64>, count: u32; conversation, before, count) -> Vec<PastMessage>;
        attachment(id: &str, offset: u64; id, offset) -> Chunk;
        transfer_targets(_conversation: &str; ) -> Vec<TransferOption>;
        capabilities(_conversation: &str; ) -> ConversationCapabilities;
    }
}
