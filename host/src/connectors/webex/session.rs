//! The bot's session: who it is, how it hears, and the notices that wait.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::WebexConnector;
use super::api::ApiError;
use super::config::{Events, WebhookConfig};
use super::hooks::{Looks, Ring};
use super::spool::Waiting;
use super::wire::Person;
use crate::mailbox::session::{SessionEnd, Watch};
use crate::mailbox::{Intake, IntakeError};

/// Conversations whose notices are followed up at one time.
const AT_ONCE: usize = 8;
/// The longest wait before a look at the webhooks that failed is taken again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl WebexConnector {
    /// Says who it is and hears until something ends it.
    pub(super) async fn hear(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: &CancellationToken,
    ) -> SessionEnd {
        self.revoked.send_replace(None);
        // Before anything is heard again that would hide when the last was.
        self.kept.progress.open_gap(None);
        self.missed.begin();
        let hear = async {
            if let Err(error) = self.introduce().await {
                return end_of(&error);
            }
            let heard = async {
                match (&self.config.events, &self.ring) {
                    (Events::Webhook(config), Some(ring)) => {
                        self.hear_calls(config, ring, watch).await
                    }
                    (Events::Websocket(config), _) => {
                        if let Err(error) = self.drop_hooks().await {
                            tracing::warn!(bot = self.name(), %error, "webhooks of before are not taken away");
                        }
                        self.hear_socket(config, watch).await
                    }
                    (Events::Webhook(_), None) => SessionEnd::Stopped,
                }
            };
            tokio::select! {
                end = heard => end,
                end = self.follow_up(intake) => end,
                end = self.catch_up() => end,
                end = self.token_is_revoked() => end,
            }
        };
        let end = tokio::select! {
            () = stop.cancelled() => SessionEnd::Stopped,
            end = hear => end,
        };
        // While it is begun again, what is called is kept all the same; where others take its place, or
        // nobody does, they say so (`leave`).
        if let (Some(ring), SessionEnd::Refused(_)) = (&self.ring, &end) {
            ring.set_open(false);
        }
        end
    }

    /// Ends a session whose token Webex takes no more, wherever it said so.
    async fn token_is_revoked(&self) -> SessionEnd {
        let mut revoked = self.revoked.subscribe();
        let why = revoked.wait_for(Option::is_some).await;
        let why = why.ok().and_then(|why| why.clone()).unwrap_or_default();
        SessionEnd::Refused(format!("Webex refuses the token: {why}"))
    }

    /// Asks who the bot is: the token is good where Webex says.
    pub(super) async fn me(&self) -> Result<Person, ApiError> {
        self.api.get(&["people", "me"], &[]).await
    }

    async fn introduce(&self) -> Result<(), ApiError> {
        let own = self.me().await?;
        if own.r#type.as_deref() != Some("bot") {
            tracing::warn!(
                bot = self.name(),
                kind = own.r#type.as_deref().unwrap_or("unknown"),
                "the token is no bot's: it sees and may do more than a bot"
            );
        }
        self.set_own(&own);
        Ok(())
    }

    /// Keeps the webhooks on while Webex calls.
    async fn hear_calls(
        &self,
        config: &WebhookConfig,
        ring: &Ring,
        watch: &dyn Watch,
    ) -> SessionEnd {
        let mut addresses = ring.address();
        let mut looks = Looks::default();
        let mut is_first = true;
        loop {
            let address = addresses.borrow_and_update().clone();
            let Some(address) = address else {
                if addresses.changed().await.is_err() {
                    return SessionEnd::Stopped;
                }
                continue;
            };
            // What is called between its registration and the end of this is good already.
            ring.set_open(true);
            if let Err(error) = self.reconcile(&address, &mut looks).await {
                let is_refused = error.status() == Some(StatusCode::UNAUTHORIZED);
                let wait = match error.throttled() {
                    Some(wait) => wait,
                    None if is_first || is_refused => return end_of(&error),
                    // Calls come all the same: a session that ended would hear none of them.
                    None => {
                        tracing::warn!(bot = self.name(), %error, "the webhooks are not looked at");
                        config.check.min(LOOK_AGAIN)
                    }
                };
                tokio::time::sleep(wait).await;
                continue;
            }
            if std::mem::take(&mut is_first) {
                watch.connected();
                self.missed.hears();
            }
            tokio::select! {
                changed = addresses.changed() => {
                    if changed.is_err() {
                        return SessionEnd::Stopped;
                    }
                }
                () = tokio::time::sleep(config.check) => {}
            }
        }
    }

    /// Follows up notices: in order within a conversation, several conversations at one time.
    async fn follow_up(&self, intake: &dyn Intake) -> SessionEnd {
        let mut lanes: Lanes<Taken<'_>> = Lanes::default();
        let one = async |taken: Taken<'_>| {
            let told = self.tell(taken.notice(), intake).await;
            if told.is_ok() {
                taken.done().await;
            }
            told
        };
        let mut running = FuturesUnordered::new();
        loop {
            // Those that wait here are taken and not done: there are as many as fit into memory.
            while running.len() < AT_ONCE
                && let Some((lane, taken)) = lanes.next()
            {
                let one = &one;
                running.push(async move { (lane, one(taken).await) });
            }
            tokio::select! {
                waiting = self.kept.spool.next() => {
                    let lane = lane_of(&waiting);
                    lanes.put(lane, Taken { connector: self, waiting: Some(waiting) });
                }
                Some((lane, told)) = running.next(), if !running.is_empty() => {
                    lanes.is_free(lane);
                    if let Err(IntakeError::Stopping) = told {
                        return SessionEnd::Stopped;
                    }
                }
            }
        }
    }
}

/// What waits in lanes: one of a lane at a time, and lanes in turn, so that none that is full keeps
/// others waiting.
struct Lanes<T> {
    /// A lane that is there has one under way or is in `turns`.
    queues: HashMap<String, VecDeque<T>>,
    turns: VecDeque<String>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            queues: HashMap::new(),
            turns: VecDeque::new(),
        }
    }
}

impl<T> Lanes<T> {
    fn put(&mut self, lane: String, item: T) {
        let is_new = !self.queues.contains_key(&lane);
        if is_new {
            self.turns.push_back(lane.clone());
        }
        self.queues.entry(lane).or_default().push_back(item);
    }

    /// The next one. Its lane gives no other before it [is free](Lanes::is_free).
    fn next(&mut self) -> Option<(String, T)> {
        let lane = self.turns.pop_front()?;
        let item = self.queues.get_mut(&lane)?.pop_front()?;
        Some((lane, item))
    }

    fn is_free(&mut self, lane: String) {
        match self.queues.get(&lane) {
            Some(queue) if !queue.is_empty() => self.turns.push_back(lane),
            _ => {
                self.queues.remove(&lane);
            }
        }
    }
}

/// A notice that is taken; dropped before it is done, it waits again.
struct Taken<'a> {
    connector: &'a WebexConnector,
    waiting: Option<Waiting>,
}

impl Taken<'_> {
    fn notice(&self) -> &super::wire::Notice {
        let waiting = self.waiting.as_ref();
        &waiting.expect("it is there until it is done").notice
    }

    async fn done(mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.connector.kept.spool.done(waiting.number).await;
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.connector.kept.spool.give_back(waiting);
        }
    }
}

fn lane_of(waiting: &Waiting) -> String {
    let data = &waiting.notice.data;
    let room = data.room_id.as_deref();
    room.unwrap_or(&data.id).to_owned()
}

/// What an error means for the session: a token that is refused ends it for good.
pub(super) fn end_of(error: &ApiError) -> SessionEnd {
    match error.status() {
        Some(StatusCode::UNAUTHORIZED) => {
            SessionEnd::Refused(format!("Webex refuses the token: {error}"))
        }
        _ => SessionEnd::Lost(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;

    #[test]
    fn a_full_lane_keeps_no_other_waiting() {
        let mut lanes = Lanes::default();
        for number in 0..3 {
            lanes.put("full".to_owned(), number);
        }
        for name in ["b", "c"] {
            lanes.put(name.to_owned(), 0);
        }
        let mut order = Vec::new();
        while let Some((lane, number)) = lanes.next() {
            // As long as it is under way its lane gives nothing.
            assert!(!lanes.turns.contains(&lane));
            order.push(format!("{lane}{number}"));
            lanes.is_free(lane);
        }
        assert_eq!(order, ["full0", "b0", "c0", "full1", "full2"]);
        assert!(lanes.queues.is_empty());
    }
}
