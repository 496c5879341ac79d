//! Writes 64 MiB of log lines, then answers. With control characters in them: a terminal must not see those.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "log-flood", summary = "Floods the log")]
impl Guest {
    #[message(equals = "flood")]
    fn flood(&mut self) -> &'static str {
        let line = "\u{1b}[2Jx".repeat(1_024);
        for _ in 0..(64 << 20) / line.len() {
            log::info(&line);
        }
        "flooded"
    }

    #[message(equals = "huge")]
    fn huge(&mut self) -> &'static str {
        log::info("x".repeat(16 << 20));
        "flooded"
    }

    #[message(equals = "one")]
    fn one(&mut self) -> &'static str {
        log::warn("one line with \u{1b}[31mred\u{1b}[0m and\na second line");
        "logged"
    }
}
