//! What was said in a conversation before.

use serde_json::value::RawValue;

use super::SymphonyConnector;
use super::api::ApiError;
use super::site::Call;
use super::wire::event::V4Message;

/// Messages of one page; the platform gives 500 at most, which could be more than is read.
const PAGE: usize = 100;
/// Messages that are read of one conversation.
const MAX_MESSAGES: usize = 2_000;
/// How far back the latest messages are looked for, where a conversation has more than one page and
/// the platform begins with the oldest: an hour, a day, a month, a year.
const WINDOWS_MS: [u64; 4] = [3_600_000, 86_400_000, 2_592_000_000, 31_536_000_000];

/// Messages of a conversation, oldest first.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Each as it was read, and as it came.
    pub(super) messages: Vec<(V4Message, Box<RawValue>)>,
    /// There are no others in that time.
    pub(super) is_whole: bool,
}

/// Which messages of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time<'a> {
    /// The conversation.
    pub(super) stream: &'a str,
    /// With it.
    pub(super) since: u64,
    /// Without it.
    pub(super) before: Option<u64>,
    /// As this user sees them.
    pub(super) as_user: Option<&'a str>,
}

impl SymphonyConnector {
    /// What was said in a time. In which order the platform gives messages is documented nowhere: the
    /// pages are read, and put in order.
    pub(super) async fn said(&self, time: Time<'_>) -> Result<Said, ApiError> {
        let mut said = Said::default();
        let (mut skip, mut limit) = (0, PAGE);
        while skip < MAX_MESSAGES {
            let page = match self.page(time, skip, limit).await {
                // Few messages can be larger than all that is read of an answer.
                Err(error) if error.is_too_large() && limit > 1 => {
                    limit /= 2;
                    continue;
                }
                page => page?,
            };
            let count = page.len();
            said.add(page, time);
            if count < limit {
                said.is_whole = true;
                break;
            }
            skip += count;
        }
        Ok(said)
    }

    /// The latest of what was said before a time, oldest first.
    pub(super) async fn said_last(
        &self,
        stream: &str,
        before: Option<u64>,
        count: usize,
    ) -> Result<Said, ApiError> {
        let all = Time {
            stream,
            since: 0,
            before,
            as_user: None,
        };
        let first = self.page(all, 0, count).await?;
        let is_whole = first.len() < count;
        let at = |raw: Option<&Box<RawValue>>| -> Option<u64> {
            let message: V4Message = serde_json::from_str(raw?.get()).ok()?;
            message.timestamp
        };
        let begins_with_latest = at(first.first()) > at(first.last());
        let mut said = Said::default();
        said.add(first, all);
        if is_whole || begins_with_latest {
            return Ok(said);
        }
        let until = before.unwrap_or_else(|| self.now());
        for window in WINDOWS_MS {
            let since = until.saturating_sub(window);
            said = self.said(Time { since, ..all }).await?;
            if said.messages.len() >= count {
                break;
            }
        }
        let surplus = said.messages.len().saturating_sub(count);
        said.messages.drain(..surplus);
        Ok(said)
    }

    async fn page(
        &self,
        time: Time<'_>,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Box<RawValue>>, ApiError> {
        let mut call = Call::get(&["agent", "v4", "stream", time.stream, "message"])
            .query("since", time.since)
            .query("limit", limit)
            .on_behalf_of(time.as_user);
        if skip > 0 {
            call = call.query("skip", skip);
        }
        if let Some(before) = time.before {
            // Up to and with, as it is described; what is too late is left out here.
            call = call.query("until", before);
        }
        self.api.ask_agent(&call).await
    }
}

impl Said {
    fn add(&mut self, page: Vec<Box<RawValue>>, time: Time<'_>) {
        let read = page.into_iter().filter_map(|raw| {
            let message: V4Message = serde_json::from_str(raw.get()).ok()?;
            Some((message, raw))
        });
        let in_time = read.filter(|(message, _)| {
            let at = message.timestamp.unwrap_or_default();
            time.before.is_none_or(|before| at < before)
        });
        self.messages.extend(in_time);
        self.messages
            .sort_by_key(|(message, _)| message.timestamp.unwrap_or_default());
    }
}
