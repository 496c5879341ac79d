//! How old an event may be when its plugin gets it.

use super::Timestamp;
use super::delivery::{Delivery, View};
use super::payload::EventPayload;

const HOUR_MS: u64 = 60 * 60 * 1_000;

/// How old events may be, in milliseconds, by what they are; none is without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAge {
    /// Commands.
    pub commands: Option<u64>,
    /// Submitted forms and pressed buttons.
    pub forms: Option<u64>,
    /// Everything else.
    pub rest: Option<u64>,
}

impl MaxAge {
    /// What holds where the settings say nothing. Who asked more than an hour ago does not wait for
    /// the answer any more; and nothing waits for its plugin for more than a day.
    pub const DEFAULT: Self = Self {
        commands: Some(HOUR_MS),
        forms: Some(HOUR_MS),
        rest: Some(24 * HOUR_MS),
    };

    /// Tells how old a delivery is and may be, in milliseconds, where it is too old.
    pub fn excess(&self, delivery: &Delivery, now: Timestamp) -> Option<(u64, u64)> {
        let most = match (&delivery.view, &delivery.event.payload) {
            (View::Command { .. }, _) => self.commands,
            (_, EventPayload::FormSubmitted(_) | EventPayload::ButtonPressed(_)) => self.forms,
            _ => self.rest,
        }?;
        let age = now.saturating_sub(begin(delivery)?);
        (age > most).then_some((age, most))
    }
}

impl Default for MaxAge {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Since when a delivery waits: from what was done on the platform, which may have kept it while
/// nobody listened. Never later than it came; a platform whose clock is ahead gains nothing.
fn begin(delivery: &Delivery) -> Option<Timestamp> {
    if delivery.put_back.is_some() {
        return delivery.put_back;
    }
    let event = &delivery.event;
    let known = [event.occurred_at, event.received_at].into_iter();
    known.filter(|at| *at > 0).min()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::event::{Addressing, Event};
    use crate::model::payload::{ButtonPressed, OtherEvent};

    fn delivery(view: View, payload: EventPayload, times: (u64, u64)) -> Delivery {
        Delivery {
            number: 1,
            tenant: "default".into(),
            plugin: "joke".into(),
            lane: "room".into(),
            event: Arc::new(Event {
                id: "1".to_owned(),
                sequence: 1,
                attempt: 1,
                occurred_at: times.0,
                received_at: times.1,
                bot: None,
                conversation: None,
                actor: None,
                addressing: Addressing::Ambient,
                cause: None,
                depth: 0,
                trace_id: String::new(),
                extras: Vec::new(),
                raw: None,
                payload,
            }),
            view,
            attempt: 1,
            put_back: None,
        }
    }

    #[test]
    fn each_kind_of_event_has_its_own_bound() {
        let other = || {
            EventPayload::Other(OtherEvent {
                kind: "x".to_owned(),
                json: String::new(),
            })
        };
        let button = EventPayload::ButtonPressed(ButtonPressed {
            button_id: "b".to_owned(),
            value: String::new(),
            message_id: "m".to_owned(),
        });
        let command = View::Command {
            name: "joke".to_owned(),
            arguments: Vec::new(),
        };
        let ages = MaxAge {
            commands: Some(100),
            forms: Some(200),
            rest: None,
        };
        for (view, payload, least_old) in [
            (command, other(), Some(101)),
            (View::Whole, button, Some(201)),
            (View::Whole, other(), None),
        ] {
            let delivery = delivery(view, payload, (1_000, 1_000));
            let excess = |age: u64| ages.excess(&delivery, 1_000 + age);
            match least_old {
                Some(age) => {
                    assert_eq!(excess(age - 1), None);
                    assert_eq!(excess(age), Some((age, age - 1)));
                }
                None => assert_eq!(excess(u64::MAX / 2), None),
            }
        }
    }

    #[test]
    fn without_settings_it_is_an_hour_for_who_waits_and_a_day_for_the_rest() {
        let default = MaxAge {
            commands: Some(3_600_000),
            forms: Some(3_600_000),
            rest: Some(86_400_000),
        };
        assert_eq!(MaxAge::default(), default);
        let other = EventPayload::Other(OtherEvent {
            kind: "x".to_owned(),
            json: String::new(),
        });
        let command = View::Command {
            name: "joke".to_owned(),
            arguments: Vec::new(),
        };
        let delivery = delivery(command, other, (1, 1));
        let excess = |age: u64| MaxAge::default().excess(&delivery, 1 + age);
        assert_eq!(excess(3_600_000), None);
        assert_eq!(excess(3_600_001), Some((3_600_001, 3_600_000)));
    }

    #[test]
    fn age_begins_with_what_was_done() {
        let other = || {
            EventPayload::Other(OtherEvent {
                kind: "x".to_owned(),
                json: String::new(),
            })
        };
        let ages = MaxAge {
            rest: Some(100),
            ..MaxAge::DEFAULT
        };
        let age = |times| ages.excess(&delivery(View::Whole, other(), times), 1_000);
        // It lay on the platform for long.
        assert_eq!(age((500, 990)), Some((500, 100)));
        // The platform's clock is ahead, or it does not tell.
        assert_eq!(age((5_000, 990)), None);
        assert_eq!(age((0, 800)), Some((200, 100)));
        assert_eq!(age((0, 0)), None);
        // What was put back is young again.
        let mut back = delivery(View::Whole, other(), (1, 1));
        back.put_back = Some(950);
        assert_eq!(ages.excess(&back, 1_000), None);
        assert_eq!(ages.excess(&back, 1_100), Some((150, 100)));
    }
}
