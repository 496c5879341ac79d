//! The runtime's own cost beside wasmtime's.
fn main() {}
