//! What the lanes know of a plugin's build: a test may stand in for it.

use async_trait::async_trait;

use crate::journal::StateDelta;
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

/// A call that ended.
pub struct Called {
    /// How.
    pub end: CallEnd,
    /// What it read and wrote of the state.
    pub state: StateDelta,
    /// The instance, where it can be called again.
    pub instance: Option<Box<dyn Instance>>,
}

/// One live copy of a plugin.
#[async_trait]
pub trait Instance: Send {
    /// Handles one delivery under the plugin's limits. Never runs longer than its deadline.
    async fn handle(self: Box<Self>, delivery: Delivery) -> Called;
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
