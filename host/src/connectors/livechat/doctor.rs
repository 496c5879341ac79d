//! What is wrong with a bot on LiveChat: the ways, its tokens on each licence, what they may, the bot
//! there and its webhooks. Nothing is made or changed there. Beside a running host no token is renewed
//! either: a renewal may be the end of the token that the host holds.

use http::StatusCode;
use serde_json::{Value, json};

use super::PACE;
use super::config::LiveChatConfig;
use super::core::Core;
use super::dialect::{By, Call, HOOKS};
use super::licence::Licence;
use super::site::{ApiError, Shown};
use super::wire::{list, text};
use crate::mailbox::doctor::{Checks, NOT_REACHED, Patient, Unanswered, Way, check_way};
use crate::model::secret::Secret;

const LICENCES: &str = "the bot is on a licence";
const LOGIN: &str = "the platform takes the owner's token";
const BOT: &str = "the bot is there";
const CHATS: &str = "the owner's token may see chats";
const HOOKS_ON: &str = "all webhooks of the app are registered, at the bot's address";
const TRY_LATER: &str = "try again later; https://status.livechat.com tells how the platform does";
const AT_START: &str = "nothing: the host makes it so as soon as the bot connects";

/// Looks at a bot.
pub async fn examine(config: &LiveChatConfig, patient: &Patient) -> Checks {
    let mut checks = Checks::default();
    let app = &config.app.client_secret;
    let personal = config.personal.as_ref().map(|personal| &personal.token);
    for secret in app.iter().chain(&config.webhook_secret).chain(personal) {
        checks.hide(secret);
    }
    let mut is_reached = true;
    for (key, url) in [("api", &config.api), ("accounts", &config.accounts)] {
        let way = Way {
            key,
            url,
            net: &config.net,
            identity: None,
        };
        is_reached &= check_way(&mut checks, way, patient.patience).await;
    }
    if !is_reached {
        checks.skip("login", LOGIN, NOT_REACHED);
        return checks;
    }
    let config = LiveChatConfig {
        // It is read; one that is not there is not made.
        folder: config.folder.clone().filter(|folder| folder.is_dir()),
        ..config.clone()
    };
    match Core::new(patient.tenant.clone(), &patient.name, config, PACE) {
        Ok(core) => core.examine(&mut checks, patient).await,
        Err(error) => {
            let change = "the bot's folder in `connectors`, below `data`";
            checks.wrong("login", LOGIN, error.to_string(), change);
        }
    }
    checks
}

impl Core {
    async fn examine(&self, checks: &mut Checks, patient: &Patient) {
        let kept = self.store.kept();
        let of_licences = kept.licences.values();
        let of_licences = of_licences.flat_map(|it| {
            let all = [
                &it.access_token,
                &it.refresh_token,
                &it.bot_secret,
                &it.hook_secret,
            ];
            all.into_iter().flatten()
        });
        for secret in kept.hook_secret.iter().chain(of_licences) {
            checks.hide(&Secret::new(secret.clone()));
        }
        if let Ok(shown) = self.personal() {
            checks.hide(&shown);
        }
        let licences = self.licences();
        if licences.is_empty() {
            let change = format!(
                "`parlor install livechat {}` prints where somebody agrees to it",
                self.name()
            );
            checks.note("licences", LICENCES, "it is on none yet", &change);
        }
        let mut good = None;
        for licence in &licences {
            if self.check_licence(licence, checks, patient).await {
                good = good.or(Some(licence));
            }
        }
        if self.config.personal.is_some() || good.is_some() {
            self.check_hooks(good.map(|licence| &**licence), checks, patient)
                .await;
        }
    }

    /// Looks at the bot on one licence; tells whether its owner's token is taken.
    async fn check_licence(
        &self,
        licence: &Licence,
        checks: &mut Checks,
        patient: &Patient,
    ) -> bool {
        let of = |what: &str| format!("{what} ({})", licence.id);
        if self.is_hosts_to_renew(licence, patient) {
            checks.skip(&of("login"), LOGIN, "the running host renews it just now");
            return false;
        }
        let is_chatio = self.config.version.is_chatio();
        let call = match is_chatio {
            true => Call::configuration("agents/get_bot_agents", json!({"all": false})),
            // A personal token is of no app: it sees the bots of all.
            false => Call::configuration("list_bots", json!({"all": licence.is_personal})),
        };
        let answer = match patient.within(self.look(licence, &call, patient)).await {
            Ok(answer) => answer,
            Err(error) => {
                let change = self.change_of(licence, &error);
                checks.wrong(&of("login"), LOGIN, error.to_string(), &change);
                return false;
            }
        };
        checks.ok(&of("login"), LOGIN, "it does");
        let bots = match is_chatio {
            true => list(&answer, "bot_agents"),
            false => answer.as_array().map(Vec::as_slice).unwrap_or_default(),
        };
        let kept = self.store.licence(&licence.id).bot;
        let is_own = |bot: &&Value| match &kept {
            Some(kept) => text(bot, "id").as_ref() == Some(kept),
            None => text(bot, "name").as_ref() == Some(&self.config.display_name),
        };
        match bots.iter().find(is_own) {
            Some(bot) => {
                let id = text(bot, "id").unwrap_or_default();
                checks.ok(
                    &of("bot"),
                    BOT,
                    format!("{} ({id})", self.config.display_name),
                );
            }
            None if patient.is_connected() => {
                let found = format!("none is called {}", self.config.display_name);
                let change = "`parlor bots pause` and `resume` make it anew";
                checks.wrong(&of("bot"), BOT, found, change);
            }
            None => checks.note(&of("bot"), BOT, "it is not made yet", AT_START),
        }
        // In chat.io there is no list of chats to ask for.
        if !is_chatio {
            let call = Call::agent("list_chats", By::Owner, json!({"limit": 1}));
            match patient.within(self.look(licence, &call, patient)).await {
                Ok(_) => checks.ok(&of("permissions"), CHATS, "it may"),
                Err(error) => {
                    let change = self.change_of(licence, &error);
                    checks.wrong(&of("permissions"), CHATS, error.to_string(), &change);
                }
            }
        }
        true
    }

    async fn check_hooks(&self, licence: Option<&Licence>, checks: &mut Checks, patient: &Patient) {
        if self.config.version.is_chatio() {
            checks.skip(
                "webhooks",
                HOOKS_ON,
                "in chat.io they are a part of the bot",
            );
            return;
        }
        let has_personal = self.config.personal.is_some();
        if self.config.webhook_secret.is_some() && !has_personal {
            let why = "`webhook-secret` says that somebody registers them in the developer console";
            checks.skip("webhooks", HOOKS_ON, why);
            return;
        }
        let body = json!({"owner_client_id": self.config.app.client_id});
        let asked = async {
            match licence.filter(|_| !has_personal) {
                Some(licence) => {
                    let call = Call::configuration("list_webhooks", body);
                    self.look(licence, &call, patient).await
                }
                None => self.ask_for_hooks("list_webhooks", body).await,
            }
        };
        let answer = match patient.within(asked).await {
            Ok(answer) => answer,
            Err(error) => {
                let change = "a personal access token with `webhooks.configuration:rw` \
                              (`account-id`, `personal-token`), or the developer console with what \
                              `webhook-secret` says";
                checks.wrong("webhooks", HOOKS_ON, error.to_string(), change);
                return;
            }
        };
        let found = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        let address = patient.address.as_deref();
        let faults = faults_of(found, address.or(self.store.kept().hook_url.as_deref()));
        if faults.is_empty() {
            checks.ok("webhooks", HOOKS_ON, format!("{} are", HOOKS.len()));
        } else if patient.is_connected() {
            let change = "`parlor bots pause` and `resume` register them anew; `public-url` in [http] \
                          and `redirect-uri` say where they lead";
            checks.wrong("webhooks", HOOKS_ON, faults, change);
        } else {
            checks.note("webhooks", HOOKS_ON, faults, AT_START);
        }
    }

    /// Whether a token has ended that only the running host may renew.
    fn is_hosts_to_renew(&self, licence: &Licence, patient: &Patient) -> bool {
        let is_hosts = patient.is_served() && !licence.is_personal;
        is_hosts && self.store.licence(&licence.id).until <= self.now()
    }

    /// Asks in the owner's name. Beside a running host its token is only shown, never renewed.
    async fn look(
        &self,
        licence: &Licence,
        call: &Call,
        patient: &Patient,
    ) -> Result<Value, ApiError> {
        if licence.is_personal || !patient.is_served() {
            return self.ask(licence, call).await;
        }
        let kept = self.store.licence(&licence.id);
        let token = kept.access_token.unwrap_or_default();
        let shown = |region: Option<String>| Shown {
            authorization: Some(Secret::new(format!("Bearer {token}"))),
            author: None,
            bot: kept.bot.clone().unwrap_or_default(),
            region,
        };
        match self.site.call(call, &shown(None)).await {
            Err(ApiError::Refused(refusal)) if refusal.region.is_some() => {
                self.site.call(call, &shown(refusal.region)).await
            }
            ended => ended,
        }
    }

    fn change_of(&self, licence: &Licence, error: &Unanswered<ApiError>) -> String {
        let Some(error) = error.error() else {
            return TRY_LATER.to_owned();
        };
        let is_about_token = error.is_about_token() || matches!(error, ApiError::NotInstalled(_));
        let is_denied = error.kind() == "authorization"
            || error.refusal().map(|refusal| refusal.status) == Some(StatusCode::FORBIDDEN);
        let needed = match self.config.version.is_chatio() {
            true => "`agents-bot--my:write` and `chats.conversation--all:write`",
            false => "`agents-bot--my:rw` and `chats--all:rw`",
        };
        match (is_about_token, is_denied, licence.is_personal) {
            (true, _, true) => {
                "`account-id`, `personal-token` and `organization-id`: a new token is made in the \
                 developer console, Tools, Personal Access Tokens"
                    .to_owned()
            }
            (true, _, false) => format!(
                "`client-id` and `client-secret`; or `parlor install livechat {}`, where the app was \
                 taken from the licence",
                self.name()
            ),
            (false, true, true) => {
                format!("a personal access token with {needed}, of an admin of the licence")
            }
            (false, true, false) => format!(
                "the app's scopes in the developer console, {needed}, and then `parlor install \
                 livechat {}` again",
                self.name()
            ),
            (false, false, _) => TRY_LATER.to_owned(),
        }
    }
}

/// What is not as it should be of an app's webhooks; nothing where all is.
fn faults_of(found: &[Value], address: Option<&str>) -> String {
    let at = |hook: &Value| text(hook, "url").unwrap_or_default();
    let is_here = |hook: &Value| address.is_none_or(|address| at(hook) == address);
    let is_on = |action: &str| {
        let mut own = found.iter().filter(|hook| is_here(hook));
        own.any(|hook| text(hook, "action").as_deref() == Some(action))
    };
    let missing: Vec<&str> = HOOKS.into_iter().filter(|action| !is_on(action)).collect();
    if missing.is_empty() {
        return String::new();
    }
    let mut faults = format!("not registered: {}", missing.join(", "));
    if let Some(elsewhere) = found.iter().find(|hook| !is_here(hook)) {
        faults.push_str(&format!("; others lead to {}", at(elsewhere)));
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::config::{App, Routing, Version};
    use super::super::store::Store;
    use super::*;
    use crate::mailbox::control::{BotLine, BotState, OutboxCounts};
    use crate::mailbox::doctor::Finding;
    use crate::net::NetConfig;

    /// A bot whose platform is nowhere, with a folder.
    fn config(folder: &std::path::Path) -> LiveChatConfig {
        let nowhere = || url::Url::parse("http://127.0.0.1:1").unwrap();
        LiveChatConfig {
            version: Version::DEFAULT,
            api: nowhere(),
            accounts: nowhere(),
            net: NetConfig::default(),
            app: App {
                client_id: "c".to_owned(),
                client_secret: None,
                redirect: Some(nowhere()),
            },
            personal: None,
            display_name: "Desk".to_owned(),
            job_title: None,
            routing: Routing::default(),
            groups: Vec::new(),
            max_chats: None,
            hours: None,
            webhook_secret: None,
            folder: Some(folder.to_owned()),
        }
    }

    #[tokio::test]
    async fn a_token_that_has_ended_is_the_running_hosts_to_renew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path().to_owned())).unwrap();
        let installed = store.change_licence("org", |kept| {
            kept.access_token = Some("an-old-token".to_owned());
            kept.refresh_token = Some("a-refresh-token".to_owned());
            kept.until = 1;
        });
        installed.unwrap();
        let served = BotLine {
            bot: "desk".to_owned(),
            platform: "livechat".to_owned(),
            state: BotState::Connected,
            since: None,
            last_event_in: None,
            reason: None,
            outbox: OutboxCounts::default(),
        };
        for (served, finding) in [(Some(served), Finding::Skipped), (None, Finding::Wrong)] {
            let patient = Patient {
                tenant: "default".into(),
                name: "desk".into(),
                served,
                address: None,
                patience: Duration::from_secs(10),
            };
            let name = &patient.name;
            let core = Core::new("default".into(), name, config(folder.path()), PACE).unwrap();
            let mut checks = Checks::default();
            core.examine(&mut checks, &patient).await;
            let all = checks.into_all();
            // Without a host it is asked for, and nobody is there.
            assert_eq!(all[0].check, "login (org)");
            assert_eq!(all[0].finding, finding, "{all:?}");
        }
    }

    #[test]
    fn webhooks_that_are_missing_or_elsewhere_are_named() {
        let hook = |action: &str| json!({"action": action, "url": "https://bots.acme.com/token"});
        let mut found: Vec<Value> = HOOKS.into_iter().map(hook).collect();
        let here = Some("https://bots.acme.com/token");
        assert_eq!(faults_of(&found, here), "");
        assert_eq!(faults_of(&found, None), "");
        found[0]["url"] = "https://old.acme.com/token".into();
        assert_eq!(
            faults_of(&found, here),
            "not registered: incoming_chat; others lead to https://old.acme.com/token"
        );
        found.clear();
        assert!(
            faults_of(&found, None).starts_with("not registered: incoming_chat, incoming_event")
        );
    }
}
