//! Sets timers as it is told, and tells of each firing when it was due.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "timers", summary = "Sets timers")]
impl Guest {
    #[command("/at {name} {ms:int}")]
    fn at(&mut self, name: String, ms: u64) -> Timer {
        Timer::at(name, ms).payload("at")
    }

    #[command("/after {name} {ms:int}")]
    fn after(&mut self, name: String, ms: u64) -> Timer {
        Timer::new(name, Schedule::After(ms)).payload("after")
    }

    #[command("/every {name} {ms:int} {missed?}")]
    fn every(&mut self, name: String, ms: u64, missed: Option<String>) -> Timer {
        with_missed(
            Timer::new(name, Schedule::Every(ms)).payload("every"),
            missed,
        )
    }

    #[command("/cron {name} {rule} {zone} {missed?}")]
    fn cron(&mut self, name: String, rule: String, zone: String, missed: Option<String>) -> Timer {
        with_missed(Timer::cron(name, rule, zone).payload("cron"), missed)
    }

    #[command("/many {prefix} {count:int} {ms:int}")]
    fn many(&mut self, prefix: String, count: u32, ms: u64) -> Vec<Action> {
        (0..count)
            .map(|number| Timer::at(format!("{prefix}{number}"), ms).into())
            .collect()
    }

    #[command("/cancel {name}")]
    fn cancel(&mut self, name: String) -> Action {
        Action::cancel_timer(name)
    }

    #[command("/hello")]
    fn hello(&mut self) -> &'static str {
        "hello"
    }

    // Sets itself anew, due at once.
    #[timer(prefix = "chain")]
    fn chain(&mut self, cx: &Context, timer: &TimerFired) -> Reply {
        cx.reply(timer.name.as_str())
            .and(Timer::new(timer.name.as_str(), Schedule::After(0)))
    }

    #[timer(prefix = "")]
    fn fired(&mut self, cx: &Context, timer: &TimerFired) -> Reply {
        cx.reply(format!("{} {} {}", timer.name, timer.due_at, timer.payload))
    }
}

fn with_missed(timer: Timer, missed: Option<String>) -> Timer {
    match missed.as_deref() {
        Some("skip") => timer.skip_missed(),
        _ => timer,
    }
}
