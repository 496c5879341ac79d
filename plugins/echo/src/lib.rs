//! Says hello, and repeats.

use parlor_sdk::prelude::*;

/// The echo plugin.
#[derive(Debug, Default)]
pub struct Echo;

#[behaviour(name = "echo", summary = "Says hello, and repeats what it is told")]
impl Echo {
    #[command(
        "/echo {text...}",
        help = "Repeats the text",
        arguments(text = "what to repeat")
    )]
    fn echo(&mut self, cx: &Context, text: String) -> Reply {
        cx.reply(text)
    }

    #[message(equals = "hello")]
    fn hello(&mut self, cx: &Context) -> Reply {
        cx.reply(["Hello ", cx.first_name()].concat())
    }
}
