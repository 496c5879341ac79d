//! Platform connectors, one folder each.

pub mod local;
pub mod lseg;
pub mod symphony;
