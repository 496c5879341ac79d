//! One host of the platform: its address, its way, its headers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use reqwest::{RequestBuilder, multipart};
use url::Url;

use super::config::Endpoint;
use super::wire::rest::ErrorBody;
use crate::journal::EventKey;
use crate::net::retry_after::throttled;
use crate::net::{Answer, Identity, RestClient, RestError};

/// Time for a call that does not wait for events.
pub(super) const TIME: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read: a full page of messages or members.
pub(super) const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Length of a trace id that the host makes up.
const TRACE_CHARS: usize = 6;

/// One host of the platform.
#[derive(Clone, Debug)]
pub(super) struct Site {
    client: RestClient,
    base: Url,
    headers: HeaderMap,
}

/// A call, which can be made more than once.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The path, piece by piece; ids in it are escaped.
    pub(super) path: Vec<&'a str>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) payload: Payload<'a>,
    /// On behalf of this user.
    pub(super) as_user: Option<&'a str>,
    /// For `X-Trace-Id`.
    pub(super) trace: Option<&'a str>,
    pub(super) time: Duration,
    pub(super) most: usize,
}

/// What a call carries.
#[derive(Clone, Debug)]
pub(super) enum Payload<'a> {
    Nothing,
    Json(serde_json::Value),
    Message(&'a MessageForm),
}

/// A message as the agent takes it (symphony.md §5.1).
#[derive(Clone, Debug, Default)]
pub(super) struct MessageForm {
    pub(super) message: String,
    pub(super) data: String,
    /// An edit that does not mark the message as unread.
    pub(super) silent: Option<bool>,
    /// The conversations of a blast; else the address names the one.
    pub(super) streams: Vec<String>,
    pub(super) files: Vec<FormFile>,
}

/// A file of a message.
#[derive(Clone, Debug)]
pub(super) struct FormFile {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum CallError {
    /// There is no answer.
    #[error("{host}: {error}")]
    Rest { host: String, error: RestError },
    /// The answer is a refusal.
    #[error("{0}")]
    Refused(Refusal),
    /// The answer is not what it should be.
    #[error("{host}: {what}")]
    Nonsense { host: String, what: String },
}

/// An answer that says no.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) host: String,
    pub(super) status: StatusCode,
    /// A word in place of a status, `LIMIT_…`.
    pub(super) code: Option<String>,
    pub(super) message: String,
    /// The platform says it: the body is one of its errors, and not a page of what stands before it.
    pub(super) is_of_platform: bool,
    /// How long to wait, where it says "later"; agents say so with 400 too.
    pub(super) throttled: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            host,
            status,
            message,
            ..
        } = self;
        write!(out, "{host} answered {}: {message}", status.as_u16())
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, path: &[&'a str]) -> Self {
        Self {
            method,
            path: path.to_vec(),
            query: Vec::new(),
            payload: Payload::Nothing,
            as_user: None,
            trace: None,
            time: TIME,
            most: ANSWER_BYTES,
        }
    }

    pub(super) fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &[&'a str], body: serde_json::Value) -> Self {
        Self {
            payload: Payload::Json(body),
            ..Self::new(Method::POST, path)
        }
    }

    pub(super) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn on_behalf_of(mut self, user: Option<&'a str>) -> Self {
        self.as_user = user;
        self
    }

    pub(super) fn trace(mut self, trace: &'a str) -> Self {
        self.trace = Some(trace);
        self
    }
}

impl Site {
    pub(super) fn new(endpoint: &Endpoint, identity: Option<&Identity>) -> Result<Self, RestError> {
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            client: RestClient::new(&endpoint.net, identity, own)?,
            base: endpoint.base.clone(),
            headers: endpoint.headers.clone(),
        })
    }

    /// The same way to another address.
    pub(super) fn at(&self, base: Url) -> Self {
        Self {
            base,
            ..self.clone()
        }
    }

    /// Names it for an operator.
    pub(super) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Its address, as the file of a feed of version 1 has it.
    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Makes a call with these headers; a refusal is an answer here.
    pub(super) async fn ask(
        &self,
        call: &Call<'_>,
        headers: HeaderMap,
    ) -> Result<Answer, CallError> {
        let trace = call.trace.map_or_else(made_up_trace, short_trace);
        let request = self.request(call, &trace).headers(headers);
        let answer = self.client.send(request, call.time, call.most).await;
        // The platform's support asks for the trace of what failed.
        match &answer {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) => {
                let (host, path) = (self.host(), call.path.join("/"));
                let status = answer.status.as_u16();
                tracing::info!(host, path, status, trace, "call refused");
            }
            Err(error) => {
                let (host, path) = (self.host(), call.path.join("/"));
                tracing::info!(host, path, %error, trace, "call not answered");
            }
        }
        answer.map_err(|error| CallError::Rest {
            host: self.host(),
            error,
        })
    }

    /// Makes a call whose refusal is an error.
    pub(super) async fn call(
        &self,
        call: &Call<'_>,
        headers: HeaderMap,
    ) -> Result<Answer, CallError> {
        let answer = self.ask(call, headers).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(CallError::Refused(self.refusal(&answer)))
    }

    fn request(&self, call: &Call<'_>, trace: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.client.request(call.method.clone(), url);
        request = request.header("X-Trace-Id", trace);
        request = request.headers(self.headers.clone());
        match &call.payload {
            // A login by certificate wants no body at all.
            Payload::Nothing if call.method == Method::GET => request,
            Payload::Nothing => request.header(http::header::CONTENT_LENGTH, 0),
            Payload::Json(body) => request.json(body),
            Payload::Message(form) => request.multipart(form.parts()),
        }
    }

    /// What an answer that says no means. Gateways answer with anything: JSON is not assumed.
    pub(super) fn refusal(&self, answer: &Answer) -> Refusal {
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = body.code.as_ref().and_then(serde_json::Value::as_str);
        Refusal {
            host: self.host(),
            status: answer.status,
            code: code.map(str::to_owned),
            is_of_platform: body.code.is_some() || body.message.is_some(),
            message: match body.message {
                Some(message) => message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(500)
                    .collect(),
                None if answer.media_type().ends_with("html") => "a page of a gateway".to_owned(),
                None => answer.text(),
            },
            throttled: throttled(
                answer.status,
                &answer.headers,
                &answer.body,
                SystemTime::now(),
            ),
        }
    }

    /// Reads an answer; the platform says "none" with 204.
    pub(super) fn read<T: serde::de::DeserializeOwned + Default>(
        &self,
        answer: &Answer,
    ) -> Result<T, CallError> {
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(T::default());
        }
        self.read_whole(answer)
    }

    /// Reads an answer that must be there.
    pub(super) fn read_whole<T: serde::de::DeserializeOwned>(
        &self,
        answer: &Answer,
    ) -> Result<T, CallError> {
        serde_json::from_slice(&answer.body).map_err(|error| self.nonsense(&error))
    }

    /// What it means that an answer cannot be read.
    pub(super) fn nonsense(&self, error: &serde_json::Error) -> CallError {
        CallError::Nonsense {
            host: self.host(),
            what: format!("an answer that cannot be read: {error}"),
        }
    }
}

impl MessageForm {
    fn parts(&self) -> multipart::Form {
        let text = |text: &str| {
            let part = multipart::Part::text(text.to_owned());
            part.mime_str("text/plain; charset=utf-8")
                .unwrap_or_else(|_| multipart::Part::text(text.to_owned()))
        };
        let mut form = multipart::Form::new()
            .part("message", text(&self.message))
            .part("version", text("2.0"));
        if !self.data.is_empty() {
            form = form.part("data", text(&self.data));
        }
        if let Some(silent) = self.silent {
            form = form.part("silent", text(&silent.to_string()));
        }
        if !self.streams.is_empty() {
            form = form.part("sids", text(&self.streams.join(",")));
        }
        for file in &self.files {
            form = form.part("attachment", file.part());
        }
        form
    }
}

impl FormFile {
    /// The agent refuses a file without a name or a type.
    fn part(&self) -> multipart::Part {
        let part = || {
            let length = self.bytes.len() as u64;
            let body = reqwest::Body::from(self.bytes.clone());
            multipart::Part::stream_with_length(body, length).file_name(self.name.clone())
        };
        part()
            .mime_str(&self.media_type)
            .or_else(|_| part().mime_str("application/octet-stream"))
            .unwrap_or_else(|_| part())
    }
}

/// The platform's traces are six letters and digits. What is none (an event that was read back, or of the
/// host's own, as a timer's) has one of its own, the same each time.
fn short_trace(trace: &str) -> String {
    let is_short = |byte: u8| byte.is_ascii_alphanumeric();
    if trace.len() == TRACE_CHARS && trace.bytes().all(is_short) {
        return trace.to_owned();
    }
    let key = EventKey::new(&[trace]);
    key.0.iter().take(TRACE_CHARS).map(letter).collect()
}

fn made_up_trace() -> String {
    let mut bytes = [0_u8; TRACE_CHARS];
    // Where the system has no randomness a trace of one letter serves.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(letter).collect()
}

fn letter(byte: &u8) -> char {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    char::from(LETTERS[usize::from(byte % 32)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_six_letters_and_digits_whatever_the_event_has() {
        assert_eq!(short_trace("D54xdl"), "D54xdl");
        for other in ["4846ea878873423f", "ulPr8a:eFFDL7", "D54xd", "D54-dl", ""] {
            let trace = short_trace(other);
            assert_eq!(trace.len(), TRACE_CHARS, "{other}: {trace}");
            assert!(trace.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(trace, short_trace(other), "the same each time");
        }
    }
}
