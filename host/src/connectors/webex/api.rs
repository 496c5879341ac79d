//! Requests to the API, its pages, and what its refusals mean.

mod pages;

pub(super) use pages::Listed;

use std::time::{Duration, SystemTime};

use http::{HeaderValue, Method, StatusCode, header};
use reqwest::multipart;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::config::WebexConfig;
use crate::mailbox::SendError;
use crate::model::directory::ReadError;
use crate::model::payload::ActionError;
use crate::net::retry_after::throttled;
use crate::net::{Answer, RestClient, RestError};

/// Time for one request.
const TIME: Duration = Duration::from_secs(30);
/// Time for one with a file.
const FILE_TIME: Duration = Duration::from_secs(180);
/// Bytes of an answer that is no file.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// How long an action waits where the token is refused.
const TOKEN_WAIT: Duration = Duration::from_secs(30);
/// Characters of a refusal's reason.
const REASON_CHARS: usize = 500;
/// The platform's own hosts: what comes from there may be asked with the token (webex.md §2.1).
const OWN_HOSTS: [&str; 4] = ["wbx2.com", "ciscospark.com", "webex.com", "webexapis.com"];

/// The platform, as one bot asks it.
pub(super) struct Api {
    client: RestClient,
    base: Url,
    bearer: HeaderValue,
}

/// Why there is no good answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("{0}")]
    Rest(RestError),
    #[error("{0}")]
    Refused(Refusal),
    #[error("an answer that cannot be read: {0}")]
    Nonsense(String),
    /// The token does not go there.
    #[error("{0} is no host of the platform's")]
    Foreign(String),
}

/// A refusal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{status}: {reason}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: String,
    /// How long to wait, where it says that it was asked too much.
    pub(super) throttled: Option<Duration>,
}

/// What goes with a request.
pub(super) enum Body {
    None,
    Json(Value),
    Form(multipart::Form),
}

impl Api {
    pub(super) fn new(config: &WebexConfig) -> Result<Self, RestError> {
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        let bearer = format!("Bearer {}", config.token.expose());
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| RestError::Setup("the token cannot be sent".to_owned()))?;
        bearer.set_sensitive(true);
        Ok(Self {
            client: RestClient::new(&config.net, None, own)?,
            base: config.base.clone(),
            bearer,
        })
    }

    /// The header that shows the token.
    pub(super) fn bearer(&self) -> &HeaderValue {
        &self.bearer
    }

    /// The address of a resource.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Tells whether the token may go to an address: one of the platform's, or where the settings say.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        if url.host() == self.base.host() && url.scheme() == self.base.scheme() {
            return true;
        }
        let host = url.host_str().unwrap_or_default();
        let is_under = |own: &str| {
            let rest = host.strip_suffix(own);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        url.scheme() == "https" && OWN_HOSTS.into_iter().any(is_under)
    }

    /// Asks for something.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        let answer = self
            .ask(Method::GET, self.url(path, query), Body::None)
            .await?;
        read(&answer)
    }

    /// Makes or changes something, and reads what it is then.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Body,
    ) -> Result<T, ApiError> {
        let answer = self.ask(method, self.url(path, &[]), body).await?;
        read(&answer)
    }

    /// Takes something away.
    pub(super) async fn delete(&self, path: &[&str]) -> Result<(), ApiError> {
        let url = self.url(path, &[]);
        self.ask(Method::DELETE, url, Body::None).await.map(|_| ())
    }

    /// Makes a request whose refusal is an error. Any 2xx is good: the guides are not sure which.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: Url,
        body: Body,
    ) -> Result<Answer, ApiError> {
        self.ask_most(method, url, body, ANSWER_BYTES).await
    }

    /// As [`Api::ask`], with a bound for the answer.
    pub(super) async fn ask_most(
        &self,
        method: Method,
        url: Url,
        body: Body,
        most: usize,
    ) -> Result<Answer, ApiError> {
        if !self.may_ask(&url) {
            let host = url.host_str().unwrap_or_default();
            return Err(ApiError::Foreign(host.to_owned()));
        }
        let is_file = matches!(body, Body::Form(_)) || most > ANSWER_BYTES;
        let request = self.client.request(method, url);
        let request = request
            .header(header::AUTHORIZATION, self.bearer.clone())
            .header(header::ACCEPT, "application/json, */*;q=0.1");
        let request = match body {
            Body::None => request,
            Body::Json(body) => request.json(&body),
            Body::Form(form) => request.multipart(form),
        };
        let time = if is_file { FILE_TIME } else { TIME };
        let answer = self.client.send(request, time, most).await;
        let answer = answer.map_err(ApiError::Rest)?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(ApiError::Refused(refusal(&answer)))
    }
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, ApiError> {
    serde_json::from_slice(&answer.body).map_err(|error| ApiError::Nonsense(error.to_string()))
}

/// What an answer that says no means. Gateways answer with pages; the errors of cards are an object.
fn refusal(answer: &Answer) -> Refusal {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut reason = match body["message"].as_str() {
        Some(message) => message.to_owned(),
        None if answer.media_type().ends_with("html") => "a page of a gateway".to_owned(),
        None => answer.text(),
    };
    let more = match &body["errors"] {
        Value::Array(errors) => {
            let texts = errors
                .iter()
                .filter_map(|error| error["description"].as_str());
            texts
                .filter(|text| *text != reason)
                .collect::<Vec<_>>()
                .join("; ")
        }
        errors @ Value::Object(_) => errors.to_string(),
        _ => String::new(),
    };
    if !more.is_empty() {
        reason = format!("{reason} ({more})");
    }
    let reason = reason.chars().filter(|sign| !sign.is_control());
    Refusal {
        status: answer.status,
        reason: reason.take(REASON_CHARS).collect(),
        throttled: throttled(
            answer.status,
            &answer.headers,
            &answer.body,
            SystemTime::now(),
        ),
    }
}

impl ApiError {
    /// The status of a refusal.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// How long the platform says to wait.
    pub(super) fn throttled(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.throttled,
            _ => None,
        }
    }

    /// Tells whether asking again comes to the same.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                refusal.throttled.is_none()
                    && !refusal.status.is_server_error()
                    && !matches!(
                        refusal.status,
                        StatusCode::UNAUTHORIZED | StatusCode::LOCKED | StatusCode::REQUEST_TIMEOUT
                    )
            }
            Self::Foreign(_) => true,
            // What was there once may be there again, and nobody has said that it is not.
            Self::Nonsense(_) => false,
            Self::Rest(error) => matches!(error, RestError::TooLarge(_) | RestError::Setup(_)),
        }
    }

    /// What it means for a part that would be performed twice if it were asked for twice.
    pub(super) fn send_error(&self) -> SendError {
        let detail = self.to_string();
        match self {
            Self::Rest(error) if error.was_not_sent() => SendError::Again {
                after: None,
                detail,
            },
            Self::Rest(_) | Self::Nonsense(_) => SendError::InDoubt(detail),
            Self::Foreign(_) => SendError::Permanent {
                class: ActionError::Denied,
                detail,
            },
            Self::Refused(refusal) => refusal.send_error(detail),
        }
    }

    /// What it means for a part that may be asked for again and again.
    pub(super) fn repeat_error(&self) -> SendError {
        match self.send_error() {
            SendError::InDoubt(detail) if !matches!(self, Self::Nonsense(_)) => SendError::Again {
                after: None,
                detail,
            },
            other => other,
        }
    }

    /// What it means for a read of a plugin.
    pub(super) fn read_error(&self) -> ReadError {
        if let Some(wait) = self.throttled() {
            let wait = wait.as_millis();
            return ReadError::Throttled(u64::try_from(wait).unwrap_or(u64::MAX));
        }
        match self.status() {
            Some(StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) => ReadError::Denied,
            Some(StatusCode::NOT_FOUND | StatusCode::GONE) => ReadError::NotFound,
            // "Expect base64 ID or UUID.": what is no id names nothing.
            Some(StatusCode::BAD_REQUEST) => ReadError::NotFound,
            _ => ReadError::Failed(self.to_string()),
        }
    }
}

impl Refusal {
    fn send_error(&self, detail: String) -> SendError {
        if let Some(after) = self.throttled {
            return SendError::Throttled { after, detail };
        }
        let class = match self.status {
            StatusCode::UNAUTHORIZED => {
                return SendError::Again {
                    after: Some(TOKEN_WAIT),
                    detail,
                };
            }
            // Not one of these is documented as "not done" (webex.md §2.7).
            status if status.is_server_error() => return SendError::InDoubt(detail),
            StatusCode::FORBIDDEN => ActionError::Denied,
            StatusCode::NOT_FOUND => ActionError::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => ActionError::TooLarge,
            _ => ActionError::Failed,
        };
        SendError::Permanent { class, detail }
    }
}
