//! The only place where siblings meet: joins connectors, router, runtime, outbox and web.

mod answers;
mod bots;
mod clock;
mod contents;
pub mod entry;
mod forms;
pub mod host;
pub mod intake;
mod outcomes;
pub mod plugins;
mod reads;
pub mod reload;
mod speaker;
mod submission;
mod timers;

pub use host::{Host, HostParts};
