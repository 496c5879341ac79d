//! What a plugin may ask the host for: one file for each import.

mod config;
mod directory;
mod http;
pub mod log;
mod state;

pub(super) use http::HttpDoor;
pub(super) use state::{StateCall, StateFrom};

pub use directory::{DirectoryReads, NoReads};
pub use state::StateReads;
