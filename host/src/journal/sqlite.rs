//! The journal in SQLite: one writer thread, group commit.
