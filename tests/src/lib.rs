//! What the end-to-end tests share: a browser, built guests, a host in the test's own process, the contract's table.

pub mod browser;
pub mod contract;
pub mod guests;
pub mod harness;
pub mod stage;
pub mod tidy;
