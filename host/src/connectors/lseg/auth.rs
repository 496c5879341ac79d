//! Tokens: kept ones, renewed ones, and logins by password, which are never made in haste: too many
//! of them block an account.

mod grant;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::LsegConfig;
use super::tokens::TokenFile;
use super::wire::TokenAnswer;
use crate::mailbox::{Clock as _, SystemClock};
use crate::model::secret::Secret;
use crate::net::RestError;

use self::grant::{Asker, Granted};

/// How long before its end a token is renewed.
const EARLY: Duration = Duration::from_secs(10);
/// How long a token holds where nobody says.
const LIFETIME: Duration = Duration::from_secs(300);
/// Logins of this time count when the next is made.
const RECENT: Duration = Duration::from_secs(600);
/// Logins of that time that need no pause.
const FREE: usize = 2;
/// The first pause between logins; twice as long after each further one.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Doublings that a pause may come of.
const MAX_DOUBLINGS: u32 = 8;

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum AuthError {
    /// The platform refuses the account: asking again helps nothing, and may block it.
    #[error("{0}")]
    Refused(String),
    /// The platform is not there now, or wants to be left alone.
    #[error("{0}")]
    Unavailable(String, Option<Duration>),
}

/// What a request shows.
pub(super) struct Token {
    pub(super) bearer: HeaderValue,
    /// The token itself, for the stream.
    pub(super) access: Secret,
    /// When it was given.
    issued: Instant,
    expires: Instant,
    /// How long it was said to hold.
    pub(super) lifetime: Duration,
    /// Rises with each token.
    generation: u64,
}

/// Gets tokens and renews them.
pub(super) struct Auth {
    asker: Asker,
    file: TokenFile,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    refresh: Option<Secret>,
    generation: u64,
    has_read_file: bool,
    /// When there were logins by password.
    logins: VecDeque<Instant>,
    /// Logins in a row that did not come about.
    failures: u32,
    not_before: Option<Instant>,
    /// Why no login is made any more.
    refused: Option<String>,
}

impl Auth {
    pub(super) fn new(config: &LsegConfig) -> Result<Self, RestError> {
        Ok(Self {
            asker: Asker::new(config)?,
            file: TokenFile::new(config.token_file.clone(), &config.username),
            state: Mutex::default(),
        })
    }

    /// A token that is good, as far as it says itself.
    pub(super) async fn token(&self) -> Result<Arc<Token>, AuthError> {
        let mut state = self.state.lock().await;
        self.read_kept(&mut state);
        let now = Instant::now();
        let good = state.token.clone();
        if let Some(token) = good.filter(|token| token.expires > now + EARLY) {
            return Ok(token);
        }
        self.obtain(&mut state).await
    }

    /// A new token in place of one that was refused; once, however many requests ask for it.
    pub(super) async fn renew(&self, refused: &Token) -> Result<Arc<Token>, AuthError> {
        let mut state = self.state.lock().await;
        match state.token.clone() {
            Some(token) if token.generation != refused.generation => Ok(token),
            _ => self.obtain(&mut state).await,
        }
    }

    /// A token that was given less than this ago.
    pub(super) async fn younger_than(&self, age: Duration) -> Result<Arc<Token>, AuthError> {
        let mut state = self.state.lock().await;
        self.read_kept(&mut state);
        let now = Instant::now();
        let young = state.token.clone();
        let is_young = |token: &Arc<Token>| token.issued + age > now && token.expires > now + EARLY;
        if let Some(token) = young.filter(is_young) {
            return Ok(token);
        }
        self.obtain(&mut state).await
    }

    /// Lets a bot try again that was refused: somebody has changed something.
    pub(super) async fn begin_again(&self) {
        let mut state = self.state.lock().await;
        if state.refused.take().is_some() {
            state.not_before = None;
            state.failures = 0;
        }
    }

    fn read_kept(&self, state: &mut State) {
        if std::mem::replace(&mut state.has_read_file, true) {
            return;
        }
        let Some(kept) = self.file.read() else {
            return;
        };
        let left = kept.ends.saturating_sub(SystemClock.now());
        self.keep(state, &kept.answer, Duration::from_millis(left));
    }

    /// Takes tokens; the access token holds so much longer.
    fn keep(&self, state: &mut State, answer: &TokenAnswer, left: Duration) {
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
        else {
            return;
        };
        bearer.set_sensitive(true);
        let lifetime = answer.expires_in.map_or(LIFETIME, Duration::from_secs);
        let now = Instant::now();
        let age = lifetime.saturating_sub(left);
        state.generation += 1;
        state.token = Some(Arc::new(Token {
            bearer,
            access: Secret::new(answer.access_token.clone()),
            issued: now.checked_sub(age).unwrap_or(now),
            expires: now + left,
            lifetime,
            generation: state.generation,
        }));
        if let Some(refresh) = &answer.refresh_token {
            state.refresh = Some(Secret::new(refresh.clone()));
        }
    }

    async fn obtain(&self, state: &mut State) -> Result<Arc<Token>, AuthError> {
        state.token = None;
        if let Some(refresh) = state.refresh.clone() {
            match self.asker.refresh(&refresh).await {
                Granted::Tokens(answer) => return self.granted(state, &answer),
                // Both tokens are dead as a rule: once by password, then.
                Granted::Wrong(why) => {
                    tracing::info!(why, "refresh token not taken; the bot logs in");
                    state.refresh = None;
                }
                Granted::Forbidden(why) => return Err(refuse(state, why)),
                // The token may have been used up, or not.
                Granted::Later(why, wait) => return Err(AuthError::Unavailable(why, wait)),
                Granted::Quota(why) => return Err(AuthError::Unavailable(why, Some(PAUSE))),
                Granted::Changed => {
                    let why = "the refresh was answered without a token".to_owned();
                    return Err(AuthError::Unavailable(why, None));
                }
            }
        }
        if let Some(why) = &state.refused {
            return Err(AuthError::Refused(why.clone()));
        }
        let now = Instant::now();
        if let Some(at) = state.not_before.filter(|at| *at > now) {
            let wait = at - now;
            let why = format!("the next login is made in {} s", wait.as_secs() + 1);
            return Err(AuthError::Unavailable(why, Some(wait)));
        }
        let granted = self.asker.log_in(None).await;
        self.logged_in(state, granted)
    }

    /// Notes how a login by password has ended.
    fn logged_in(&self, state: &mut State, granted: Granted) -> Result<Arc<Token>, AuthError> {
        let now = Instant::now();
        match granted {
            Granted::Tokens(answer) => {
                state.failures = 0;
                state.logins.retain(|at| now.duration_since(*at) < RECENT);
                state.logins.push_back(now);
                let many = state.logins.len().saturating_sub(FREE);
                // Two programs with one account log one another out; they must not do so in haste.
                state.not_before = (many > 0).then(|| now + pause(many));
                tracing::info!(account = self.asker.username(), "logged in");
                self.granted(state, &answer)
            }
            Granted::Wrong(why) | Granted::Forbidden(why) => Err(refuse(state, why)),
            Granted::Later(why, wait) => Err(wait_for(state, now, why, wait)),
            Granted::Quota(why) => Err(wait_for(state, now, why, Some(LONGEST_PAUSE))),
            Granted::Changed => {
                let why = "the login was answered without a token".to_owned();
                Err(wait_for(state, now, why, None))
            }
        }
    }

    fn granted(&self, state: &mut State, answer: &TokenAnswer) -> Result<Arc<Token>, AuthError> {
        let lifetime = answer.expires_in.map_or(LIFETIME, Duration::from_secs);
        self.keep(state, answer, lifetime);
        let millis = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        self.file
            .write(answer, SystemClock.now().saturating_add(millis));
        let nonsense = || AuthError::Unavailable("a token that is no header".to_owned(), None);
        state.token.clone().ok_or_else(nonsense)
    }
}

fn refuse(state: &mut State, why: String) -> AuthError {
    state.refused = Some(why.clone());
    AuthError::Refused(why)
}

/// Puts the next login off: as long as the platform says, else longer each time.
fn wait_for(state: &mut State, now: Instant, why: String, wait: Option<Duration>) -> AuthError {
    state.failures = state.failures.saturating_add(1);
    let wait = wait.unwrap_or_else(|| spread(pause(state.failures as usize) / 5));
    state.not_before = Some(now + wait);
    AuthError::Unavailable(why, Some(wait))
}

/// The pause after so many logins.
fn pause(many: usize) -> Duration {
    let doublings = u32::try_from(many.saturating_sub(1)).unwrap_or(u32::MAX);
    (PAUSE * 2_u32.pow(doublings.min(MAX_DOUBLINGS))).min(LONGEST_PAUSE)
}

/// Up to a quarter more, so that many bots do not come back at one moment.
fn spread(wait: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without randomness they do.
    let _ = getrandom::fill(&mut byte);
    wait + wait / 4 * u32::from(byte[0]) / 255
}

/// Changes the account's password, and keeps the tokens that come with it: every other session of the
/// account has ended with the old ones.
pub(super) async fn change_password(config: &LsegConfig, new: &Secret) -> Result<(), AuthError> {
    if let Some(folder) = &config.folder {
        // Where it cannot be made the tokens are not kept, which is said when they come.
        if let Err(error) = std::fs::create_dir_all(folder) {
            tracing::warn!(folder = %folder.display(), %error, "folder not made");
        }
    }
    let auth =
        Auth::new(config).map_err(|error| AuthError::Unavailable(error.to_string(), None))?;
    match auth.asker.log_in(Some(new)).await {
        Granted::Tokens(answer) => {
            let mut state = auth.state.lock().await;
            auth.granted(&mut state, &answer)?;
            Ok(())
        }
        Granted::Changed => Ok(()),
        Granted::Wrong(why) | Granted::Forbidden(why) => Err(AuthError::Refused(why)),
        Granted::Later(why, wait) => Err(AuthError::Unavailable(why, wait)),
        Granted::Quota(why) => Err(AuthError::Unavailable(why, None)),
    }
}

#[cfg(test)]
mod tests;
