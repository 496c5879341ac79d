//! A plugin's limits, in the units that people write.

use super::read::{Item, Reader};
use crate::model::limits::{LARGEST_MEMORY_BYTES, LARGEST_TABLE_ELEMENTS, Limits};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;

/// What a plugin may use where its settings say nothing.
pub const DEFAULT_LIMITS: Limits = Limits::DEFAULT;

/// One key of `limits`: its name, its least and most, its unit in the model's own, and its place.
type Row = (&'static str, u64, u64, u64, fn(&mut Limits, u64));

/// The keys. What is not here is fixed: the contract states it.
const ROWS: [Row; 16] = [
    (
        "memory-mib",
        1,
        LARGEST_MEMORY_BYTES / MIB,
        MIB,
        |limits, value| {
            limits.memory_bytes = value;
        },
    ),
    (
        "table-elements",
        1_000,
        LARGEST_TABLE_ELEMENTS as u64,
        1,
        |limits, value| {
            limits.table_elements = narrow(value);
        },
    ),
    ("cpu-ms", 1, 60_000, 1, |limits, value| {
        limits.cpu_ms = narrow(value);
    }),
    ("deadline-ms", 1, 600_000, 1, |limits, value| {
        limits.deadline_ms = narrow(value);
    }),
    ("instances", 1, 1_000, 1, |limits, value| {
        limits.instances = narrow(value);
    }),
    ("actions", 1, 1_000, 1, |limits, value| {
        limits.actions = narrow(value);
    }),
    // One turn holds at most 512 KiB of text.
    ("message-kib", 1, 512, KIB, |limits, value| {
        limits.message_bytes = narrow(value);
    }),
    ("attachment-mib", 1, 16, MIB, |limits, value| {
        limits.attachment_bytes = narrow(value);
    }),
    ("broadcast", 1, 1_000, 1, |limits, value| {
        limits.broadcast = narrow(value);
    }),
    ("log-kib", 1, 1_024, KIB, |limits, value| {
        limits.log_bytes = narrow(value);
    }),
    ("state-value-kib", 1, 256, KIB, |limits, value| {
        limits.state_value_bytes = narrow(value);
    }),
    ("state-mib", 1, 100_000, MIB, |limits, value| {
        limits.state_bytes = value;
    }),
    ("http-requests", 1, 1_000, 1, |limits, value| {
        limits.http_requests = narrow(value);
    }),
    ("http-open", 1, 64, 1, |limits, value| {
        limits.http_open = narrow(value);
    }),
    ("http-body-mib", 1, 64, MIB, |limits, value| {
        limits.http_body_bytes = value;
    }),
    ("timers", 1, 10_000, 1, |limits, value| {
        limits.timers = narrow(value);
    }),
];

pub(super) fn read_limits(reader: &mut Reader<'_>, item: &Item<'_>) -> Limits {
    let mut limits = DEFAULT_LIMITS;
    let Some(mut table) = item.table(reader) else {
        return limits;
    };
    for (name, least, most, unit, set) in ROWS {
        if let Some(number) = table
            .get(reader, name)
            .and_then(|item| item.integer(reader, least..=most))
        {
            set(&mut limits, number * unit);
        }
    }
    table.finish(reader);
    limits
}

/// The rows' greatest values fit.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
