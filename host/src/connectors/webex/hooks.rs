//! Webhooks: what answers Webex's calls, and the list of webhooks at Webex, kept as it should be
//! (webex.md §4.9).

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::watch;

use super::WebexConnector;
use super::api::{ApiError, Body};
use super::config::WebhookConfig;
use super::signature::{Signed, check, may_be_signed};
use super::spool::{Spool, SpoolError};
use super::wire::{Notice, Webhook};
use crate::mailbox::Intake;
use crate::mailbox::calls::{Call, CallAnswer, CallHead, CallRefusal, Called};
use crate::model::Timestamp;
use crate::model::secret::Secret;

/// Where a secret of our own making lies.
const SECRET_FILE: &str = "webhook-secret";
/// Bytes of randomness in it.
const SECRET_BYTES: usize = 32;
/// What a bot hears of. Cards' buttons are in no firehose, and have a webhook of their own.
pub(super) const WANTED: [(&str, &str); 6] = [
    ("messages", "created"),
    ("messages", "deleted"),
    ("messages", "updated"),
    ("memberships", "all"),
    ("rooms", "updated"),
    ("attachmentActions", "created"),
];
/// What the platform may not know: it is not in its own table (webex.md §4.2).
pub(super) const TOLERATED: (&str, &str) = ("messages", "updated");

/// What answers Webex's calls.
pub(super) struct Ring {
    path: Option<String>,
    secret: Secret,
    takes_sha256: bool,
    spool: Arc<Spool>,
    /// It takes calls: from when it is made, so that none is refused before its session has begun.
    is_open: AtomicBool,
    address: watch::Sender<Option<String>>,
}

impl Ring {
    pub(super) fn new(
        config: &WebhookConfig,
        folder: Option<&Path>,
        spool: Arc<Spool>,
    ) -> io::Result<Self> {
        let secret = match &config.secret {
            Some(secret) => secret.0.clone(),
            None => own_secret(folder)?,
        };
        let ring = Self {
            path: config.path.clone(),
            secret,
            takes_sha256: config.takes_sha256,
            spool,
            is_open: AtomicBool::new(false),
            address: watch::Sender::default(),
        };
        ring.set_open(true);
        Ok(ring)
    }

    /// Takes calls from now on, or no more.
    pub(super) fn set_open(&self, is_open: bool) {
        if self.is_open.swap(is_open, Ordering::AcqRel) != is_open {
            self.spool.ring_opens(is_open);
        }
    }

    /// Where Webex calls, as it changes.
    pub(super) fn address(&self) -> watch::Receiver<Option<String>> {
        self.address.subscribe()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.set_open(false);
    }
}

#[async_trait]
impl Called for Ring {
    fn path(&self) -> Option<String> {
        self.path.clone()
    }

    fn set_address(&self, address: Option<&str>) {
        self.address.send_if_modified(|known| {
            let is_other = known.as_deref() != address;
            if is_other {
                *known = address.map(str::to_owned);
            }
            is_other
        });
    }

    // Whoever shows nothing that could be a signature has no body read.
    fn check_head(&self, head: &CallHead<'_>) -> Result<(), CallRefusal> {
        if !head.rest.is_empty() {
            return Err(CallRefusal::Unknown);
        }
        if head.method != Method::POST {
            return Err(CallRefusal::Method);
        }
        match may_be_signed(self.takes_sha256, head.headers) {
            true => Ok(()),
            false => Err(CallRefusal::NoProof),
        }
    }

    fn check(&self, call: &Call) -> Result<(), CallRefusal> {
        let secret = self.secret.expose();
        match check(secret, self.takes_sha256, &call.headers, &call.body) {
            Signed::Rightly => Ok(()),
            Signed::Wrongly => Err(CallRefusal::WrongProof),
            Signed::Not => Err(CallRefusal::NoProof),
        }
    }

    async fn take(&self, call: Call, _intake: &dyn Intake) -> CallAnswer {
        if !self.spool.is_open() {
            return CallAnswer::Later;
        }
        let Ok(notice) = serde_json::from_slice::<Notice>(&call.body) else {
            return CallAnswer::Unreadable;
        };
        if notice.resource.is_empty() || notice.data.id.is_empty() {
            return CallAnswer::Unreadable;
        }
        // These two are ours alone.
        let notice = Notice {
            message: None,
            lookup: None,
            ..notice
        };
        match self.spool.keep(notice).await {
            Ok(()) => CallAnswer::Taken,
            Err(error @ SpoolError::Full) => {
                tracing::warn!(%error, "a notice is not taken");
                CallAnswer::Later
            }
            Err(error @ SpoolError::Disk(_)) => {
                tracing::error!(%error, "a notice is not taken");
                CallAnswer::Later
            }
        }
    }
}

/// The secret that is kept in the bot's folder, made where there is none yet.
fn own_secret(folder: Option<&Path>) -> io::Result<Secret> {
    let file = folder.map(|folder| folder.join(SECRET_FILE));
    if let Some(file) = &file
        && let Ok(text) = std::fs::read_to_string(file)
        && !text.trim().is_empty()
    {
        return Ok(Secret::new(text.trim().to_owned()));
    }
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(file) = &file {
        write_private(file, &text)?;
    }
    Ok(Secret::new(text))
}

fn write_private(file: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;

    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file)?.write_all(text.as_bytes())
}

/// What one session knows of its webhooks.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// When all of them were last as they should be.
    right_at: Option<Timestamp>,
    /// Webex has no `messages updated`: it is not asked for it at every look.
    has_no_updates: bool,
    /// Those that were given our secret, where Webex does not show it.
    given: HashSet<String>,
}

impl WebexConnector {
    /// What the names of this bot's webhooks begin with.
    pub(super) fn hook_prefix(&self) -> String {
        format!("parlor {}/{} ", self.tenant, self.name)
    }

    /// Makes the list of webhooks at Webex what it should be: one of each, at this address, on. Those
    /// of others are not touched. What was said while they were not so is read back.
    pub(super) async fn reconcile(&self, address: &str, looks: &mut Looks) -> Result<(), ApiError> {
        let begun = self.now();
        let mut was_wrong = false;
        let ended = self.put_right(address, looks, &mut was_wrong).await;
        // Whatever became of the rest, what is on now is not looked for again.
        if let Some(right_at) = looks.right_at.filter(|_| was_wrong) {
            self.has_missed(right_at);
        }
        if ended.is_ok() {
            looks.right_at = Some(begun);
        }
        ended
    }

    async fn put_right(
        &self,
        address: &str,
        looks: &mut Looks,
        was_wrong: &mut bool,
    ) -> Result<(), ApiError> {
        let prefix = self.hook_prefix();
        let all = self.webhooks().await?;
        let own = all
            .into_iter()
            .filter(|hook| hook.name.starts_with(&prefix));
        let mut own: Vec<Webhook> = own.collect();
        let mut note_wrong = |looks: &Looks| {
            // On disk before anything is changed: a kill behind the change would hide it.
            if let (false, Some(right_at)) = (std::mem::replace(was_wrong, true), looks.right_at) {
                self.has_missed(right_at);
            }
        };
        for wanted in WANTED {
            let fits = |hook: &Webhook| {
                (hook.resource.as_str(), hook.event.as_str()) == wanted
                    && hook.filter.as_deref().unwrap_or_default().is_empty()
            };
            match own.iter().position(fits) {
                Some(place) => {
                    let hook = own.swap_remove(place);
                    let standing = self.standing(&hook, address);
                    if standing.is_right()
                        && (hook.secret.is_some() || looks.given.contains(&hook.id))
                    {
                        continue;
                    }
                    if !standing.is_right() {
                        note_wrong(looks);
                    }
                    self.mend(&hook, address, standing).await?;
                    looks.given.insert(hook.id);
                }
                None if wanted == TOLERATED => {
                    if !looks.has_no_updates {
                        looks.has_no_updates = !self.create_tolerated(address).await?;
                    }
                }
                None => {
                    note_wrong(looks);
                    self.create(wanted, address).await?;
                }
            }
        }
        // What is left is of another version, or was made twice: each would tell everything again.
        for surplus in own {
            self.delete_hook(&surplus.id).await?;
        }
        Ok(())
    }

    /// Takes away the webhooks of a time when the bot heard by them: they outlive it, and call nobody.
    pub(super) async fn drop_hooks(&self) -> Result<(), ApiError> {
        let prefix = self.hook_prefix();
        for hook in self.webhooks().await? {
            if hook.name.starts_with(&prefix) {
                self.delete_hook(&hook.id).await?;
            }
        }
        Ok(())
    }

    /// All webhooks of the token, those of others too.
    pub(super) async fn webhooks(&self) -> Result<Vec<Webhook>, ApiError> {
        self.api
            .list(&["webhooks"], &[("max", "100")], |_| true)
            .await
    }

    fn hook_name(&self, (resource, event): (&str, &str)) -> String {
        format!("{}{resource} {event}", self.hook_prefix())
    }

    async fn create(&self, wanted: (&str, &str), address: &str) -> Result<(), ApiError> {
        let body = json!({
            "name": self.hook_name(wanted),
            "targetUrl": address,
            "resource": wanted.0,
            "event": wanted.1,
            "secret": self.secret(),
        });
        let url = self.api.url(&["webhooks"], &[]);
        self.api.ask(Method::POST, url, Body::Json(body)).await?;
        tracing::info!(
            bot = self.name(),
            resource = wanted.0,
            event = wanted.1,
            "webhook made"
        );
        Ok(())
    }

    /// Makes the webhook that Webex may not have; tells whether it has it.
    async fn create_tolerated(&self, address: &str) -> Result<bool, ApiError> {
        match self.create(TOLERATED, address).await {
            Ok(()) => Ok(true),
            Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => {
                tracing::info!(bot = self.name(), %error, "edited messages are not told of");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// How a webhook is; a secret that Webex does not show counts as ours.
    fn standing(&self, hook: &Webhook, address: &str) -> Standing {
        let secret = hook.secret.as_deref();
        Standing {
            // Anything but `active` is off: the platform has two words for it.
            is_on: hook.status.as_deref() == Some("active"),
            is_here: hook.target_url == address,
            is_ours: secret.is_none_or(|secret| secret == self.secret()),
        }
    }

    /// Makes a webhook what it should be.
    async fn mend(
        &self,
        hook: &Webhook,
        address: &str,
        standing: Standing,
    ) -> Result<(), ApiError> {
        let body = json!({
            "name": hook.name,
            "targetUrl": address,
            "secret": self.secret(),
            "status": "active",
        });
        let url = self.api.url(&["webhooks", &hook.id], &[]);
        self.api.ask(Method::PUT, url, Body::Json(body)).await?;
        let resource = &hook.resource;
        if !standing.is_on {
            tracing::warn!(
                bot = self.name(),
                resource,
                "webhook was switched off by Webex, and is on again"
            );
        } else if !standing.is_right() {
            tracing::info!(bot = self.name(), resource, "webhook brought up to date");
        }
        Ok(())
    }

    async fn delete_hook(&self, id: &str) -> Result<(), ApiError> {
        match self.api.delete(&["webhooks", id]).await {
            // Gone is gone; which of the two Webex says has changed over the years.
            Err(error)
                if matches!(
                    error.status(),
                    Some(StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST)
                ) =>
            {
                Ok(())
            }
            ended => ended,
        }
    }

    fn secret(&self) -> &str {
        self.ring.as_ref().map_or("", |ring| ring.secret.expose())
    }
}

/// How a webhook is.
#[derive(Clone, Copy, Debug)]
struct Standing {
    is_on: bool,
    is_here: bool,
    is_ours: bool,
}

impl Standing {
    fn is_right(self) -> bool {
        self.is_on && self.is_here && self.is_ours
    }
}
