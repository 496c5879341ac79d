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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_hello_by_name() {
        let mut bench = Bench::new(Echo);
        assert_eq!(bench.say("hello").texts(), ["Hello Ada"]);
        assert_eq!(bench.say(" HELLO ").texts(), ["Hello Ada"]);
        assert_eq!(
            bench.user("Grace", "Hopper").say("hello").texts(),
            ["Hello Grace"]
        );
        assert_eq!(bench.say("hello there").actions, []);
    }

    #[test]
    fn repeats_the_text() {
        let mut bench = Bench::new(Echo);
        assert_eq!(bench.say("/echo one  two").texts(), ["one  two"]);
    }
}
