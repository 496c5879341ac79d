//! `parlor doctor`, as a process: on each platform's simulator with a good set-up and with broken ones,
//! beside a running host and without one.

#[path = "doctor/beside.rs"]
mod beside;
#[path = "doctor/livechat.rs"]
mod livechat;
#[path = "doctor/lseg.rs"]
mod lseg;
#[path = "doctor/room.rs"]
mod room;
#[path = "doctor/symphony.rs"]
mod symphony;
#[path = "doctor/webex.rs"]
mod webex;
