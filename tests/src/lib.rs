//! What the end-to-end tests share: a browser, built guests, a host in the test's own process or in one
//! of its own, the contract's table.

pub mod browser;
pub mod contract;
pub mod flood;
pub mod guests;
pub mod harness;
pub mod hooks;
pub mod process;
pub mod tidy;
