//! Does what it is told, as the build before or as the one that comes after it: a test that replaces the 17
//! bytes `CANDIDATE-IS-OLD.` in the `.wasm` by `CANDIDATE-IS-NEW.` has the other one without a compiler.

use parlor_sdk::prelude::*;

// Read as a whole at run time, so that the compiler leaves the 17 bytes together, and once.
static MARKER: [u8; 17] = *b"CANDIDATE-IS-OLD.";

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "candidate",
    summary = "Is the build before or the one after, as tests want"
)]
impl Guest {
    #[message()]
    fn message(&mut self, cx: &Context, text: String) -> Result<Reply, Error> {
        let is_new = std::hint::black_box(&MARKER).ends_with(b"NEW.");
        let say = |text: &str| Ok(cx.reply(text));
        match (text.as_str(), is_new) {
            ("greet", true) => say("good evening"),
            ("greet", false) => say("good day"),
            ("quiet", true) => Ok(Reply::none()),
            ("trap", true) => panic!("the new build traps"),
            ("mend", false) => panic!("the old build traps"),
            ("refuse", true) => Err(Error::refused("not any more")),
            ("spin", true) => loop {
                std::hint::black_box(&MARKER);
            },
            ("sleep", true) => {
                wait(60_000);
                say("slept")
            }
            // What was there is told, and the new build writes something else.
            ("note", is_new) => {
                let was = state::plugin().text("noted")?;
                let note = if is_new { "new" } else { "old" };
                state::plugin().set("noted", note)?;
                say(&format!("noted {was:?}"))
            }
            ("count", _) => {
                let count = state::plugin().number("count")?.unwrap_or(0) + 1;
                state::plugin().set_number("count", count)?;
                say(&format!("count {count}"))
            }
            ("members", is_new) => {
                let here = cx.conversation().map_or("", |here| here.id.as_str());
                let count = directory::members(here, None).map(|page| page.items.len());
                let contact = is_new.then(|| directory::contact("bob"));
                say(&format!("members {count:?} {contact:?}"))
            }
            ("clock", is_new) => say(&format!("clock {is_new} {}", time::now())),
            ("timer", is_new) => {
                let hours = if is_new { 2 } else { 1 };
                Ok(cx
                    .reply("set")
                    .and(Timer::new("t", Schedule::Every(hours * 3_600_000))))
            }
            (text, true) if text.starts_with("http") => match http::get(text) {
                Ok(answer) => say(&format!("answer {}", answer.status)),
                Err(error) => say(&format!("error {}", error.name())),
            },
            (text, _) => say(&format!("heard {text}")),
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn wait(ms: u64) {
    wasip2::clocks::monotonic_clock::subscribe_duration(ms * 1_000_000).block();
}

#[cfg(not(target_arch = "wasm32"))]
fn wait(_ms: u64) {}
