//! Feeds of version 2: found or made, read with acknowledgement (symphony.md §3.3–3.6).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::missed::Behind;
use super::{Batch, Hearing, MAX_FEEDS};
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::site::{Call, CallError};
use crate::connectors::symphony::wire::rest::{FeedRead, Id};
use crate::mailbox::session::SessionEnd;

/// A feed and how far it is read.
#[derive(Clone, Debug)]
pub(in super::super) struct Feed {
    id: String,
    /// Acknowledges the last batch that the journal has; empty where there is none.
    ack: String,
}

impl Feed {
    /// A feed of which nothing is read.
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            ack: String::new(),
        }
    }

    pub(super) fn into_id(self) -> String {
        self.id
    }
}

impl Hearing<'_> {
    pub(super) async fn hear_v2(&self) -> Result<SessionEnd, ApiError> {
        let mut feed = match self.connector.marks.feed() {
            // A session that was cut goes on where it was: nothing waits for its second delivery.
            Some(feed) => feed,
            None => self.find_feed().await?,
        };
        self.connected();
        let mut behind = Behind::default();
        let mut made = 0;
        loop {
            if let Some(end) = self.catch_up(&mut behind).await? {
                return Ok(end);
            }
            match self.read(&feed).await {
                Ok(batch) => {
                    made = 0;
                    self.heard();
                    match self.take(&batch.events).await {
                        None => return Ok(SessionEnd::Stopped),
                        // Without an acknowledgement the platform hands the batch out again.
                        Some(Err(end)) => return Ok(end),
                        Some(Ok(())) => feed.ack = batch.ack,
                    }
                    self.connector.marks.keep(Some(feed.clone()));
                }
                Err(error) => {
                    let refusal = error.refusal();
                    if let Some(wait) = refusal.and_then(|it| it.throttled) {
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    let is_stale = refusal.is_some_and(|it| {
                        matches!(it.status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)
                    });
                    // It would come again and again, and nothing after it.
                    let is_stuck = error.is_too_large();
                    if !(is_stale || is_stuck) || made >= MAX_FEEDS {
                        return Err(error);
                    }
                    made += 1;
                    tracing::warn!(bot = self.connector.name(), %error, "the feed is given up");
                    self.connector.marks.keep(None);
                    self.connector.progress.open_gap(None);
                    behind = Behind::default();
                    self.delete(&feed).await;
                    feed = self.make_feed().await?;
                }
            }
        }
    }

    async fn read(&self, feed: &Feed) -> Result<Batch, ApiError> {
        let body = FeedRead {
            ack_id: &feed.ack,
            update_presence: self.connector.config.feed.updates_presence,
        };
        let path = ["agent", "v5", "datafeeds", &feed.id, "read"];
        self.read_batch(Call::post(&path, json!(body))).await
    }

    /// The account's feed, or a new one: an account has twenty at most.
    async fn find_feed(&self) -> Result<Feed, ApiError> {
        let tag = self.connector.config.feed.tag.as_deref();
        let mut call = Call::get(&["agent", "v5", "datafeeds"]);
        // An empty tag would be a tag.
        if let Some(tag) = tag {
            call = call.query("tag", tag);
        }
        let answer = self.connector.api.feed(&call).await?;
        let feeds: Vec<Value> = self.connector.api.read_list(&answer)?;
        let ids = feeds.iter().filter_map(|feed| feed["id"].as_str());
        match ids.into_iter().find(|id| is_feed(id)) {
            Some(id) => {
                tracing::debug!(bot = self.connector.name(), id, "feed found");
                // What came since it was left, it has itself.
                let feed = Feed::new(id.to_owned());
                self.connector.progress.begin(self.connector.now());
                self.connector.marks.keep(Some(feed.clone()));
                Ok(feed)
            }
            None => {
                // The last one was given up while nobody read it.
                self.connector.progress.open_gap(None);
                self.make_feed().await
            }
        }
    }

    async fn make_feed(&self) -> Result<Feed, ApiError> {
        let body = match &self.connector.config.feed.tag {
            Some(tag) => json!({"tag": tag}),
            None => json!({}),
        };
        let call = Call::post(&["agent", "v5", "datafeeds"], body);
        let answer = self.connector.api.feed(&call).await.map_err(advised)?;
        let made: Id<String> = self.connector.api.read_feed(&answer)?;
        let feed = Feed::new(made.id);
        self.connector.progress.begin(self.connector.now());
        self.connector.marks.keep(Some(feed.clone()));
        Ok(feed)
    }

    async fn delete(&self, feed: &Feed) {
        let call = Call::new(Method::DELETE, &["agent", "v5", "datafeeds", &feed.id]);
        // It is gone already as a rule; a feed left over is given up by the platform.
        if let Err(error) = self.connector.api.feed(&call).await {
            tracing::debug!(%error, "old feed not deleted");
        }
    }
}

/// Says what helps where the platform gives no more feeds; trying again alone does not.
fn advised(error: ApiError) -> ApiError {
    match error {
        ApiError::Call(CallError::Refused(mut refusal))
            if refusal.status == StatusCode::FORBIDDEN =>
        {
            refusal.message.push_str(
                "; an account has 20 feeds at most: without `datafeed.tag` the bot reads one that is \
                 there, and those that nobody reads end after 30 minutes",
            );
            ApiError::Call(CallError::Refused(refusal))
        }
        other => other,
    }
}

/// Tells feeds from the others in the list: `<word>_f` or `<word>_f_<word>`. One of a datahose must
/// never be read as a feed.
fn is_feed(id: &str) -> bool {
    let mut words = id.split('_');
    let is_word = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    words.next().is_some_and(is_word)
        && words.next() == Some("f")
        && words.next().is_none_or(is_word)
        && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::is_feed;

    #[test]
    fn a_datahose_is_no_feed() {
        assert!(is_feed("e766c498eece0d11_f_f8001") && is_feed("abc_f"));
        for other in ["e766_p_f8001", "abc", "_f", "a_f_b_c", "a b_f", "a_f_", ""] {
            assert!(!is_feed(other), "{other}");
        }
    }
}
