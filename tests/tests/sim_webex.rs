//! The simulator of Webex behaves as the platform's document says.

#[path = "sim_webex/api.rs"]
mod api;
#[path = "sim_webex/client.rs"]
mod client;
#[path = "sim_webex/hooks.rs"]
mod hooks;
#[path = "sim_webex/seed.rs"]
mod seed;
#[path = "sim_webex/socket.rs"]
mod socket;
