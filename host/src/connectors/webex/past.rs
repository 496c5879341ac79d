//! What was said while nobody listened: read from the spaces that were active since (webex.md §5.4),
//! beside what is heard meanwhile. Presses of cards' buttons and changes of members cannot be read back;
//! the log says how long that was.
//!
//! A gap is open from the moment in which it is noticed until everything of it was read, over restarts
//! too. Now and then what should have been heard is read without any: nobody is told of a webhook that
//! was not delivered.

use std::time::Duration;

use http::StatusCode;
use tokio::sync::watch;
use tokio::time::sleep;

use super::WebexConnector;
use super::api::ApiError;
use super::convert::moment;
use super::ids::is_same;
use super::session::end_of;
use super::wire::{Message, Notice, NoticeData, Room};
use crate::mailbox::session::SessionEnd;
use crate::model::Timestamp;

/// Spaces that are looked through: a bot that many have asks for no more (webex.md §8.1).
const MAX_ROOMS: usize = 100;
/// Messages of one page.
const PAGE: &str = "50";
/// Messages of one space that are read back.
const MAX_MESSAGES: usize = 1_000;
/// How far back a gap is read, at most: a day.
const MAX_GAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How much earlier than the last event the reading begins: clocks and order are the platform's.
const MARGIN_MS: u64 = 60_000;
/// The wait before a notice is kept again that there was no room for.
const FULL_WAIT: Duration = Duration::from_secs(1);
/// The first and the longest wait before what could not be read back is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// When what was missed is to be read back.
#[derive(Default)]
pub(super) struct Missed(watch::Sender<Asked>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// The session hears its platform.
    hears: bool,
    /// How often it was asked for.
    times: u64,
}

impl Missed {
    /// A session begins: before it hears, what is said meanwhile would be missed again.
    pub(super) fn begin(&self) {
        self.0.send_modify(|asked| asked.hears = false);
    }

    /// From now on the session hears.
    pub(super) fn hears(&self) {
        self.0.send_modify(|asked| {
            asked.hears = true;
            asked.times += 1;
        });
    }

    fn ask(&self) {
        self.0.send_modify(|asked| asked.times += 1);
    }
}

impl WebexConnector {
    /// Notes that what was said since then was missed; it is read back as soon as may be.
    pub(super) fn has_missed(&self, since: Timestamp) {
        self.kept.progress.open_gap(Some(since));
        self.missed.ask();
    }

    /// Reads back what was missed whenever there is something, and now and then what should have been
    /// heard, from when the session hears until it ends.
    pub(super) async fn catch_up(&self) -> SessionEnd {
        let progress = &self.kept.progress;
        let mut asked = self.missed.0.subscribe();
        if asked.wait_for(|asked| asked.hears).await.is_err() {
            return SessionEnd::Stopped;
        }
        let mut complete_at = self.now();
        progress.begin(complete_at);
        let (mut wait, longest) = AGAIN;
        loop {
            asked.borrow_and_update();
            if let Some(last) = progress.gap() {
                let begun = self.now();
                match self.read_missed(last, begun).await {
                    // What was missed meanwhile may be of spaces that were read before.
                    Ok(()) if asked.has_changed().unwrap_or_default() => continue,
                    Ok(()) => {
                        progress.close_gap();
                        complete_at = begun;
                        wait = AGAIN.0;
                    }
                    Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => {
                        return end_of(&error);
                    }
                    Err(error) => {
                        tracing::warn!(bot = self.name(), %error, ?wait, "what was missed is not read back yet");
                        sleep(wait).await;
                        wait = (wait * 2).min(longest);
                        continue;
                    }
                }
            }
            tokio::select! {
                changed = asked.changed() => {
                    if changed.is_err() {
                        return SessionEnd::Stopped;
                    }
                }
                () = sleep(self.config.read_back) => progress.open_gap(Some(complete_at)),
            }
        }
    }

    /// Puts what was said since then to the notices that wait.
    async fn read_missed(&self, last: Timestamp, now: Timestamp) -> Result<(), ApiError> {
        let since = last
            .saturating_sub(MARGIN_MS)
            .max(now.saturating_sub(MAX_GAP_MS));
        if last < since {
            let lost_ms = since - last;
            tracing::warn!(
                bot = self.name(),
                lost_ms,
                "messages older than a day are not read back"
            );
        }
        let most = MAX_ROOMS.to_string();
        let query = [("sortBy", "lastactivity"), ("max", most.as_str())];
        let rooms: Vec<Room> = self
            .when_it_may(|| async {
                let goes_on = |found: &[Room]| found.len() < MAX_ROOMS;
                self.api.list(&["rooms"], &query, goes_on).await
            })
            .await?;
        // The order is the platform's, and not to be relied on.
        let is_active = |room: &&Room| {
            let activity = moment(room.last_activity.as_deref());
            activity == 0 || activity >= since
        };
        let active: Vec<&Room> = rooms.iter().take(MAX_ROOMS).filter(is_active).collect();
        if active.len() == MAX_ROOMS {
            tracing::warn!(
                bot = self.name(),
                spaces = MAX_ROOMS,
                "only the spaces that were active last are read back"
            );
        }
        let mut read = 0;
        let mut failed = None;
        for room in active {
            match self.read_back(room, since).await {
                Ok(found) => read += found,
                Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => {
                    return Err(error);
                }
                // One space that fails keeps nothing of the others back.
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if read > 0 {
            let gap_ms = now.saturating_sub(last);
            tracing::info!(
                bot = self.name(),
                gap_ms,
                read,
                "messages since the last event were read back; presses and members of that time are not kept by Webex"
            );
        }
        Ok(())
    }

    async fn read_back(&self, room: &Room, since: Timestamp) -> Result<usize, ApiError> {
        let said = self
            .when_it_may(|| self.said(&room.id, room.r#type.as_deref(), since))
            .await;
        let mut said = match said {
            Ok(said) => said,
            Err(error) if error.is_final() => {
                tracing::warn!(room = room.id, %error, "a space is not read back");
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        if said.len() >= MAX_MESSAGES {
            tracing::warn!(
                bot = self.name(),
                room = room.id,
                messages = said.len(),
                "only the newest messages of a space are read back"
            );
        }
        // Newest first is how they come.
        said.reverse();
        let own = self.own_id();
        let mut read = 0;
        for message in said {
            if is_same(&message.person_id, &own) || self.kept.heard.knows(&message.id) {
                continue;
            }
            read += 1;
            let notice = notice_of(message);
            // Full as a rule: those that wait go on first.
            while let Err(error) = self.kept.spool.keep(notice.clone()).await {
                tracing::warn!(%error, "what was missed is not kept yet");
                sleep(FULL_WAIT).await;
            }
        }
        Ok(read)
    }

    /// What was said in a space since then, newest first. Of a group a bot sees only what mentions it,
    /// and has to say so.
    pub(super) async fn said(
        &self,
        room: &str,
        kind: Option<&str>,
        since: Timestamp,
    ) -> Result<Vec<Message>, ApiError> {
        let mut query = vec![("roomId", room), ("max", PAGE)];
        if kind != Some("direct") {
            query.push(("mentionedPeople", "me"));
        }
        let is_old = |message: &Message| moment(message.created.as_deref()) < since;
        let goes_on =
            |said: &[Message]| said.len() < MAX_MESSAGES && !said.last().is_some_and(is_old);
        let mut said: Vec<Message> = self.api.list(&["messages"], &query, goes_on).await?;
        said.retain(|message| !is_old(message));
        Ok(said)
    }

    /// Waits where Webex says how long.
    async fn when_it_may<T, F>(&self, ask: impl Fn() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        loop {
            match ask().await {
                Err(error) => match error.throttled() {
                    Some(wait) => sleep(wait).await,
                    None => return Err(error),
                },
                done => return done,
            }
        }
    }
}

/// A message of the past as a webhook would have told of it.
fn notice_of(message: Message) -> Notice {
    Notice {
        resource: "messages".to_owned(),
        event: "created".to_owned(),
        actor_id: Some(message.person_id.clone()),
        data: NoticeData {
            id: message.id.clone(),
            room_id: Some(message.room_id.clone()),
            room_type: message.room_type.clone(),
            person_id: Some(message.person_id.clone()),
            person_email: message.person_email.clone(),
            created: message.created.clone(),
            ..NoticeData::default()
        },
        message: Some(Box::new(message)),
        lookup: None,
    }
}
