//! Platform connectors, one folder each.

pub mod local;
