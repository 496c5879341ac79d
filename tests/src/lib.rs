//! What the end-to-end tests share: a browser, built guests, a host in the test's own process, the world outside, the
//! contract's table.

pub mod browser;
pub mod contract;
pub mod guests;
pub mod harness;
pub mod outside;
pub mod tidy;
