//! One request for a token: its form, its ways over redirects, and what its answer means.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode, header};
use url::{Host, Url};

use crate::connectors::lseg::config::LsegConfig;
use crate::connectors::lseg::wire::{Claim, ErrorBody, TokenAnswer};
use crate::model::secret::Secret;
use crate::net::retry_after::{throttled, wait};
use crate::net::{Answer, RestClient, RestError};

/// Time for one request.
const TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 256 * 1024;
/// How often a request is sent on.
const MAX_HOPS: u32 = 3;
/// Characters of an answer's words that are shown.
const SHOWN: usize = 300;
/// Secrets that are shorter are found everywhere.
const SHORTEST: usize = 4;
/// Fields of a form whose values nobody may see.
const HIDDEN: [&str; 4] = ["password", "newPassword", "refresh_token", "client_id"];
/// What the platform says where another session holds the account's only place.
const QUOTA: &str = "session quota";

/// What a request for a token came to.
pub(super) enum Granted {
    /// Tokens.
    Tokens(TokenAnswer),
    /// It was done, and there is no token in the answer.
    Changed,
    /// What was shown is wrong.
    Wrong(String),
    /// The account may not, or not from here. Never asked again by itself.
    Forbidden(String),
    /// Another session has the account's only place.
    Quota(String),
    /// Certainly not done; perhaps later.
    NotDone(String, Option<Duration>),
    /// Done or not; perhaps later.
    Later(String, Option<Duration>),
}

/// Asks for tokens.
pub(super) struct Asker {
    client: RestClient,
    url: Url,
    username: String,
    password: Secret,
    app_key: Secret,
    scope: String,
    exclusive: bool,
    redirect_hosts: Vec<String>,
}

type Form<'a> = Vec<(&'static str, &'a str)>;

impl Asker {
    pub(super) fn new(config: &LsegConfig) -> Result<Self, RestError> {
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        let mut url = config.gateway.clone();
        url.set_path(&config.token_path);
        Ok(Self {
            client: RestClient::new(&config.net, None, own)?,
            url,
            username: config.username.clone(),
            password: config.password.clone(),
            app_key: config.app_key.clone(),
            scope: config.scope.clone(),
            exclusive: config.exclusive,
            redirect_hosts: config.redirect_hosts.clone(),
        })
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// Logs in by password, and changes it where there is a new one.
    pub(super) async fn log_in(&self, new: Option<&Secret>) -> Granted {
        self.log_in_with(&self.password, new).await
    }

    /// Logs in by this password, and changes it where there is a new one.
    pub(super) async fn log_in_with(&self, password: &Secret, new: Option<&Secret>) -> Granted {
        let exclusive = if self.exclusive { "true" } else { "false" };
        let mut form: Form<'_> = vec![
            ("grant_type", "password"),
            ("username", &self.username),
            ("password", password.expose()),
            ("scope", &self.scope),
            ("takeExclusiveSignOnControl", exclusive),
        ];
        match new {
            // The change takes the AppKey in the header alone.
            Some(new) => form.push(("newPassword", new.expose())),
            None => form.push(("client_id", self.app_key.expose())),
        }
        self.ask(&form).await
    }

    /// Asks for new tokens by a refresh token.
    pub(super) async fn refresh(&self, token: &Secret) -> Granted {
        let form: Form<'_> = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
            ("username", &self.username),
            ("client_id", self.app_key.expose()),
        ];
        self.ask(&form).await
    }

    async fn ask(&self, form: &Form<'_>) -> Granted {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut url = self.url.clone();
        for _ in 0..=MAX_HOPS {
            let request = self
                .client
                .request(Method::POST, url.clone())
                // The client's secret is the empty text.
                .basic_auth(self.app_key.expose(), Some(""))
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.clone());
            let answer = match self.client.send(request, TIME, ANSWER_BYTES).await {
                Ok(answer) => answer,
                Err(error) => {
                    let why = format!("{}: {error}", name(&url));
                    return match error.was_not_sent() {
                        true => Granted::NotDone(why, None),
                        false => Granted::Later(why, None),
                    };
                }
            };
            if !is_redirect(answer.status) {
                return self.of_answer(&url, &answer, form);
            }
            url = match self.next_hop(&url, &answer) {
                Ok(next) => next,
                Err(why) => return Granted::NotDone(why, None),
            };
        }
        let why = format!("a login was sent on more than {MAX_HOPS} times");
        Granted::NotDone(why, None)
    }

    /// Where a login is sent on to. It carries the password, so only where the account's platform is.
    fn next_hop(&self, from: &Url, answer: &Answer) -> Result<Url, String> {
        let location = answer.headers.get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let Some(location) = location else {
            return Err(format!("{} sends a login on to nowhere", name(from)));
        };
        let next = from.join(location);
        let next = next.map_err(|_| format!("{} sends a login on to no address", name(from)))?;
        let is_safe = next.username().is_empty()
            && next.password().is_none()
            && (next.scheme() == "https" || is_same_loopback(&self.url, &next));
        if is_safe && self.is_ours(&next) {
            return Ok(next);
        }
        Err(format!(
            "{} sends a login on to {}, which `redirect-hosts` does not name",
            name(from),
            name(&next)
        ))
    }

    fn is_ours(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let is_under = |suffix: &String| {
            let rest = host.strip_suffix(suffix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        Some(host) == self.url.host_str() || self.redirect_hosts.iter().any(is_under)
    }

    fn of_answer(&self, url: &Url, answer: &Answer, form: &Form<'_>) -> Granted {
        let status = answer.status;
        if status.is_success() {
            if let Some(tokens) = TokenAnswer::read(&answer.body) {
                return Granted::Tokens(tokens);
            }
            // A page of something that lies between may say 200 too.
            let is_object = answer.body.trim_ascii_start().starts_with(b"{");
            if is_object && Claim::read(&answer.body) == Claim::Done {
                return Granted::Changed;
            }
        }
        let body = ErrorBody::read(&answer.body);
        let words = [body.code.as_deref(), body.message.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let words = match words.as_slice() {
            [] if answer.media_type().ends_with("html") => "a page of a gateway".to_owned(),
            [] => answer.text(),
            words => words.join(": "),
        };
        let words = shown(&words, form);
        let why = format!("{} answered {}: {words}", name(url), status.as_u16());
        if words.to_lowercase().contains(QUOTA) {
            return Granted::Quota(format!(
                "{why}; another program is logged in as {}",
                self.username
            ));
        }
        match status.as_u16() {
            400 | 401 => Granted::Wrong(format!(
                "{why}; are the name {}, its password and the AppKey right?",
                self.username
            )),
            403 | 451 => Granted::Forbidden(format!(
                "{why}; may {} use the Bot API, and from here?",
                self.username
            )),
            _ => {
                let now = SystemTime::now();
                match throttled(status, &answer.headers, &answer.body, now) {
                    Some(wait) => Granted::NotDone(why, Some(wait)),
                    None => Granted::Later(why, said(answer, now)),
                }
            }
        }
    }
}

/// How long a platform wants to be left alone that is not there: 503 with `Retry-After`.
fn said(answer: &Answer, now: SystemTime) -> Option<Duration> {
    if !answer.status.is_server_error() {
        return None;
    }
    wait(&answer.headers, &answer.body, now)
}

/// What an answer says, for people: a line of it, without what was sent to it in secret.
fn shown(words: &str, form: &Form<'_>) -> String {
    let mut words = words.to_owned();
    for (name, value) in form {
        if HIDDEN.contains(name) && value.len() >= SHORTEST {
            words = words.replace(*value, "…");
        }
    }
    let words = words.chars().filter(|c| !c.is_control());
    words.take(SHOWN).collect()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 307 | 308)
}

/// A platform on this machine, without TLS, sends on to itself.
fn is_same_loopback(base: &Url, next: &Url) -> bool {
    let is_own = match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_own && base.scheme() == "http" && next.scheme() == "http" && base.host() == next.host()
}

/// Names an address for an operator, without what may be hidden in it.
fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
