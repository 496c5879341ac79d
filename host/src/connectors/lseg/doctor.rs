//! What is wrong with a bot on Messenger: the ways, its account, its rooms and the stream. Nothing is
//! changed there, but that the bot logs in. A login ends every other of the account, so beside a running
//! host none is made: its word is taken.

use super::LsegConnector;
use super::api::ApiError;
use super::auth::AuthError;
use super::config::LsegConfig;
use crate::mailbox::doctor::{Checks, NOT_REACHED, Patient, Unanswered, Way, check_way};
use crate::mailbox::session::SessionEnd;

const LOGIN: &str = "the platform takes the account";
const ROOMS: &str = "the bot may see its rooms, and those that are named are there";
const STREAM: &str = "the stream takes the bot's token";
const SETTINGS: &str = "`username`, `password` and `app-key`; an AppKey is made by a person's account, \
                        in the AppKey Generator, for the Messenger API";
const MAY: &str = "LSEG's support lets the account use the Messenger Bot API";
const TRY_LATER: &str = "try again later; https://status.lseg.com tells how the platform does";
const NO_LOGIN: &str = "a login would end the running host's";

/// Looks at a bot.
pub async fn examine(config: &LsegConfig, patient: &Patient) -> Checks {
    let mut checks = Checks::default();
    checks.hide(&config.password);
    checks.hide(&config.app_key);
    let gateway = Way {
        key: "host",
        url: &config.gateway,
        net: &config.net,
        identity: None,
    };
    let stream = Way {
        key: "stream",
        url: &config.stream,
        net: &config.stream_net,
        identity: None,
    };
    let is_reached = check_way(&mut checks, gateway, patient.patience).await;
    let has_stream = check_way(&mut checks, stream, patient.patience).await;
    if let Some(served) = &patient.served {
        match (patient.is_connected(), &served.reason) {
            (true, _) => checks.ok("login", LOGIN, "the running host is logged in"),
            (false, reason) => {
                let reason = reason.as_deref().unwrap_or("no reason is known");
                let found = format!(
                    "with the running host it is {}: {reason}",
                    served.state.name()
                );
                checks.wrong("login", LOGIN, found, SETTINGS);
            }
        }
        checks.skip("rooms", ROOMS, NO_LOGIN);
        checks.skip("stream", STREAM, NO_LOGIN);
        return checks;
    }
    if !is_reached {
        checks.skip("login", LOGIN, NOT_REACHED);
        return checks;
    }
    let config = LsegConfig {
        folder: None,
        ..config.clone()
    };
    match LsegConnector::new(patient.tenant.clone(), &patient.name, config) {
        Ok(connector) => {
            let is_in = connector.check_login(&mut checks, patient).await;
            if is_in {
                connector.check_rooms(&mut checks, patient).await;
            }
            if is_in && has_stream {
                connector.check_stream(&mut checks, patient).await;
            }
        }
        Err(error) => {
            checks.wrong("login", LOGIN, error.to_string(), "the settings of the bot");
        }
    }
    checks
}

impl LsegConnector {
    async fn check_login(&self, checks: &mut Checks, patient: &Patient) -> bool {
        let error = match patient.within(self.api.auth().token()).await {
            Ok(token) => {
                checks.hide(&token.access);
                checks.ok("login", LOGIN, format!("it is {}", self.config.username));
                return true;
            }
            Err(error) => error,
        };
        let change = match &error {
            Unanswered::Error(AuthError::Refused(_)) => SETTINGS,
            Unanswered::Error(AuthError::Unavailable(..)) | Unanswered::Late(_) => TRY_LATER,
        };
        checks.wrong("login", LOGIN, error.to_string(), change);
        false
    }

    async fn check_rooms(&self, checks: &mut Checks, patient: &Patient) {
        let found = match patient.within(self.list()).await {
            Ok(found) => found,
            Err(error) => {
                let change = match error.error() {
                    Some(ApiError::Refused(refusal)) if refusal.is_about_request() => MAY,
                    Some(ApiError::Auth(AuthError::Refused(_))) => SETTINGS,
                    _ => TRY_LATER,
                };
                checks.wrong("rooms", ROOMS, error.to_string(), change);
                return;
            }
        };
        self.rooms.take(&found);
        let (wanted, missing) = self.rooms.wanted(&self.config.rooms);
        let listed = format!(
            "{} listed, in {} it is to be",
            found.rooms.len(),
            wanted.len()
        );
        if missing.is_empty() {
            checks.ok("rooms", ROOMS, listed);
            return;
        }
        let found = format!("{listed}; not listed: {}", missing.join(", "));
        let change = "somebody drags the bot into them in Messenger; or `rooms`, whose names are \
                      written as there";
        checks.wrong("rooms", ROOMS, found, change);
    }

    async fn check_stream(&self, checks: &mut Checks, patient: &Patient) {
        let tried = async { self.try_stream().await.map_err(why) };
        match patient.within(tried).await {
            Ok(()) => checks.ok("stream", STREAM, "it does"),
            Err(error) => {
                let change = match error.error() {
                    Some((_, true)) => MAY,
                    _ => TRY_LATER,
                };
                let found = match &error {
                    Unanswered::Error((why, _)) => why.clone(),
                    Unanswered::Late(within) => format!("no answer within {} s", within.as_secs()),
                };
                checks.wrong("stream", STREAM, found, change);
            }
        }
    }
}

/// Why the stream cannot be had, and whether it was refused.
fn why(end: SessionEnd) -> (String, bool) {
    match end {
        SessionEnd::Refused(why) => (why, true),
        SessionEnd::Lost(why) | SessionEnd::Later(why, _) => (why, false),
        SessionEnd::Stopped => ("it was stopped".to_owned(), false),
    }
}
