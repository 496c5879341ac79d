//! What is wrong with a bot on Symphony: the ways to its hosts, its logins, its feeds and its app. It logs
//! in, which ends nobody's session, and changes nothing else.

use http::StatusCode;

use super::SymphonyConnector;
use super::api::ApiError;
use super::auth::AuthError;
use super::config::{AppConfig, Credential, Endpoint, FeedVersion, SymphonyConfig};
use super::site::{Call, CallError};
use crate::mailbox::doctor::{Checks, NOT_REACHED, Patient, Unanswered, Way, check_way};
use crate::net::Identity;

/// Feeds that an account has at most (symphony.md §3.3).
const MAX_FEEDS: usize = 20;

const LOGIN: &str = "pod and key manager take the account";
const AGENT: &str = "the agent lets the bot read feeds";
const APP: &str = "the pod takes the app, by which the bot acts for users";
const TRY_LATER: &str = "try again later; `parlor bots` tells how it does with a running host";
const KEY: &str = "`username`, as the account is written; `private-key`, whose public half is in the \
                   account; and this machine's clock";
const CERTIFICATE: &str = "`certificate`, whose common name is the account's name in the same letters \
                           and whose authority the pod has; `session-auth` and `key-manager`";

/// Looks at a bot.
pub async fn examine(config: &SymphonyConfig, patient: &Patient) -> Checks {
    let mut checks = Checks::default();
    let mut is_reached = true;
    for way in ways(config) {
        is_reached &= check_way(&mut checks, way, patient.patience).await;
    }
    if !is_reached {
        checks.skip("login", LOGIN, NOT_REACHED);
        return checks;
    }
    let config = SymphonyConfig {
        folder: None,
        ..config.clone()
    };
    match SymphonyConnector::new(patient.tenant.clone(), &patient.name, config) {
        Ok(connector) => connector.examine(&mut checks, patient).await,
        Err(error) => {
            checks.wrong("login", LOGIN, error.to_string(), "the settings of the bot");
        }
    }
    checks
}

/// The ways to all hosts, each once.
fn ways(config: &SymphonyConfig) -> Vec<Way<'_>> {
    let identity = match &config.credential {
        Credential::Certificate(certificate) => Some(&certificate.identity),
        Credential::Key(_) => None,
    };
    let needs_session_auth = |credential: &Credential| match credential {
        Credential::Certificate(_) => true,
        Credential::Key(_) => false,
    };
    let app = config.app.as_ref().map(|app| &app.credential);
    let has_session_auth =
        needs_session_auth(&config.credential) || app.is_some_and(needs_session_auth);
    let mut ways: Vec<Way<'_>> = Vec::new();
    let mut add = |key, endpoint, identity| {
        let way = way(key, endpoint, identity);
        let is_known = |known: &Way<'_>| {
            known.url.origin() == way.url.origin()
                && known.net == way.net
                && known.identity == way.identity
        };
        if !ways.iter().any(is_known) {
            ways.push(way);
        }
    };
    add("pod", &config.pod, None);
    add("key-manager", &config.key_manager, identity);
    if has_session_auth {
        add("session-auth", &config.session_auth, identity);
    }
    for agent in &config.agents {
        add("agent", agent, None);
    }
    ways
}

fn way<'a>(key: &'a str, endpoint: &'a Endpoint, identity: Option<&'a Identity>) -> Way<'a> {
    Way {
        key,
        url: &endpoint.base,
        net: &endpoint.net,
        identity,
    }
}

impl SymphonyConnector {
    async fn examine(&self, checks: &mut Checks, patient: &Patient) {
        if !self.check_login(checks, patient).await {
            return;
        }
        self.check_feeds(checks, patient).await;
        if let Some(app) = &self.config.app {
            self.check_app(app, checks, patient).await;
        }
    }

    async fn check_login(&self, checks: &mut Checks, patient: &Patient) -> bool {
        let own = match patient.within(self.introduce()).await {
            Ok(own) => own,
            Err(error) => {
                let is_refused =
                    matches!(error.error(), Some(ApiError::Auth(AuthError::Refused(_))));
                let change = match (&self.config.credential, is_refused) {
                    (_, false) => TRY_LATER,
                    (Credential::Key(_), true) => KEY,
                    (Credential::Certificate(_), true) => CERTIFICATE,
                };
                checks.wrong("login", LOGIN, error.to_string(), change);
                return false;
            }
        };
        if let Ok(tokens) = patient.within(self.api.auth().tokens(None)).await {
            for secret in tokens.secrets() {
                checks.hide(&secret);
            }
        }
        let name = own.username.as_deref().unwrap_or(&self.config.username);
        let shown = own.display_name.as_deref().unwrap_or("without a name");
        checks.ok("login", LOGIN, format!("the bot is {name}, {shown}"));
        true
    }

    async fn check_feeds(&self, checks: &mut Checks, patient: &Patient) {
        let path: &[&str] = match self.config.feed.version {
            FeedVersion::V2 => &["agent", "v5", "datafeeds"],
            // There is no list of those.
            FeedVersion::V1 => &["agent", "v1", "info"],
        };
        let answer = match patient.within(self.api.feed(&Call::get(path))).await {
            Ok(answer) => answer,
            Err(error) => {
                let change = match error.error() {
                    Some(ApiError::Call(CallError::Refused(refusal)))
                        if refusal.status == StatusCode::FORBIDDEN =>
                    {
                        "an administrator of the pod gives the account the right to read feeds"
                    }
                    Some(ApiError::Call(CallError::Refused(refusal)))
                        if refusal.status == StatusCode::NOT_FOUND =>
                    {
                        "is `agent` right, with the path that stands before `/agent`?"
                    }
                    Some(ApiError::Auth(AuthError::Refused(_))) => KEY,
                    _ => TRY_LATER,
                };
                checks.wrong("feeds", AGENT, error.to_string(), change);
                return;
            }
        };
        if self.config.feed.version == FeedVersion::V1 {
            checks.ok("feeds", AGENT, "the agent answers");
            return;
        }
        match self.api.read_list::<serde_json::Value>(&answer) {
            Ok(feeds) if feeds.len() >= MAX_FEEDS => {
                let found = format!(
                    "the account has {} feeds, and may have no more",
                    feeds.len()
                );
                let change = "without `datafeed.tag` the bot reads one that is there; those that \
                              nobody reads end after 30 minutes";
                checks.note("feeds", AGENT, found, change);
            }
            Ok(feeds) => checks.ok("feeds", AGENT, format!("the account has {}", feeds.len())),
            Err(error) => checks.wrong("feeds", AGENT, error.to_string(), TRY_LATER),
        }
    }

    async fn check_app(&self, app: &AppConfig, checks: &mut Checks, patient: &Patient) {
        match patient.within(self.api.auth().app_token(app)).await {
            Ok(_) => checks.ok("app", APP, format!("it is {}", app.id)),
            Err(error) => {
                let change = match &error {
                    Unanswered::Error(AuthError::NotFor(_)) => {
                        "`id` and `private-key` or `certificate` of `app`; and the app must be \
                         enabled for the pod"
                    }
                    _ => TRY_LATER,
                };
                checks.wrong("app", APP, error.to_string(), change);
            }
        }
    }
}
