//! Tokens: kept ones, renewed ones, and logins by password, which are never made in haste: too many
//! of them block an account.

mod grant;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
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
/// What a token may say of itself: one that holds no time would be asked for without end.
const LIFETIMES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(86_400));
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
    /// Rises with each token.
    generation: u64,
}

impl Token {
    /// How long it holds from now on.
    pub(super) fn left(&self) -> Duration {
        self.expires.saturating_duration_since(Instant::now())
    }

    /// How long ago it was given.
    pub(super) fn age(&self) -> Duration {
        self.issued.elapsed()
    }

    /// A text for people, without the token.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        text.replace(self.access.expose(), "…")
    }

    fn is_good(&self) -> bool {
        self.left() > EARLY
    }
}

/// Gets tokens and renews them.
pub(super) struct Auth {
    asker: Asker,
    file: TokenFile,
    state: Mutex<State>,
    /// The token, for whoever need not wait until another is there.
    current: ArcSwapOption<Token>,
    /// Somebody has changed something: what was refused may be tried again.
    is_forgiven: AtomicBool,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    refresh: Option<Secret>,
    generation: u64,
    has_read_file: bool,
    /// When there were logins by password.
    logins: VecDeque<Instant>,
    /// No login by password before this.
    no_login_before: Option<Instant>,
    /// Requests for tokens in a row that came to nothing.
    failures: u32,
    /// The platform is not asked for tokens before this, and why.
    not_before: Option<(Instant, String)>,
    /// Why no login is made any more.
    refused: Option<String>,
}

impl Auth {
    pub(super) fn new(config: &LsegConfig) -> Result<Self, RestError> {
        let path = config.token_file.clone();
        Ok(Self {
            asker: Asker::new(config)?,
            file: TokenFile::new(path, &config.username, &config.gateway),
            state: Mutex::default(),
            current: ArcSwapOption::empty(),
            is_forgiven: AtomicBool::new(false),
        })
    }

    /// A token that is good, as far as it says itself.
    pub(super) async fn token(&self) -> Result<Arc<Token>, AuthError> {
        // While the next one is fetched this one is good still.
        match self.current.load_full().filter(|token| token.is_good()) {
            Some(token) => Ok(token),
            None => self.token_like(|_| true).await,
        }
    }

    /// A new token in place of one that was refused; once, however many requests ask for it.
    pub(super) async fn renew(&self, refused: &Token) -> Result<Arc<Token>, AuthError> {
        let mut state = self.state.lock().await;
        let other = state.token.take();
        state.token = other.filter(|token| token.generation != refused.generation);
        self.current.store(state.token.clone());
        match state.token.clone() {
            Some(token) => Ok(token),
            None => self.obtain(&mut state).await,
        }
    }

    /// A token that was given less than this ago.
    pub(super) async fn younger_than(&self, age: Duration) -> Result<Arc<Token>, AuthError> {
        self.token_like(|token| token.age() < age).await
    }

    /// Another token than this one, given less than this ago.
    pub(super) async fn other_than(
        &self,
        shown: &Token,
        age: Duration,
    ) -> Result<Arc<Token>, AuthError> {
        let is_other = |token: &Token| token.generation != shown.generation && token.age() < age;
        self.token_like(is_other).await
    }

    async fn token_like(
        &self,
        is_wanted: impl Fn(&Token) -> bool,
    ) -> Result<Arc<Token>, AuthError> {
        let mut state = self.state.lock().await;
        self.read_kept(&mut state);
        let token = state.token.clone();
        match token.filter(|token| token.is_good() && is_wanted(token)) {
            Some(token) => Ok(token),
            None => self.obtain(&mut state).await,
        }
    }

    /// Notes that a bot that was refused may try again: somebody has changed something.
    pub(super) fn forgive(&self) {
        self.is_forgiven.store(true, Ordering::Relaxed);
    }

    /// Begins to ask again, where that was allowed since.
    pub(super) async fn begin_again(&self) {
        let mut state = self.state.lock().await;
        let is_forgiven = self.is_forgiven.swap(false, Ordering::Relaxed);
        if is_forgiven && state.refused.take().is_some() {
            state.not_before = None;
            state.no_login_before = None;
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
        self.current.store(state.token.clone());
    }

    /// Takes tokens; the access token holds so much longer.
    fn keep(&self, state: &mut State, answer: &TokenAnswer, left: Duration) {
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", answer.access_token))
        else {
            return;
        };
        bearer.set_sensitive(true);
        let lifetime = lifetime(answer);
        // A clock that was set back would have it hold for ever.
        let left = left.min(lifetime);
        let now = Instant::now();
        let age = lifetime.saturating_sub(left);
        state.generation += 1;
        state.token = Some(Arc::new(Token {
            bearer,
            access: Secret::new(answer.access_token.clone()),
            issued: now.checked_sub(age).unwrap_or(now),
            expires: now + left,
            generation: state.generation,
        }));
        if let Some(refresh) = &answer.refresh_token {
            state.refresh = Some(Secret::new(refresh.clone()));
        }
    }

    /// Asks for tokens: by the refresh token, where there is one, else by password. The token before
    /// stays: it may be good still, where none is to be had.
    async fn obtain(&self, state: &mut State) -> Result<Arc<Token>, AuthError> {
        let obtained = self.obtain_now(state).await;
        self.current.store(state.token.clone());
        obtained
    }

    async fn obtain_now(&self, state: &mut State) -> Result<Arc<Token>, AuthError> {
        if let Some(why) = &state.refused {
            return Err(AuthError::Refused(why.clone()));
        }
        let now = Instant::now();
        if let Some((at, why)) = state.not_before.as_ref().filter(|(at, _)| *at > now) {
            let wait = *at - now;
            let why = format!("{why}; it is asked again in {} s", wait.as_secs() + 1);
            return Err(AuthError::Unavailable(why, Some(wait)));
        }
        if let Some(refresh) = state.refresh.clone() {
            match self.asker.refresh(&refresh).await {
                Granted::Tokens(answer) => return self.granted(state, &answer),
                // Both tokens are dead as a rule: once by password, then.
                Granted::Wrong(why) => {
                    tracing::info!(why, "refresh token not taken; the bot logs in");
                    state.token = None;
                    state.refresh = None;
                }
                Granted::Forbidden(why) => return Err(refuse(state, why)),
                // The token may have been used up, or not.
                Granted::Later(why, wait) | Granted::NotDone(why, wait) => {
                    return Err(wait_for(state, Instant::now(), why, wait));
                }
                Granted::Quota(why) => {
                    return Err(wait_for(state, Instant::now(), why, Some(PAUSE)));
                }
                Granted::Changed => {
                    let why = "the refresh was answered without a token".to_owned();
                    return Err(wait_for(state, Instant::now(), why, None));
                }
            }
        }
        let now = Instant::now();
        if let Some(at) = state.no_login_before.filter(|at| *at > now) {
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
                state.logins.retain(|at| now.duration_since(*at) < RECENT);
                state.logins.push_back(now);
                let many = state.logins.len().saturating_sub(FREE);
                // Two programs with one account log one another out; they must not do so in haste.
                state.no_login_before = (many > 0).then(|| now + pause(many));
                tracing::info!(account = self.asker.username(), "logged in");
                self.granted(state, &answer)
            }
            Granted::Wrong(why) | Granted::Forbidden(why) => Err(refuse(state, why)),
            Granted::Later(why, wait) | Granted::NotDone(why, wait) => {
                Err(wait_for(state, now, why, wait))
            }
            Granted::Quota(why) => Err(wait_for(state, now, why, Some(LONGEST_PAUSE))),
            Granted::Changed => {
                let why = "the login was answered without a token".to_owned();
                Err(wait_for(state, now, why, None))
            }
        }
    }

    fn granted(&self, state: &mut State, answer: &TokenAnswer) -> Result<Arc<Token>, AuthError> {
        let lifetime = lifetime(answer);
        state.token = None;
        self.keep(state, answer, lifetime);
        let Some(token) = state.token.clone() else {
            let why = "a token that is no header".to_owned();
            return Err(wait_for(state, Instant::now(), why, None));
        };
        state.failures = 0;
        state.not_before = None;
        let millis = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        self.file
            .write(answer, SystemClock.now().saturating_add(millis));
        Ok(token)
    }

    /// Takes the tokens of a new password. It is changed, whatever they are good for.
    async fn take(&self, answer: &TokenAnswer) {
        let mut state = self.state.lock().await;
        if let Err(error) = self.granted(&mut state, answer) {
            tracing::warn!(%error, "the tokens of the new password are not kept");
        }
    }
}

/// How long a token holds, by its own words.
fn lifetime(answer: &TokenAnswer) -> Duration {
    let said = answer.expires_in.map_or(LIFETIME, Duration::from_secs);
    said.clamp(LIFETIMES.0, LIFETIMES.1)
}

fn refuse(state: &mut State, why: String) -> AuthError {
    state.token = None;
    state.refused = Some(why.clone());
    AuthError::Refused(why)
}

/// Puts the next request off: as long as the platform says, else longer each time.
fn wait_for(state: &mut State, now: Instant, why: String, wait: Option<Duration>) -> AuthError {
    state.failures = state.failures.saturating_add(1);
    let wait = wait.unwrap_or_else(|| spread(pause(state.failures as usize) / 5));
    state.not_before = Some((now + wait, why.clone()));
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
/// account has ended with the old ones. Where the answer does not come, a login with the new password
/// shows whether it was changed.
pub(super) async fn change_password(config: &LsegConfig, new: &Secret) -> Result<(), AuthError> {
    if let Some(folder) = &config.folder {
        // Where it cannot be made the tokens are not kept, which is said when they come.
        if let Err(error) = std::fs::create_dir_all(folder) {
            tracing::warn!(folder = %folder.display(), %error, "folder not made");
        }
    }
    let auth = Auth::new(config).map_err(|error| AuthError::Refused(error.to_string()))?;
    let why = match auth.asker.log_in(Some(new)).await {
        Granted::Tokens(answer) => {
            auth.take(&answer).await;
            return Ok(());
        }
        Granted::Changed => return Ok(()),
        Granted::Wrong(why)
        | Granted::Forbidden(why)
        | Granted::Quota(why)
        | Granted::NotDone(why, _) => return Err(AuthError::Refused(why)),
        Granted::Later(why, _) => why,
    };
    match auth.asker.log_in_with(new, None).await {
        Granted::Tokens(answer) => {
            auth.take(&answer).await;
            Ok(())
        }
        // The new one is no password of the account.
        Granted::Wrong(_) => Err(AuthError::Refused(why)),
        _ => Err(AuthError::Unavailable(why, None)),
    }
}

#[cfg(test)]
mod tests;
