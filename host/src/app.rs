//! The only place where siblings meet: joins connectors, router, runtime, outbox and web.

pub mod activity;
mod answers;
mod bots;
mod clock;
mod closing;
mod contents;
pub mod control;
pub mod dev;
pub mod doctor;
pub mod entry;
mod events;
mod failures;
mod forms;
mod hearing;
pub mod hooks;
pub mod host;
mod hosting;
pub mod intake;
mod metrics;
mod observe;
mod outcomes;
mod outside;
pub mod password;
pub mod platforms;
pub mod plugins;
pub mod preview;
mod reads;
pub mod reload;
pub mod replay;
pub mod rest;
mod sends;
pub mod sessions;
mod speaker;
mod submission;
mod timers;

pub use host::{Host, HostParts};
