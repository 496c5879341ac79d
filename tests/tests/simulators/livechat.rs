//! The copy of LiveChat follows its documents, asked as any client asks.

#[path = "livechat/accounts.rs"]
mod accounts;
#[path = "livechat/chats.rs"]
mod chats;
#[path = "livechat/client.rs"]
mod client;
#[path = "livechat/hooks.rs"]
mod hooks;
#[path = "livechat/pizzabot.rs"]
mod pizzabot;
#[path = "livechat/program.rs"]
mod program;
#[path = "livechat/rtm.rs"]
mod rtm;
#[path = "livechat/settings.rs"]
mod settings;
