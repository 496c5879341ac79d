//! Settings of the journal on disk.

use crate::journal::shared::{KEEP_DEAD_MS, KEEP_FINISHED_MS};
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
    /// How long what is finished is kept.
    pub keep: Keep,
}

/// How long what is finished is kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Events, with what plugins did with them, and how actions ended.
    pub finished: u64,
    /// Dead letters, with their events.
    pub dead: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            finished: KEEP_FINISHED_MS,
            dead: KEEP_DEAD_MS,
        }
    }
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            max_bytes: DEFAULT_MAX_BYTES,
            keep: Keep::default(),
        }
    }
}
