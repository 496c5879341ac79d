//! {{summary}}.

use parlor_sdk::prelude::*;

#[derive(Default)]
struct Plugin;

#[behaviour(summary = "{{summary}}")]
impl Plugin {
    /// `{whom...}` takes the rest of the line.
    #[command(
        "/greet {whom...}",
        help = "Greets somebody",
        arguments(whom = "who is greeted")
    )]
    fn greet(&mut self, whom: String) -> String {
        format!("Hello, {whom}!")
    }

    /// The host refuses what is no whole number and says how the command is used; `sides` is one.
    #[command(
        "/roll {sides:int}",
        help = "Rolls a die",
        arguments(sides = "how many sides it has")
    )]
    fn roll(&mut self, cx: &Context, sides: u64) -> Reply {
        if sides < 2 {
            return cx.reply("A die has at least two sides.");
        }
        let rolled = 1 + random::below(sides);
        cx.reply(format!("{} rolled {rolled}.", cx.first_name()))
    }
}
