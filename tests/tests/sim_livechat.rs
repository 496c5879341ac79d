//! The copy of LiveChat follows its documents, asked as any client asks.

#[path = "sim_livechat/accounts.rs"]
mod accounts;
#[path = "sim_livechat/chats.rs"]
mod chats;
#[path = "sim_livechat/client.rs"]
mod client;
#[path = "sim_livechat/hooks.rs"]
mod hooks;
#[path = "sim_livechat/pizzabot.rs"]
mod pizzabot;
#[path = "sim_livechat/program.rs"]
mod program;
#[path = "sim_livechat/rtm.rs"]
mod rtm;
#[path = "sim_livechat/settings.rs"]
mod settings;
