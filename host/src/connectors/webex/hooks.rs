//! Webhooks: what answers Webex's calls, and the list of webhooks at Webex, kept as it should be
//! (webex.md §4.9).

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::WebexConnector;
use super::api::{ApiError, Body};
use super::config::WebhookConfig;
use super::signature::{Signed, check};
use super::spool::{Spool, SpoolError};
use super::wire::{Notice, Webhook};
use crate::mailbox::Intake;
use crate::mailbox::calls::{Call, CallAnswer, CallRefusal, Called};
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
    /// The session runs.
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
        Ok(Self {
            path: config.path.clone(),
            secret,
            takes_sha256: config.takes_sha256,
            spool,
            is_open: AtomicBool::new(false),
            address: watch::Sender::default(),
        })
    }

    /// Takes calls from now on, or no more.
    pub(super) fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Release);
    }

    /// Where Webex calls, as it changes.
    pub(super) fn address(&self) -> watch::Receiver<Option<String>> {
        self.address.subscribe()
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

    fn check(&self, call: &Call) -> Result<(), CallRefusal> {
        let secret = self.secret.expose();
        match check(secret, self.takes_sha256, &call.headers, &call.body) {
            Signed::Rightly => Ok(()),
            Signed::Wrongly => Err(CallRefusal::WrongProof),
            Signed::Not => Err(CallRefusal::NoProof),
        }
    }

    async fn take(&self, call: Call, _intake: &dyn Intake) -> CallAnswer {
        if !self.is_open.load(Ordering::Acquire) {
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

/// What came of a look at the webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// One of them was switched off: events were missed.
    pub(super) was_off: bool,
}

impl WebexConnector {
    /// What the names of this bot's webhooks begin with.
    pub(super) fn hook_prefix(&self) -> String {
        format!("parlor {}/{} ", self.tenant, self.name)
    }

    /// Makes the list of webhooks at Webex what it should be: one of each, at this address, on. Those
    /// of others are not touched.
    pub(super) async fn reconcile(&self, address: &str) -> Result<Looked, ApiError> {
        let prefix = self.hook_prefix();
        let all = self.webhooks().await?;
        let own = all
            .into_iter()
            .filter(|hook| hook.name.starts_with(&prefix));
        let mut own: Vec<Webhook> = own.collect();
        let mut looked = Looked::default();
        for wanted in WANTED {
            let fits = |hook: &Webhook| {
                (hook.resource.as_str(), hook.event.as_str()) == wanted
                    && hook.filter.as_deref().unwrap_or_default().is_empty()
            };
            match own.iter().position(fits) {
                Some(place) => {
                    let hook = own.swap_remove(place);
                    looked.was_off |= self.mend(&hook, address).await?;
                }
                None => self.create(wanted, address).await?,
            }
        }
        // What is left is of another version, or was made twice: each would tell everything again.
        for surplus in own {
            self.delete_hook(&surplus.id).await?;
        }
        Ok(looked)
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
        let made: Result<Value, ApiError> = self
            .api
            .send(Method::POST, &["webhooks"], Body::Json(body))
            .await;
        match made {
            Ok(_) => {
                tracing::info!(
                    bot = self.name(),
                    resource = wanted.0,
                    event = wanted.1,
                    "webhook made"
                );
                Ok(())
            }
            Err(error)
                if wanted == TOLERATED && error.status() == Some(StatusCode::BAD_REQUEST) =>
            {
                tracing::debug!(%error, "edited messages are not told of");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Changes a webhook that is not as it should be; tells whether it was off.
    async fn mend(&self, hook: &Webhook, address: &str) -> Result<bool, ApiError> {
        // Anything but `active` is off: the platform has two words for it.
        let is_on = hook.status.as_deref() == Some("active");
        let is_right = hook.target_url == address
            && hook
                .secret
                .as_deref()
                .is_none_or(|secret| secret == self.secret());
        // A platform that does not show secrets gets ours once a session.
        if is_on && is_right && hook.secret.is_some() {
            return Ok(false);
        }
        let body = json!({
            "name": hook.name,
            "targetUrl": address,
            "secret": self.secret(),
            "status": "active",
        });
        let _changed: Value = self
            .api
            .send(Method::PUT, &["webhooks", &hook.id], Body::Json(body))
            .await?;
        if !is_on {
            tracing::warn!(
                bot = self.name(),
                resource = hook.resource,
                "webhook was switched off by Webex, and is on again"
            );
        }
        Ok(!is_on)
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
