//! {{summary}}.

use std::time::Duration;

use parlor_sdk::prelude::*;

/// A year; what is longer is a mistake of typing.
const LONGEST_MINUTES: u64 = 366 * 24 * 60;

#[derive(Default)]
struct Plugin;

#[behaviour(summary = "{{summary}}")]
impl Plugin {
    #[command(
        "/remind {minutes:int} {text...}",
        help = "Reminds you later",
        arguments(minutes = "in how many minutes", text = "of what")
    )]
    fn remind(&mut self, cx: &Context, minutes: u64, text: String) -> Reply {
        if !(1..=LONGEST_MINUTES).contains(&minutes) {
            return cx.reply("A reminder takes 1 minute to 366 days.");
        }
        // The number stays the same when an event is handled again: still one reminder.
        let name = format!("remind:{}", cx.event().sequence);
        let pause = Duration::from_secs(minutes * 60);
        cx.reply(format!("I will remind you in {minutes} min."))
            .and(Timer::after(name, pause).payload(text))
    }

    /// Timers are kept by the host: they fire after a restart, too.
    #[timer(prefix = "remind:")]
    fn due(&mut self, cx: &Context, text: String) -> Reply {
        cx.reply(text)
    }
}
