//! Tells what of it matched: a command with its arguments or a word in passing, and how the bot was
//! spoken to. `over` ends what a test wants to hear.

use parlor_sdk::events::Addressing;
use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "matched", summary = "Tells what matched")]
impl Guest {
    #[command("/joke", help = "With a mention or without")]
    fn joke(&mut self, cx: &Context) -> Reply {
        told(cx, "joke")
    }

    #[command("/called", mention = required, help = "With a mention")]
    fn called(&mut self, cx: &Context) -> Reply {
        told(cx, "called")
    }

    #[command("/uncalled", mention = never, help = "Without a mention")]
    fn uncalled(&mut self, cx: &Context) -> Reply {
        told(cx, "uncalled")
    }

    #[command(
        "/buy {quantity} {$ticker}",
        help = "With two arguments",
        arguments(quantity = "a word", ticker = "a cashtag")
    )]
    fn buy(&mut self, cx: &Context, quantity: String, ticker: Cashtag) -> Reply {
        told(cx, &format!("buy {quantity} of {}", ticker.ticker))
    }

    #[message(equals = "hello")]
    fn hello(&mut self, cx: &Context) -> Reply {
        told(cx, "hello")
    }

    #[message(regex = r"(?i)^\s*please convert (?P<symbol>\S+) to (?P<kind>\w+)\s*$")]
    fn convert(&mut self, cx: &Context, symbol: String, kind: String) -> Reply {
        told(cx, &format!("convert {symbol} to {kind}"))
    }

    #[message(equals = "over")]
    fn over(&mut self, cx: &Context) -> Reply {
        told(cx, "over")
    }
}

fn told(cx: &Context, what: &str) -> Reply {
    let how = match cx.event().addressing {
        Addressing::Direct => "alone",
        Addressing::Mention => "mentioned",
        Addressing::Prefix => "by prefix",
        Addressing::Ambient => "in passing",
    };
    cx.reply(format!("{how}: {what}"))
}
