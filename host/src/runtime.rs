//! Runs plugins.

#[expect(missing_docs, reason = "generated; the documentation is in wit/")]
pub mod bindings;
