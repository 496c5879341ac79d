//! The journal in memory: for tests and `parlor chat`.
