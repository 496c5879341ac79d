//! Declares a setting of every kind and answers what it was given.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "settings", summary = "Tells its settings")]
#[config("text", text, default = "plain", help = "A text")]
#[config("number", number, help = "A number")]
#[config("flag", flag, help = "Yes or no")]
#[config("duration", duration, default = "5m", help = "A duration")]
#[config("choice", choice("red", "green"), default = "red", help = "A colour")]
#[config("list", list, help = "Texts")]
#[config("prefix", text, default = "bot", help = "The first word of a command")]
impl Guest {
    #[command("show {key}")]
    fn show(&mut self, key: String) -> String {
        format!("{:?}", config::get(&key))
    }

    #[command("{=prefix} prefix")]
    fn prefix(&mut self) -> &'static str {
        "by a prefix from the settings"
    }
}
