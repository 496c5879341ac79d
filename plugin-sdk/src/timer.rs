//! The builder of timers.

use std::time::Duration;

use crate::Reply;
use crate::actions::{Action, ActionKind, Missed, Schedule, SetTimer};
use crate::content::Timestamp;

/// A timer to set. When it is due the plugin hears `timer-fired` with its name and payload, in the
/// conversation of the event that set it. One of the same name in the same conversation is replaced.
///
/// It outlives restarts of the host. A plugin has at most 10,000 timers; a name has at most 64 bytes,
/// a payload 64 KiB. A timer may fire a little late; `due_at` says when it was due.
///
/// ```
/// use std::time::Duration;
/// use parlor_sdk::prelude::*;
///
/// #[derive(Default)]
/// struct Standup;
///
/// #[behaviour(name = "standup", summary = "Calls the team")]
/// impl Standup {
///     #[command("/standup on")]
///     fn on(&mut self) -> Timer {
///         Timer::cron("standup", "30 9 * * 1-5", "Europe/Zurich").payload("Stand up!")
///     }
///
///     #[command("/standup off")]
///     fn off(&mut self) -> Action {
///         Action::cancel_timer("standup")
///     }
///
///     #[timer("standup")]
///     fn call(&mut self, cx: &Context, payload: String) -> Reply {
///         cx.reply(payload)
///     }
/// }
///
/// # fn main() {
/// let mut bench = Bench::new(Standup);
/// bench.say("/standup on");
/// assert_eq!(bench.fire_timer("standup").texts(), ["Stand up!"]);
/// assert_eq!(bench.timers(), ["standup"]);
/// bench.say("/standup off");
/// assert!(bench.timers().is_empty());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Timer(SetTimer);

impl Timer {
    /// Makes one of a name and a schedule, without a payload. A firing that is missed because the
    /// host was stopped comes when it is back, once, however many were missed.
    pub fn new(name: impl Into<String>, schedule: Schedule) -> Self {
        Self(SetTimer {
            name: name.into(),
            schedule,
            missed: Missed::Once,
            payload: String::new(),
        })
    }

    /// Makes one that fires at a moment, in ms since 1970; at once where that is past.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let timer = Timer::at("closing", time::now() + 3_600_000);
    /// ```
    pub fn at(name: impl Into<String>, moment: Timestamp) -> Self {
        Self::new(name, Schedule::At(moment))
    }

    /// Makes one that fires once, after a pause of at most 100 years.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// let timer = Timer::after("tea", Duration::from_secs(240)).payload("Tea is ready");
    /// ```
    pub fn after(name: impl Into<String>, pause: Duration) -> Self {
        Self::new(name, Schedule::after_duration(pause))
    }

    /// Makes one that fires again and again, at least 1 s apart.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// let timer = Timer::every("poll", Duration::from_secs(60)).skip_missed();
    /// ```
    pub fn every(name: impl Into<String>, period: Duration) -> Self {
        Self::new(name, Schedule::every_duration(period))
    }

    /// Makes one of a calendar rule, as [`Schedule::cron`] has it.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let timer = Timer::cron("report", "0 18 * * fri", "America/New_York");
    /// ```
    pub fn cron(
        name: impl Into<String>,
        expression: impl Into<String>,
        time_zone: impl Into<String>,
    ) -> Self {
        Self::new(name, Schedule::cron(expression, time_zone))
    }

    /// Sets what comes back with each firing, at most 64 KiB.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// let timer = Timer::after("remind", Duration::from_secs(60)).payload("Call Bob");
    /// ```
    #[must_use]
    pub fn payload(mut self, payload: impl Into<String>) -> Self {
        self.0.payload = payload.into();
        self
    }

    /// Lets firings go that are missed because the host was stopped. A timer that fires once is
    /// over then.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let timer = Timer::cron("lunch", "0 12 * * *", "Asia/Tokyo").skip_missed();
    /// ```
    #[must_use]
    pub fn skip_missed(mut self) -> Self {
        self.0.missed = Missed::Skip;
        self
    }
}

impl From<Timer> for Action {
    fn from(Timer(timer): Timer) -> Self {
        Action::new(ActionKind::SetTimer(timer))
    }
}

impl From<Timer> for Reply {
    fn from(timer: Timer) -> Self {
        Action::from(timer).into()
    }
}
