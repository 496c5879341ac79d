//! One worker of a bot: takes ready lanes in turn and performs their first parts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::bot::{BotQueue, Job, Next, Step};
use super::perform::{self, Performing};
use super::{PartEnd, Shared};
use crate::journal::PartUpdate;

/// Works until the bot has nothing to send for long, or the outbox stops.
pub(super) async fn run(shared: Arc<Shared>, bot: Arc<BotQueue>) {
    let me = Arc::new(Notify::new());
    loop {
        // Where no platform ever waits, others of this thread still get their turn.
        tokio::task::coop::consume_budget().await;
        let connector = shared.connectors.connector(&bot.tenant, &bot.bot);
        match bot.next(&shared, connector.as_ref(), &me) {
            Step::Work(mut job) => {
                let performing = Performing {
                    shared: &shared,
                    bot: &bot,
                    connector: connector.as_ref(),
                };
                shared.opening.begin(&job.item.part);
                let run = perform::run(&performing, &mut job);
                let run = shared.kill.run_until_cancelled(run);
                let next = match AssertUnwindSafe(run).catch_unwind().await {
                    Ok(Some(next)) => next,
                    // Cut at a stop: nothing is recorded, the next start asks the platform.
                    Ok(None) => Next::Later(Instant::now()),
                    Err(_) => performing.doubt(&mut job.item, "the connector panicked"),
                };
                finish(&shared, &bot, *job, next);
                if shared.recorder.is_due() {
                    flush(&shared).await;
                }
            }
            Step::Park(wake) => {
                if !shared.recorder.is_empty() {
                    flush(&shared).await;
                }
                let idle_at = Instant::now() + shared.config.idle;
                let until = wake.map_or(idle_at, |wake| wake.min(idle_at));
                let woken = tokio::time::timeout_at(until, me.notified()).await;
                if woken.is_err() && bot.rise(&me, until == idle_at) {
                    return;
                }
            }
            Step::Leave => return,
        }
    }
}

fn finish(shared: &Shared, bot: &BotQueue, job: Job, next: Next) {
    let goes_on = matches!(next, Next::Later(_) | Next::Aside(..));
    if !(goes_on && job.item.is_in_doubt) {
        shared.opening.end(job.item.part.number);
    }
    if matches!(next, Next::On | Next::Skip) {
        shared.keys.ended(&job.item.part);
    }
    for part in bot.finish(shared, job, next) {
        shared.recorder.tell(&part, &PartEnd::Skipped);
        shared.recorder.note(PartUpdate::Skipped(part.number));
        shared.keys.ended(&part);
    }
}

async fn flush(shared: &Shared) {
    if let Err(error) = shared.recorder.flush().await {
        // They are kept, and written with the next ones.
        tracing::warn!(%error, "results of sends not recorded yet");
    }
}
