//! Bots on Webex, end to end: the whole host, its connector, and a platform on a real socket.

#[path = "webex/actions.rs"]
mod actions;
#[path = "webex/cloud.rs"]
mod cloud;
#[path = "webex/demos.rs"]
mod demos;
#[path = "webex/faults.rs"]
mod faults;
#[path = "webex/gaps.rs"]
mod gaps;
#[path = "webex/kinds.rs"]
mod kinds;
#[path = "webex/socket.rs"]
mod socket;
