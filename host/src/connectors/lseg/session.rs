//! Hears the stream: connects, shows a new token before the old one ends, keeps the bot in its rooms,
//! and hands over what is said.
//!
//! The stream acknowledges nothing and keeps nothing. What is said while nobody hears it is gone; how
//! long that was is told in the log, and counted.

mod keep;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use self::stream::{Stream, StreamError};
use super::LsegConnector;
use super::auth::{AuthError, Token};
use super::convert::{Heard, event_of_news, read_frame};
use crate::mailbox::session::{SessionEnd, Watch};
use crate::mailbox::{Incoming, Intake, OfferError, offer_all};
use crate::net::WebSocketError;

/// The waits before a list or a refresh is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));
/// How often it is noted that the bot hears.
const NOTE: Duration = Duration::from_secs(10);
/// How long what was heard may take to be kept, once the session has ended.
const REST: Duration = Duration::from_secs(5);
/// A token of this age may be why a stream ends without a word; a younger one was good a moment ago.
const OLD: Duration = Duration::from_secs(60);

/// What a session needs while it runs.
struct Hearing<'a> {
    connector: &'a LsegConnector,
    intake: &'a dyn Intake,
    watch: &'a dyn Watch,
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
        let end = tokio::select! {
            end = hearing.run(stop) => end,
            end = hearing.hand_over() => end,
        };
        self.marks.gone(self.now());
        // What was read is not read again: it is kept, whatever ended the session.
        let rest = async {
            tokio::select! {
                () = self.waiting.through() => {}
                _ = hearing.hand_over() => {}
            }
        };
        let is_late = timeout(REST, rest).await.is_err();
        let events = self.waiting.len();
        if events > 0 {
            tracing::warn!(
                bot = self.name(),
                events,
                is_late,
                "what was heard waits for the next session"
            );
        }
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
        auth.begin_again().await;
        // What is left of the window must be enough until the next token.
        let age = hold.window.saturating_sub(hold.margin);
        let token = auth.younger_than(age).await.map_err(end_of_auth)?;
        let refused = match Stream::open(self, &token).await {
            Ok(stream) => return Ok(stream),
            Err(StreamError::Refused(why) | StreamError::Doubted(why)) => why,
            Err(StreamError::Ended(why)) if token.age() >= OLD => why,
            Err(error) => return Err(error.end()),
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
                error => error.end(),
            })
    }
}

impl Hearing<'_> {
    async fn run(&self, stop: &CancellationToken) -> SessionEnd {
        let opened = tokio::select! {
            () = stop.cancelled() => return SessionEnd::Stopped,
            opened = self.connector.open_stream() => opened,
        };
        let stream = match opened {
            Ok(stream) => stream,
            Err(end) => return end,
        };
        tokio::select! {
            end = self.read(stream, stop) => end,
            end = self.keep_rooms() => end,
            end = self.tell_news() => end,
        }
    }

    /// Reads frames, and shows new tokens. They are fetched while it reads on.
    async fn read(&self, mut stream: Stream, stop: &CancellationToken) -> SessionEnd {
        let connector = self.connector;
        let hold = &connector.config.hold;
        for frame in std::mem::take(&mut stream.early) {
            if let Err(end) = self.heard(&stream, frame.as_bytes()) {
                return end;
            }
        }
        let mut window_ends = Instant::now() + hold.window;
        let mut due = Instant::now() + next_show(stream.token.left(), hold.window, hold.margin);
        let mut fetching: Option<BoxFuture<'_, Result<Arc<Token>, SessionEnd>>> = None;
        let mut noted = tokio::time::interval(NOTE);
        loop {
            // Without room for what comes it is not read; tokens are shown all the same.
            let frame = async {
                connector.waiting.room().await;
                stream.socket.next().await
            };
            tokio::select! {
                // What comes is as good as endless; the others are seldom.
                biased;
                () = stop.cancelled() => {
                    self.hear_out(stream).await;
                    return SessionEnd::Stopped;
                }
                fetched = fetched(&mut fetching) => {
                    fetching = None;
                    let shown = match fetched {
                        Ok(token) => stream.authenticate(token).await.map_err(StreamError::end),
                        Err(end) => Err(end),
                    };
                    if let Err(end) = shown {
                        return end;
                    }
                    window_ends = Instant::now() + hold.window;
                    due = Instant::now() + next_show(stream.token.left(), hold.window, hold.margin);
                }
                () = sleep_until(due), if fetching.is_none() => {
                    let shown = stream.token.clone();
                    fetching = Some(Box::pin(self.next_token(shown, window_ends)));
                }
                _ = noted.tick() => connector.marks.heard(connector.now()),
                frame = frame => {
                    let heard = match frame {
                        Ok(frame) => self.heard(&stream, frame.as_bytes()),
                        Err(error) => Err(self.lost(&stream, &error)),
                    };
                    if let Err(end) = heard {
                        return end;
                    }
                }
            }
        }
    }

    /// Ends the stream, and hears what was said up to there.
    async fn hear_out(&self, stream: Stream) {
        let token = stream.token.clone();
        for frame in stream.socket.finish().await {
            if self.heard_with(&token, frame.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn lost(&self, stream: &Stream, error: &WebSocketError) -> SessionEnd {
        if matches!(error, WebSocketError::Silent(_)) {
            // It was gone before that was noticed.
            let ago = stream.socket.heard_at().elapsed().as_millis();
            let ago = u64::try_from(ago).unwrap_or(u64::MAX);
            let marks = &self.connector.marks;
            marks.gone(self.connector.now().saturating_sub(ago));
        }
        let why = stream.token.hidden_in(&error.to_string());
        SessionEnd::Lost(format!("the stream: {why}"))
    }

    fn heard(&self, stream: &Stream, frame: &[u8]) -> Result<(), SessionEnd> {
        self.heard_with(&stream.token, frame)
    }

    fn heard_with(&self, token: &Token, frame: &[u8]) -> Result<(), SessionEnd> {
        let connector = self.connector;
        let heard = connector.reading(connector.now(), |reading| read_frame(frame, reading));
        match heard {
            Heard::Happened(incoming) => connector.waiting.push(*incoming),
            Heard::Invited {
                room,
                is_open,
                incoming,
            } => {
                connector.waiting.push(*incoming);
                if is_open && connector.config.accept_invites {
                    connector.rooms.ask_in(&room);
                }
            }
            Heard::Failed { request, why, .. } => {
                let request = request.unwrap_or_default();
                let why = token.hidden_in(&why);
                tracing::warn!(
                    bot = connector.name(),
                    request,
                    why,
                    "the stream refuses a request"
                );
                return Err(SessionEnd::Lost(format!("the stream: {why}")));
            }
            Heard::Connected(_) | Heard::Nothing => {}
            Heard::Nonsense => {
                let bytes = frame.len();
                tracing::debug!(
                    bot = connector.name(),
                    bytes,
                    "a frame that is none of the platform's"
                );
            }
        }
        Ok(())
    }

    /// Fetches the token that is shown next. Tried until the one before ends.
    async fn next_token(
        &self,
        shown: Arc<Token>,
        deadline: Instant,
    ) -> Result<Arc<Token>, SessionEnd> {
        let connector = self.connector;
        let auth = connector.api.auth();
        let margin = connector.config.hold.margin;
        let too_late = |why: &str| format!("no new token before the old one ended: {why}");
        let mut wait = AGAIN.0;
        loop {
            let asked = timeout_at(deadline, auth.other_than(&shown, margin)).await;
            let (why, after) = match asked {
                Ok(Ok(token)) => return Ok(token),
                Ok(Err(AuthError::Refused(why))) => return Err(SessionEnd::Refused(why)),
                Ok(Err(AuthError::Unavailable(why, after))) => (why, after),
                Err(_) => return Err(SessionEnd::Lost(too_late("no answer"))),
            };
            let pause = after.unwrap_or(wait);
            if Instant::now() + pause >= deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                // What is said until then is heard still.
                sleep(left).await;
                let least = pause.saturating_sub(left);
                return Err(SessionEnd::Later(too_late(&why), least));
            }
            tracing::warn!(bot = connector.name(), why, "no new token yet");
            sleep(pause).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Hands events over, in order. They wait until the journal has them.
    async fn hand_over(&self) -> SessionEnd {
        let connector = self.connector;
        loop {
            let events = connector.waiting.first().await;
            let count = events.len();
            if let Err(end) = self.offer(events).await {
                return end;
            }
            connector.marks.taken(count);
            connector.waiting.taken(count);
        }
    }

    /// Tells plugins that the bot has come into a room, or gone, whoever brought that about.
    async fn tell_news(&self) -> SessionEnd {
        let connector = self.connector;
        loop {
            // The invitation is heard before.
            connector.waiting.through().await;
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
}

/// Waits for what is being fetched, where something is.
async fn fetched<T>(fetching: &mut Option<BoxFuture<'_, T>>) -> T {
    match fetching {
        Some(fetching) => fetching.await,
        None => std::future::pending().await,
    }
}

fn end_of_auth(error: AuthError) -> SessionEnd {
    match error {
        AuthError::Refused(why) => SessionEnd::Refused(why),
        AuthError::Unavailable(why, Some(wait)) => SessionEnd::Later(why, wait),
        AuthError::Unavailable(why, None) => SessionEnd::Lost(why),
    }
}

/// How long until the next token is shown, where the one before holds so long. The stream takes one for
/// five minutes, even where it was given for ten.
fn next_show(left: Duration, window: Duration, margin: Duration) -> Duration {
    let end = left.min(window);
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
        let next = |left: u64| next_show(Duration::from_secs(left), 5 * minute, minute).as_secs();
        assert_eq!(next(600), 240);
        assert_eq!(next(300), 240);
        // One of five minutes that was kept for three.
        assert_eq!(next(120), 60);
        assert_eq!(next(60), 30);
        assert_eq!(next(10), 5);
    }
}
