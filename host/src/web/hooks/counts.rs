//! What became of a webhook's calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::HookRoute;
use super::check::Refusal;
use crate::model::{Name, Timestamp};

/// How often the log tells of a webhook's refusals: a stranger must not fill it.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// How a call that was taken ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is an event now.
    New,
    /// It was taken before.
    Duplicate,
}

/// Counts of one webhook.
#[derive(Default)]
pub(super) struct Counts {
    taken: AtomicU64,
    duplicates: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    refusal: Option<(Refusal, Timestamp)>,
    logged: Option<Instant>,
    unlogged: u64,
}

/// How a webhook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookStatus {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The webhook.
    pub name: Name,
    /// Where it is called.
    pub path: String,
    /// How a sender proves itself.
    pub verify: &'static str,
    /// Calls that became events.
    pub taken: u64,
    /// Calls that came again.
    pub duplicates: u64,
    /// Calls that were refused, by reason; reasons that never came are left out.
    pub refused: Vec<(&'static str, u64)>,
    /// The last refusal: why and when.
    pub last_refusal: Option<(&'static str, Timestamp)>,
}

impl Counts {
    /// Counts a call, and logs it where it was refused and the log has not just told of another.
    pub(super) fn note(&self, route: &HookRoute, end: Result<Taken, Refusal>) {
        if let Some((refusal, refused)) = self.count(end) {
            tracing::warn!(
                tenant = &*route.tenant,
                plugin = &*route.plugin,
                webhook = &*route.name,
                reason = refusal.name(),
                refused,
                "webhook call refused"
            );
        }
    }

    /// Counts a call. Gives a refusal, and how many there were, where the log is to tell.
    pub(super) fn count(&self, end: Result<Taken, Refusal>) -> Option<(Refusal, u64)> {
        let refusal = match end {
            Ok(Taken::New) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            Ok(Taken::Duplicate) => {
                self.duplicates.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            Err(refusal) => refusal,
        };
        self.refused[refusal.index()].fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock();
        last.refusal = Some((refusal, now()));
        last.unlogged += 1;
        if last.logged.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            return None;
        }
        last.logged = Some(Instant::now());
        Some((refusal, std::mem::take(&mut last.unlogged)))
    }

    /// Calls that were taken, and those that were refused, by reason.
    pub(super) fn sums(&self) -> (u64, Vec<(&'static str, u64)>) {
        let refused = Refusal::ALL.iter().map(|refusal| {
            let count = self.refused[refusal.index()].load(Ordering::Relaxed);
            (refusal.name(), count)
        });
        let refused = refused.filter(|(_, count)| *count > 0).collect();
        (self.taken.load(Ordering::Relaxed), refused)
    }

    /// The last refusal: why and when.
    pub(super) fn last_refusal(&self) -> Option<(&'static str, Timestamp)> {
        let last = self.last.lock().refusal;
        last.map(|(refusal, at)| (refusal.name(), at))
    }

    pub(super) fn status(&self, route: &HookRoute) -> HookStatus {
        let (taken, refused) = self.sums();
        HookStatus {
            tenant: route.tenant.clone(),
            plugin: route.plugin.clone(),
            name: route.name.clone(),
            path: route.path(),
            verify: route.config.verify.name(),
            taken,
            duplicates: self.duplicates.load(Ordering::Relaxed),
            refused,
            last_refusal: self.last_refusal(),
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
