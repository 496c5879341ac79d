//! Symphony: a bank's messenger, by its datafeed and REST interface.
//!
//! `convert` and `render` are pure: what the platform says into events, content into MessageML.

pub mod convert;
pub mod ids;
pub mod render;
pub mod split;
pub mod wire;

#[cfg(test)]
mod tests;

/// The platform's name in events and settings.
pub const PLATFORM: &str = "symphony";
