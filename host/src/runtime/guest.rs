//! What the lanes know of a plugin's build: a test may stand in for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::host::{DirectoryReads, StateReads};
use super::notes::Notes;
use crate::journal::StateDelta;
use crate::model::Timestamp;
use crate::model::action::Action;
use crate::model::delivery::Delivery;

/// How a plugin failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The guest trapped.
    Trap,
    /// It used more processor time than it may.
    Cpu,
    /// It took longer than it may.
    Deadline,
    /// It wanted more memory or table elements than it may.
    Memory,
    /// It wanted more of something else than it may.
    Limit,
    /// It returned `failed`.
    Failed,
    /// It could not be instantiated.
    Start,
}

/// A fault, with what the operator and the author read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct Fault {
    /// What sort.
    pub kind: FaultKind,
    /// What happened; a guest's backtrace where there is one.
    pub detail: String,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum CallEnd {
    /// It returned a list of actions.
    Done(Vec<Action>),
    /// It asks to be called again, after so many milliseconds where given.
    Retry(Option<u64>),
    /// It is done, and nothing is kept.
    Refused(String),
    /// It failed: by itself, or because it was stopped.
    Fault(Fault),
}

/// What a call used of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Processor time. What is less than a millisecond may count what others did meanwhile.
    pub cpu: Duration,
    /// Linear memory of the instance at the end, which is its peak: it never shrinks. None where the
    /// call was cut off, and its instance with it.
    pub memory_bytes: Option<u64>,
    /// HTTP requests that were let out.
    pub http_requests: u32,
}

/// A call that ended.
pub struct Called {
    /// How.
    pub end: CallEnd,
    /// What it read and wrote of the state.
    pub state: StateDelta,
    /// What it used.
    pub spent: Spent,
    /// The instance, where it can be called again.
    pub instance: Option<Box<dyn Instance>>,
}

/// One live copy of a plugin.
#[async_trait]
pub trait Instance: Send {
    /// Handles one delivery under the plugin's limits. Never runs longer than its deadline.
    async fn handle(self: Box<Self>, delivery: Delivery) -> Called;

    /// Handles one delivery, and notes what it reads meanwhile.
    async fn handle_noted(self: Box<Self>, delivery: Delivery, _notes: Arc<Notes>) -> Called {
        self.handle(delivery).await
    }
}

/// One build of a plugin with its settings: makes instances.
#[async_trait]
pub trait Build: Send + Sync {
    /// Makes an instance.
    ///
    /// # Errors
    /// [`FaultKind::Start`] and the limits.
    async fn instantiate(&self) -> Result<Box<dyn Instance>, Fault>;
}

/// What a call on trial sees of the world. It reaches nothing else.
#[derive(Clone)]
pub struct TrialView {
    /// Its state.
    pub state: Arc<dyn StateReads>,
    /// The answers to its reads.
    pub directory: Arc<dyn DirectoryReads>,
    /// What its clock says when it begins.
    pub now: Timestamp,
}

/// What a call on trial came to. Nothing of it is kept.
pub struct Tried {
    /// How it ended.
    pub end: CallEnd,
    /// What it read and would have written of the state.
    pub state: StateDelta,
}

/// A build that is tried on the side of what serves.
#[async_trait]
pub trait TrialBuild: Send + Sync {
    /// Handles one delivery in a fresh instance under the plugin's limits, beside all calls that
    /// serve and behind them.
    async fn try_out(&self, delivery: Delivery, view: TrialView) -> Tried;
}
