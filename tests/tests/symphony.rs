//! Bots on Symphony, end to end: the whole host, its connector, and a pod on a real socket.

#[path = "symphony/actions.rs"]
mod actions;
#[path = "symphony/bank.rs"]
mod bank;
#[path = "symphony/demos.rs"]
mod demos;
#[path = "symphony/faults.rs"]
mod faults;
#[path = "symphony/login.rs"]
mod login;
