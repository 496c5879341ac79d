//! What is wrong with a bot on Webex: the way, its token, what it may, and how it hears. Nothing is made
//! or changed there.

use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::WebexConnector;
use super::api::ApiError;
use super::config::{Events, SocketConfig, WebexConfig, WebhookConfig};
use super::hooks::{TOLERATED, WANTED};
use super::kept::Keeps;
use super::wire::Webhook;
use crate::mailbox::doctor::{Checks, NOT_REACHED, Patient, Unanswered, Way, check_way};

const TOKEN: &str = "a token that Webex takes";
const BOTS_TOKEN: &str = "a bot's token";
const MAY: &str = "the token may see the bot's spaces";
const HOOKS: &str = "all webhooks of the bot are on, at its address";
const DEVICES: &str = "the bot's data centre lists its devices";
const TRY_LATER: &str = "try again later; https://status.webex.com tells how Webex does";

/// Looks at a bot.
pub async fn examine(config: &WebexConfig, patient: &Patient) -> Checks {
    let mut checks = Checks::default();
    checks.hide(&config.token.0);
    let api = Way {
        key: "api",
        url: &config.base,
        net: &config.net,
        identity: None,
    };
    let mut is_reached = check_way(&mut checks, api, patient.patience).await;
    match &config.events {
        Events::Webhook(hooks) => {
            if let Some(secret) = &hooks.secret {
                checks.hide(&secret.0);
            }
        }
        Events::Websocket(socket) => {
            let discovery = Way {
                key: "discovery",
                url: &socket.discovery,
                ..api
            };
            is_reached &= check_way(&mut checks, discovery, patient.patience).await;
        }
    }
    if !is_reached {
        checks.skip("login", TOKEN, NOT_REACHED);
        return checks;
    }
    // What lies in its folder is a running host's.
    let config = WebexConfig {
        folder: None,
        ..config.clone()
    };
    match WebexConnector::new(
        patient.tenant.clone(),
        &patient.name,
        config,
        &Keeps::default(),
    ) {
        Ok(connector) => connector.examine(&mut checks, patient).await,
        Err(error) => {
            checks.wrong("login", TOKEN, error.to_string(), "the settings of the bot");
        }
    }
    checks
}

impl WebexConnector {
    async fn examine(&self, checks: &mut Checks, patient: &Patient) {
        if !self.check_token(checks, patient).await {
            return;
        }
        self.check_rights(checks, patient).await;
        match &self.config.events {
            Events::Webhook(hooks) => self.check_hooks(hooks, checks, patient).await,
            Events::Websocket(socket) => self.check_devices(socket, checks, patient).await,
        }
    }

    async fn check_token(&self, checks: &mut Checks, patient: &Patient) -> bool {
        let own = match patient.within(self.me()).await {
            Ok(own) => own,
            Err(error) => {
                let change = match status_of(&error) {
                    Some(StatusCode::UNAUTHORIZED) => {
                        "`token`: make a new one at https://developer.webex.com, My Webex Apps, the \
                         bot, Regenerate Access Token"
                    }
                    Some(StatusCode::NOT_FOUND) => "is `api` right, with its version at the end?",
                    _ => TRY_LATER,
                };
                checks.wrong("login", TOKEN, error.to_string(), change);
                return false;
            }
        };
        let name = own.display_name.as_deref().unwrap_or("nobody");
        let email = own.emails.first().map_or("no address", String::as_str);
        checks.ok("login", TOKEN, format!("the bot is {name}, {email}"));
        match own.r#type.as_deref() {
            Some("bot") => checks.ok("account", BOTS_TOKEN, "it is"),
            other => {
                let found = format!("a token of a {}", other.unwrap_or("nobody knows what"));
                let change = "`token` of a bot: a person's sees and may do more, and ends";
                checks.note("account", BOTS_TOKEN, found, change);
            }
        }
        true
    }

    async fn check_rights(&self, checks: &mut Checks, patient: &Patient) {
        let rooms = self.api.get::<Value>(&["rooms"], &[("max", "1")]);
        match patient.within(rooms).await {
            Ok(_) => checks.ok("permissions", MAY, "it may"),
            Err(error) => {
                let change = match status_of(&error) {
                    Some(StatusCode::FORBIDDEN) => {
                        "`token` of a bot; one of an integration needs its scopes for spaces, \
                         messages, memberships and webhooks"
                    }
                    _ => TRY_LATER,
                };
                checks.wrong("permissions", MAY, error.to_string(), change);
            }
        }
    }

    async fn check_hooks(&self, config: &WebhookConfig, checks: &mut Checks, patient: &Patient) {
        let all = match patient.within(self.webhooks()).await {
            Ok(all) => all,
            Err(error) => {
                checks.wrong("webhooks", HOOKS, error.to_string(), TRY_LATER);
                return;
            }
        };
        let prefix = self.hook_prefix();
        let own: Vec<Webhook> = all
            .into_iter()
            .filter(|hook| hook.name.starts_with(&prefix))
            .collect();
        let found = faults_of(&own, patient.address.as_deref());
        if found.is_empty() {
            checks.ok("webhooks", HOOKS, format!("{} are", own.len()));
            return;
        }
        let found = found.join("; ");
        if patient.is_connected() {
            let change = format!(
                "the host looks again every {} s; where it stays so, its log says why. Webex \
                 switches a webhook off whose address fails a hundred times in five minutes",
                config.check.as_secs()
            );
            checks.wrong("webhooks", HOOKS, found, &change);
        } else {
            let change = "nothing: the host makes them so as soon as the bot connects";
            checks.note("webhooks", HOOKS, found, change);
        }
    }

    async fn check_devices(&self, socket: &SocketConfig, checks: &mut Checks, patient: &Patient) {
        let devices = match patient.within(self.devices(&socket.discovery)).await {
            Ok((_, devices)) => devices,
            Err(error) => {
                let change = match error.error() {
                    Some(ApiError::Foreign(_)) => "is `discovery` right?",
                    _ => TRY_LATER,
                };
                checks.wrong("devices", DEVICES, error.to_string(), change);
                return;
            }
        };
        checks.ok("devices", DEVICES, format!("{} are there", devices.len()));
        let urls = devices.iter().map(|device| &device.web_socket_url);
        // All of a bot's are in one place.
        if let Some(url) = urls.filter_map(|url| Url::parse(url).ok()).next() {
            let way = Way {
                key: "websocket",
                url: &url,
                net: &self.config.net,
                identity: None,
            };
            check_way(checks, way, patient.patience).await;
        }
    }
}

fn status_of(error: &Unanswered<ApiError>) -> Option<StatusCode> {
    error.error().and_then(ApiError::status)
}

/// What is not as it should be of a bot's webhooks.
fn faults_of(own: &[Webhook], address: Option<&str>) -> Vec<String> {
    let of = |(resource, event): (&str, &str)| {
        let mut own = own.iter();
        own.find(|hook| hook.resource == resource && hook.event == event)
    };
    let mut faults = Vec::new();
    let mut add = |what: &str, (resource, event): (&str, &str)| {
        faults.push(format!("{resource} {event} {what}"));
    };
    for wanted in WANTED {
        match of(wanted) {
            None if wanted == TOLERATED => {}
            None => add("is missing", wanted),
            Some(hook) if hook.status.as_deref() != Some("active") => add("is off", wanted),
            Some(hook) if address.is_some_and(|address| hook.target_url != address) => {
                add(&format!("leads to {}", hook.target_url), wanted);
            }
            Some(_) => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://bots.acme.com/bots/default/desk";

    fn hooks() -> Vec<Webhook> {
        let hook = |(resource, event): (&str, &str)| Webhook {
            resource: resource.to_owned(),
            event: event.to_owned(),
            target_url: ADDRESS.to_owned(),
            status: Some("active".to_owned()),
            ..Webhook::default()
        };
        WANTED.into_iter().map(hook).collect()
    }

    #[test]
    fn webhooks_that_are_missing_off_or_elsewhere_are_named() {
        let mut own = hooks();
        assert!(faults_of(&own, Some(ADDRESS)).is_empty());
        own.retain(|hook| (hook.resource.as_str(), hook.event.as_str()) != TOLERATED);
        assert!(
            faults_of(&own, Some(ADDRESS)).is_empty(),
            "not every Webex has it"
        );
        own.remove(0);
        own[0].status = Some("inactive".to_owned());
        own[1].target_url = "https://old.acme.com/x".to_owned();
        assert_eq!(
            faults_of(&own, Some(ADDRESS)),
            [
                "messages created is missing",
                "messages deleted is off",
                "memberships all leads to https://old.acme.com/x",
            ]
        );
        assert_eq!(faults_of(&own, None).len(), 2, "nobody knows the address");
    }
}
