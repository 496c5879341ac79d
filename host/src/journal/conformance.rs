//! One suite of small tests that every store passes.
