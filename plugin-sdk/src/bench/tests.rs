//! What comes back later comes where it was asked for.

use crate::actions::Schedule;
use crate::events::{ResponseError, ResponseReceived};
use crate::prelude::*;

#[derive(Debug, Default)]
struct Later;

#[behaviour(name = "later", summary = "Asks now and tells later")]
impl Later {
    #[command("/ask {key}")]
    fn ask(&mut self, key: String) -> Request {
        Request::get(key, "https://api.example.com/").header("x-test", "1")
    }

    #[command("/once {name}")]
    fn once(&mut self, name: String) -> Timer {
        Timer::new(name, Schedule::After(5_000)).payload("once")
    }

    #[command("/often {name}")]
    fn often(&mut self, name: String) -> Timer {
        Timer::new(name, Schedule::Every(5_000)).payload("often")
    }

    #[command("/stop {name}")]
    fn stop(&mut self, name: String) -> Action {
        Action::cancel_timer(name)
    }

    #[response(prefix = "")]
    fn answered(&mut self, cx: &Context, received: &ResponseReceived) -> Reply {
        let end = match received.answer() {
            Ok(answer) => answer.text(),
            Err(error) => error.name().to_owned(),
        };
        cx.reply([&place(cx), " ", &end].concat())
    }

    #[timer(prefix = "")]
    fn fired(&mut self, cx: &Context, payload: String) -> Reply {
        cx.reply([&place(cx), " ", &payload].concat())
    }
}

/// Where, for whom, and how many events after the first.
fn place(cx: &Context) -> String {
    let event = cx.event();
    let room = event.conversation.as_ref().map(|here| here.id.as_str());
    let actor = event.actor.as_ref().map(|who| who.id.as_str());
    let depth = event.depth.to_string();
    [room, actor, Some(depth.as_str())]
        .map(Option::unwrap_or_default)
        .join(" ")
}

#[test]
fn answer_comes_where_and_for_whom_it_was_asked() {
    let mut bench = Bench::new(Later);
    bench.say("/ask one");
    bench.enter("other").user("Bob", "Builder");
    bench.say("/ask two");
    assert_eq!(bench.asked(), ["one", "two"]);
    assert_eq!(bench.request("one").map(|one| one.headers.len()), Some(1));
    assert_eq!(
        bench.respond("one", 200, "yes").texts(),
        ["room-1 ada 1 yes"]
    );
    let late = bench.respond_error("two", ResponseError::TimedOut);
    assert_eq!(late.texts(), ["other bob 1 timed-out"]);
    assert!(bench.asked().is_empty());
    // Nobody asked for it: it comes here.
    assert_eq!(bench.respond("three", 200, "").texts(), ["other bob 1 "]);
}

#[test]
fn timers_are_their_conversations_own() {
    let mut bench = Bench::new(Later);
    bench.say("/once t");
    bench.enter("other");
    bench.say("/often t");
    assert_eq!(bench.timers(), ["t", "t"]);
    assert_eq!(bench.fire_timer("t").texts(), ["other ada 1 often"]);
    bench.say("/stop t");
    // What repeats ends when it is cancelled; what fires once ends with that.
    assert_eq!(bench.timers(), ["t"]);
    assert_eq!(bench.fire_timer("t").texts(), ["room-1 ada 1 once"]);
    assert!(bench.timers().is_empty());
}
