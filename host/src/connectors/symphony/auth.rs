//! Logins: by key and by certificate, for the bot and on behalf of users (symphony.md §2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA512;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::agents::Agents;
use super::config::{AccountCertificate, AccountKey, AppConfig, Credential, SymphonyConfig};
use super::site::{Call, CallError, Site};
use super::wire::rest::{CommonToken, Login, Token};
use crate::model::secret::Secret;
use crate::net::RestError;

/// How long a signed claim holds; the platform takes at most five minutes.
const CLAIM: Duration = Duration::from_secs(240);
/// Logins in a row that help nothing, after which a bot stops (symphony.md §2.9).
pub(super) const MAX_LOGINS: u32 = 5;
/// How long before its end a common token is renewed.
const EARLY: Duration = Duration::from_secs(5);
/// How long a common token holds where the pod does not say.
const COMMON: Duration = Duration::from_secs(300);
/// Users on whose behalf tokens are kept.
const MAX_USERS: usize = 1_000;
/// The first version of agents that does without the key manager's token.
const SIMPLIFIED: (u32, u32) = (24, 12);

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum AuthError {
    /// The platform refuses the account.
    #[error("{0}")]
    Refused(String),
    /// The platform is not there now.
    #[error("login failed: {0}")]
    Unavailable(String, Option<Duration>),
    /// The bot has no app, and acts for nobody.
    #[error("acting for a user needs `app` in the settings of the bot")]
    NoApp,
    /// The platform does not let the app act for this user. The bot itself is well.
    #[error("{0}")]
    NotFor(String),
}

/// What a call shows.
#[derive(Debug)]
pub(super) struct Tokens {
    session: HeaderValue,
    /// Empty where the agent does without it.
    key_manager: HeaderValue,
    common: Option<Common>,
    /// Rises with each login.
    generation: u64,
}

#[derive(Debug)]
struct Common {
    bearer: HeaderValue,
    until: Instant,
}

/// Gets tokens and renews them.
pub(super) struct Auth {
    config: Arc<SymphonyConfig>,
    pod: Site,
    key_manager: Site,
    session_auth: Site,
    /// Where the app's certificate is shown, where it has one.
    app_auth: Site,
    agents: Arc<Agents>,
    own: Mutex<Kept>,
    /// By id or name. Each has a lock of its own: a login that takes its time holds up nobody else.
    users: parking_lot::Mutex<BTreeMap<String, Arc<Mutex<Kept>>>>,
    /// Numbers each login.
    logins: AtomicU64,
    /// Logins since a call was last answered.
    in_vain: AtomicU32,
}

/// Tokens of one account; none before its login.
type Kept = Option<Arc<Tokens>>;

/// Who shows what.
#[derive(Clone, Copy)]
struct Account<'a> {
    name: &'a str,
    credential: &'a Credential,
}

impl Auth {
    pub(super) fn new(config: Arc<SymphonyConfig>, agents: Arc<Agents>) -> Result<Self, RestError> {
        let identity = |credential: &Credential| match credential {
            Credential::Certificate(certificate) => Some(certificate.identity.clone()),
            Credential::Key(_) => None,
        };
        let own = identity(&config.credential);
        let app = config
            .app
            .as_ref()
            .and_then(|app| identity(&app.credential));
        Ok(Self {
            pod: Site::new(&config.pod, None)?,
            key_manager: Site::new(&config.key_manager, own.as_ref())?,
            session_auth: Site::new(&config.session_auth, own.as_ref())?,
            app_auth: Site::new(&config.session_auth, app.as_ref())?,
            agents,
            config,
            own: Mutex::default(),
            users: parking_lot::Mutex::default(),
            logins: AtomicU64::new(0),
            in_vain: AtomicU32::new(0),
        })
    }

    /// Tokens of the bot, or of the user on whose behalf it acts.
    pub(super) async fn tokens(&self, user: Option<&str>) -> Result<Arc<Tokens>, AuthError> {
        if let Some(user) = user {
            let place = self.place_of(user);
            let mut tokens = place.lock().await;
            return self.user_tokens(user, &mut tokens).await;
        }
        let mut own = self.own.lock().await;
        match own.clone() {
            Some(tokens) if tokens.is_ending() => self.prolong(&mut own, &tokens).await,
            Some(tokens) => Ok(tokens),
            None => self.log_in(&mut own).await,
        }
    }

    /// A new common token for the session that lives; a login where the pod takes it no more.
    async fn prolong(&self, own: &mut Kept, ending: &Tokens) -> Result<Arc<Tokens>, AuthError> {
        let common = match self.common(&ending.session).await {
            Ok(common) => common,
            Err(AuthError::Refused(why)) => {
                tracing::debug!(why, "the session does not live");
                return self.log_in(own).await;
            }
            Err(error) => return Err(error),
        };
        let tokens = Arc::new(Tokens {
            session: ending.session.clone(),
            key_manager: ending.key_manager.clone(),
            common: Some(common),
            generation: self.next_generation(),
        });
        *own = Some(tokens.clone());
        Ok(tokens)
    }

    fn next_generation(&self) -> u64 {
        self.logins.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// New tokens in place of those that were refused; once, however many calls ask for it.
    pub(super) async fn renew(
        &self,
        user: Option<&str>,
        refused: &Tokens,
    ) -> Result<Arc<Tokens>, AuthError> {
        if let Some(user) = user {
            let place = self.place_of(user);
            let mut tokens = place.lock().await;
            tokens.take_if(|it| it.generation == refused.generation);
            return self.user_tokens(user, &mut tokens).await;
        }
        let mut own = self.own.lock().await;
        match own.clone() {
            Some(tokens) if tokens.generation != refused.generation => Ok(tokens),
            _ => {
                if self.in_vain.load(Ordering::Relaxed) >= MAX_LOGINS {
                    return Err(AuthError::Refused(format!(
                        "the session of {} was refused after each of {MAX_LOGINS} logins",
                        self.config.username
                    )));
                }
                let tokens = self.log_in(&mut own).await?;
                // A login that did not come about was not in vain: its host is down.
                self.in_vain.fetch_add(1, Ordering::Relaxed);
                Ok(tokens)
            }
        }
    }

    /// Hears that tokens were good.
    pub(super) fn were_good(&self) {
        self.in_vain.store(0, Ordering::Relaxed);
    }

    /// Forgets everything, so that the next call logs in.
    pub(super) async fn forget(&self) {
        self.in_vain.store(0, Ordering::Relaxed);
        *self.own.lock().await = None;
        self.users.lock().clear();
    }

    fn account(&self) -> Account<'_> {
        Account {
            name: &self.config.username,
            credential: &self.config.credential,
        }
    }

    async fn log_in(&self, own: &mut Kept) -> Result<Arc<Tokens>, AuthError> {
        let account = self.account();
        let credential = account.credential;
        let session = match credential {
            Credential::Key(key) => {
                let path = ["login", "pubkey", "authenticate"];
                self.by_key(&self.pod, &path, account, key).await?
            }
            Credential::Certificate(_) => {
                let call = Call::new(http::Method::POST, &["sessionauth", "v1", "authenticate"]);
                self.token(&self.session_auth, &call, HeaderMap::new(), account)
                    .await?
            }
        };
        let key_manager = if self.is_simplified(&session).await {
            String::new()
        } else {
            match credential {
                Credential::Key(key) => {
                    let path = ["relay", "pubkey", "authenticate"];
                    self.by_key(&self.key_manager, &path, account, key).await?
                }
                Credential::Certificate(_) => {
                    let call = Call::new(http::Method::POST, &["keyauth", "v1", "authenticate"]);
                    self.token(&self.key_manager, &call, HeaderMap::new(), account)
                        .await?
                }
            }
        };
        let session = header(&session)?;
        let common = match self.config.common_jwt {
            true => Some(self.common(&session).await?),
            false => None,
        };
        let tokens = Arc::new(Tokens {
            session,
            key_manager: header(&key_manager)?,
            common,
            generation: self.next_generation(),
        });
        tracing::info!(account = self.config.username, "logged in");
        *own = Some(tokens.clone());
        Ok(tokens)
    }

    /// Where a user's tokens are, which may be nowhere yet.
    fn place_of(&self, user: &str) -> Arc<Mutex<Kept>> {
        let mut users = self.users.lock();
        if users.len() >= MAX_USERS && !users.contains_key(user) {
            users.pop_first();
        }
        users.entry(user.to_owned()).or_default().clone()
    }

    async fn user_tokens(&self, user: &str, kept: &mut Kept) -> Result<Arc<Tokens>, AuthError> {
        let app = self.config.app.as_ref().ok_or(AuthError::NoApp)?;
        if user.is_empty() {
            return Err(AuthError::NotFor("no user is named".to_owned()));
        }
        if let Some(tokens) = kept {
            return Ok(tokens.clone());
        }
        let is_id = user.bytes().all(|byte| byte.is_ascii_digit());
        let kind = if is_id { "user" } else { "username" };
        let (site, [first, second]) = self.place_of_app(app);
        let app_token = self.app_token(app).await?;
        let path = [first, second, "app", kind, user, "authenticate"];
        let call = Call::new(http::Method::POST, &path);
        let shown = HeaderMap::from_iter([(SESSION, header(&app_token)?)]);
        let session = self.token(site, &call, shown, account_of(app)).await;
        let session = session.map_err(|error| match error {
            AuthError::Refused(why) => AuthError::NotFor(format!(
                "{why}; is the app {} enabled for the pod and installed for {user}?",
                app.id
            )),
            other => other,
        })?;
        let tokens = Arc::new(Tokens {
            session: header(&session)?,
            key_manager: HeaderValue::from_static(""),
            common: None,
            generation: self.next_generation(),
        });
        *kept = Some(tokens.clone());
        Ok(tokens)
    }

    /// Where an app logs in, and below which path.
    fn place_of_app(&self, app: &AppConfig) -> (&Site, [&'static str; 2]) {
        match &app.credential {
            Credential::Key(_) => (&self.pod, ["login", "pubkey"]),
            Credential::Certificate(_) => (&self.app_auth, ["sessionauth", "v1"]),
        }
    }

    /// Logs the app in, by which the bot acts for users; gives the token that asks for theirs.
    pub(super) async fn app_token(&self, app: &AppConfig) -> Result<String, AuthError> {
        let (site, [first, second]) = self.place_of_app(app);
        let account = account_of(app);
        let path = [first, second, "app", "authenticate"];
        let app_token = match &app.credential {
            Credential::Key(key) => self.by_key(site, &path, account, key).await,
            Credential::Certificate(_) => {
                let call = Call::new(http::Method::POST, &path);
                self.token(site, &call, HeaderMap::new(), account).await
            }
        };
        // It is the app that is refused, and not the bot, which goes on.
        app_token.map_err(|error| match error {
            AuthError::Refused(why) => AuthError::NotFor(why),
            other => other,
        })
    }

    async fn by_key(
        &self,
        site: &Site,
        path: &[&str],
        account: Account<'_>,
        key: &AccountKey,
    ) -> Result<String, AuthError> {
        let claim = sign(account.name, key).map_err(AuthError::Refused)?;
        let body = json!(Login { token: &claim });
        let call = Call::post(path, body);
        self.token(site, &call, HeaderMap::new(), account).await
    }

    async fn token(
        &self,
        site: &Site,
        call: &Call<'_>,
        shown: HeaderMap,
        account: Account<'_>,
    ) -> Result<String, AuthError> {
        if let Credential::Certificate(certificate) = account.credential
            && let Some(day) = ended_on(certificate)
        {
            // Servers say so too, in words that do not always arrive.
            return Err(AuthError::Refused(format!(
                "the certificate in {} has ended on {day}",
                certificate.origin
            )));
        }
        let answer = site.call(call, shown).await;
        let answer = answer.map_err(|error| login_error(error, account))?;
        let token: Result<Token, CallError> = site.read_whole(&answer);
        let token = token.map_err(|error| AuthError::Unavailable(error.to_string(), None))?;
        Ok(token.token)
    }

    async fn common(&self, session: &HeaderValue) -> Result<Common, AuthError> {
        let call = Call::new(http::Method::POST, &["login", "idm", "tokens"]);
        let shown = HeaderMap::from_iter([(SESSION, session.clone())]);
        let answer = self.pod.call(&call, shown).await;
        let answer = answer.map_err(|error| login_error(error, self.account()))?;
        let token: Result<CommonToken, CallError> = self.pod.read_whole(&answer);
        let token = token.map_err(|error| AuthError::Unavailable(error.to_string(), None))?;
        let holds = token.expires_in.map_or(COMMON, Duration::from_secs);
        Ok(Common {
            bearer: header(&format!("Bearer {}", token.access_token))?,
            until: Instant::now() + holds.saturating_sub(EARLY),
        })
    }

    /// Tells whether the account and the agent do without the key manager (symphony.md §2.5).
    async fn is_simplified(&self, session: &str) -> bool {
        let claims = session.split('.').nth(1);
        let claims = claims.and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value = claims
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        if claims["canUseSimplifiedKeyDelivery"] != Value::Bool(true) {
            return false;
        }
        let version = self.agents.version().await;
        version.is_some_and(|version| version >= SIMPLIFIED)
    }
}

fn account_of(app: &AppConfig) -> Account<'_> {
    Account {
        name: &app.id,
        credential: &app.credential,
    }
}

/// What a login that failed means. Only what the platform itself says of the account is a refusal:
/// whatever stands before a pod answers 404, 403 or 407 while the pod is being restarted.
fn login_error(error: CallError, account: Account<'_>) -> AuthError {
    match &error {
        CallError::Refused(refusal) => {
            let is_refused = match refusal.status {
                StatusCode::UNAUTHORIZED => true,
                StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => refusal.is_of_platform,
                _ => false,
            };
            if !is_refused || refusal.throttled.is_some() {
                return AuthError::Unavailable(error.to_string(), refusal.throttled);
            }
        }
        CallError::Rest {
            error: RestError::Certificate(_),
            ..
        } => {}
        _ => return AuthError::Unavailable(error.to_string(), None),
    }
    let advice = match account.credential {
        Credential::Key(_) => {
            "is its public half in the account, the name right, and this machine's clock?"
        }
        Credential::Certificate(_) => {
            "is it still valid, and its common name the account's name in the same letters?"
        }
    };
    let (name, origin) = (account.name, account.credential.origin());
    AuthError::Refused(format!("{error}; {name} showed {origin}: {advice}"))
}

const SESSION: http::HeaderName = http::HeaderName::from_static("sessiontoken");
const KEY_MANAGER: http::HeaderName = http::HeaderName::from_static("keymanagertoken");

impl Tokens {
    fn is_ending(&self) -> bool {
        self.common
            .as_ref()
            .is_some_and(|common| Instant::now() >= common.until)
    }

    /// What of them nobody may see.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let common = self.common.as_ref().map(|common| &common.bearer);
        let all = [&self.session, &self.key_manager].into_iter().chain(common);
        let texts = all.filter_map(|value| value.to_str().ok());
        texts.map(|text| Secret::new(text.to_owned())).collect()
    }

    /// What the pod is shown.
    pub(super) fn for_pod(&self) -> HeaderMap {
        match &self.common {
            Some(common) => {
                HeaderMap::from_iter([(http::header::AUTHORIZATION, common.bearer.clone())])
            }
            None => HeaderMap::from_iter([(SESSION, self.session.clone())]),
        }
    }

    /// What an agent is shown. Without a key manager's token the header is left out, as for users.
    pub(super) fn for_agent(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(SESSION, self.session.clone())]);
        if !self.key_manager.is_empty() {
            headers.insert(KEY_MANAGER, self.key_manager.clone());
        }
        headers
    }
}

/// The day on which a certificate has ended; none where it has not.
fn ended_on(certificate: &AccountCertificate) -> Option<String> {
    let ended = i64::try_from(certificate.identity.ended_at()?).ok()?;
    let ended = Timestamp::from_second(ended).ok()?;
    Some(ended.strftime("%Y-%m-%d").to_string())
}

fn header(token: &str) -> Result<HeaderValue, AuthError> {
    let mut value = HeaderValue::from_str(token)
        .map_err(|_| AuthError::Unavailable("a token that is no header".to_owned(), None))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Signs the claim that somebody is this account.
fn sign(subject: &str, key: &AccountKey) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_err(|_| "this machine's clock stands before 1970".to_owned())?;
    // Nothing but these two: a name other than the account's, or more than five minutes, is refused.
    let claim = json!({"sub": subject, "exp": (now + CLAIM).as_secs()});
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({"alg": "RS512", "typ": "JWT"})),
        part(&claim)
    );
    let pair = key.pair();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA512,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "the key cannot sign".to_owned())?;
    Ok(format!(
        "{signed}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    ))
}

#[cfg(test)]
mod tests;
