//! The simulator of Symphony behaves as the platform's document says, and answers as the official
//! descriptions have it.

#[path = "symphony/auth.rs"]
mod auth;
#[path = "symphony/client.rs"]
mod client;
#[path = "symphony/faults.rs"]
mod faults;
#[path = "symphony/feeds.rs"]
mod feeds;
#[path = "symphony/messages.rs"]
mod messages;
#[path = "symphony/people.rs"]
mod people;
#[path = "symphony/program.rs"]
mod program;
#[path = "symphony/rooms.rs"]
mod rooms;
