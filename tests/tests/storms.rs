//! What goes on for long: storms, kills and wear. Each waits more than it computes, so all pass side by side in
//! one program, and nothing beside them has to be quick.

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
