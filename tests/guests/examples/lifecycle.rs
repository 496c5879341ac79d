//! Tells the conversation in its setting `to` what it hears of its own life, and through which bot.

use parlor_sdk::events::Lifecycle;
use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "lifecycle",
    version = "2.0.0",
    summary = "Tells of its own life"
)]
#[config("to", text, required, help = "The conversation that is told")]
#[config("by", text, default = "parlor", help = "The bot that tells it")]
#[config("word", text, default = "nothing", help = "What a change is told by")]
#[capability(
    action = "send-conversation",
    reason = "Its own life happens in no conversation"
)]
impl Guest {
    #[on(lifecycle)]
    fn lived(&mut self, cx: &Context, change: &Lifecycle) -> Reply {
        let bot = cx.bot().map_or("no bot", |bot| bot.name.as_str());
        let what = match change {
            Lifecycle::Started => "started".into(),
            Lifecycle::ConfigChanged => format!(
                "config-changed to {}",
                config::text("word").unwrap_or_default()
            ),
            Lifecycle::Reloaded(from) => format!("reloaded from {from}"),
            Lifecycle::Draining => "draining".into(),
        };
        let to = config::text("to").unwrap_or_default();
        let message = Message::to_conversation(to, format!("{what}, {bot}"));
        match cx.bot() {
            Some(_) => message.into(),
            // Where the host has several bots, an event of none does not say which is meant.
            None => message.bot(config::text("by").unwrap_or_default()).into(),
        }
    }
}
