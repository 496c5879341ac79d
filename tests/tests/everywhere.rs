//! One host with a bot on every platform at one time, all served by the same plugin files.

#[path = "everywhere/cells.rs"]
mod cells;
#[path = "everywhere/demos.rs"]
mod demos;
