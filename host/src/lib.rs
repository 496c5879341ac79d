//! parlor: a host for chat bots whose behaviour is a WebAssembly component.
//!
//! `ARCHITECTURE.md` has the map. Imports go down only; `tests/src/tidy.rs` holds that.

pub mod content;
pub mod model;
pub mod router;
pub mod runtime;
