//! Requests with the bot's token: a token that has ended is renewed once, and the request made again.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::auth::{Auth, AuthError, Token};
use super::config::LsegConfig;
use super::wire::{Claim, ErrorBody};
use crate::mailbox::SendError;
use crate::model::directory::ReadError;
use crate::model::payload::ActionError;
use crate::net::retry_after;
use crate::net::{Answer, RestClient, RestError};

/// Time for one request.
const TIME: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read: the largest list of rooms.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// How long an action waits for a platform that refuses the bot.
const LOGIN_WAIT: Duration = Duration::from_secs(30);
/// How long to wait where messages come too fast and nobody says how long: it is one a second.
const TOO_FAST: Duration = Duration::from_secs(1);
/// Characters of a refusal's words that are shown.
const SHOWN: usize = 300;

/// The platform, as one bot asks it.
pub(super) struct Api {
    auth: Auth,
    client: RestClient,
    base: Url,
}

/// Why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("{host}: {error}")]
    Rest { host: String, error: RestError },
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}: an answer that cannot be read")]
    Nonsense(String),
}

/// An answer that says no.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    host: String,
    pub(super) status: StatusCode,
    message: String,
    /// How long to wait, where there was too much.
    pub(super) throttled: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, status, message) = (&self.host, self.status.as_u16(), &self.message);
        write!(out, "{host} answered {status}: {message}")
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    method: Method,
    path: Vec<&'a str>,
    body: Option<Value>,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &[&'a str]) -> Self {
        Self {
            method: Method::GET,
            path: path.to_vec(),
            body: None,
        }
    }

    pub(super) fn post(path: &[&'a str], body: Option<Value>) -> Self {
        Self {
            method: Method::POST,
            path: path.to_vec(),
            body,
        }
    }
}

impl Api {
    pub(super) fn new(config: &LsegConfig) -> Result<Self, RestError> {
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        let mut base = config.gateway.clone();
        base.set_path(config.api_path.trim_end_matches('/'));
        Ok(Self {
            auth: Auth::new(config)?,
            client: RestClient::new(&config.net, None, own)?,
            base,
        })
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Makes a request. A token that was refused is renewed, and the request made once more.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let token = self.auth.token().await?;
        let answer = self.make(call, &token).await?;
        match self.whole(answer) {
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::UNAUTHORIZED => {
                let token = self.auth.renew(&token).await?;
                self.whole(self.make(call, &token).await?)
            }
            ended => ended,
        }
    }

    /// Makes a request that a bot need not be allowed to make: its token is not to blame.
    pub(super) async fn try_ask(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let token = self.auth.token().await?;
        let answer = self.make(call, &token).await?;
        self.whole(answer)
    }

    /// Says that an answer cannot be read.
    pub(super) fn nonsense(&self) -> ApiError {
        ApiError::Nonsense(self.host())
    }

    /// What an answer comes to. A page of a gateway may say 200, and nothing was done.
    fn whole(&self, mut answer: Answer) -> Result<Answer, ApiError> {
        if answer.status.is_success() {
            match Claim::read(&answer.body) {
                Claim::Done => return Ok(answer),
                Claim::Nonsense => return Err(self.nonsense()),
                Claim::Error(status) => {
                    answer.status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                }
            }
        }
        Err(ApiError::Refused(self.refusal(&answer)))
    }

    async fn make(&self, call: &Call<'_>, token: &Token) -> Result<Answer, ApiError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.path);
        }
        let request = self
            .client
            .request(call.method.clone(), url)
            .header(header::AUTHORIZATION, token.bearer.clone())
            .header(header::ACCEPT, "application/json");
        let request = match &call.body {
            Some(body) => request.json(body),
            None if call.method == Method::GET => request,
            None => request.header(header::CONTENT_LENGTH, 0),
        };
        let answer = self.client.send(request, TIME, ANSWER_BYTES).await;
        answer.map_err(|error| ApiError::Rest {
            host: self.host(),
            error,
        })
    }

    fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        let body = ErrorBody::read(&answer.body);
        let message = match body.message.or(body.code) {
            Some(message) => message
                .chars()
                .filter(|c| !c.is_control())
                .take(SHOWN)
                .collect(),
            None if answer.media_type().ends_with("html") => "a page of a gateway".to_owned(),
            None => answer.text(),
        };
        let throttled = throttled(answer, &message);
        Refusal {
            host: self.host(),
            status: answer.status,
            message,
            throttled,
        }
    }
}

/// How long to wait where an answer says that there was too much; not all of them are 429.
fn throttled(answer: &Answer, message: &str) -> Option<Duration> {
    let is_client = answer.status.is_client_error();
    let is_said = is_client && message.to_lowercase().contains("too many");
    if answer.status != StatusCode::TOO_MANY_REQUESTS && !is_said {
        return None;
    }
    let said = retry_after::wait(&answer.headers, &answer.body, SystemTime::now());
    Some(said.unwrap_or(TOO_FAST))
}

impl ApiError {
    /// What it means for a message or a new room: it may be there already.
    pub(super) fn send_error(&self) -> SendError {
        let detail = self.to_string();
        match self {
            // Nothing was asked for yet.
            Self::Auth(AuthError::Unavailable(_, after)) => SendError::Again {
                after: *after,
                detail,
            },
            Self::Auth(AuthError::Refused(_)) => SendError::Again {
                after: Some(LOGIN_WAIT),
                detail,
            },
            Self::Rest { error, .. } if error.was_not_sent() => SendError::Again {
                after: None,
                detail,
            },
            Self::Rest { .. } | Self::Nonsense(_) => SendError::InDoubt(detail),
            Self::Refused(refusal) => refusal.send_error(detail),
        }
    }

    /// What it means for something that may be asked for twice.
    pub(super) fn again(&self) -> SendError {
        match self.send_error() {
            SendError::InDoubt(detail) => SendError::Again {
                after: None,
                detail,
            },
            other => other,
        }
    }

    /// What it means for a read of a plugin.
    pub(super) fn read_error(&self) -> ReadError {
        let Some(refusal) = self.refusal() else {
            return ReadError::Failed(self.to_string());
        };
        if let Some(wait) = refusal.throttled {
            return ReadError::Throttled(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        }
        match refusal.status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ReadError::Denied,
            StatusCode::NOT_FOUND => ReadError::NotFound,
            _ => ReadError::Failed(self.to_string()),
        }
    }

    /// What was asked to wait, where something was.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Auth(AuthError::Unavailable(_, wait)) => *wait,
            Self::Refused(refusal) => refusal.throttled,
            _ => None,
        }
    }

    /// Tells whether the bot may not: asking again soon helps nothing.
    pub(super) fn is_denied(&self) -> bool {
        let refusal = self.refusal();
        refusal.is_some_and(|it| matches!(it.status.as_u16(), 401 | 403 | 451))
    }

    /// Tells whether the bot has none of what it asked for: it is not there, or not for it.
    pub(super) fn has_none(&self) -> bool {
        let refusal = self.refusal();
        refusal.is_some_and(|it| matches!(it.status.as_u16(), 401 | 403 | 404 | 405 | 451 | 501))
    }

    /// The refusal, where there is one.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl Refusal {
    /// Tells whether the platform has looked at the request and will not have it: not the token's fault,
    /// and not for its haste.
    pub(super) fn is_about_request(&self) -> bool {
        self.throttled.is_none()
            && self.status.is_client_error()
            && !matches!(self.status.as_u16(), 401 | 408 | 413 | 451)
    }

    fn send_error(&self, detail: String) -> SendError {
        if let Some(after) = self.throttled {
            return SendError::Throttled { after, detail };
        }
        // None of these is documented as "not done".
        if self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT {
            return SendError::InDoubt(detail);
        }
        let class = match self.status.as_u16() {
            // A new token was refused like the old one: it is not the token's fault.
            401 | 403 => ActionError::Denied,
            404 => ActionError::NotFound,
            413 => ActionError::TooLarge,
            451 => ActionError::RefusedByPolicy,
            _ => ActionError::Failed,
        };
        SendError::Permanent { class, detail }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn refusal(status: u16, body: &'static str) -> Refusal {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        };
        let message = ErrorBody::read(&answer.body).message.unwrap_or_default();
        Refusal {
            host: "h".to_owned(),
            status: answer.status,
            throttled: throttled(&answer, &message),
            message,
        }
    }

    #[test]
    fn what_a_status_means_for_a_message() {
        let named = |status: u16, body: &'static str| match ApiError::Refused(refusal(status, body))
            .send_error()
        {
            SendError::Throttled { after, .. } => format!("throttled {}", after.as_secs()),
            SendError::InDoubt(_) => "in doubt".to_owned(),
            SendError::Again { .. } => "again".to_owned(),
            SendError::Permanent { class, .. } => format!("{class:?}"),
            SendError::WillNotEdit(_) => "edit".to_owned(),
        };
        for (status, body, expected) in [
            (429, "", "throttled 1"),
            (
                400,
                r#"{"error":{"message":"Too Many requests"}}"#,
                "throttled 1",
            ),
            (400, r#"{"error":{"message":"Validation error"}}"#, "Failed"),
            (401, "", "Denied"),
            (403, "", "Denied"),
            (404, "", "NotFound"),
            (413, "", "TooLarge"),
            (451, "", "RefusedByPolicy"),
            (500, "", "in doubt"),
            (
                502,
                r#"{"error":{"message":"too many upstreams"}}"#,
                "in doubt",
            ),
            (408, "", "in doubt"),
            (302, "", "Failed"),
        ] {
            assert_eq!(named(status, body), expected, "{status} {body}");
        }
    }
}
