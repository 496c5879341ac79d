//! A host on a stage: what it takes for the world is given. For dialogs, which must come out the same
//! wherever and whenever they are run.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::Part;
use crate::net::{Answers, Egress, EgressError};
use crate::outbox::PartEnd;
use crate::runtime::lanes::LanesConfig;
use crate::runtime::{LogSink, RuntimeConfig, World};

/// Waits of the lanes that nobody watches a clock for: a try comes at once.
const AT_ONCE: Duration = Duration::from_millis(1);
/// Instances that one dialog needs at most, so that engines are made quickly.
const INSTANCES: u32 = 16;
/// Threads for calls that take long.
const SLOW_THREADS: usize = 1;

/// Hears how a part ended. Must not block.
pub(super) type OnEnd = Arc<dyn Fn(&Part, &PartEnd) + Send + Sync>;

/// What stands in the place of the world.
pub(super) struct Stage {
    /// What instances take for it.
    pub(super) world: Arc<dyn World>,
    /// What answers plugins' requests.
    pub(super) answers: Arc<dyn Answers>,
    /// Where the lines of plugins go.
    pub(super) log: Arc<dyn LogSink>,
    /// Who hears how each part ended.
    pub(super) on_end: OnEnd,
}

impl Stage {
    /// The runtime's settings on the stage.
    pub(super) fn runtime(&self, config: &mut RuntimeConfig) {
        config.instances = INSTANCES;
        config.slow_threads = SLOW_THREADS;
        config.world = Some(self.world.clone());
    }

    /// The lanes' settings on the stage.
    pub(super) fn lanes(&self, config: LanesConfig) -> LanesConfig {
        LanesConfig {
            first_wait: AT_ONCE,
            longest_wait: AT_ONCE,
            quarantine: AT_ONCE,
            ..config
        }
    }

    /// The sender of requests on the stage.
    pub(super) fn egress(&self, open: u32) -> Result<Egress, EgressError> {
        Egress::with_answers(open, self.answers.clone())
    }
}
