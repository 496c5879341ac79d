//! Bots on Symphony, end to end: the whole host, its connector, and a pod on a real socket.

#[path = "symphony/actions.rs"]
mod actions;
#[path = "symphony/alone.rs"]
mod alone;
#[path = "symphony/balancing.rs"]
mod balancing;
#[path = "symphony/bank.rs"]
mod bank;
#[path = "symphony/behalf.rs"]
mod behalf;
#[path = "symphony/demos.rs"]
mod demos;
#[path = "symphony/described.rs"]
mod described;
#[path = "symphony/early.rs"]
mod early;
#[path = "symphony/faults.rs"]
mod faults;
#[path = "symphony/gaps.rs"]
mod gaps;
#[path = "symphony/kinds.rs"]
mod kinds;
#[path = "symphony/large.rs"]
mod large;
#[path = "symphony/login.rs"]
mod login;
#[path = "symphony/manners.rs"]
mod manners;
#[path = "symphony/places.rs"]
mod places;
#[path = "symphony/pod.rs"]
mod pod;
#[path = "symphony/ways.rs"]
mod ways;
