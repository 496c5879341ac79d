//! Tests of the sender against servers on loopback.
