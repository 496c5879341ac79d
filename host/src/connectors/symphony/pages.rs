//! A conversation's history page by page: by the time of the last message, as the platform wants it.
//!
//! `skip` is for messages of the very moment that `since` names, those that were seen
//! (<https://rest-api.symphony.com/main/messages/messages-v4>). The oldest come first.

use super::SymphonyConnector;
use super::api::ApiError;
use super::site::Call;
use super::wire::event::V4Message;

/// Messages of one page; the platform gives no more at once.
const PAGE: usize = 500;
/// Messages of one conversation that are looked through at one time.
pub(super) const MAX_MESSAGES: usize = 20_000;
/// How far back the newest messages are looked for at first; sixteen times as far where that is not enough.
const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;
const WIDER: u64 = 16;

/// Where the next page begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pages {
    since: u64,
    skip: usize,
}

impl Pages {
    /// The first page of what was said since then.
    pub(super) fn since(since: u64) -> Self {
        Self { since, skip: 0 }
    }

    /// What the next page is asked for with.
    pub(super) fn query(&self) -> [(&'static str, String); 3] {
        [
            ("since", self.since.to_string()),
            ("skip", self.skip.to_string()),
            ("limit", PAGE.to_string()),
        ]
    }

    /// Goes behind a page whose messages are of these moments; tells whether there may be more.
    pub(super) fn turn(&mut self, times: &[u64]) -> bool {
        let last = times.iter().copied().max().unwrap_or_default();
        let of_last = times.iter().filter(|time| **time == last).count();
        if last > self.since {
            self.since = last;
            self.skip = of_last;
        } else {
            self.skip += times.len();
        }
        times.len() >= PAGE
    }
}

impl SymphonyConnector {
    /// What was said in a conversation since then, and before `until`, oldest first; tells whether that
    /// is all.
    pub(super) async fn said_since(
        &self,
        stream: &str,
        as_user: Option<&str>,
        since: u64,
        until: Option<u64>,
    ) -> Result<(Vec<V4Message>, bool), ApiError> {
        let mut said: Vec<V4Message> = Vec::new();
        let mut pages = Pages::since(since);
        while said.len() < MAX_MESSAGES {
            let mut call = Call::get(&["agent", "v4", "stream", stream, "message"]);
            for (name, value) in pages.query() {
                call = call.query(name, value);
            }
            if let Some(until) = until {
                // Up to and with; ours is without.
                call = call.query("until", until.saturating_sub(1));
            }
            let call = call.on_behalf_of(as_user);
            let page: Vec<V4Message> = self.api.ask_agent(&call).await?;
            let times: Vec<u64> = page
                .iter()
                .map(|message| message.timestamp.unwrap_or_default())
                .collect();
            said.extend(page);
            if !pages.turn(&times) {
                return Ok((said, true));
            }
        }
        Ok((said, false))
    }

    /// At least so many of the newest messages before `until`, where there are as many.
    pub(super) async fn said_last(
        &self,
        stream: &str,
        until: Option<u64>,
        count: usize,
    ) -> Result<Vec<V4Message>, ApiError> {
        let mut window = WINDOW_MS;
        let end = until.unwrap_or_else(|| self.now());
        loop {
            let since = end.saturating_sub(window);
            let (said, _) = self.said_since(stream, None, since, until).await?;
            if said.len() >= count || since == 0 {
                return Ok(said);
            }
            window = window.saturating_mul(WIDER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_at_the_last_moment_behind_what_was_seen_of_it() {
        let mut pages = Pages::since(10);
        let mut times = vec![20; PAGE - 2];
        times.extend([30, 30]);
        assert!(pages.turn(&times));
        assert_eq!(pages, Pages { since: 30, skip: 2 });
        assert!(pages.turn(&[30; PAGE]));
        let skip = PAGE + 2;
        assert_eq!(pages, Pages { since: 30, skip });
        assert!(!pages.turn(&[31]));
    }
}
