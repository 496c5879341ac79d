//! Writes 64 MiB to standard output, or standard error, then answers.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this guest tests what becomes of both"
)]

use std::io::Write;

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "stdout-flood", summary = "Floods standard output")]
impl Guest {
    #[message(equals = "stdout")]
    fn stdout(&mut self) -> String {
        flood(std::io::stdout().lock())
    }

    #[message(equals = "stderr")]
    fn stderr(&mut self) -> String {
        flood(std::io::stderr().lock())
    }

    #[message(equals = "one")]
    fn one(&mut self) -> &'static str {
        println!("a line on stdout");
        eprintln!("a line on stderr");
        "printed"
    }
}

fn flood(mut to: impl Write) -> String {
    let part = [b'x'; 4_096];
    for parts in 0..(64 << 20) / part.len() {
        if to.write_all(&part).is_err() {
            return format!("refused after {parts} parts");
        }
    }
    "flooded".into()
}
