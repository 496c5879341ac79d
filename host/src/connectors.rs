//! Platform connectors, one folder each.
