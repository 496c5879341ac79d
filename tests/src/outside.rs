//! The world outside, on loopback: servers with TLS whose names nobody can look up, a proxy that wants
//! a password and knows where they are, and means to find what of all this stays with the host.

mod authority;
mod log;
mod proxy;
mod search;
pub mod world;

pub use authority::{Authority, Pair};
pub use log::keep_log;
pub use proxy::TestProxy;
pub use search::{files, holds};
pub use world::Outside;
