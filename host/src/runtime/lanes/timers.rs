//! Keeps a plugin within the number of its timers, however many of its calls set some at one time.

use std::collections::HashMap;

use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use super::commit::Attend;
use crate::journal::{JournalResult, TimerChange, TimerKey};
use crate::model::Name;
use crate::runtime::turn::Refusal;

/// A plugin's commit turn, held for one commit.
pub(super) enum CommitTurn<'a> {
    /// It is not needed, or held already.
    None,
    /// Beside other commits.
    Shared {
        /// Gives it back.
        _guard: RwLockReadGuard<'a, ()>,
    },
    /// Without any other.
    Alone {
        /// Gives it back.
        _guard: RwLockWriteGuard<'a, ()>,
    },
}

/// Takes the commit turn as a turn with these timers needs it, and looks whether they still fit.
pub(super) async fn take_turn<'a>(
    attend: &'a Attend,
    timers: &[TimerChange],
    writes: bool,
    has_turn: bool,
) -> JournalResult<Result<CommitTurn<'a>, Refusal>> {
    let sets = timers.iter();
    let sets = sets.filter(|change| matches!(change, TimerChange::Set(_)));
    let sets = sets.count() as u64;
    if has_turn {
        let fits = match sets {
            0 => Ok(()),
            _ => fit(attend, timers).await?,
        };
        return Ok(fits.map(|()| CommitTurn::None));
    }
    if sets == 0 && !writes {
        return Ok(Ok(CommitTurn::None));
    }
    let shared = attend.plugin.commit_turn.read().await;
    // Calls that commit beside this one were counted by none of them: each may set as many timers
    // as it may return actions. Where that could be too many, one commits after the other.
    let spec = &attend.job.installed.spec;
    let limits = &spec.policy.limits;
    let beside = u64::from(spec.instances) * u64::from(limits.actions);
    if sets == 0 || count(attend).await? + sets + beside <= u64::from(limits.timers) {
        return Ok(Ok(CommitTurn::Shared { _guard: shared }));
    }
    drop(shared);
    let alone = attend.plugin.commit_turn.write().await;
    let fits = fit(attend, timers).await?;
    Ok(fits.map(|()| CommitTurn::Alone { _guard: alone }))
}

async fn count(attend: &Attend) -> JournalResult<u64> {
    let delivery = &attend.job.delivery;
    let journal = &attend.shared.parts.journal;
    journal
        .timer_count(&delivery.tenant, &delivery.plugin)
        .await
}

/// Counts what the plugin will have: one that is set again is replaced, one that is cancelled makes room.
async fn fit(attend: &Attend, timers: &[TimerChange]) -> JournalResult<Result<(), Refusal>> {
    let before = count(attend).await?;
    let mut ends: HashMap<&TimerKey, bool> = HashMap::new();
    for change in timers {
        match change {
            TimerChange::Set(timer) => ends.insert(&timer.key, true),
            TimerChange::Cancel(key) => ends.insert(key, false),
        };
    }
    let mut after = before;
    for (key, is_set) in ends {
        let was_set = attend.shared.parts.journal.has_timer(key).await?;
        match (was_set, is_set) {
            (false, true) => after += 1,
            (true, false) => after = after.saturating_sub(1),
            _ => {}
        }
    }
    let limit = u64::from(attend.job.installed.spec.policy.limits.timers);
    // A limit that was lowered below what is there takes no timer away.
    if after <= limit.max(before) {
        return Ok(Ok(()));
    }
    let narrow = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Err(Refusal::Limit {
        what: "timers",
        found: narrow(after),
        limit: narrow(limit),
        plugin: Name::clone(&attend.job.delivery.plugin),
        setting: "timers",
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::PluginSpec;
    use super::super::fakes::{Bench, FakeBuild, action, eventually, policy, quick};
    use crate::journal::StateDelta;
    use crate::journal::sqlite::{SqliteConfig, SqliteJournal};
    use crate::model::action::{ActionKind, Missed, Schedule, SetTimer};
    use crate::model::limits::Limits;
    use crate::runtime::guest::CallEnd;
    use crate::runtime::turn::Policy;

    fn set(name: &str) -> ActionKind {
        ActionKind::SetTimer(SetTimer {
            name: name.to_owned(),
            schedule: Schedule::After(3_600_000),
            missed: Missed::Once,
            payload: String::new(),
        })
    }

    /// Lanes on a journal of its own thread, with a plugin that may have ten timers and sets one or changes it.
    fn bench(folder: &tempfile::TempDir) -> Bench {
        let journal = SqliteJournal::open(folder.path(), SqliteConfig::default());
        let bench = Bench::with(Arc::new(journal.expect("it opens")), quick());
        let build = FakeBuild::new(|delivery| async move {
            let kinds = match &*delivery.event.id {
                "change" => vec![ActionKind::CancelTimer("t".to_owned()), set("u")],
                _ => vec![set("t")],
            };
            let actions = kinds.into_iter().map(action).collect();
            (CallEnd::Done(actions), StateDelta::default())
        });
        bench.lanes.install(PluginSpec {
            policy: Arc::new(Policy {
                limits: Limits {
                    timers: 10,
                    ..Limits::DEFAULT
                },
                ..policy(&[])
            }),
            ..Bench::spec(build)
        });
        bench
    }

    async fn timers(bench: &Bench) -> u64 {
        let count = bench.journal.timer_count("default", "joke").await;
        count.expect("it reads")
    }

    #[tokio::test]
    async fn timers_that_many_conversations_set_at_one_time_keep_within_their_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let bench = bench(&folder);
        for n in 0..40 {
            bench.say(&n.to_string(), &format!("room-{n}")).await;
        }
        eventually(|| bench.status().handled + bench.status().dead == 40).await;
        assert_eq!((timers(&bench).await, bench.status().dead), (10, 30));
        let dead = bench.journal.dead_letters(0, 1).await.expect("it reads");
        assert_eq!(
            dead[0].detail,
            "timers: 11, at most 10: [plugin.joke] limits.timers"
        );
    }

    #[tokio::test]
    async fn where_no_more_timers_fit_one_can_still_be_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let bench = bench(&folder);
        for n in 0..10 {
            bench.say("set", &format!("room-{n}")).await;
        }
        bench.say("set again", "room-1").await;
        bench.say("change", "room-2").await;
        eventually(|| bench.status().handled == 12).await;
        assert_eq!((timers(&bench).await, bench.status().dead), (10, 0));
    }
}
