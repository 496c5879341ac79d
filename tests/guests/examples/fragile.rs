//! Works, but for one thing that its setting `at` names: each fails one of the tests that every plugin gets.

use std::cell::Cell;

use parlor_sdk::prelude::*;

thread_local! {
    /// What an instance should not remember.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "fragile", summary = "Breaks where it is told to")]
#[config(
    "at",
    choice(
        "nothing", "missing", "empty", "large", "unicode", "kind", "memory", "post", "slow",
        "greedy"
    ),
    default = "nothing",
    help = "What it cannot take"
)]
#[capability(http = "POST https://*", reason = "To do what it should not", optional)]
impl Guest {
    #[command("/put {what}", help = "Takes a thing")]
    fn put(&mut self, cx: &Context, what: String) -> Result<Reply, Error> {
        let calls = CALLS.replace(CALLS.get() + 1);
        match at().as_str() {
            "memory" => return Ok(cx.reply(format!("{what} is the {calls}. thing"))),
            "post" => {
                // The answer does not matter, and that is what is wrong with it.
                let _sent = http::post("https://orders.example/", "text/plain", what.clone());
            }
            "slow" => spin(),
            "greedy" => {
                let much = vec![1u8; 70 * 1024 * 1024];
                return Ok(cx.reply(format!("{} bytes", much.len())));
            }
            _ => {}
        }
        state::conversation().set("last", &what)?;
        Ok(cx.reply(format!("took {what}")))
    }

    #[command("/take {what?}", help = "Gives a thing back")]
    fn take(&mut self, cx: &Context, what: Option<String>) -> Reply {
        if at() == "missing" && what.is_none() {
            panic!("nobody says what to take");
        }
        cx.reply("gave it back")
    }

    #[message]
    fn heard(&mut self, cx: &Context) -> Reply {
        let text = cx.text();
        match at().as_str() {
            "empty" if text.trim().is_empty() => panic!("an empty text has no first word"),
            "large" if text.len() > 10_000 => panic!("that is too much"),
            "unicode" if !text.is_ascii() => panic!("this is no ASCII"),
            _ => Reply::none(),
        }
    }

    #[on(member_changed)]
    fn member(&mut self) -> Reply {
        if at() == "kind" {
            panic!("nobody was to come");
        }
        Reply::none()
    }
}

fn at() -> String {
    config::text("at").unwrap_or_default()
}

/// Uses more processor time than a call has.
fn spin() {
    let mut sum = 0u64;
    for number in 0..u64::MAX {
        sum = std::hint::black_box(sum.wrapping_add(number));
    }
    log::info(sum.to_string());
}
