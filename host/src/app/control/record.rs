//! What operators changed, as lines of the audit and of the log.

use async_trait::async_trait;

use super::{Audit, Change, Who};
use crate::model::DEFAULT_TENANT;
use crate::telemetry::audit::{self, What};

#[async_trait]
impl Audit for audit::Audit {
    async fn audit(&self, who: &Who, change: &Change) {
        tracing::info!(%who, %change, "changed by an operator");
        self.record(audit::Who::User(who.uid), what_of(change))
            .await;
    }
}

fn what_of(change: &Change) -> What {
    let tenant = DEFAULT_TENANT.to_owned();
    let outbox = |selector| format!("outbox {selector}");
    match change {
        Change::Paused { bot } => What::Paused {
            tenant,
            name: format!("bot {bot}"),
        },
        Change::Resumed { bot } => What::Resumed {
            tenant,
            name: format!("bot {bot}"),
        },
        Change::Held(selector) => What::Paused {
            tenant,
            name: outbox(selector),
        },
        Change::Released(selector) => What::Resumed {
            tenant,
            name: outbox(selector),
        },
        Change::Dropped {
            selector,
            parts,
            in_doubt,
        } => What::Dropped {
            tenant,
            name: outbox(selector),
            parts: *parts,
            in_doubt: *in_doubt,
        },
        Change::Retried { plugins, .. } => What::Replayed {
            tenant,
            plugin: plugins.join(", "),
            events: plugins.len() as u64,
        },
        Change::Forgot { user, .. } => What::Forgotten {
            tenant,
            subject: user.clone(),
        },
        Change::Sent { bot, to } => What::Sent {
            tenant,
            bot: bot.clone(),
            conversation: to.clone(),
        },
        Change::RolledBack { plugin } => What::Other {
            name: "plugins rollback".to_owned(),
            detail: plugin.clone(),
        },
        Change::Reloaded { plugin } => What::Released {
            plugin: plugin.clone(),
        },
    }
}
