//! What goes on for long: storms, kills and wear. Small ones pass side by side, since each waits more than it computes;
//! whole ones take turns.

#[path = "storms/kill.rs"]
mod kill;
#[path = "storms/local.rs"]
mod local;
#[path = "storms/platforms.rs"]
mod platforms;
#[path = "storms/symphony.rs"]
mod symphony;
#[path = "storms/wear.rs"]
mod wear;
