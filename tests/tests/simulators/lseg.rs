//! The simulator of LSEG Messenger behaves as the platform's document says (§7 is its checklist).

#[path = "lseg/client.rs"]
mod client;
#[path = "lseg/program.rs"]
mod program;
#[path = "lseg/rest.rs"]
mod rest;
#[path = "lseg/stream.rs"]
mod stream;
#[path = "lseg/token.rs"]
mod token;
