# Made of wit/ by tests/tests/bindings.rs; do not edit.
