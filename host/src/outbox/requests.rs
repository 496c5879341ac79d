//! Makes the HTTP requests that plugins ask for: after the commit, under the plugin's grants, over
//! restarts.
//!
//! What waits stays in the journal. A plugin has so many requests under way at one time, and so has
//! the process; plugins take turns. A request is marked on disk before its first byte leaves. Its
//! answer becomes an event, and it ends with that event's arrival, so the plugin hears of it once
//! wherever the host is cut off. One that was cut off itself is made again where that is safe; where
//! it is not, the plugin hears that its end is in doubt.

mod send;
mod turns;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::send::NotNow;
use self::turns::{Look, Turns};
use crate::journal::{Journal, JournalResult, PendingRequest, PluginKey, RequestState};
use crate::mailbox::{IntakeError, RequestsHandle};
use crate::model::Name;
use crate::model::payload::{Response, ResponseError};
use crate::net::{Egress, HttpGrants};

/// Times that a request is begun: one that was cut off so often is in doubt, safe or not.
const MAX_TRIES: u32 = 5;
/// How long to wait for a journal that takes no writes, and for a sender that has no room.
const AGAIN: Duration = Duration::from_millis(500);
/// The longest of these waits.
const MAX_AGAIN: Duration = Duration::from_secs(5);
/// Bytes of an answer's body that become an event, whatever more a plugin's limits allow: the
/// journal keeps it.
pub const RESPONSE_BODY_BYTES: u64 = 1024 * 1024;

/// How many requests are under way at one time.
#[derive(Clone, Copy, Debug)]
pub struct RequestsConfig {
    /// Of all plugins.
    pub open: usize,
    /// Of one plugin.
    pub open_of_plugin: usize,
}

impl Default for RequestsConfig {
    fn default() -> Self {
        Self {
            open: 256,
            open_of_plugin: 16,
        }
    }
}

/// What a plugin may request.
#[derive(Clone)]
pub struct PluginHttp {
    /// Its grants.
    pub grants: Arc<HttpGrants>,
    /// Bytes of an answer's body; at most [`RESPONSE_BODY_BYTES`] count.
    pub body_bytes: u64,
    /// Bytes of either side's headers.
    pub header_bytes: usize,
}

/// Takes answers: makes `response-received` of them.
#[async_trait]
pub trait Responses: Send + Sync {
    /// Takes the answer of a request, or why there is none; resolves when the event is on disk and
    /// the request has ended with it.
    ///
    /// # Errors
    /// The event was not taken; the request has not ended.
    async fn take(
        &self,
        request: &PendingRequest,
        outcome: &Result<Response, ResponseError>,
    ) -> Result<(), IntakeError>;
}

/// The requests of all plugins.
pub struct Requests {
    shared: Arc<Shared>,
}

struct Shared {
    journal: Arc<dyn Journal>,
    egress: Egress,
    turns: Mutex<Turns>,
    wake: Notify,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Requests {
    /// Makes one that requests nothing yet.
    pub fn new(journal: Arc<dyn Journal>, egress: Egress, config: RequestsConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                journal,
                egress,
                turns: Mutex::new(Turns::new(config)),
                wake: Notify::new(),
                tracker: TaskTracker::new(),
                cancel: CancellationToken::new(),
            }),
        }
    }

    /// Lets a plugin's requests be made from now on, those of before included.
    pub fn install(&self, tenant: &Name, plugin: &Name, http: PluginHttp) {
        self.shared.turns.lock().install(key(tenant, plugin), http);
        self.shared.wake.notify_one();
    }

    /// Leaves a plugin's requests in the journal until it is installed again.
    pub fn remove(&self, tenant: &Name, plugin: &Name) {
        self.shared.turns.lock().remove(&key(tenant, plugin));
    }

    /// Begins. To be called once, within a tokio runtime, when plugins are there.
    pub fn open(&self, responses: Arc<dyn Responses>) {
        let run = run(Arc::clone(&self.shared), responses);
        self.shared.tracker.spawn(run);
    }

    /// Begins no more requests; those under way go on.
    pub fn pause(&self) {
        self.shared.turns.lock().pause();
    }

    /// Tells whether no plugin's request waits or is under way, or, when it pauses, whether none is
    /// under way. Where two calls give the same number, there was none in between.
    pub fn quiet(&self) -> Option<u64> {
        self.shared.turns.lock().quiet()
    }

    /// Ends. What is under way is cut off and stays in the journal, marked, for the next start.
    pub async fn stop(&self) {
        self.shared.cancel.cancel();
        self.shared.tracker.close();
        self.shared.tracker.wait().await;
    }
}

impl RequestsHandle for Requests {
    fn announce(&self, tenant: &Name, plugin: &Name) {
        self.shared.turns.lock().announce(key(tenant, plugin));
    }

    fn committed(&self, tenant: &Name, plugin: &Name) {
        self.shared.turns.lock().committed(&key(tenant, plugin));
        self.shared.wake.notify_one();
    }
}

fn key(tenant: &Name, plugin: &Name) -> PluginKey {
    PluginKey {
        tenant: Name::clone(tenant),
        plugin: Name::clone(plugin),
    }
}

/// Gives plugins their turns until it is told to stop.
async fn run(shared: Arc<Shared>, responses: Arc<dyn Responses>) {
    while !shared.cancel.is_cancelled() {
        let look = shared.turns.lock().next();
        let Some(look) = look else {
            let woken = shared.cancel.run_until_cancelled(shared.wake.notified());
            if woken.await.is_none() {
                return;
            }
            continue;
        };
        let Look {
            plugin,
            after,
            http,
        } = look;
        let found = shared
            .journal
            .pending_requests(&plugin.tenant, &plugin.plugin, after, 1)
            .await;
        match found.map(|mut found| found.pop()) {
            Ok(Some(request)) => begin(&shared, &responses, plugin, http, request),
            Ok(None) => shared.turns.lock().found_none(&plugin),
            Err(error) => {
                tracing::warn!(plugin = %plugin.plugin, %error, "requests wait for the journal");
                shared.turns.lock().look_again(&plugin);
                let wait = tokio::time::sleep(AGAIN);
                shared.cancel.run_until_cancelled(wait).await;
            }
        }
    }
}

fn begin(
    shared: &Arc<Shared>,
    responses: &Arc<dyn Responses>,
    plugin: PluginKey,
    http: PluginHttp,
    request: PendingRequest,
) {
    if !shared.turns.lock().begin(&plugin, request.number) {
        return;
    }
    let under_way = UnderWay {
        shared: Arc::clone(shared),
        plugin,
        request,
        is_over: false,
    };
    let responses = Arc::clone(responses);
    let cancel = shared.cancel.clone();
    shared.tracker.spawn(async move {
        let perform = under_way.perform(&http, responses.as_ref());
        // What is cut here stays marked as being sent, and the next start knows.
        cancel.run_until_cancelled(perform).await;
    });
}

/// A request and its place among those under way, given back however its task ends.
struct UnderWay {
    shared: Arc<Shared>,
    plugin: PluginKey,
    request: PendingRequest,
    is_over: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut turns = self.shared.turns.lock();
        turns.end(&self.plugin, self.request.number, self.is_over);
        self.shared.wake.notify_one();
    }
}

impl UnderWay {
    /// Makes the request and brings its answer to the journal; what cannot be done now is left to
    /// a later turn.
    async fn perform(mut self, http: &PluginHttp, responses: &dyn Responses) {
        let Some(outcome) = self.outcome(http).await else {
            tokio::time::sleep(AGAIN).await;
            return;
        };
        let mut wait = AGAIN;
        loop {
            match responses.take(&self.request, &outcome).await {
                Ok(()) => {
                    self.is_over = true;
                    return;
                }
                // A host that stops cuts this off; the answer is then lost with the process.
                Err(error) => {
                    let plugin = &*self.plugin.plugin;
                    tracing::warn!(plugin, %error, "answer of a request waits for the journal");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MAX_AGAIN);
        }
    }

    async fn outcome(&self, http: &PluginHttp) -> Option<Result<Response, ResponseError>> {
        let request = &self.request;
        let plugin = &*self.plugin.plugin;
        let key = request.what.key.as_str();
        let was_cut_off = request.state == RequestState::Sending;
        if was_cut_off
            && !(send::is_repeatable(&request.what.request) && request.attempts < MAX_TRIES)
        {
            tracing::warn!(
                plugin,
                key,
                attempts = request.attempts,
                "request is in doubt"
            );
            return Some(Err(ResponseError::InDoubt));
        }
        if let Err(error) = self.mark(RequestState::Sending).await {
            tracing::warn!(plugin, key, %error, "request waits for the journal");
            return None;
        }
        match send::send(&self.shared.egress, http, request).await {
            Ok(outcome) => {
                match &outcome {
                    Ok(answer) => {
                        tracing::debug!(plugin, key, status = answer.status, "request answered")
                    }
                    Err(error) => tracing::info!(plugin, key, ?error, "request has no answer"),
                }
                Some(outcome)
            }
            Err(NotNow) => {
                if let Err(error) = self.mark(RequestState::Queued).await {
                    tracing::warn!(plugin, key, %error, "request not put back");
                }
                None
            }
        }
    }

    async fn mark(&self, state: RequestState) -> JournalResult<()> {
        let journal = &self.shared.journal;
        let marked = journal.mark_request(self.request.number, state).await?;
        marked.durable.wait().await
    }
}
