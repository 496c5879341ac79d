//! parlor: a host for chat bots whose behaviour is a WebAssembly component.
//!
//! `ARCHITECTURE.md` has the map. Imports go down only; a tidy test in `tests` holds that.

pub mod app;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod content;
pub mod journal;
pub mod mailbox;
pub mod model;
pub mod net;
pub mod outbox;
pub mod router;
pub mod runtime;
pub mod shutdown;
pub mod telemetry;
pub mod web;
