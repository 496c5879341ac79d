//! What the end-to-end tests share: a browser, built guests, a host in the test's own process or in one
//! that can be killed, bots on the simulators, a clock that can be set, the world outside, the contract's
//! table, and how large tests are.

pub mod api;
pub mod bdk;
pub mod bindings;
pub mod book;
pub mod bots;
pub mod browser;
pub mod candidate;
pub mod checkers;
pub mod clock;
pub mod contract;
pub mod coverage;
pub mod everywhere;
pub mod flood;
pub mod fuzz;
pub mod guests;
pub mod harness;
pub mod hooks;
pub mod injection;
pub mod kinds;
pub mod logs;
pub mod openapi;
pub mod outside;
pub mod person;
pub mod process;
pub mod python;
pub mod random;
pub mod scale;
pub mod sim;
pub mod stage;
pub mod storm;
pub mod tidy;
pub mod transcript;
pub mod wear;
pub mod written;
