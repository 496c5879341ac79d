//! The host's clock, and ids that are made from it and chance.

use crate::model::Timestamp;

/// Milliseconds since 1970.
pub(super) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}

/// An id for one event's way through logs and outgoing calls: 16 hexadecimal digits.
pub(super) fn trace_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness the clock alone still tells neighbours in time apart.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = now().to_le_bytes();
    }
    format!("{:016x}", u64::from_le_bytes(bytes))
}
