//! Writes 64 MiB of log lines, then answers. With control characters in them: a terminal must not see those.
//! `write N M` writes M lines of N bytes, `say LEVEL TEXT` one of that level.

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

    #[command("write {bytes:int} {lines:int}")]
    fn write(&mut self, bytes: usize, lines: usize) -> &'static str {
        for _ in 0..lines {
            log::info("x".repeat(bytes));
        }
        "written"
    }

    #[command("say {level} {text...}")]
    fn say(&mut self, level: String, text: String) -> &'static str {
        match level.as_str() {
            "trace" => log::trace(text),
            "debug" => log::debug(text),
            "info" => log::info(text),
            "warn" => log::warn(text),
            _ => log::error(text),
        }
        "said"
    }

    #[message(equals = "one")]
    fn one(&mut self) -> &'static str {
        log::warn("one line with \u{1b}[31mred\u{1b}[0m and\na second line");
        "logged"
    }
}
