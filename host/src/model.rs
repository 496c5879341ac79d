//! Plain data that every part shares: events, actions, content, what a plugin says of itself.
//!
//! Nothing here does I/O. `wit/` states the same shapes as the contract with plugins;
//! `runtime::convert` maps between the two.

pub mod action;
pub mod age;
pub mod config;
pub mod content;
pub mod delivery;
pub mod description;
pub mod dialog;
pub mod directory;
pub mod event;
pub mod grants;
pub mod limits;
pub mod payload;
pub mod secret;

mod base64_bytes;

/// A name that is copied often: a tenant, a plugin, a conversation's id.
pub type Name = std::sync::Arc<str>;

/// A map of names and what is made of them, on the way of every message. Its hasher is seeded
/// anew for each map, because names come from outside.
pub type NameMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A set of names, as [`NameMap`].
pub type NameSet<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Timestamp = u64;

/// The tenant of everything that no tenant's folder names.
pub const DEFAULT_TENANT: &str = "default";

/// The built-in plugin under whose name the host itself speaks.
pub const HOST_PLUGIN: &str = "host";

fn is_false(value: &bool) -> bool {
    !*value
}
