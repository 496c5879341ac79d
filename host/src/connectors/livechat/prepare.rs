//! Makes the bot ready on a licence: found or made, as the settings have it, hearing, with its token.
//!
//! The order is the platform's (livechat.md §7): the webhooks of an app are registered once, with a
//! token that may; the bot is made or found; its status is set, as a bot that is offline hears
//! nothing; then its own token.

use serde_json::{Value, json};

use super::core::{Core, Ready};
use super::dialect::{By, Call, HOOKS, bot_body, chatio_hooks, routing_status};
use super::install::new_secret;
use super::licence::Licence;
use super::site::{ApiError, Shown};
use super::wire::{list, text};
use crate::journal::EventKey;
use crate::model::Timestamp;

/// How long webhooks may still show a secret that they are not registered with any more: changes take up
/// to two minutes (livechat.md §2), and a webhook is tried for another.
const OLD_SECRET_MS: Timestamp = 5 * 60_000;

/// Addresses of webhooks before that are remembered until all of them are taken away.
const MAX_OLD_URLS: usize = 16;

/// Licences that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All of them.
    All,
    /// Those where the bot is not ready yet.
    Waiting,
}

impl Core {
    /// Makes everything ready that can be; an error where the bot is ready on no licence.
    pub(super) async fn prepare_all(&self, which: Which) -> Result<(), ApiError> {
        let mut first: Option<ApiError> = None;
        let mut is_ready = false;
        self.prepare_hooks().await?;
        for licence in self.licences() {
            let ready = self.ready_of(&licence);
            if which == Which::Waiting && !matches!(ready, Ready::No(_)) {
                is_ready |= ready == Ready::Yes;
                continue;
            }
            match self.prepare(&licence).await {
                Ok(()) => is_ready = true,
                Err(error) => {
                    tracing::warn!(bot = self.name(), licence = licence.id, %error, "not ready");
                    // Where anything may come right by itself, that is why.
                    let is_better = |known: &ApiError| {
                        known.is_about_installing() && !error.is_about_installing()
                    };
                    if first.as_ref().is_none_or(is_better) {
                        first = Some(error);
                    }
                }
            }
        }
        first.filter(|_| !is_ready).map_or(Ok(()), Err)
    }

    /// Makes the bot ready on one licence.
    pub(super) async fn prepare(&self, licence: &Licence) -> Result<(), ApiError> {
        let _one = self.preparing.lock().await;
        let prepared = self.prepare_bot(licence).await;
        self.set_ready(
            licence,
            match &prepared {
                Ok(()) => Ready::Yes,
                Err(error) => Ready::of(error),
            },
        );
        prepared
    }

    async fn prepare_bot(&self, licence: &Licence) -> Result<(), ApiError> {
        let version = self.config.version;
        let bot = self.find_or_make(licence).await?;
        if version.is_chatio() {
            return Ok(());
        }
        let status = routing_status(version, self.config.routing);
        let body = json!({"status": status, "agent_id": bot});
        let call = Call::agent("set_routing_status", By::Owner, body);
        self.ask(licence, &call).await?;
        if version.has_bot_tokens() {
            self.prepare_token(licence, &bot).await?;
        }
        Ok(())
    }

    /// Has the bot's own token. A secret that is not the bot's any more is made anew: it was changed by
    /// somebody, or by this bot that did not live to write it down.
    async fn prepare_token(&self, licence: &Licence, bot: &str) -> Result<(), ApiError> {
        match self.shown(licence, By::Bot).await {
            Ok(_) => Ok(()),
            Err(ApiError::NoToken(error)) if error.is_about_its_secret() => {
                tracing::info!(bot = self.name(), licence = licence.id, %error, "another secret for the bot");
                self.reset_secret(licence, bot).await?;
                self.shown(licence, By::Bot).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }

    /// The bot's id on a licence.
    async fn find_or_make(&self, licence: &Licence) -> Result<String, ApiError> {
        let wanted = self.wanted(licence)?;
        let kept = self.store.licence(&licence.id);
        if let Some(bot) = kept.bot
            && self.is_there(licence, &bot).await?
        {
            if self.config.version.has_bot_tokens() && kept.bot_secret.is_none() {
                self.reset_secret(licence, &bot).await?;
            }
            if kept.made_of.as_deref() != Some(wanted.hash.as_str()) {
                self.update(licence, &bot, &wanted).await?;
            }
            return Ok(bot);
        }
        if let Some(bot) = self.find(licence).await? {
            // Whose secret was shown once, to somebody else.
            if self.config.version.has_bot_tokens() {
                self.reset_secret(licence, &bot).await?;
            }
            self.change_licence(&licence.id, |kept| kept.bot = Some(bot.clone()))?;
            self.settle();
            self.update(licence, &bot, &wanted).await?;
            return Ok(bot);
        }
        self.make(licence, &wanted).await
    }

    async fn is_there(&self, licence: &Licence, bot: &str) -> Result<bool, ApiError> {
        let call = match self.config.version.is_chatio() {
            true => {
                Call::configuration("agents/get_bot_agent_details", json!({"bot_agent_id": bot}))
            }
            false => Call::configuration("get_bot", json!({"id": bot})),
        };
        match self.ask(licence, &call).await {
            Ok(_) => Ok(true),
            // One that is not there is a wrong id to some versions.
            Err(error) if matches!(error.kind(), "not_found" | "validation") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A bot of ours that an earlier run has made, and whose id is lost.
    async fn find(&self, licence: &Licence) -> Result<Option<String>, ApiError> {
        let is_chatio = self.config.version.is_chatio();
        let mut body = json!({"all": false});
        if licence.is_personal {
            // A personal token is of no app: it sees the bots of all.
            body["all"] = true.into();
        }
        let call = match is_chatio {
            true => Call::configuration("agents/get_bot_agents", body),
            false => Call::configuration("list_bots", body),
        };
        let answer = self.ask(licence, &call).await?;
        let bots = match is_chatio {
            true => list(&answer, "bot_agents"),
            false => answer.as_array().map(Vec::as_slice).unwrap_or_default(),
        };
        let name = Some(self.config.display_name.as_str());
        let same = bots
            .iter()
            .filter(|bot| text(bot, "name").as_deref() == name);
        for found in same.filter_map(|bot| text(bot, "id")) {
            if !licence.is_personal {
                return Ok(Some(found));
            }
            // Of several apps, ours.
            let call = Call::configuration("get_bot", json!({"id": found}));
            let details = self.ask(licence, &call).await?;
            let owner = text(&details, "owner_client_id");
            if owner.is_none_or(|owner| owner == self.config.app.client_id) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn make(&self, licence: &Licence, wanted: &Wanted) -> Result<String, ApiError> {
        let mut body = wanted.body.clone();
        let call = match self.config.version.is_chatio() {
            true => Call::configuration("agents/create_bot_agent", body),
            false => {
                self.name_owner(licence, &mut body);
                Call::configuration("create_bot", body)
            }
        };
        let answer = self.ask(licence, &call).await?;
        let id = ["id", "bot_agent_id"]
            .iter()
            .find_map(|name| text(&answer, name));
        let id = id.ok_or_else(|| ApiError::Nonsense {
            host: "the platform".to_owned(),
            what: "a bot without an id".to_owned(),
        })?;
        let secret = text(&answer, "secret");
        self.change_licence(&licence.id, |kept| {
            kept.bot = Some(id.clone());
            kept.bot_secret = secret;
            kept.made_of = Some(wanted.hash.clone());
        })?;
        self.forget_bot_token(licence).await;
        self.settle();
        tracing::info!(bot = self.name(), licence = licence.id, id, "bot made");
        Ok(id)
    }

    async fn update(&self, licence: &Licence, bot: &str, wanted: &Wanted) -> Result<(), ApiError> {
        let mut body = wanted.body.clone();
        body["id"] = bot.into();
        let call = match self.config.version.is_chatio() {
            true => Call::configuration("agents/update_bot_agent", body),
            false => Call::configuration("update_bot", body),
        };
        self.ask(licence, &call).await?;
        self.change_licence(&licence.id, |kept| {
            kept.made_of = Some(wanted.hash.clone());
        })
    }

    async fn reset_secret(&self, licence: &Licence, bot: &str) -> Result<(), ApiError> {
        let mut body = json!({"id": bot});
        self.name_owner(licence, &mut body);
        let call = Call::configuration("reset_bot_secret", body);
        let answer = self.ask(licence, &call).await?;
        let secret = text(&answer, "secret").ok_or_else(|| ApiError::Nonsense {
            host: "the platform".to_owned(),
            what: "no secret for the bot".to_owned(),
        })?;
        self.change_licence(&licence.id, |kept| kept.bot_secret = Some(secret))?;
        self.forget_bot_token(licence).await;
        Ok(())
    }

    /// A personal token is of no app, so the app must be named.
    fn name_owner(&self, licence: &Licence, body: &mut Value) {
        if licence.is_personal {
            body["owner_client_id"] = self.config.app.client_id.as_str().into();
        }
    }

    /// What the bot is to be.
    fn wanted(&self, licence: &Licence) -> Result<Wanted, ApiError> {
        let version = self.config.version;
        let mut body = Value::Object(bot_body(&self.config));
        if version.is_chatio() {
            body["status"] = routing_status(version, self.config.routing).into();
            let url = self.hook_url()?;
            // Nothing but its secret says of which licence a webhook is.
            let secret = match self.store.licence(&licence.id).hook_secret {
                Some(secret) => secret,
                None => {
                    let secret = new_secret()?;
                    self.change_licence(&licence.id, |kept| {
                        kept.hook_secret = Some(secret.clone());
                    })?;
                    secret
                }
            };
            body["webhooks"] = chatio_hooks(&url, &secret);
        }
        let key = EventKey::new(&[&body.to_string()]);
        Ok(Wanted {
            hash: key.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            body,
        })
    }

    fn hook_url(&self) -> Result<String, ApiError> {
        let url = self.address.borrow().clone();
        url.ok_or_else(|| ApiError::Nonsense {
            host: "parlor".to_owned(),
            what: "nothing listens for the platform's webhooks".to_owned(),
        })
    }

    /// Registers the webhooks of the app, where that is ours to do: the new ones first, as those before
    /// are heard until the platform knows of both.
    pub(super) async fn prepare_hooks(&self) -> Result<(), ApiError> {
        if self.config.version.is_chatio() {
            return Ok(());
        }
        let personal = self.config.personal.is_some();
        // They are registered in the platform's console, by somebody.
        if self.config.webhook_secret.is_some() && !personal {
            return Ok(());
        }
        let licence = self.licences().into_iter().next();
        if licence.is_none() && !personal {
            return Ok(());
        }
        let _one = self.preparing.lock().await;
        let url = self.hook_url()?;
        let owner = self.config.app.client_id.as_str();
        let found = self
            .ask_for_hooks("list_webhooks", json!({"owner_client_id": owner}))
            .await?;
        let (known, before, mut places) = self.store.with(|kept| {
            let places = kept.old_hook_urls.clone();
            (kept.hook_secret.clone(), kept.hook_url.clone(), places)
        });
        // All that may be taken away yet: a host that was killed may not have come to it.
        places.extend(before.clone());
        let has_moved = before.as_ref() != Some(&url);
        let secret = match &self.config.webhook_secret {
            Some(secret) => secret.expose().to_owned(),
            None => known.clone().map_or_else(new_secret, Ok)?,
        };
        // The platform does not tell the secret of what is registered; only that of this file is known.
        let is_known = known.as_deref() == Some(secret.as_str());
        let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
        let (mut there, mut stale) = (Vec::new(), Vec::new());
        for hook in found {
            let place = text(hook, "url").unwrap_or_default();
            let (Some(id), Some(action)) = (text(hook, "id"), text(hook, "action")) else {
                continue;
            };
            let is_good = place == url && is_known && HOOKS.contains(&action.as_str());
            if is_good && !there.contains(&action) {
                there.push(action);
            } else if place == url || places.contains(&place) {
                stale.push((action, id));
            }
        }
        if !is_known || has_moved {
            let until = self.now() + OLD_SECRET_MS;
            self.change(|kept| {
                if let Some(old) = kept.hook_url.take().filter(|_| has_moved) {
                    kept.old_hook_urls.retain(|known| *known != old);
                    kept.old_hook_urls.push(old);
                    let over = kept.old_hook_urls.len().saturating_sub(MAX_OLD_URLS);
                    kept.old_hook_urls.drain(..over);
                }
                if kept.hook_secret.as_ref() != Some(&secret) {
                    kept.old_hook_secret = kept.hook_secret.replace(secret.clone());
                    kept.old_until = until;
                }
                kept.hook_url = Some(url.clone());
            })?;
        }
        let missing = HOOKS
            .iter()
            .filter(|it| !there.iter().any(|action| action == *it));
        for action in missing {
            let body = json!({
                "action": action, "secret_key": secret, "url": url, "owner_client_id": owner,
                "type": "bot", "description": format!("parlor: {}", self.name()),
            });
            self.settle();
            let place = stale.iter().position(|(of, _)| of == action);
            match self.ask_for_hooks("register_webhook", body.clone()).await {
                // There is room for three of an action: then the old one goes first.
                Err(error) if error.kind() == "limit_reached" && place.is_some() => {
                    let (_, id) = stale.remove(place.unwrap_or_default());
                    self.unregister(&id).await?;
                    self.ask_for_hooks("register_webhook", body).await?;
                }
                ended => drop(ended?),
            }
        }
        for (_, id) in stale {
            self.unregister(&id).await?;
        }
        if self.store.with(|kept| !kept.old_hook_urls.is_empty()) {
            self.change(|kept| kept.old_hook_urls.clear())?;
        }
        Ok(())
    }

    async fn unregister(&self, hook: &str) -> Result<(), ApiError> {
        let owner = self.config.app.client_id.as_str();
        let body = json!({"id": hook, "owner_client_id": owner});
        match self.ask_for_hooks("unregister_webhook", body).await {
            // Somebody was faster.
            Err(error) if error.kind() == "not_found" => Ok(()),
            ended => ended.map(drop),
        }
    }

    /// Asks for webhooks with the token that may: the personal one, where there is one.
    pub(super) async fn ask_for_hooks(&self, action: &str, body: Value) -> Result<Value, ApiError> {
        let call = Call::configuration(action, body);
        let asked = if self.config.personal.is_some() {
            let shown = Shown {
                authorization: Some(self.personal()?),
                author: None,
                bot: String::new(),
                region: None,
            };
            match self.site.call(&call, &shown).await {
                Err(ApiError::Refused(refusal)) if refusal.region.is_some() => {
                    let region = refusal.region;
                    self.site.call(&call, &Shown { region, ..shown }).await
                }
                ended => ended,
            }
        } else {
            let licence = self.licences().into_iter().next();
            let licence = licence
                .ok_or_else(|| ApiError::NotInstalled("no licence has the bot".to_owned()))?;
            self.ask(&licence, &call).await
        };
        asked.map_err(|error| match error {
            ApiError::Refused(mut refusal) if refusal.kind == "authorization" => {
                refusal.message.push_str(
                    "; webhooks are registered with a personal access token that has \
                     `webhooks.configuration:rw` (`account-id`, `personal-token`), or in the \
                     developer console with what `webhook-secret` says",
                );
                ApiError::Refused(refusal)
            }
            other => other,
        })
    }
}

struct Wanted {
    body: Value,
    hash: String,
}
