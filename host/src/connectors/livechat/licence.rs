//! One licence that the bot is on: in whose name it is asked, and with which tokens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::core::{Core, not_kept};
use super::dialect::{By, Call};
use super::site::{ApiError, Shown};
use super::store::KeptLicence;
use super::wire::text;
use crate::model::Timestamp;
use crate::model::secret::Secret;

/// How long before its end an access token is renewed.
const OWNER_LEAD_MS: u64 = 10 * 60_000;
/// How long a bot's token is good (livechat.md §2), and how long before its end it is renewed.
const BOT_TOKEN_MS: u64 = 24 * 3_600_000;
/// A fifth of its life: a night in which the platform gives none is survived.
const BOT_LEAD_MS: u64 = 5 * 3_600_000;
/// How long a token that is still good is used without asking for another, where none was given.
const NOT_RENEWED_MS: u64 = 60_000;
/// How long an access token is taken to be good, at most and where nothing is said.
const MAX_LIFE_SECS: u64 = 365 * 24 * 3_600;
const USUAL_LIFE_SECS: u64 = 3_600;
/// How long nothing is looked up for webhooks, where the platform does not answer.
const SILENCE_MS: u64 = 30_000;
/// Time for sending up a file.
const UPLOAD: Duration = Duration::from_secs(60);

/// A licence.
#[derive(Debug)]
pub(super) struct Licence {
    /// Its id: the organization, in chat.io the licence's number.
    pub(super) id: String,
    /// The personal token of the settings is its owner.
    pub(super) is_personal: bool,
    region: Mutex<Option<String>>,
    /// One asks for an access token at a time.
    refreshing: tokio::sync::Mutex<()>,
    /// When an access token that is still good may be asked for again.
    renew_at: AtomicU64,
    /// When something may be looked up again while a webhook waits.
    look_up_at: AtomicU64,
    bot_token: tokio::sync::Mutex<Option<BotToken>>,
}

#[derive(Clone, Debug)]
struct BotToken {
    token: Secret,
    until: Timestamp,
    /// When another may be asked for.
    renew_at: Timestamp,
}

/// What a licence is asked.
enum Asked<'a> {
    Call(&'a Call),
    File(&'a (dyn Fn() -> Form + Send + Sync)),
}

impl Licence {
    pub(super) fn new(id: &str, is_personal: bool) -> Self {
        Self {
            id: id.to_owned(),
            is_personal,
            region: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            renew_at: AtomicU64::new(0),
            look_up_at: AtomicU64::new(0),
            bot_token: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the platform is likely to answer while a webhook waits.
    pub(super) fn answers(&self, now: Timestamp) -> bool {
        self.look_up_at.load(Ordering::Relaxed) <= now
    }

    /// Notes that it did not answer in time.
    pub(super) fn note_timeout(&self, now: Timestamp) {
        self.look_up_at.store(now + SILENCE_MS, Ordering::Relaxed);
    }

    /// Notes that it did not answer.
    pub(super) fn note_silence(&self, error: &ApiError, now: Timestamp) {
        let wait = error.throttled().map(|wait| wait.as_millis());
        let wait = wait.and_then(|wait| u64::try_from(wait).ok());
        let at = now.saturating_add(wait.unwrap_or(SILENCE_MS));
        self.look_up_at.store(at, Ordering::Relaxed);
    }
}

impl Core {
    /// Asks the platform something for a licence. A token that is refused is renewed once, and a
    /// licence that is elsewhere is asked for there.
    pub(super) async fn ask(&self, licence: &Licence, call: &Call) -> Result<Value, ApiError> {
        self.ask_for(licence, call.by, Asked::Call(call)).await
    }

    /// Uploads a file in the bot's name; gives where it is.
    pub(super) async fn upload(
        &self,
        licence: &Licence,
        form: &(dyn Fn() -> Form + Send + Sync),
    ) -> Result<String, ApiError> {
        let url = self.ask_for(licence, By::Bot, Asked::File(form)).await?;
        Ok(url.as_str().unwrap_or_default().to_owned())
    }

    async fn ask_for(
        &self,
        licence: &Licence,
        by: By,
        asked: Asked<'_>,
    ) -> Result<Value, ApiError> {
        let mut shown = self.shown(licence, by).await?;
        let (mut is_renewed, mut is_moved) = (false, false);
        loop {
            let answer = match asked {
                Asked::Call(call) => self.site.call(call, &shown).await,
                Asked::File(form) => {
                    let url = self.site.upload(form(), UPLOAD, &shown).await;
                    url.map(Value::String)
                }
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.is_about_token() && !is_renewed && by != By::Nobody {
                is_renewed = true;
                let renewed = self.renew(licence, by, &shown).await;
                renewed.map_err(|error| self.without_token(licence, error))?;
                let region = shown.region.take();
                shown = self.shown(licence, by).await?;
                shown.region = region;
                continue;
            }
            let region = error
                .refusal()
                .filter(|it| it.kind == "misdirected_request");
            match region.and_then(|refusal| refusal.region.clone()) {
                Some(region) if !is_moved => {
                    is_moved = true;
                    *licence.region.lock() = Some(region.clone());
                    shown.region = Some(region);
                }
                _ => return Err(error),
            }
        }
    }

    /// What a call shows.
    ///
    /// # Errors
    /// None was asked anything: there is no token.
    pub(super) async fn shown(&self, licence: &Licence, by: By) -> Result<Shown, ApiError> {
        let version = self.config.version;
        let kept = self.store.licence(&licence.id);
        let bot = kept.bot.clone().unwrap_or_default();
        let authorization = match by {
            By::Nobody => Ok(None),
            By::Bot if version.has_bot_tokens() => {
                let token = self.bot_token(licence).await;
                token.map(|token| Some(bearer(token.expose())))
            }
            By::Owner | By::Bot => self.owner(licence).await.map(Some),
        };
        let authorization = authorization.map_err(|error| self.without_token(licence, error))?;
        let names_author = by == By::Bot && !version.has_bot_tokens() && !version.is_chatio();
        Ok(Shown {
            authorization,
            author: names_author.then(|| bot.clone()),
            bot,
            region: licence.region.lock().clone(),
        })
    }

    /// Notes that there is no token, where that does not change by itself.
    fn without_token(&self, licence: &Licence, error: ApiError) -> ApiError {
        if error.is_about_installing() || error.is_about_the_asked() || error.is_for_good() {
            self.lose(licence, &error);
        }
        error.no_token()
    }

    /// What the owner of a licence shows.
    async fn owner(&self, licence: &Licence) -> Result<Secret, ApiError> {
        if licence.is_personal {
            return self.personal();
        }
        let kept = self.store.licence(&licence.id);
        let now = self.now();
        let is_old = kept.until < now + OWNER_LEAD_MS;
        let is_good = kept.until > now;
        let may_wait = is_good && licence.renew_at.load(Ordering::Relaxed) > now;
        match &kept.access_token {
            Some(token) if !is_old || may_wait => return Ok(bearer(token)),
            _ => {}
        }
        let refused = kept.access_token.as_deref();
        match self.refresh(licence, refused).await {
            Ok(()) => {
                let kept = self.store.licence(&licence.id);
                Ok(bearer(kept.access_token.as_deref().unwrap_or_default()))
            }
            // One that is good for a few minutes is better than none.
            Err(error) if is_good => {
                tracing::warn!(bot = self.name(), %error, "token not renewed");
                licence
                    .renew_at
                    .store(now + NOT_RENEWED_MS, Ordering::Relaxed);
                Ok(bearer(refused.unwrap_or_default()))
            }
            Err(error) => Err(error),
        }
    }

    /// What the personal token of the settings shows.
    pub(super) fn personal(&self) -> Result<Secret, ApiError> {
        let personal = self.config.personal.as_ref().ok_or_else(|| {
            ApiError::NotInstalled("the settings have no personal token any more".to_owned())
        })?;
        let token = personal.token.expose().to_owned();
        let pair = format!("{}:{token}", personal.account);
        let shown = BASE64_STANDARD.encode(&pair);
        let text = format!("Basic {shown}");
        Ok(Secret::of_parts(text, vec![shown, pair, token]))
    }

    /// Whether an access token or a bot's token is old, and renews it.
    pub(super) async fn renew_old(&self, licence: &Licence) -> Result<(), ApiError> {
        self.shown(licence, By::Owner).await?;
        if self.config.version.has_bot_tokens() {
            self.shown(licence, By::Bot).await?;
        }
        Ok(())
    }

    /// Asks for a token in place of one that was refused.
    async fn renew(&self, licence: &Licence, by: By, shown: &Shown) -> Result<(), ApiError> {
        let refused = shown.authorization.as_ref();
        let refused = refused.and_then(|it| it.expose().strip_prefix("Bearer "));
        if by == By::Bot && self.config.version.has_bot_tokens() {
            let mut token = licence.bot_token.lock().await;
            // Another call may have asked for a new one meanwhile.
            token.take_if(|token| refused == Some(token.token.expose()));
            return Ok(());
        }
        if licence.is_personal {
            return Err(ApiError::NotInstalled(
                "authentication: the personal token is refused".to_owned(),
            ));
        }
        self.refresh(licence, refused).await
    }

    /// Exchanges the refresh token, unless another has done so since. It goes on when nobody waits any
    /// more: the platform gives some tokens once, and takes the old one for it.
    async fn refresh(&self, licence: &Licence, refused: Option<&str>) -> Result<(), ApiError> {
        let (core, id) = (self.own(), licence.id.clone());
        let refused = refused.map(str::to_owned);
        let exchange = self
            .tasks
            .spawn(async move { core.exchange(&id, refused.as_deref()).await });
        let ended = exchange.await;
        ended.unwrap_or_else(|error| {
            Err(ApiError::Nonsense {
                host: "this machine".to_owned(),
                what: format!("the exchange ended: {error}"),
            })
        })
    }

    async fn exchange(&self, id: &str, refused: Option<&str>) -> Result<(), ApiError> {
        let Some(licence) = self.licence(id) else {
            return Err(ApiError::NotInstalled(format!("licence {id} is gone")));
        };
        let _one = licence.refreshing.lock().await;
        let exchange = self.store.exchange().await;
        let _exchange = exchange.map_err(|error| not_kept(&error))?;
        let kept = self.store.licence(id);
        if kept.access_token.as_deref() != refused && kept.until > self.now() {
            return Ok(());
        }
        let Some(refresh) = &kept.refresh_token else {
            return Err(self.not_installed(&licence, "it has no refresh token"));
        };
        let app = &self.config.app;
        let secret = app.client_secret.as_ref().map(Secret::expose);
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
            ("client_id", app.client_id.as_str()),
        ];
        form.extend(secret.map(|secret| ("client_secret", secret)));
        let answer = match self.token(&form).await {
            Ok(answer) => answer,
            // What says no in the accounts' words; a page of a gateway says nothing of a licence.
            Err(ApiError::Refused(refusal))
                if refusal.status.is_client_error()
                    && refusal.throttled.is_none()
                    && !refusal.kind.is_empty() =>
            {
                return Err(self.not_installed(&licence, &refusal.to_string()));
            }
            Err(error) => return Err(error),
        };
        self.keep_tokens(id, &answer)
    }

    /// Keeps the tokens of an answer. An app without a secret gets another refresh token each time.
    pub(super) fn keep_tokens(&self, licence: &str, answer: &Value) -> Result<(), ApiError> {
        let Some(access) = text(answer, "access_token") else {
            return Err(ApiError::Nonsense {
                host: "the accounts".to_owned(),
                what: "an answer without a token".to_owned(),
            });
        };
        let until = self.now() + life_ms(answer);
        let refresh = text(answer, "refresh_token");
        self.change_licence(licence, |kept| {
            kept.access_token = Some(access);
            kept.until = until;
            kept.refresh_token = refresh.or_else(|| kept.refresh_token.take());
        })
    }

    fn not_installed(&self, licence: &Licence, why: &str) -> ApiError {
        ApiError::NotInstalled(format!(
            "the bot is not installed on licence {} any more: {why}; `parlor install livechat {}`",
            licence.id,
            self.name()
        ))
    }

    /// The bot's own token on a licence.
    async fn bot_token(&self, licence: &Licence) -> Result<Secret, ApiError> {
        let mut kept = licence.bot_token.lock().await;
        let now = self.now();
        let is_enough =
            |it: &&BotToken| it.until > now + BOT_LEAD_MS || (it.until > now && it.renew_at > now);
        if let Some(token) = kept.as_ref().filter(is_enough) {
            return Ok(token.token.clone());
        }
        let KeptLicence {
            bot, bot_secret, ..
        } = self.store.licence(&licence.id);
        let (Some(bot), Some(secret)) = (bot, bot_secret) else {
            return Err(ApiError::Nonsense {
                host: "parlor".to_owned(),
                what: format!("the bot is not made yet on licence {}", licence.id),
            });
        };
        let body = json!({
            "bot_id": bot, "bot_secret": secret, "client_id": self.config.app.client_id,
            "organization_id": licence.id,
        });
        let mut call = Call::configuration("issue_bot_token", body);
        call.by = By::Nobody;
        let asked = Box::pin(self.ask(licence, &call)).await;
        let error = match asked {
            Ok(answer) => {
                let token = text(&answer, "token").ok_or_else(|| ApiError::Nonsense {
                    host: "the platform".to_owned(),
                    what: "no token for the bot".to_owned(),
                })?;
                let token = Secret::new(token);
                *kept = Some(BotToken {
                    token: token.clone(),
                    until: now + BOT_TOKEN_MS,
                    renew_at: now,
                });
                return Ok(token);
            }
            Err(error) => error,
        };
        match kept.as_mut() {
            // It is good for hours.
            Some(old) if old.until > now => {
                tracing::warn!(bot = self.name(), %error, "the bot's token is not renewed");
                old.renew_at = now + NOT_RENEWED_MS;
                if error.is_about_the_asked() || error.is_for_good() {
                    self.lose(licence, &error);
                }
                Ok(old.token.clone())
            }
            _ => Err(error),
        }
    }

    /// Forgets a bot's token, whose secret has changed.
    pub(super) async fn forget_bot_token(&self, licence: &Licence) {
        *licence.bot_token.lock().await = None;
    }
}

fn bearer(token: &str) -> Secret {
    Secret::of_parts(format!("Bearer {token}"), vec![token.to_owned()])
}

/// How long the access token of an answer is good.
fn life_ms(answer: &Value) -> u64 {
    let lives = answer.get("expires_in").and_then(Value::as_u64);
    lives.unwrap_or(USUAL_LIFE_SECS).min(MAX_LIFE_SECS) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_life_of_a_token_is_too_long() {
        for (says, secs) in [
            (json!(28_800), 28_800),
            (json!(u64::MAX), MAX_LIFE_SECS),
            (json!(-1), USUAL_LIFE_SECS),
            (json!("soon"), USUAL_LIFE_SECS),
        ] {
            assert_eq!(life_ms(&json!({"expires_in": says})), secs * 1_000);
        }
    }
}
