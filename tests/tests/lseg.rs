//! Bots on LSEG Messenger, end to end: the whole host, its connector, and a platform on a real socket.

#[path = "lseg/actions.rs"]
mod actions;
#[path = "lseg/alone.rs"]
mod alone;
#[path = "lseg/desk.rs"]
mod desk;
#[path = "lseg/faults.rs"]
mod faults;
#[path = "lseg/joins.rs"]
mod joins;
#[path = "lseg/kept.rs"]
mod kept;
#[path = "lseg/killed.rs"]
mod killed;
#[path = "lseg/login.rs"]
mod login;
#[path = "lseg/making.rs"]
mod making;
#[path = "lseg/password.rs"]
mod password;
#[path = "lseg/rooms.rs"]
mod rooms;
#[path = "lseg/stream.rs"]
mod stream;
#[path = "lseg/ways.rs"]
mod ways;
#[path = "lseg/workflow.rs"]
mod workflow;
