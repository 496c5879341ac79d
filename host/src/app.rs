//! The only place where siblings meet: joins connectors, router, runtime, outbox and web.

pub mod activity;
mod bots;
mod clock;
mod contents;
pub mod entry;
mod forms;
pub mod hooks;
pub mod host;
pub mod intake;
mod metrics;
mod observe;
mod outcomes;
mod outside;
pub mod plugins;
mod reads;
pub mod reload;
mod speaker;
mod submission;
mod timers;

pub use host::{Host, HostParts};
