//! One licence that the bot is on: in whose name it is asked, and with which tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::core::Core;
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
    bot_token: tokio::sync::Mutex<Option<BotToken>>,
}

#[derive(Clone, Debug)]
struct BotToken {
    token: Secret,
    until: Timestamp,
}

impl Licence {
    pub(super) fn new(id: &str, is_personal: bool) -> Self {
        Self {
            id: id.to_owned(),
            is_personal,
            region: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            bot_token: tokio::sync::Mutex::default(),
        }
    }
}

impl Core {
    /// Asks the platform something for a licence. A token that is refused is renewed once, and a
    /// licence that is elsewhere is asked for there.
    pub(super) async fn ask(&self, licence: &Licence, call: &Call) -> Result<Value, ApiError> {
        let mut shown = self.shown(licence, call.by).await?;
        let (mut is_renewed, mut is_moved) = (false, false);
        loop {
            let error = match self.site.call(call, &shown).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.is_about_token() && !is_renewed && call.by != By::Nobody {
                is_renewed = true;
                self.renew(licence, call.by, &shown).await?;
                let region = shown.region.take();
                shown = self.shown(licence, call.by).await?;
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

    /// Uploads a file in the bot's name.
    pub(super) async fn upload(
        &self,
        licence: &Licence,
        form: impl Fn() -> reqwest::multipart::Form,
    ) -> Result<String, ApiError> {
        const TIME: Duration = Duration::from_secs(60);

        let shown = self.shown(licence, By::Bot).await?;
        match self.site.upload(form(), TIME, &shown).await {
            Err(error) if error.is_about_token() => {
                self.renew(licence, By::Bot, &shown).await?;
                let shown = self.shown(licence, By::Bot).await?;
                self.site.upload(form(), TIME, &shown).await
            }
            ended => ended,
        }
    }

    /// What a call shows.
    pub(super) async fn shown(&self, licence: &Licence, by: By) -> Result<Shown, ApiError> {
        let version = self.config.version;
        let kept = self.store.licence(&licence.id);
        let bot = kept.bot.clone().unwrap_or_default();
        let authorization = match by {
            By::Nobody => None,
            By::Bot if version.has_bot_tokens() => {
                let token = self.bot_token(licence).await?;
                Some(Secret::new(format!("Bearer {}", token.expose())))
            }
            By::Owner | By::Bot => Some(self.owner(licence).await?),
        };
        let names_author = by == By::Bot && !version.has_bot_tokens() && !version.is_chatio();
        Ok(Shown {
            authorization,
            author: names_author.then(|| bot.clone()),
            bot,
            region: licence.region.lock().clone(),
        })
    }

    /// What the owner of a licence shows.
    async fn owner(&self, licence: &Licence) -> Result<Secret, ApiError> {
        if licence.is_personal {
            return self.personal();
        }
        let kept = self.store.licence(&licence.id);
        let is_old = kept.until < self.now() + OWNER_LEAD_MS;
        match (&kept.access_token, is_old) {
            (Some(token), false) => Ok(bearer(token)),
            (token, _) => match self.refresh(licence, token.as_deref()).await {
                Ok(()) => {
                    let kept = self.store.licence(&licence.id);
                    let token = kept.access_token.as_deref().unwrap_or_default();
                    Ok(bearer(token))
                }
                // One that is good for a few minutes is better than none.
                Err(error) if kept.until > self.now() => {
                    tracing::warn!(bot = self.name(), %error, "token not renewed");
                    Ok(bearer(kept.access_token.as_deref().unwrap_or_default()))
                }
                Err(error) => Err(error),
            },
        }
    }

    /// What the personal token of the settings shows.
    pub(super) fn personal(&self) -> Result<Secret, ApiError> {
        let personal = self.config.personal.as_ref().ok_or_else(|| {
            ApiError::NotInstalled("the settings have no personal token any more".to_owned())
        })?;
        let pair = format!("{}:{}", personal.account, personal.token.expose());
        let text = format!("Basic {}", BASE64_STANDARD.encode(&pair));
        Ok(Secret::of_parts(text, vec![pair]))
    }

    /// Whether an access token or a bot's token is old, and renews it.
    pub(super) async fn renew_old(&self, licence: &Licence) -> Result<(), ApiError> {
        self.owner(licence).await?;
        if self.config.version.has_bot_tokens() {
            self.bot_token(licence).await?;
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
                "the personal token is refused".to_owned(),
            ));
        }
        self.refresh(licence, refused).await
    }

    /// Exchanges the refresh token, unless another has done so since.
    async fn refresh(&self, licence: &Licence, refused: Option<&str>) -> Result<(), ApiError> {
        let _one = licence.refreshing.lock().await;
        let kept = self.store.licence(&licence.id);
        if kept.access_token.as_deref() != refused && kept.until > self.now() {
            return Ok(());
        }
        let Some(refresh) = &kept.refresh_token else {
            return Err(self.not_installed(licence, "it has no refresh token"));
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
            Err(ApiError::Refused(refusal))
                if refusal.status.is_client_error() && refusal.throttled.is_none() =>
            {
                return Err(self.not_installed(licence, &refusal.to_string()));
            }
            Err(error) => return Err(error),
        };
        self.keep_tokens(licence.id.as_str(), &answer)
    }

    /// Keeps the tokens of an answer. An app without a secret gets another refresh token each time.
    pub(super) fn keep_tokens(&self, licence: &str, answer: &Value) -> Result<(), ApiError> {
        let Some(access) = text(answer, "access_token") else {
            return Err(ApiError::Nonsense {
                host: "the accounts".to_owned(),
                what: "an answer without a token".to_owned(),
            });
        };
        let lives = answer.get("expires_in").and_then(Value::as_u64);
        let until = self.now() + lives.unwrap_or(3_600).saturating_mul(1_000);
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
        if let Some(token) = kept.as_ref().filter(|it| it.until > now + BOT_LEAD_MS) {
            return Ok(token.token.clone());
        }
        let KeptLicence {
            bot, bot_secret, ..
        } = self.store.licence(&licence.id);
        let (Some(bot), Some(secret)) = (bot, bot_secret) else {
            return Err(ApiError::NotInstalled(format!(
                "the bot is not made yet on licence {}",
                licence.id
            )));
        };
        let body = json!({
            "bot_id": bot, "bot_secret": secret, "client_id": self.config.app.client_id,
            "organization_id": licence.id,
        });
        let mut call = Call::configuration("issue_bot_token", body);
        call.by = By::Nobody;
        let asked = Box::pin(self.ask(licence, &call)).await;
        match (asked, kept.as_ref()) {
            (Ok(answer), _) => {
                let token = text(&answer, "token").ok_or_else(|| ApiError::Nonsense {
                    host: "the platform".to_owned(),
                    what: "no token for the bot".to_owned(),
                })?;
                let token = Secret::new(token);
                *kept = Some(BotToken {
                    token: token.clone(),
                    until: now + BOT_TOKEN_MS,
                });
                Ok(token)
            }
            // It is good for hours.
            (Err(error), Some(old)) if old.until > now => {
                tracing::warn!(bot = self.name(), %error, "the bot's token is not renewed");
                Ok(old.token.clone())
            }
            (Err(error), _) => Err(error),
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
