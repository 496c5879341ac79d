//! Tests of the terminal with scripts.
