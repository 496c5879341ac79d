//! A plugin's limits, in the units that people write.

use super::read::{Item, Reader};
use crate::model::limits::{LARGEST_MEMORY_BYTES, LARGEST_TABLE_ELEMENTS, Limits};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;

/// What a plugin may use where its settings say nothing.
pub const DEFAULT_LIMITS: Limits = Limits::DEFAULT;

/// One key of `limits`.
struct Row {
    name: &'static str,
    /// What it bounds, beginning with its unit.
    bounds: &'static str,
    least: u64,
    most: u64,
    /// How much of the model's own unit is one of the key's.
    unit: u64,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

/// The keys. What is not here is fixed: the contract states it.
const ROWS: [Row; 16] = [
    Row {
        name: "memory-mib",
        bounds: "MiB of memory of an instance",
        least: 1,
        most: LARGEST_MEMORY_BYTES / MIB,
        unit: MIB,
        get: |limits| limits.memory_bytes,
        set: |limits, value| limits.memory_bytes = value,
    },
    Row {
        name: "table-elements",
        bounds: "elements of the tables of an instance",
        least: 1_000,
        most: LARGEST_TABLE_ELEMENTS as u64,
        unit: 1,
        get: |limits| u64::from(limits.table_elements),
        set: |limits, value| limits.table_elements = narrow(value),
    },
    Row {
        name: "cpu-ms",
        bounds: "milliseconds of processor time of a call",
        least: 1,
        most: 60_000,
        unit: 1,
        get: |limits| u64::from(limits.cpu_ms),
        set: |limits, value| limits.cpu_ms = narrow(value),
    },
    Row {
        name: "deadline-ms",
        bounds: "milliseconds until a call must have ended, waiting included",
        least: 1,
        most: 600_000,
        unit: 1,
        get: |limits| u64::from(limits.deadline_ms),
        set: |limits, value| limits.deadline_ms = narrow(value),
    },
    Row {
        name: "instances",
        bounds: "instances at one time",
        least: 1,
        most: 1_000,
        unit: 1,
        get: |limits| u64::from(limits.instances),
        set: |limits, value| limits.instances = narrow(value),
    },
    Row {
        name: "actions",
        bounds: "actions of one event",
        least: 1,
        most: 1_000,
        unit: 1,
        get: |limits| u64::from(limits.actions),
        set: |limits, value| limits.actions = narrow(value),
    },
    // One turn holds at most 512 KiB of text.
    Row {
        name: "message-kib",
        bounds: "KiB of text of a message",
        least: 1,
        most: 512,
        unit: KIB,
        get: |limits| u64::from(limits.message_bytes),
        set: |limits, value| limits.message_bytes = narrow(value),
    },
    Row {
        name: "attachment-mib",
        bounds: "MiB of an attachment",
        least: 1,
        most: 16,
        unit: MIB,
        get: |limits| u64::from(limits.attachment_bytes),
        set: |limits, value| limits.attachment_bytes = narrow(value),
    },
    Row {
        name: "broadcast",
        bounds: "conversations of a broadcast",
        least: 1,
        most: 1_000,
        unit: 1,
        get: |limits| u64::from(limits.broadcast),
        set: |limits, value| limits.broadcast = narrow(value),
    },
    Row {
        name: "log-kib",
        bounds: "KiB of log lines of a call",
        least: 1,
        most: 1_024,
        unit: KIB,
        get: |limits| u64::from(limits.log_bytes),
        set: |limits, value| limits.log_bytes = narrow(value),
    },
    Row {
        name: "state-value-kib",
        bounds: "KiB of a value in the state",
        least: 1,
        most: 256,
        unit: KIB,
        get: |limits| u64::from(limits.state_value_bytes),
        set: |limits, value| limits.state_value_bytes = narrow(value),
    },
    Row {
        name: "state-mib",
        bounds: "MiB of state",
        least: 1,
        most: 100_000,
        unit: MIB,
        get: |limits| limits.state_bytes,
        set: |limits, value| limits.state_bytes = value,
    },
    Row {
        name: "http-requests",
        bounds: "HTTP requests of a call",
        least: 1,
        most: 1_000,
        unit: 1,
        get: |limits| u64::from(limits.http_requests),
        set: |limits, value| limits.http_requests = narrow(value),
    },
    Row {
        name: "http-open",
        bounds: "HTTP requests open at one time",
        least: 1,
        most: 64,
        unit: 1,
        get: |limits| u64::from(limits.http_open),
        set: |limits, value| limits.http_open = narrow(value),
    },
    Row {
        name: "http-body-mib",
        bounds: "MiB of the body of an HTTP response",
        least: 1,
        most: 64,
        unit: MIB,
        get: |limits| limits.http_body_bytes,
        set: |limits, value| limits.http_body_bytes = value,
    },
    Row {
        name: "timers",
        bounds: "timers at one time",
        least: 1,
        most: 10_000,
        unit: 1,
        get: |limits| u64::from(limits.timers),
        set: |limits, value| limits.timers = narrow(value),
    },
];

/// Every key of `limits`, with what it is where the settings say nothing and what it bounds.
pub(super) fn limit_defaults() -> impl Iterator<Item = (&'static str, u64, &'static str)> {
    let row = |row: &'static Row| (row.name, (row.get)(&DEFAULT_LIMITS) / row.unit, row.bounds);
    ROWS.iter().map(row)
}

pub(super) fn read_limits(reader: &mut Reader<'_>, item: &Item<'_>) -> Limits {
    let mut limits = DEFAULT_LIMITS;
    let Some(mut table) = item.table(reader) else {
        return limits;
    };
    for row in &ROWS {
        if let Some(number) = table
            .get(reader, row.name)
            .and_then(|item| item.integer(reader, row.least..=row.most))
        {
            (row.set)(&mut limits, number * row.unit);
        }
    }
    table.finish(reader);
    limits
}

/// The rows' greatest values fit.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
