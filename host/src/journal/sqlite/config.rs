//! Settings of the journal on disk.

use serde::{Deserialize, Serialize};

/// Bytes of the database where the settings say nothing.
pub const DEFAULT_MAX_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// What a write survives once it is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// The loss of power.
    #[default]
    Power,
    /// The end of the process, however it comes; not the loss of power.
    Process,
}

/// Settings of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteConfig {
    /// What a write survives.
    pub durability: Durability,
    /// Bytes that the database may take. Intake pauses at 90 % and goes on at 80 %.
    pub max_bytes: u64,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }
}
