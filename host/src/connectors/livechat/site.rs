//! The platform's hosts: requests, and what their refusals mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use reqwest::RequestBuilder;
use serde_json::Value;
use url::Url;

use super::config::{LiveChatConfig, Version};
use super::dialect::Call;
use super::wire::text;
use crate::mailbox::SendError;
use crate::model::directory::ReadError;
use crate::model::payload::ActionError;
use crate::model::secret::Secret;
use crate::net::retry_after::{self, throttled};
use crate::net::{Answer, RestClient, RestError};

/// Time for a call: the platform itself gives up after 15 s (livechat.md §4).
const TIME: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read: a hundred chats.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Characters of a refusal's text that are shown.
const SHOWN: usize = 300;
/// How long an action waits for a bot that has no tokens.
const LOGIN_WAIT: Duration = Duration::from_secs(30);

/// What of a body or a form nobody may see.
const SECRETS: [&str; 6] = [
    "secret_key",
    "bot_secret",
    "code",
    "code_verifier",
    "client_secret",
    "refresh_token",
];
/// Characters below which a secret would be found everywhere.
const MIN_HIDDEN: usize = 4;

const REGION: HeaderName = HeaderName::from_static("x-region");
const AUTHOR: HeaderName = HeaderName::from_static("x-author-id");

/// What a call shows.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// `Authorization`; none of what has its own proof.
    pub(super) authorization: Option<Secret>,
    /// The bot, where a header says who acts.
    pub(super) author: Option<String>,
    /// The bot, where the body says who acts.
    pub(super) bot: String,
    /// The region that the platform sent the licence's calls to.
    pub(super) region: Option<String>,
}

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// There is no answer.
    #[error("{host}: {error}")]
    Rest { host: String, error: RestError },
    /// The answer is a refusal.
    #[error("{0}")]
    Refused(Refusal),
    /// The answer is not what it should be.
    #[error("{host}: {what}")]
    Nonsense { host: String, what: String },
    /// No licence has the bot, or this one has it no more.
    #[error("{0}")]
    NotInstalled(String),
    /// There is no token to ask with: nothing was asked for.
    #[error("no token: {0}")]
    NoToken(Box<ApiError>),
}

/// An answer that says no.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) host: String,
    pub(super) status: StatusCode,
    /// `error.type`, by which refusals are told apart: their statuses are not documented.
    pub(super) kind: String,
    pub(super) message: String,
    /// Where the licence is, in a refusal that it is not here.
    pub(super) region: Option<String>,
    /// How long to wait, where it says "later".
    pub(super) throttled: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            host,
            status,
            kind,
            message,
            ..
        } = self;
        write!(out, "{host} answered {}", status.as_u16())?;
        if !kind.is_empty() {
            write!(out, " {kind}")?;
        }
        write!(out, ": {message}")
    }
}

/// The hosts of the platform.
#[derive(Clone, Debug)]
pub(super) struct Site {
    client: RestClient,
    version: Version,
    api: Url,
    accounts: Url,
    /// The end of the version was told.
    told_end: Arc<AtomicBool>,
}

impl Site {
    pub(super) fn new(config: &LiveChatConfig) -> Result<Self, RestError> {
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            client: RestClient::new(&config.net, None, own)?,
            version: config.version,
            api: config.api.clone(),
            accounts: config.accounts.clone(),
            told_end: Arc::default(),
        })
    }

    /// Asks something; an answer that says no is an error.
    pub(super) async fn call(&self, call: &Call, shown: &Shown) -> Result<Value, ApiError> {
        let body = call.wrapped(self.version, &shown.bot);
        let request = self.post(&call.path(self.version), shown).json(&body);
        let answer = self.send(request, TIME).await?;
        self.tell_end(&answer);
        let shown = shown.authorization.iter().flat_map(Secret::expose_all);
        let said = SECRETS.iter().filter_map(|name| text(&call.body, name));
        let hidden: Vec<String> = shown.map(str::to_owned).chain(said).collect();
        self.read(&self.api, answer, &hidden)
    }

    /// Uploads a file; gives where it is.
    pub(super) async fn upload(
        &self,
        form: reqwest::multipart::Form,
        time: Duration,
        shown: &Shown,
    ) -> Result<String, ApiError> {
        let action = match self.version {
            Version::Three(_) => "upload_file",
            Version::ChatIo(_) => "upload_image",
        };
        let path = Call::agent(action, super::dialect::By::Bot, Value::Null).path(self.version);
        let answer = self
            .send(self.post(&path, shown).multipart(form), time)
            .await?;
        let hidden = shown.authorization.iter().flat_map(Secret::expose_all);
        let hidden: Vec<String> = hidden.map(str::to_owned).collect();
        let answer = self.read(&self.api, answer, &hidden)?;
        text(&answer, "url").ok_or_else(|| ApiError::Nonsense {
            host: host(&self.api),
            what: "an upload without an address".to_owned(),
        })
    }

    /// Asks the accounts something.
    pub(super) async fn accounts(
        &self,
        method: Method,
        path: &str,
        form: Option<&[(&str, &str)]>,
        bearer: Option<&Secret>,
    ) -> Result<Value, ApiError> {
        let mut request = self.client.request(method, at(&self.accounts, path));
        if let Some(form) = form {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish();
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            request = request.header(http::header::CONTENT_TYPE, kind).body(body);
        }
        if let Some(token) = bearer {
            request = request.bearer_auth(token.expose());
        }
        let answer = self.client.send(request, TIME, ANSWER_BYTES).await;
        let answer = answer.map_err(|error| ApiError::Rest {
            host: host(&self.accounts),
            error,
        })?;
        let said = form
            .into_iter()
            .flatten()
            .filter(|(name, _)| SECRETS.contains(name));
        let said = said.map(|(_, value)| (*value).to_owned());
        let hidden: Vec<String> = said
            .chain(bearer.map(|token| token.expose().to_owned()))
            .collect();
        self.read(&self.accounts, answer, &hidden)
    }

    /// Reads a file that the platform keeps.
    pub(super) async fn file(&self, url: Url, most: usize) -> Result<bytes::Bytes, ApiError> {
        let at = host(&url);
        let request = self.client.request(Method::GET, url);
        let answer = self.client.send(request, TIME * 3, most).await;
        let answer = answer.map_err(|error| ApiError::Rest {
            host: at.clone(),
            error,
        })?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        Err(ApiError::Refused(refusal(at, &answer, &[])))
    }

    /// Where the API is.
    pub(super) fn api(&self) -> &Url {
        &self.api
    }

    fn post(&self, path: &str, shown: &Shown) -> RequestBuilder {
        let mut request = self.client.request(Method::POST, at(&self.api, path));
        let secret = shown.authorization.as_ref();
        if let Some(mut value) = secret.and_then(|it| HeaderValue::from_str(it.expose()).ok()) {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in [(AUTHOR, &shown.author), (REGION, &shown.region)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request
    }

    async fn send(&self, request: RequestBuilder, time: Duration) -> Result<Answer, ApiError> {
        let answer = self.client.send(request, time, ANSWER_BYTES).await;
        answer.map_err(|error| ApiError::Rest {
            host: host(&self.api),
            error,
        })
    }

    fn read(&self, site: &Url, answer: Answer, hidden: &[String]) -> Result<Value, ApiError> {
        if !answer.status.is_success() {
            return Err(ApiError::Refused(refusal(host(site), &answer, hidden)));
        }
        // What was done without anything to say is an empty body in some versions.
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|error| ApiError::Nonsense {
            host: host(site),
            what: format!("an answer that cannot be read: {error}"),
        })
    }

    /// Says once that the version ends.
    fn tell_end(&self, answer: &Answer) {
        for name in ["legacy", "deprecation"] {
            let Some(date) = answer.headers.get(name) else {
                continue;
            };
            if !self.told_end.swap(true, Ordering::Relaxed) {
                let ends = date.to_str().unwrap_or_default();
                let version = self.version.to_string();
                tracing::warn!(version, ends, "this version of the platform's API ends");
            }
        }
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

/// `hidden` is what was shown and said in secret: a refusal may repeat it, and goes to the log.
fn refusal(host: String, answer: &Answer, hidden: &[String]) -> Refusal {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&Value::Null);
    // The accounts have texts where the other APIs have an object.
    let kind = text(error, "type").or_else(|| error.as_str().map(str::to_owned));
    let kind = kind.unwrap_or_default();
    let message = text(error, "message").or_else(|| text(&body, "error_description"));
    let message = message.unwrap_or_else(|| match answer.media_type().ends_with("html") {
        true => "a page of a gateway".to_owned(),
        false => answer.text(),
    });
    let mut message = message;
    for secret in hidden.iter().filter(|secret| secret.len() >= MIN_HIDDEN) {
        message = message.replace(secret.as_str(), "…");
    }
    let now = SystemTime::now();
    let mut later = throttled(answer.status, &answer.headers, &answer.body, now);
    if matches!(
        kind.as_str(),
        "too_many_requests" | "temporarily_unavailable"
    ) {
        let said = retry_after::wait(&answer.headers, &answer.body, now);
        later = later.or(said).or(Some(retry_after::DEFAULT));
    }
    Refusal {
        host,
        status: answer.status,
        region: error.get("data").and_then(|data| text(data, "region")),
        throttled: later,
        message: message
            .chars()
            .filter(|sign| !sign.is_control())
            .take(SHOWN)
            .collect(),
        kind,
    }
}

impl ApiError {
    /// The word by which a refusal is told from others.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.kind,
            _ => "",
        }
    }

    /// As an error of getting the token that a call needs.
    pub(super) fn no_token(self) -> Self {
        match self {
            Self::NoToken(_) | Self::NotInstalled(_) => self,
            other => Self::NoToken(Box::new(other)),
        }
    }

    /// How long the platform wants to be asked nothing.
    pub(super) fn throttled(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.throttled,
            Self::NoToken(error) => error.throttled(),
            _ => None,
        }
    }

    /// Whether it may come right in a moment: no answer, one that cannot be read, or a 5xx.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Rest { error, .. } => !matches!(error, RestError::Setup(_)),
            Self::Nonsense { .. } => true,
            Self::NoToken(error) => error.may_pass(),
            Self::Refused(refusal) => refusal.status.is_server_error(),
            Self::NotInstalled(_) => false,
        }
    }

    /// Whether somebody has to agree to the bot again.
    pub(super) fn is_about_installing(&self) -> bool {
        match self {
            Self::NotInstalled(_) => true,
            Self::NoToken(error) => error.is_about_installing(),
            _ => false,
        }
    }

    /// Whether asking again helps nothing before somebody has changed something.
    pub(super) fn is_for_good(&self) -> bool {
        match self {
            Self::NotInstalled(_) => true,
            Self::NoToken(error) => error.is_for_good(),
            Self::Refused(refusal) => matches!(
                refusal.kind.as_str(),
                "authentication"
                    | "authorization"
                    | "license_expired"
                    | "license_not_found"
                    | "unsupported_version"
                    | "wrong_product_version"
                    | "limit_reached"
            ),
            Self::Rest { .. } | Self::Nonsense { .. } => false,
        }
    }

    /// Whether a bot's token was refused because of the secret that was shown.
    pub(super) fn is_about_its_secret(&self) -> bool {
        let kinds = ["authentication", "authorization", "validation", "not_found"];
        self.refusal().is_some_and(|refusal| {
            refusal.throttled.is_none()
                && matches!(refusal.status.as_u16(), 400 | 401 | 403 | 404)
                && kinds.contains(&refusal.kind.as_str())
        })
    }

    /// Whether it is what was asked about that is refused, and nothing else would be.
    pub(super) fn is_about_the_asked(&self) -> bool {
        self.refusal().is_some_and(|refusal| {
            refusal.throttled.is_none()
                && !self.is_for_good()
                && refusal.status.is_client_error()
                && !matches!(refusal.kind.as_str(), "" | "misdirected_request")
        })
    }

    /// The refusal, where there is one.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether a token was refused.
    pub(super) fn is_about_token(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                refusal.kind == "authentication"
                    || (refusal.kind.is_empty() && refusal.status == StatusCode::UNAUTHORIZED)
            }
            Self::NoToken(error) => error.is_about_token(),
            _ => false,
        }
    }

    /// What it means for a part of the outbox.
    pub(super) fn send_error(&self) -> SendError {
        let detail = self.to_string();
        let refusal = match self {
            // Nothing was asked for yet.
            Self::NotInstalled(_) => {
                return SendError::Again {
                    after: Some(LOGIN_WAIT),
                    detail,
                };
            }
            Self::Rest { error, .. } if error.was_not_sent() => {
                return SendError::Again {
                    after: None,
                    detail,
                };
            }
            Self::Rest { .. } | Self::Nonsense { .. } => return SendError::InDoubt(detail),
            Self::NoToken(error) => {
                return match error.throttled() {
                    Some(after) => SendError::Throttled { after, detail },
                    None => SendError::Again {
                        after: None,
                        detail,
                    },
                };
            }
            Self::Refused(refusal) => refusal,
        };
        if let Some(after) = refusal.throttled {
            return SendError::Throttled { after, detail };
        }
        let class = match refusal.kind.as_str() {
            "authentication" => {
                return SendError::Again {
                    after: Some(LOGIN_WAIT),
                    detail,
                };
            }
            // Not one of these is documented as "not done".
            "internal" | "request_timeout" | "service_unavailable" => {
                return SendError::InDoubt(detail);
            }
            "authorization"
            | "missing_access"
            | "not_allowed"
            | "license_expired"
            | "requester_suspended"
            | "requester_awaiting_approval"
            | "ownership_transfer" => ActionError::Denied,
            "chat_inactive" | "not_found" | "group_not_found" | "license_not_found"
            | "chat_anonymized" => ActionError::NotFound,
            "groups_offline" | "agent_offline" | "seats_limit_exceeded" | "limit_reached" => {
                ActionError::Unavailable
            }
            "entity_too_large" => ActionError::TooLarge,
            "unsupported_version" | "wrong_product_version" => ActionError::Unsupported,
            _ => match refusal.status.as_u16() {
                401 => {
                    return SendError::Again {
                        after: Some(LOGIN_WAIT),
                        detail,
                    };
                }
                500..=599 => return SendError::InDoubt(detail),
                403 => ActionError::Denied,
                404 => ActionError::NotFound,
                413 => ActionError::TooLarge,
                _ => ActionError::Failed,
            },
        };
        SendError::Permanent { class, detail }
    }

    /// What it means for a read of a plugin.
    pub(super) fn read_error(&self) -> ReadError {
        match self.send_error() {
            SendError::Throttled { after, .. } => {
                ReadError::Throttled(u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
            }
            SendError::Permanent { class, .. } => match class {
                ActionError::Denied => ReadError::Denied,
                ActionError::NotFound => ReadError::NotFound,
                ActionError::Unsupported => ReadError::Unsupported,
                _ => ReadError::Failed(self.to_string()),
            },
            _ => ReadError::Failed(self.to_string()),
        }
    }
}

/// What may safely be asked again, however it ended.
pub(super) fn again(error: SendError) -> SendError {
    match error {
        SendError::InDoubt(detail) => SendError::Again {
            after: None,
            detail,
        },
        other => other,
    }
}
