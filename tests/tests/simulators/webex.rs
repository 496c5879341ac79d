//! The simulator of Webex behaves as the platform's document says.

#[path = "webex/api.rs"]
mod api;
#[path = "webex/client.rs"]
mod client;
#[path = "webex/hooks.rs"]
mod hooks;
#[path = "webex/seed.rs"]
mod seed;
#[path = "webex/socket.rs"]
mod socket;
