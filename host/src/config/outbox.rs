//! The `[outbox]` section: what the host does where it cannot know whether a message was sent.

use std::time::Duration;

use super::duration::parse_duration_ms;
use super::read::{Item, Reader};
use crate::outbox::{InDoubt, OutboxConfig};

/// The longest that a send in doubt may be left before its platform is asked.
const MAX_DOUBT_WAIT: Duration = Duration::from_secs(600);

const IN_DOUBT: [(&str, InDoubt); 2] = [("resend", InDoubt::Resend), ("drop", InDoubt::Drop)];

/// How sends end that nobody saw end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxSettings {
    /// What to do where a platform cannot tell.
    pub in_doubt: InDoubt,
    /// How long to wait before a platform is asked: what was asked of it may still be under way.
    pub doubt_wait: Duration,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            in_doubt: InDoubt::default(),
            doubt_wait: OutboxConfig::default().doubt_wait,
        }
    }
}

pub(super) fn read_outbox(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> OutboxSettings {
    let mut config = OutboxSettings::default();
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    if let Some(item) = table.get(reader, "in-doubt")
        && let Some(in_doubt) = item.choice(reader, &IN_DOUBT)
    {
        config.in_doubt = in_doubt;
    }
    if let Some(item) = table.get(reader, "doubt-wait")
        && let Some(text) = item.text(reader)
    {
        let wait = parse_duration_ms(text).map(Duration::from_millis);
        match wait.filter(|wait| *wait <= MAX_DOUBT_WAIT) {
            Some(wait) => config.doubt_wait = wait,
            None => item.wrong(reader, "a time of at most 10 minutes, \"10s\""),
        }
    }
    table.finish(reader);
    config
}
