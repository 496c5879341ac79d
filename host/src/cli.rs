//! The command line: one module a verb.

pub mod chat;
