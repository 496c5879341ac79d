//! The pure half of the connector: events of the feed in, MessageML out.

mod agent;
mod elements;
mod events;
mod golden;
mod hostile;
mod properties;
mod source;
mod split;
mod support;
mod tolerant;
