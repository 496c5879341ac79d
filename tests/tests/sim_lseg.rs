//! The simulator of LSEG Messenger behaves as the platform's document says (§7 is its checklist).

#[path = "sim_lseg/client.rs"]
mod client;
#[path = "sim_lseg/program.rs"]
mod program;
#[path = "sim_lseg/rest.rs"]
mod rest;
#[path = "sim_lseg/stream.rs"]
mod stream;
#[path = "sim_lseg/token.rs"]
mod token;
