//! The simulator of Symphony behaves as the platform's document says, and answers as the official
//! descriptions have it.

#[path = "sim_symphony/auth.rs"]
mod auth;
#[path = "sim_symphony/client.rs"]
mod client;
#[path = "sim_symphony/faults.rs"]
mod faults;
#[path = "sim_symphony/feeds.rs"]
mod feeds;
#[path = "sim_symphony/messages.rs"]
mod messages;
#[path = "sim_symphony/people.rs"]
mod people;
#[path = "sim_symphony/program.rs"]
mod program;
#[path = "sim_symphony/rooms.rs"]
mod rooms;
