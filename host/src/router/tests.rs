//! The grammar's parity table and the rules of routing.
