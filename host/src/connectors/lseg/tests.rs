//! Tests of the connector without a platform.

pub(super) mod events;
mod golden;
mod properties;
