//! What a served host shows to the outside, and keeps of itself: the audit, health and metrics, and
//! the webhooks' listener. Everything that may be refused is tried before anything starts.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::control;
use super::host::Host;
use crate::config::{Settings, bind};
use crate::shutdown::Shutdown;
use crate::telemetry::Audit;
use crate::telemetry::audit::{AUDIT_FILE, What, Who};
use crate::web::ObserveServer;

/// The outside of a host.
pub(super) struct Outside {
    audit: Audit,
    start: What,
    observe: Mutex<Option<TcpListener>>,
    hooks: Mutex<Option<TcpListener>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Outside {
    /// Binds what the settings ask for, and opens the audit of the data folder.
    pub(super) fn prepare(settings: &Settings) -> anyhow::Result<Self> {
        let observe = settings.observe.listen;
        let observe = observe.map(|address| bind(settings, "observe.listen", address));
        let has_hooks = settings
            .plugins
            .values()
            .any(|plugin| plugin.enabled && !plugin.webhooks.is_empty());
        let has_calls = settings.bots.iter().any(|bot| bot.platform.is_called());
        // A plugin's own file may ask for the listener later; then it is opened then.
        let hooks = (has_hooks || has_calls)
            .then(|| bind(settings, "http.listen", settings.http.address()));
        let audit = Audit::open(&settings.data)
            .with_context(|| settings.data.join(AUDIT_FILE).display().to_string())?;
        Ok(Self {
            audit,
            start: What::Start {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                settings: settings.text_hash.0.clone(),
            },
            observe: Mutex::new(observe.transpose()?),
            hooks: Mutex::new(hooks.transpose()?),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Begins to tell of the host, before it has plugins.
    pub(super) async fn begin(&self, host: &Arc<Host>) -> anyhow::Result<()> {
        host.set_audit(self.audit.clone());
        if let Some(listener) = self.observe.lock().take() {
            let server = ObserveServer::on(listener, host.clone())?;
            tracing::info!(address = %server.address(), "health and metrics are served");
            self.tasks.spawn(server.serve(self.stop.clone()));
        }
        self.audit.record(Who::Host, self.start.clone()).await;
        Ok(())
    }

    /// Where changes by operators are written down.
    pub(super) fn audit(&self) -> Arc<dyn control::Audit> {
        Arc::new(self.audit.clone())
    }

    /// Lets webhooks be called: the host takes events now.
    pub(super) fn open(&self, host: &Host) {
        host.hooks().open(self.hooks.lock().take());
    }

    /// Ends, after the host has.
    pub(super) async fn end(&self, shutdown: &Shutdown) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let who = shutdown.signal().map_or(Who::Host, Who::Signal);
        self.audit.record(who, What::Stop).await;
    }
}
