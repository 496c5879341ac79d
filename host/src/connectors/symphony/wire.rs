//! What Symphony sends and takes, as it is on the wire.

pub mod event;
pub mod rest;
mod scalar;
