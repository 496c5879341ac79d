//! Hears the stream: connects, shows a new token before the old one ends, keeps the bot in its rooms,
//! and hands over what is said.
//!
//! The stream acknowledges nothing and keeps nothing. What is said while nobody hears it is gone; how
//! long that was is told in the log.

mod stream;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::stream::{Stream, StreamError};
use super::LsegConnector;
use super::api::{ApiError, Call};
use super::auth::AuthError;
use super::convert::{Heard, event_of_news, read_frame};
use super::rooms::KnownRoom;
use super::send::OnPurpose;
use super::wire::rooms_of;
use crate::mailbox::session::{SessionEnd, Watch};
use crate::mailbox::{Incoming, Intake, OfferError, offer_all};
use crate::model::Timestamp;

/// Events that wait for the host; when they are so many, no more is read.
const WAITING: usize = 1_000;
/// The waits before a list or a refresh is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));
/// How often it is noted that the bot hears.
const NOTE: Duration = Duration::from_secs(10);

/// What a session needs while it runs.
struct Hearing<'a> {
    connector: &'a LsegConnector,
    intake: &'a dyn Intake,
    watch: &'a dyn Watch,
}

/// Something for the host, or a room to go into.
enum Next {
    Event(Box<Incoming>),
    Invited(String, Box<Incoming>),
}

impl LsegConnector {
    /// Connects and hears until something ends it.
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
        self.api.auth().begin_again().await;
        let end = tokio::select! {
            () = stop.cancelled() => SessionEnd::Stopped,
            end = hearing.run() => end,
        };
        self.marks.gone(self.now());
        end
    }

    /// Opens the stream and closes it again.
    pub(super) async fn try_stream(&self) -> Result<(), SessionEnd> {
        let stream = self.open_stream().await?;
        stream.socket.close().await;
        Ok(())
    }

    /// Opens the stream. A token that it refuses is renewed once.
    async fn open_stream(&self) -> Result<Stream, SessionEnd> {
        let hold = &self.config.hold;
        let auth = self.api.auth();
        // What is left of the window must be enough until the next token.
        let age = hold.window.saturating_sub(hold.margin);
        let token = auth.younger_than(age).await.map_err(end_of_auth)?;
        let refused = match Stream::open(self, &token).await {
            Ok(stream) => return Ok(stream),
            Err(StreamError::Refused(why)) => why,
            Err(error) => return Err(SessionEnd::Lost(error.to_string())),
        };
        tracing::warn!(
            bot = self.name(),
            why = refused,
            "token not taken; it is renewed"
        );
        let token = auth.renew(&token).await.map_err(end_of_auth)?;
        Stream::open(self, &token)
            .await
            .map_err(|error| match error {
                StreamError::Refused(why) => SessionEnd::Refused(format!(
                    "{why}; may {} use the Bot API?",
                    self.config.username
                )),
                error => SessionEnd::Lost(error.to_string()),
            })
    }
}

impl Hearing<'_> {
    async fn run(&self) -> SessionEnd {
        let stream = match self.connector.open_stream().await {
            Ok(stream) => stream,
            Err(end) => return end,
        };
        let (news, waiting) = mpsc::channel(WAITING);
        tokio::select! {
            end = self.read(stream, news) => end,
            end = self.hand_over(waiting) => end,
            end = self.keep_rooms() => end,
            end = self.tell_news() => end,
        }
    }

    /// Reads frames, and shows new tokens.
    async fn read(&self, mut stream: Stream, news: mpsc::Sender<Next>) -> SessionEnd {
        let connector = self.connector;
        let hold = &connector.config.hold;
        let mut shown_at = Instant::now();
        let mut due = shown_at + next_show(stream.lifetime(), hold.window, hold.margin);
        let mut noted = tokio::time::interval(NOTE);
        loop {
            // Without room for what comes it is not read; tokens are shown all the same.
            let frame = async {
                let room = news.reserve().await;
                let frame = stream.socket.next().await;
                (room, frame)
            };
            let (room, frame) = tokio::select! {
                got = frame => got,
                () = tokio::time::sleep_until(due) => {
                    match self.show_token(&mut stream, shown_at + hold.window).await {
                        Ok(lifetime) => {
                            shown_at = Instant::now();
                            due = shown_at + next_show(lifetime, hold.window, hold.margin);
                        }
                        Err(end) => return end,
                    }
                    continue;
                }
                _ = noted.tick() => {
                    connector.marks.heard(connector.now());
                    continue;
                }
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return SessionEnd::Lost(format!("the stream: {error}")),
            };
            let Ok(room) = room else {
                return SessionEnd::Stopped;
            };
            match self.heard(frame.as_bytes()) {
                Ok(Some(next)) => room.send(next),
                Ok(None) => {}
                Err(end) => return end,
            }
        }
    }

    fn heard(&self, frame: &[u8]) -> Result<Option<Next>, SessionEnd> {
        let connector = self.connector;
        let heard = connector.reading(connector.now(), |reading| read_frame(frame, reading));
        match heard {
            Heard::Happened(incoming) => Ok(Some(Next::Event(incoming))),
            Heard::Invited {
                room,
                is_open,
                incoming,
            } => Ok(Some(match is_open && connector.config.accept_invites {
                true => Next::Invited(room, incoming),
                false => Next::Event(incoming),
            })),
            Heard::Failed { request, why } => {
                let request = request.unwrap_or_default();
                tracing::warn!(
                    bot = connector.name(),
                    request,
                    why,
                    "the stream refuses a request"
                );
                Err(SessionEnd::Lost(format!("the stream: {why}")))
            }
            Heard::Connected(_) | Heard::Nothing => Ok(None),
            Heard::Nonsense => {
                let bytes = frame.len();
                tracing::debug!(
                    bot = connector.name(),
                    bytes,
                    "a frame that is none of the platform's"
                );
                Ok(None)
            }
        }
    }

    /// Shows the stream a new token; how long it holds. Tried until the old one ends.
    async fn show_token(
        &self,
        stream: &mut Stream,
        deadline: Instant,
    ) -> Result<Duration, SessionEnd> {
        let connector = self.connector;
        let mut wait = AGAIN.0;
        loop {
            // The age says that it is another than the one before.
            match connector
                .api
                .auth()
                .younger_than(Duration::from_secs(1))
                .await
            {
                Ok(token) => {
                    let sent = stream.authenticate(&token).await;
                    sent.map_err(|error| SessionEnd::Lost(error.to_string()))?;
                    return Ok(token.lifetime);
                }
                Err(AuthError::Refused(why)) => return Err(SessionEnd::Refused(why)),
                Err(AuthError::Unavailable(why, after)) => {
                    wait = after.unwrap_or(wait);
                    if Instant::now() + wait >= deadline {
                        let why = format!("no new token before the old one ended: {why}");
                        return Err(SessionEnd::Lost(why));
                    }
                    tracing::warn!(bot = connector.name(), why, "no new token yet");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(AGAIN.1);
                }
            }
        }
    }

    /// Hands events over, in order; goes where the bot is invited.
    async fn hand_over(&self, mut waiting: mpsc::Receiver<Next>) -> SessionEnd {
        while let Some(next) = waiting.recv().await {
            let (invited, incoming) = match next {
                Next::Event(incoming) => (None, incoming),
                Next::Invited(room, incoming) => (Some(room), incoming),
            };
            if let Err(end) = self.offer(vec![*incoming]).await {
                return end;
            }
            self.connector.marks.taken();
            if let Some(room) = invited {
                self.accept(&room).await;
            }
        }
        SessionEnd::Stopped
    }

    async fn accept(&self, id: &str) {
        let room = self.connector.rooms.find(id).unwrap_or(KnownRoom {
            id: id.to_owned(),
            name: None,
            managed: false,
            listed: false,
        });
        let name = self.connector.name();
        match self.connector.join_room(&room, OnPurpose::Yes).await {
            Ok(()) => tracing::info!(bot = name, room = id, "invitation accepted"),
            // It is listed from now on, and joined with the others where it is wanted.
            Err(error) => tracing::warn!(bot = name, room = id, %error, "invitation not accepted"),
        }
    }

    /// Lists the rooms and joins those where the bot is to be, now and again and again: the platform
    /// drops bots without a word, and joining twice does no harm.
    async fn keep_rooms(&self) -> SessionEnd {
        let connector = self.connector;
        let mut is_first = true;
        let mut wait = AGAIN.0;
        loop {
            let kept = self.list_and_join(is_first).await;
            let pause = match kept {
                Ok(()) => {
                    wait = AGAIN.0;
                    connector.config.hold.rejoin
                }
                Err(End::Session(end)) => return end,
                Err(End::Api(error)) => {
                    if let ApiError::Auth(AuthError::Refused(why)) = error {
                        return SessionEnd::Refused(why);
                    }
                    tracing::warn!(bot = connector.name(), %error, "rooms not listed; later again");
                    let said = error.refusal().and_then(|refusal| refusal.throttled);
                    let pause = said.unwrap_or(wait);
                    wait = (wait * 2).min(AGAIN.1);
                    pause
                }
            };
            // It hears now, whatever became of its rooms.
            if is_first {
                self.tell_gap();
                self.watch.connected();
                is_first = false;
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn list_and_join(&self, is_first: bool) -> Result<(), End> {
        let connector = self.connector;
        let found = connector.list().await.map_err(End::Api)?;
        let now = connector.now();
        let news = connector.rooms.news(&found);
        let events = news
            .iter()
            .map(|news| connector.reading(now, |reading| event_of_news(news, reading)));
        self.offer(events.collect()).await.map_err(End::Session)?;
        connector.rooms.take(&found);
        if is_first && connector.config.accept_invites {
            self.accept_waiting().await;
        }
        let (wanted, missing) = connector.rooms.wanted(&connector.config.rooms);
        for name in &missing {
            tracing::warn!(
                bot = connector.name(),
                room = name,
                "no room of this name is listed; was the bot dragged into it?"
            );
        }
        for room in &wanted {
            let Err(error) = connector.join_room(room, OnPurpose::No).await else {
                continue;
            };
            match error.refusal() {
                Some(refusal) if refusal.is_about_request() => {
                    let name = room.name.as_deref().unwrap_or(&room.id);
                    tracing::warn!(bot = connector.name(), room = name, %error, "room not joined");
                }
                _ => return Err(End::Api(error)),
            }
        }
        Ok(())
    }

    /// Accepts invitations of the time when nobody heard them. That they can be listed is not documented,
    /// and not everybody may.
    async fn accept_waiting(&self) {
        let call = Call::get(&["chatrooms", "invites"]);
        let invites = match self.connector.api.try_ask(&call).await {
            Ok(answer) => rooms_of(&answer.body).unwrap_or_default(),
            Err(error) => {
                tracing::debug!(%error, "invitations are not listed");
                return;
            }
        };
        for room in invites {
            self.accept(&room.id).await;
        }
    }

    /// Tells plugins that the bot has come into a room, or gone, whoever brought that about.
    async fn tell_news(&self) -> SessionEnd {
        let connector = self.connector;
        loop {
            for news in connector.rooms.untold() {
                let now = connector.now();
                let event = connector.reading(now, |reading| event_of_news(&news, reading));
                if let Err(end) = self.offer(vec![event]).await {
                    return end;
                }
                connector.rooms.told(&news);
            }
            connector.rooms.changed().await;
        }
    }

    async fn offer(&self, incoming: Vec<Incoming>) -> Result<(), SessionEnd> {
        match offer_all(self.intake, incoming).await {
            Ok(()) => Ok(()),
            Err(OfferError::Stopping) => Err(SessionEnd::Stopped),
            Err(error) => Err(SessionEnd::Lost(error.to_string())),
        }
    }

    /// Says how long nobody heard what was said.
    fn tell_gap(&self) {
        let now: Timestamp = self.connector.now();
        if let Some(since) = self.connector.marks.begin(now) {
            tracing::warn!(
                bot = self.connector.name(),
                gap_ms = now.saturating_sub(since),
                gaps = self.connector.marks.gaps(),
                "nobody heard the stream for a while; what was said then is gone"
            );
        }
    }
}

/// Why rooms were not kept.
enum End {
    Session(SessionEnd),
    Api(ApiError),
}

fn end_of_auth(error: AuthError) -> SessionEnd {
    match error {
        AuthError::Refused(why) => SessionEnd::Refused(why),
        AuthError::Unavailable(why, _) => SessionEnd::Lost(why),
    }
}

/// How long after a token the next is shown. The stream takes one for five minutes, even where it was
/// given for ten.
fn next_show(lifetime: Duration, window: Duration, margin: Duration) -> Duration {
    let end = lifetime.min(window);
    match end.checked_sub(margin) {
        Some(wait) if !wait.is_zero() => wait,
        // A token that holds less than the margin.
        _ => end / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_a_minute_before_the_streams_five_whatever_it_says_itself() {
        let minute = Duration::from_secs(60);
        let next =
            |lifetime: u64| next_show(Duration::from_secs(lifetime), 5 * minute, minute).as_secs();
        assert_eq!(next(600), 240);
        assert_eq!(next(300), 240);
        assert_eq!(next(120), 60);
        assert_eq!(next(60), 30);
        assert_eq!(next(10), 5);
    }
}
