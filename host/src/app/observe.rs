//! How the host does, for those that watch over it.

use std::time::Duration;

use async_trait::async_trait;

use super::host::Host;
use super::metrics::{self, BotSample, Sample};
use crate::mailbox::control::BotState;
use crate::model::DEFAULT_TENANT;
use crate::web::{BotReadiness, Readiness, Watched};

/// How long the journal may take to count.
const COUNT_WITHIN: Duration = Duration::from_secs(2);
/// What is said while the journal takes no events.
pub(super) const INTAKE_PAUSES: &str = "intake pauses";

#[async_trait]
impl Watched for Host {
    async fn readiness(&self) -> Readiness {
        let bots: Vec<BotReadiness> = self
            .bot_samples()
            .into_iter()
            .map(|bot| BotReadiness {
                tenant: bot.tenant,
                bot: bot.bot,
                platform: bot.platform,
                state: bot.state.name(),
                last_event_at: bot.activity.last_event_at,
            })
            .collect();
        let mut reasons = Vec::new();
        if !self.is_open() {
            reasons.push("host is starting or stopping".to_owned());
        }
        let held = self.lanes().status().into_iter();
        reasons.extend(
            held.filter_map(|plugin| plugin.held_by)
                .take(1)
                .map(|reason| format!("journal takes no writes: {reason}")),
        );
        if self.inbox().activity().is_paused() {
            reasons.push(INTAKE_PAUSES.to_owned());
        }
        // A bot that an operator paused is as it should be.
        let is_missing = |bot: &&BotReadiness| {
            ![BotState::Connected, BotState::Paused]
                .map(BotState::name)
                .contains(&bot.state)
        };
        let missing = bots.iter().filter(is_missing);
        reasons.extend(missing.map(|bot| format!("bot {} is {}", bot.bot, bot.state)));
        Readiness {
            ready: reasons.is_empty(),
            reasons,
            bots,
        }
    }

    async fn metrics(&self) -> String {
        let counting = tokio::time::timeout(COUNT_WITHIN, self.journal().counts()).await;
        let activity = self.inbox().activity();
        let ingress = self.hooks().ingress();
        let sample = Sample {
            started_at_ms: self.started_at(),
            is_ready: self.readiness().await.ready,
            is_paused: activity.is_paused(),
            plugins: self.lanes().status(),
            bots: self.bot_samples(),
            outbox: self.outbox().status(),
            journal: counting.ok().and_then(Result::ok),
            commits: self.journal().commit_times(),
            kinds: activity.kinds().collect(),
            accepts: activity.took(),
            guest_memory_bytes: self.engine().guest_memory(),
            hooks: ingress.status(),
            bot_calls: ingress.bot_status(),
            unknown_hooks: ingress.unknown(),
            hook_calls: ingress.took(),
        };
        metrics::write(sample).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics not written");
            String::new()
        })
    }
}

impl Host {
    fn bot_samples(&self) -> Vec<BotSample> {
        let bots = self.sessions().status().into_iter();
        bots.map(|bot| BotSample {
            tenant: DEFAULT_TENANT.to_owned(),
            activity: self.inbox().activity().bot(DEFAULT_TENANT, &bot.name),
            bot: bot.name,
            platform: bot.platform,
            state: bot.state,
        })
        .collect()
    }
}
