//! The bot's session: it is made ready on its licences, and its tokens are renewed. What the platform
//! says comes by webhooks (`calls`), whether a session runs or not; what came while nobody listened is
//! read back at the beginning.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::convert::{Around, events_from_thread};
use super::core::Core;
use super::dialect::{By, Call, get_chat};
use super::licence::Licence;
use super::site::ApiError;
use super::wire::{Chat, list, text};
use crate::mailbox::Intake;
use crate::mailbox::session::{SessionEnd, Watch};
use crate::model::Timestamp;

/// How often it is looked whether a token is old.
const LOOK: Duration = Duration::from_secs(60);
/// How much earlier than what was heard last is read back: the platform's clock is another, and it
/// tries a webhook again for about a minute.
const MARGIN_MS: Timestamp = 3 * 60_000;
/// Chats of one page, and pages of chats, that are looked through.
const PAGE: usize = 100;
const PAGES: usize = 10;

impl Core {
    /// Runs the session until something ends it.
    pub(super) async fn hear(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: &CancellationToken,
    ) -> SessionEnd {
        tokio::select! {
            () = stop.cancelled() => SessionEnd::Stopped,
            end = self.run(intake, watch) => end,
        }
    }

    async fn run(&self, intake: &dyn Intake, watch: &dyn Watch) -> SessionEnd {
        let mut address = self.address.subscribe();
        let mut installed = self.installed.subscribe();
        // Its sender is in `self`.
        let _listening = address.wait_for(Option::is_some).await.is_ok();
        installed.mark_unchanged();
        if let Some(at) = self.address.borrow().as_deref() {
            tracing::info!(bot = self.name(), at, "webhooks are expected");
        }
        if self.licences().is_empty() {
            tracing::info!(
                bot = self.name(),
                "on no licence yet; `parlor install livechat {}`",
                self.name()
            );
            let _installed = installed.changed().await.is_ok();
        }
        address.mark_unchanged();
        installed.mark_unchanged();
        if let Err(error) = self.prepare_all().await {
            return self.end_of(&error);
        }
        let since = self.store.heard_until();
        watch.connected();
        match since {
            Some(since) => match self.fetch_missed(since, intake).await {
                Ok(true) => {}
                Ok(false) => return SessionEnd::Lost("intake pauses".to_owned()),
                Err(error) => return self.end_of(&error),
            },
            // Who has never heard anything has missed nothing.
            None => self.store.heard(self.now()),
        }
        loop {
            tokio::select! {
                // Where it is reached, or where it is, has changed.
                _ = address.changed() => {
                    if address.borrow_and_update().is_none() {
                        return SessionEnd::Lost("nothing listens for webhooks".to_owned());
                    }
                    if let Err(error) = self.prepare_all().await {
                        return self.end_of(&error);
                    }
                }
                _ = installed.changed() => {
                    installed.mark_unchanged();
                    if let Err(error) = self.prepare_all().await {
                        return self.end_of(&error);
                    }
                }
                () = tokio::time::sleep(LOOK) => {
                    if let Err(error) = self.look_after().await {
                        return self.end_of(&error);
                    }
                }
            }
        }
    }

    /// Renews what is old, and tries again where the bot is not ready. The error is that of the only
    /// licence, which is lost.
    async fn look_after(&self) -> Result<(), ApiError> {
        let licences = self.licences();
        for licence in &licences {
            let renewed = match self.is_ready(licence) {
                true => self.renew_old(licence).await,
                false => self.prepare(licence).await,
            };
            let Err(error) = renewed else {
                continue;
            };
            if licences.len() == 1 && matches!(error, ApiError::NotInstalled(_)) {
                return Err(error);
            }
            tracing::warn!(bot = self.name(), licence = licence.id, %error, "tokens not renewed");
        }
        Ok(())
    }

    /// What an error means for the session. Where one of several licences is lost, the others go on
    /// after a while.
    fn end_of(&self, error: &ApiError) -> SessionEnd {
        let is_only = self.licences().len() <= 1;
        let is_refused = match error {
            ApiError::NotInstalled(_) => true,
            ApiError::Refused(refusal) => matches!(
                refusal.kind.as_str(),
                "authentication"
                    | "authorization"
                    | "license_expired"
                    | "license_not_found"
                    | "unsupported_version"
                    | "wrong_product_version"
                    | "limit_reached"
            ),
            ApiError::Rest { .. } | ApiError::Nonsense { .. } => false,
        };
        match is_refused && is_only {
            true => SessionEnd::Refused(error.to_string()),
            false => SessionEnd::Lost(error.to_string()),
        }
    }

    /// Reads back what was said since a moment in the chats that are open; tells whether all is taken.
    async fn fetch_missed(&self, since: Timestamp, intake: &dyn Intake) -> Result<bool, ApiError> {
        if self.config.version.is_chatio() {
            let gap = self.now().saturating_sub(since) / 1_000;
            tracing::warn!(
                bot = self.name(),
                seconds = gap,
                "this version has nothing to read back"
            );
            return Ok(true);
        }
        let since = since.saturating_sub(MARGIN_MS);
        for licence in self.licences() {
            if self.is_ready(&licence) && !self.fetch_of(&licence, since, intake).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn fetch_of(
        &self,
        licence: &Licence,
        since: Timestamp,
        intake: &dyn Intake,
    ) -> Result<bool, ApiError> {
        let bot = self.bot_on(&licence.id);
        let mut page: Option<String> = None;
        for _ in 0..PAGES {
            let body = match &page {
                Some(page) => json!({"page_id": page}),
                None => json!({
                    "filters": {"active": true}, "sort_order": "desc",
                    "limit": PAGE,
                }),
            };
            let answer = self
                .ask(licence, &Call::agent("list_chats", By::Owner, body))
                .await?;
            let names = ["chats_summary", "chats_info"];
            let chats = names.iter().flat_map(|name| list(&answer, name));
            let chats: Vec<Chat> = chats.filter_map(Chat::read).collect();
            for summary in chats {
                let Some(call) = get_chat(self.config.version, &summary.id, None) else {
                    continue;
                };
                let whole = match self.ask(licence, &call).await {
                    Ok(whole) => whole,
                    Err(error) if error.kind() == "not_found" => continue,
                    Err(error) => return Err(error),
                };
                let Some(chat) = Chat::read(&whole) else {
                    continue;
                };
                self.places.learn_chat(&licence.id, &bot.user_id, &chat);
                let id = super::ids::ChatId::new(&chat.id, &licence.id);
                let around = Around {
                    tenant: &self.tenant,
                    bot: &bot,
                    licence: &licence.id,
                    known: &self.places.of(&id),
                    repeats: &self.repeats,
                    now: self.now(),
                };
                let events = events_from_thread(&around, &chat, since);
                if !events.is_empty() && !self.offer(events, intake).await {
                    return Ok(false);
                }
            }
            page = text(&answer, "next_page_id");
            if page.is_none() {
                break;
            }
        }
        Ok(true)
    }
}
