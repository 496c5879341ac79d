//! What one plugin may use.

use serde::{Deserialize, Serialize};

/// What one plugin may use, each as it is enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Linear memory of one instance in bytes, all memories together.
    pub memory_bytes: u64,
    /// Elements of all tables of one instance.
    pub table_elements: u32,
    /// Processor time of one call in milliseconds.
    pub cpu_ms: u32,
    /// Time of one call in milliseconds, host calls and waiting included.
    pub deadline_ms: u32,
    /// Instances alive at one time.
    pub instances: u32,
    /// Actions of one event.
    pub actions: u32,
    /// Bytes of text in one message.
    pub message_bytes: u32,
    /// Bytes of one attachment.
    pub attachment_bytes: u32,
    /// Bytes of all attachments of one event.
    pub attachments_bytes: u32,
    /// Conversations of one broadcast.
    pub broadcast: u32,
    /// Bytes of one action's key.
    pub action_key_bytes: u32,
    /// Bytes of log lines, stdout and stderr of one call together.
    pub log_bytes: u32,
    /// Bytes of one state key.
    pub state_key_bytes: u32,
    /// Bytes of one state value.
    pub state_value_bytes: u32,
    /// Bytes of the plugin's state, keys and values.
    pub state_bytes: u64,
    /// Bytes of random data in one request to the host.
    pub random_bytes: u32,
    /// Handles and resources of one instance.
    pub handles: u32,
    /// HTTP requests of one call.
    pub http_requests: u32,
    /// HTTP requests open at one time.
    pub http_open: u32,
    /// Bytes of one HTTP response's body.
    pub http_body_bytes: u64,
    /// Bytes of one HTTP message's headers.
    pub http_header_bytes: u32,
    /// Timers of one plugin.
    pub timers: u32,
    /// Bytes that the host copies out of one call.
    pub result_bytes: u64,
}

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;
/// The same, for limits that do not fit into 32 bits at their largest.
const WIDE_MIB: u64 = 1024 * 1024;

/// Linear memory that the largest setting gives to one instance: one slot of the pool.
pub const LARGEST_MEMORY_BYTES: u64 = 1_024 * WIDE_MIB;
/// Table elements that the largest setting gives to one instance: those of one slot of the pool.
pub const LARGEST_TABLE_ELEMENTS: u32 = 32_768;

impl Limits {
    /// What a plugin may use where its settings say nothing.
    pub const DEFAULT: Self = Self {
        memory_bytes: 64 * WIDE_MIB,
        // JavaScript and Python components have 7,689 and 5,672 elements.
        table_elements: 20_000,
        cpu_ms: 100,
        deadline_ms: 5_000,
        instances: 8,
        actions: 100,
        message_bytes: 64 * KIB,
        attachment_bytes: 10 * MIB,
        attachments_bytes: 16 * MIB,
        broadcast: 1_000,
        action_key_bytes: 64,
        log_bytes: 64 * KIB,
        state_key_bytes: 256,
        state_value_bytes: 64 * KIB,
        state_bytes: 64 * WIDE_MIB,
        random_bytes: 64 * KIB,
        handles: 1_024,
        http_requests: 16,
        http_open: 4,
        http_body_bytes: 4 * WIDE_MIB,
        http_header_bytes: 16 * KIB,
        timers: 10_000,
        result_bytes: 24 * WIDE_MIB,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
