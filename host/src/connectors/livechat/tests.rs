//! What the connector does without a platform.

mod events;
mod golden;
mod requests;
mod support;
mod tolerant;
