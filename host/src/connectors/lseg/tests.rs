//! Tests of the connector without a platform.

mod events;
mod golden;
mod properties;
