//! The bot's session: who it is, how it hears, and the notices that wait.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::WebexConnector;
use super::api::ApiError;
use super::config::{Events, WebhookConfig};
use super::hooks::Ring;
use super::spool::Waiting;
use super::wire::Person;
use crate::mailbox::session::{SessionEnd, Watch};
use crate::mailbox::{Intake, IntakeError};

/// Conversations whose notices are followed up at one time.
const AT_ONCE: usize = 8;

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
        self.progress.open_gap(None);
        let hear = async {
            if let Err(error) = self.introduce().await {
                return end_of(&error);
            }
            let heard = async {
                match (&self.config.events, &self.ring) {
                    (Events::Webhook(config), Some(ring)) => {
                        self.hear_calls(config, ring, watch).await
                    }
                    (Events::Websocket(config), _) => self.hear_socket(config, watch).await,
                    (Events::Webhook(_), None) => SessionEnd::Stopped,
                }
            };
            tokio::select! {
                end = heard => end,
                end = self.follow_up(intake) => end,
                end = self.token_is_revoked() => end,
            }
        };
        let end = tokio::select! {
            () = stop.cancelled() => SessionEnd::Stopped,
            end = hear => end,
        };
        // While it is begun again, what is called is kept all the same.
        if let Some(ring) = self
            .ring
            .as_ref()
            .filter(|_| !matches!(end, SessionEnd::Lost(_)))
        {
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
        let mut is_first = true;
        // When all webhooks were seen to be on.
        let mut seen_on = None;
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
            let looked = match self.reconcile(&address).await {
                Ok(looked) => looked,
                Err(error) => match error.throttled() {
                    Some(wait) => {
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    None => return end_of(&error),
                },
            };
            if is_first {
                watch.connected();
            }
            if looked.was_off {
                self.progress.open_gap(seen_on);
            }
            seen_on = Some(self.now());
            if is_first || looked.was_off {
                is_first = false;
                if let Err(error) = self.fetch_missed().await {
                    return end_of(&error);
                }
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
        let mut queues: HashMap<String, VecDeque<Taken<'_>>> = HashMap::new();
        let mut busy: HashSet<String> = HashSet::new();
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
            let free: Vec<String> = queues
                .keys()
                .filter(|lane| !busy.contains(*lane))
                .take(AT_ONCE.saturating_sub(busy.len()))
                .cloned()
                .collect();
            for lane in free {
                let Some(queue) = queues.get_mut(&lane) else {
                    continue;
                };
                if let Some(taken) = queue.pop_front() {
                    busy.insert(lane.clone());
                    let one = &one;
                    running.push(async move { (lane, one(taken).await) });
                }
            }
            queues.retain(|_, queue| !queue.is_empty());
            tokio::select! {
                waiting = self.spool.next() => {
                    let lane = lane_of(&waiting);
                    let taken = Taken { connector: self, waiting: Some(waiting) };
                    queues.entry(lane).or_default().push_back(taken);
                }
                Some((lane, told)) = running.next(), if !running.is_empty() => {
                    busy.remove(&lane);
                    if let Err(IntakeError::Stopping) = told {
                        return SessionEnd::Stopped;
                    }
                }
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
            self.connector.spool.done(waiting.number).await;
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.connector.spool.give_back(waiting);
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
