//! Simulators of the platforms: faithful local copies on a real socket, scripted from tests and by hand.
//!
//! A simulator follows its platform's documents, never the connector, so that both can be wrong apart.
//! What all platforms share lies here: one server with its faults, the record of what was asked, the
//! control API below `/_sim`, a clock that may run faster. A platform is a folder beside this.

mod bell;
mod clock;
mod control;
mod der;
mod fault;
mod http;
pub mod livechat;
pub mod lseg;
mod options;
mod platform;
mod record;
mod server;
mod socket;
pub mod symphony;
pub mod webex;
pub(crate) mod witness;

pub(crate) use bell::found_in_time;
pub use clock::Clock;
pub use control::Controls;
pub use fault::{Dice, Fault};
pub use http::{Reply, Request};
pub use options::SimOptions;
pub use platform::{Platform, Sent};
pub use record::{Logged, Record};
pub use server::{Listening, Server, Shared, Tls};
pub use socket::{Opened, Socket};
pub use witness::{Handout, Posted};

/// Says what tests did not show, past the capture of their output: whoever runs them must know.
pub fn left_out(what: &str) {
    use std::io::Write as _;
    // Where nobody listens nothing can be said.
    if writeln!(std::io::stderr(), "LEFT OUT: {what}").is_err() {}
}
