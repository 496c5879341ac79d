//! What was said while nobody listened: read from the spaces that were active since (webex.md §5.4).
//! Presses of cards' buttons and changes of members cannot be read back; the log says how long that was.

use std::time::Duration;

use super::WebexConnector;
use super::api::ApiError;
use super::convert::moment;
use super::ids::is_same;
use super::wire::{Message, Notice, NoticeData, Room};
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
/// The longest wait that Webex may ask for while it is read back.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

impl WebexConnector {
    /// Puts what was said while there was a gap to the notices that wait.
    pub(super) async fn fetch_missed(&self) -> Result<(), ApiError> {
        let now = self.now();
        self.progress.begin(now);
        let Some(last) = self.progress.gap() else {
            return Ok(());
        };
        let since = last
            .saturating_sub(MARGIN_MS)
            .max(now.saturating_sub(MAX_GAP_MS));
        let most = MAX_ROOMS.to_string();
        let query = [("sortBy", "lastactivity"), ("max", most.as_str())];
        let rooms: Vec<Room> = self
            .when_it_may(|| async {
                let goes_on = |found: &[Room]| found.len() < MAX_ROOMS;
                self.api.list(&["rooms"], &query, goes_on).await
            })
            .await?;
        let mut read = 0;
        for room in rooms.iter().take(MAX_ROOMS) {
            // The order is the platform's, and not to be relied on.
            let activity = moment(room.last_activity.as_deref());
            if activity != 0 && activity < since {
                continue;
            }
            read += self.read_back(room, since).await?;
        }
        self.progress.close_gap();
        let gap_ms = now.saturating_sub(last);
        tracing::info!(
            bot = self.name(),
            gap_ms,
            read,
            "messages since the last event were read back; presses and members of that time are not kept by Webex"
        );
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
        // Newest first is how they come.
        said.reverse();
        let own = self.own_id();
        let mut read = 0;
        for message in said {
            if is_same(&message.person_id, &own) {
                continue;
            }
            read += 1;
            let notice = notice_of(message);
            // Full as a rule: those that wait go on first.
            while let Err(error) = self.spool.keep(notice.clone()).await {
                tracing::warn!(%error, "what was missed is not kept yet");
                tokio::time::sleep(FULL_WAIT).await;
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

    /// Waits where Webex says how long, up to a bound.
    async fn when_it_may<T, F>(&self, ask: impl Fn() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        loop {
            match ask().await {
                Err(error) => match error.throttled().filter(|wait| *wait <= LONGEST_WAIT) {
                    Some(wait) => tokio::time::sleep(wait).await,
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
