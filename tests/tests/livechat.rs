//! Bots on LiveChat, end to end: the whole host, its connector, and the platform on a real socket.

#[path = "livechat/demos.rs"]
mod demos;
#[path = "livechat/desk.rs"]
mod desk;
#[path = "livechat/faults.rs"]
mod faults;
#[path = "livechat/gate.rs"]
mod gate;
#[path = "livechat/install.rs"]
mod install;
#[path = "livechat/missed.rs"]
mod missed;
#[path = "livechat/pizza.rs"]
mod pizza;
#[path = "livechat/samples.rs"]
mod samples;
#[path = "livechat/tokens.rs"]
mod tokens;
#[path = "livechat/triage.rs"]
mod triage;
#[path = "livechat/ways.rs"]
mod ways;
