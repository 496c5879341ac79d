//! Keeps the bot in its rooms: lists and joins them, now and again and again. The platform drops bots
//! without a word, and joining twice does no harm.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{AGAIN, Hearing};
use crate::connectors::lseg::api::{ApiError, Call};
use crate::connectors::lseg::auth::AuthError;
use crate::connectors::lseg::convert::event_of_news;
use crate::connectors::lseg::rooms::KnownRoom;
use crate::connectors::lseg::send::OnPurpose;
use crate::connectors::lseg::wire::rooms_of;
use crate::mailbox::session::SessionEnd;

/// Joins in a row that may be told to wait, or refused with a token that is good, before the rest of
/// the rooms waits too.
const IN_A_ROW: u32 = 3;

/// Why rooms were not kept.
enum End {
    Session(SessionEnd),
    Api(ApiError),
    /// The bot is in all of those that were listed, and managed ones could not be.
    NotWhole,
}

impl Hearing<'_> {
    /// Lists the rooms and joins those where the bot is to be, until the session ends.
    pub(super) async fn keep_rooms(&self) -> SessionEnd {
        let connector = self.connector;
        let every = connector.config.hold.rejoin;
        let mut missing = BTreeSet::new();
        let mut is_first = true;
        let mut wait = AGAIN.0;
        loop {
            let kept = self.list_and_join(is_first, &mut missing).await;
            let pause = match kept {
                Ok(()) => {
                    wait = AGAIN.0;
                    every
                }
                Err(End::Session(end)) => return end,
                Err(End::Api(ApiError::Auth(AuthError::Refused(why)))) => {
                    return SessionEnd::Refused(why);
                }
                Err(End::Api(error)) => {
                    tracing::warn!(bot = connector.name(), %error, "rooms not kept; later again");
                    match error.wait() {
                        Some(said) => said,
                        // Whoever may not is not let in by asking soon.
                        None if error.is_denied() => every.max(wait),
                        None => longer(&mut wait, AGAIN.1),
                    }
                }
                Err(End::NotWhole) => {
                    tracing::warn!(
                        bot = connector.name(),
                        "managed rooms are not listed; later again"
                    );
                    longer(&mut wait, every)
                }
            };
            // It hears now, whatever became of its rooms.
            if is_first {
                self.tell_gap();
                self.watch.connected();
                is_first = false;
            }
            if let Err(end) = self.wait_and_go_in(pause).await {
                return end;
            }
        }
    }

    /// Waits until rooms are listed again; goes meanwhile where the bot is asked in.
    async fn wait_and_go_in(&self, pause: Duration) -> Result<(), SessionEnd> {
        let connector = self.connector;
        let mut until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = connector.rooms.asked() => {}
            }
            match self.join_rooms(&connector.rooms.asked_into()).await {
                Ok(()) | Err(End::NotWhole) => {}
                Err(End::Session(end)) => return Err(end),
                Err(End::Api(ApiError::Auth(AuthError::Refused(why)))) => {
                    return Err(SessionEnd::Refused(why));
                }
                Err(End::Api(error)) => {
                    tracing::warn!(bot = connector.name(), %error, "not gone in yet; later again");
                    let soon = error.wait().unwrap_or(AGAIN.0);
                    until = until.min(Instant::now() + soon);
                }
            }
        }
    }

    async fn list_and_join(
        &self,
        is_first: bool,
        missing: &mut BTreeSet<String>,
    ) -> Result<(), End> {
        let connector = self.connector;
        connector.rooms.begin_list();
        let list = connector.list().await.map_err(End::Api)?;
        let now = connector.now();
        let news = connector.rooms.news(&list);
        let events = news
            .iter()
            .map(|news| connector.reading(now, |reading| event_of_news(news, reading)));
        self.offer(events.collect()).await.map_err(End::Session)?;
        connector.rooms.take(&list);
        if !connector.config.accept_invites {
            connector.rooms.decline_all();
        } else if is_first {
            self.look_for_invitations().await;
        }
        let (wanted, not_there) = connector.rooms.wanted(&connector.config.rooms);
        for name in &not_there {
            if !missing.contains(name) {
                tracing::warn!(
                    bot = connector.name(),
                    room = name,
                    "no room of this name is listed; was the bot dragged into it?"
                );
            }
        }
        *missing = not_there.into_iter().collect();
        self.join_rooms(&wanted).await?;
        match list.knows_managed {
            true => Ok(()),
            false => Err(End::NotWhole),
        }
    }

    /// Joins rooms, one after the other. One that cannot be joined keeps the bot out of no other.
    async fn join_rooms(&self, rooms: &[KnownRoom]) -> Result<(), End> {
        let connector = self.connector;
        let mut failed = None;
        let mut denied = 0;
        for room in rooms {
            let Err(error) = self.join_patiently(room).await else {
                denied = 0;
                continue;
            };
            let ApiError::Refused(refusal) = &error else {
                if matches!(error, ApiError::Nonsense(_)) {
                    failed = Some(error);
                    continue;
                }
                // The platform is not there, or will not have the bot.
                return Err(End::Api(error));
            };
            let name = room.name.as_deref().unwrap_or(&room.id);
            tracing::warn!(bot = connector.name(), room = name, %error, "room not joined");
            // A token that was good for the list is good for rooms, or for none of them.
            let is_unknown = matches!(refusal.status.as_u16(), 401 | 451);
            denied = if is_unknown { denied + 1 } else { 0 };
            if refusal.throttled.is_some() || denied > IN_A_ROW {
                return Err(End::Api(error));
            }
            if !refusal.is_about_request() && !is_unknown {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), |error| Err(End::Api(error)))
    }

    /// Joins a room, and waits where that is asked for.
    async fn join_patiently(&self, room: &KnownRoom) -> Result<(), ApiError> {
        let mut tries = 0;
        loop {
            let joined = self.connector.join_room(room, OnPurpose::No).await;
            let wait = joined.as_ref().err().and_then(ApiError::refusal);
            match wait.and_then(|refusal| refusal.throttled) {
                Some(wait) if tries < IN_A_ROW => sleep(wait).await,
                _ => return joined,
            }
            tries += 1;
        }
    }

    /// Looks for invitations of the time when nobody heard them. That they can be listed is not
    /// documented, and not everybody may. When they were made is not said: a room that was left on
    /// purpose stays left.
    async fn look_for_invitations(&self) {
        let connector = self.connector;
        let call = Call::get(&["chatrooms", "invites"]);
        let invites = match connector.api.try_ask(&call).await {
            Ok(answer) => rooms_of(&answer.body).unwrap_or_default(),
            Err(error) => {
                tracing::debug!(%error, "invitations are not listed");
                return;
            }
        };
        for room in invites {
            let rooms = &connector.rooms;
            if room.is_open() && !rooms.is_in(&room.id) && !rooms.was_left(&room.id) {
                rooms.ask_in(&room.id);
            }
        }
    }

    /// Says how long nobody heard what was said.
    fn tell_gap(&self) {
        let connector = self.connector;
        let now = connector.now();
        if let Some(since) = connector.marks.begin(now) {
            let gap_ms = now.saturating_sub(since);
            self.watch.missed(Duration::from_millis(gap_ms));
            tracing::warn!(
                bot = connector.name(),
                gap_ms,
                gaps = connector.marks.gaps(),
                "nobody heard the stream for a while; what was said then is gone"
            );
        }
    }
}

/// The next wait, and a longer one after that.
fn longer(wait: &mut Duration, longest: Duration) -> Duration {
    let next = *wait;
    *wait = (next * 2).min(longest.max(AGAIN.0));
    next
}
