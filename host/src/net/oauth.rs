//! Tokens by OAuth 2.0 client credentials (RFC 6749, 4.4): kept until shortly before they expire,
//! fetched by one request at a time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;

use super::credential::{Account, ClientAuth, OAuth2, basic_value, bearer_value};
use super::egress::EgressError;
use super::mask::Secrets;
use crate::model::secret::Secret;

/// How long before its end a token is no longer used: it must outlive the request.
const LEAD: Duration = Duration::from_secs(30);
/// How long a token is used whose server does not say; it may be refused earlier, which renews it.
const UNSTATED_LIFE: Duration = Duration::from_secs(3_600);
/// The longest that a token is used.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How long nobody asks again after no token was given: a server may lock a client that tries on.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// Bytes of a token.
const MAX_TOKEN_BYTES: usize = 12 * 1024;
/// Bytes of the word by which a server says why there is no token.
const MAX_REASON_BYTES: usize = 40;

/// Where the tokens of one grant come from.
pub(super) struct TokenSource {
    settings: Arc<OAuth2>,
    secrets: Arc<Secrets>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    fetched: u64,
    failed: Option<(Instant, EgressError)>,
}

struct Token {
    header: HeaderValue,
    until: Instant,
}

impl State {
    /// The token that is kept, unless it is old or the one that was refused.
    fn kept(&self, refused: Option<u64>, now: Instant) -> Option<Taken> {
        let token = self.token.as_ref()?;
        let is_good = refused != Some(self.fetched) && now < token.until;
        is_good.then(|| Taken {
            header: token.header.clone(),
            number: self.fetched,
            is_new: false,
        })
    }

    /// The failure that is also the one of whoever came before it, or shortly after.
    fn failure(&self, came: Instant) -> Option<EgressError> {
        let (at, error) = self.failed.as_ref()?;
        (came < *at + COOL_DOWN).then(|| error.clone())
    }
}

/// A token to use.
pub(super) struct Taken {
    /// The header's value.
    pub(super) header: HeaderValue,
    /// Which one it is, for [`TokenSource::take`] when it is refused.
    pub(super) number: u64,
    /// Whether it was fetched for this request: that it is refused then does not make it old.
    pub(super) is_new: bool,
}

impl TokenSource {
    pub(super) fn new(settings: Arc<OAuth2>, secrets: Arc<Secrets>) -> Self {
        Self {
            settings,
            secrets,
            state: Mutex::default(),
        }
    }

    /// Gives the token that is kept, or has one fetched: where none is kept, it is old, or it is the
    /// one that was refused. Whoever comes meanwhile waits, and gets the same token or the same error.
    pub(super) async fn take<A, F>(
        &self,
        refused: Option<u64>,
        ask: A,
    ) -> Result<Taken, EgressError>
    where
        A: FnOnce(Request<Bytes>) -> F,
        F: Future<Output = Result<(StatusCode, Bytes), EgressError>>,
    {
        let came = Instant::now();
        // Held while the token is fetched, which is what makes the others wait.
        let mut state = self.state.lock().await;
        if let Some(kept) = state.kept(refused, Instant::now()) {
            return Ok(kept);
        }
        if let Some(error) = state.failure(came) {
            return Err(error);
        }
        state.token = None;
        let token = match self.fetch(ask).await {
            Ok(token) => token,
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                return Err(error);
            }
        };
        let header = token.header.clone();
        state.token = Some(token);
        state.failed = None;
        state.fetched += 1;
        Ok(Taken {
            header,
            number: state.fetched,
            is_new: true,
        })
    }

    async fn fetch<A, F>(&self, ask: A) -> Result<Token, EgressError>
    where
        A: FnOnce(Request<Bytes>) -> F,
        F: Future<Output = Result<(StatusCode, Bytes), EgressError>>,
    {
        let no_token = |why: &str| {
            let mut url = self.settings.token_url.clone();
            url.set_query(None);
            EgressError::Credential(format!("no token from {url}: {why}"))
        };
        let request = self.settings.request().map_err(|why| no_token(&why))?;
        let asked = Instant::now();
        let answer = ask(request).await;
        let (status, body) = answer.map_err(|error| no_token(&error.to_string()))?;
        let answer = read_answer(status, &body).map_err(|why| no_token(&why))?;
        let token = Secret::new(answer.token);
        let header = bearer_value(&token).map_err(|_| no_token("the token fits no header"))?;
        self.secrets.add(token);
        Ok(Token {
            header,
            until: asked + usable(answer.life),
        })
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TokenSource")
    }
}

impl OAuth2 {
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let mut hidden: Vec<Secret> = self.client_id.secret().into_iter().cloned().collect();
        hidden.push(self.client_secret.clone());
        if let Ok((_, more)) = self.basic() {
            hidden.extend(more);
        }
        hidden
    }

    fn basic(&self) -> Result<(HeaderValue, Vec<Secret>), String> {
        // RFC 6749 has both encoded like a form before they are joined.
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let id = Account::Open(encode(self.client_id.expose()));
        let secret = Secret::new(encode(self.client_secret.expose()));
        basic_value(&id, Some(&secret)).map_err(|error| format!("the client {error}"))
    }

    fn request(&self) -> Result<Request<Bytes>, String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.token_url.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        match self.client_auth {
            ClientAuth::Basic => {
                request = request.header(header::AUTHORIZATION, self.basic()?.0);
            }
            ClientAuth::Body => {
                form.append_pair("client_id", self.client_id.expose());
                form.append_pair("client_secret", self.client_secret.expose());
            }
        }
        request
            .body(Bytes::from(form.finish()))
            .map_err(|_| "its address is no address".to_owned())
    }
}

struct Answer {
    token: String,
    life: Duration,
}

/// What a token endpoint says; only what is used.
#[derive(Deserialize)]
struct Said {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
}

/// Reads a token endpoint's answer; the error never quotes more of it than its error's name.
fn read_answer(status: StatusCode, body: &[u8]) -> Result<Answer, String> {
    let said = serde_json::from_slice::<Said>(body).ok();
    if !status.is_success() {
        let reason = said.and_then(|said| said.error).filter(|it| is_name(it));
        let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
        return Err(format!("answered {}{reason}", status.as_u16()));
    }
    let said = said.ok_or("the answer is not JSON of a token")?;
    let token = said
        .access_token
        .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN_BYTES)
        .ok_or("the answer has no access_token that can be used")?;
    let kind = said.token_type.as_deref().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err("the token is not of the type Bearer".to_owned());
    }
    // Some servers write the number as text.
    let seconds = match said.expires_in {
        Some(serde_json::Value::Number(number)) => number.as_f64(),
        Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let life = match seconds {
        None => UNSTATED_LIFE,
        Some(seconds) => Duration::try_from_secs_f64(seconds.max(0.0))
            .unwrap_or(LONGEST_LIFE)
            .min(LONGEST_LIFE),
    };
    Ok(Answer { token, life })
}

/// How much of a token's life it is used.
fn usable(life: Duration) -> Duration {
    life.saturating_sub(LEAD.min(life / 10))
}

/// Tells whether a word is a name, `invalid_client`, and not something that was sent.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_REASON_BYTES && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[cfg(test)]
mod tests;
