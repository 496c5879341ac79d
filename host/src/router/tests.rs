//! What the router promises.

mod access;
mod commands;
mod explain;
mod filters;
mod host_says;
mod parity;
mod properties;
mod support;
