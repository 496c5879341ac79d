//! Hears the bot's feed: reads batches, hands them over, and acknowledges what the journal has.

mod manifest;
mod missed;
mod v1;
mod v2;

pub(super) use v2::Feed;

use std::time::Duration;

use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::SymphonyConnector;
use super::api::ApiError;
use super::auth::{AuthError, MAX_LOGINS};
use super::config::FeedVersion;
use super::convert::event_from_wire;
use super::site::{Call, CallError};
use super::wire::event::V4Event;
use super::wire::rest::PodUser;
use crate::mailbox::session::{SessionEnd, Watch};
use crate::mailbox::{Incoming, Intake, OfferError, offer_all};
use crate::model::event::Conversation;

/// Time for one read of a feed; the platform answers after about 30 s.
const READ_TIME: Duration = Duration::from_secs(70);
/// Bytes of one read of a feed: five hundred messages, all of them long. What is larger is read back
/// from the conversations' history.
const FEED_BYTES: usize = 64 * 1024 * 1024;
/// Time for the question who may be in a conversation. A batch must be acknowledged within 30 s.
const PLACE_TIME: Duration = Duration::from_secs(10);
/// Feeds that are made anew in a row before the session is begun again.
const MAX_FEEDS: u32 = 3;

/// What one read of a feed brought.
struct Batch {
    events: Vec<V4Event>,
    /// Acknowledges it with the next read; empty on feeds of version 1.
    ack: String,
}

/// What a session needs while it runs.
struct Hearing<'a> {
    connector: &'a SymphonyConnector,
    intake: &'a dyn Intake,
    watch: &'a dyn Watch,
}

impl SymphonyConnector {
    /// Logs in and hears the feed until something ends it.
    pub(super) async fn hear(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: &CancellationToken,
    ) -> SessionEnd {
        let hearing = Hearing {
            connector: self,
            intake,
            watch,
        };
        tokio::select! {
            // A long poll is dropped at once; what it would have brought is not acknowledged.
            () = stop.cancelled() => SessionEnd::Stopped,
            end = hearing.run() => end,
        }
    }

    /// Logs in and asks who the bot is.
    pub(super) async fn introduce(&self) -> Result<PodUser, ApiError> {
        self.api.agents().look_behind().await;
        let call = Call::get(&["pod", "v2", "sessioninfo"]);
        let own: PodUser = self.api.ask_pod_whole(&call).await?;
        self.set_own(&own);
        Ok(own)
    }
}

impl Hearing<'_> {
    async fn run(&self) -> SessionEnd {
        if let Err(error) = self.connector.introduce().await {
            return self.end_of(&error).await;
        }
        let hear = async {
            match self.connector.config.feed.version {
                FeedVersion::V1 => self.hear_v1().await,
                FeedVersion::V2 => self.hear_v2().await,
            }
        };
        let ended = tokio::select! {
            ended = hear => ended,
            never = self.show_manifest() => match never {},
        };
        match ended {
            Ok(end) => end,
            Err(error) => {
                let is_another = self.connector.api.agents().turn_away();
                if is_another && self.connector.config.feed.version == FeedVersion::V1 {
                    // A feed of this version is its agent's own.
                    self.connector.marks.keep(None);
                }
                self.end_of(&error).await
            }
        }
    }

    /// What an error means for the session. Logins that are refused a few times end it for good, and
    /// so do tokens that are refused although the login was not.
    async fn end_of(&self, error: &ApiError) -> SessionEnd {
        let why = match error {
            ApiError::Auth(AuthError::Refused(why)) => Some(why.clone()),
            ApiError::Call(CallError::Refused(refusal))
                if refusal.status == StatusCode::UNAUTHORIZED =>
            {
                Some(refusal.to_string())
            }
            _ => None,
        };
        if let Some(why) = why {
            let refused = self.connector.logins_refused(|refused| {
                *refused += 1;
                *refused
            });
            if refused >= MAX_LOGINS {
                self.connector.logins_refused(|refused| *refused = 0);
                // Whoever lets the bot try again has changed something.
                self.connector.api.auth().forget().await;
                return SessionEnd::Refused(format!("{why} ({MAX_LOGINS} logins)"));
            }
            return SessionEnd::Later(error.to_string(), self.connector.config.login_wait);
        }
        SessionEnd::Lost(error.to_string())
    }

    /// Reads a batch of the feed.
    async fn read_batch(&self, mut call: Call<'_>) -> Result<Batch, ApiError> {
        call.time = READ_TIME;
        call.most = FEED_BYTES;
        let api = &self.connector.api;
        let answer = api.feed(&call).await?;
        let read = api.read_batch(&answer)?;
        Ok(Batch {
            events: read.events.into_iter().map(|read| read.event).collect(),
            ack: read.ack_id.unwrap_or_default(),
        })
    }

    fn connected(&self) {
        self.watch.connected();
    }

    /// Notes that the feed is read: the account and its tokens are good.
    fn heard(&self) {
        self.connector.logins_refused(|refused| *refused = 0);
        self.connector.files.drop_old();
    }

    /// Hands a batch over until the journal has it. `None` where the host takes no more.
    async fn take(&self, events: &[V4Event]) -> Option<Result<(), SessionEnd>> {
        let bot = self.connector.bot_now();
        let mut latest = 0;
        let mut is_pod_there = true;
        let mut incoming = Vec::with_capacity(events.len());
        for event in events {
            latest = latest.max(event.timestamp.unwrap_or_default());
            let converted = event_from_wire(&self.connector.tenant, &bot, event, None);
            for mut heard in converted.incoming {
                if let Some(place) = &mut heard.event.conversation {
                    if converted.is_place_unsaid {
                        self.fill_in(place, &mut is_pod_there).await;
                    }
                    let is_known = !converted.is_place_unsaid;
                    self.connector.places.heard(place, is_known);
                }
                incoming.push(heard);
            }
        }
        let taken = self.offer(incoming).await?;
        if taken.is_ok() {
            self.connector.marks.taken();
            self.connector.progress.reached(latest);
        }
        Some(taken)
    }

    /// Says of a conversation whether people of other companies may be there, where its event does not:
    /// as was said before, else as the pod says. Where nobody says it, it stays external.
    async fn fill_in(&self, place: &mut Conversation, is_pod_there: &mut bool) {
        let connector = self.connector;
        let mut is_internal = connector.places.is_internal(&place.id);
        if is_internal.is_none() && *is_pod_there && !place.id.is_empty() {
            match connector.ask_internal(&place.id, None, PLACE_TIME).await {
                Ok(found) => is_internal = Some(found),
                Err(error) => {
                    tracing::debug!(%error, "who may be in a conversation is not known");
                    // A pod that does not answer must not hold up the batch once for each event.
                    *is_pod_there = error.refusal().is_some_and(|it| it.throttled.is_none());
                }
            }
        }
        let is_internal = is_internal.unwrap_or_default();
        (place.external, place.cross_pod) = (!is_internal, !is_internal);
    }

    async fn offer(&self, incoming: Vec<Incoming>) -> Option<Result<(), SessionEnd>> {
        match offer_all(self.intake, incoming).await {
            Ok(()) => Some(Ok(())),
            Err(OfferError::Stopping) => None,
            Err(error) => Some(Err(SessionEnd::Lost(error.to_string()))),
        }
    }
}
