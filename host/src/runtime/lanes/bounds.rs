//! What a plugin may have set and waiting in all, beyond what one list may hold.

use std::collections::BTreeMap;

use crate::journal::{Journal, JournalResult, TimerChange, TimerKey};
use crate::model::Name;
use crate::model::delivery::Delivery;
use crate::model::limits::Limits;
use crate::runtime::turn::{REQUESTS_WAITING, REQUESTS_WAITING_BYTES, Refusal, TurnDraft};

/// Tells what is over its bound. Turns of one plugin that are checked at the same time may pass it
/// by what they hold.
pub(super) async fn check(
    journal: &dyn Journal,
    delivery: &Delivery,
    limits: &Limits,
    draft: &TurnDraft,
) -> JournalResult<Option<Refusal>> {
    if let Some(refusal) = check_timers(journal, delivery, limits, draft).await? {
        return Ok(Some(refusal));
    }
    if draft.requests.is_empty() {
        return Ok(None);
    }
    let load = journal
        .request_load(&delivery.tenant, &delivery.plugin)
        .await?;
    let bodies = draft.requests.iter();
    let bytes: usize = bodies.map(|request| request.request.body.len()).sum();
    let rows = [
        (
            "requests that have not ended",
            load.count + draft.requests.len() as u64,
            REQUESTS_WAITING,
        ),
        (
            "bytes of requests that have not ended",
            load.bytes + bytes as u64,
            REQUESTS_WAITING_BYTES,
        ),
    ];
    let over = rows.into_iter().find(|(_, found, limit)| found > limit);
    Ok(over.map(|(what, found, limit)| Refusal::TooMuch {
        what,
        found: usize::try_from(found).unwrap_or(usize::MAX),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    }))
}

async fn check_timers(
    journal: &dyn Journal,
    delivery: &Delivery,
    limits: &Limits,
    draft: &TurnDraft,
) -> JournalResult<Option<Refusal>> {
    // What becomes of each name in the end.
    let mut names: BTreeMap<&str, (bool, &TimerKey)> = BTreeMap::new();
    for change in &draft.timers {
        match change {
            TimerChange::Set(timer) => names.insert(&timer.key.name, (true, &timer.key)),
            TimerChange::Cancel(key) => names.insert(&key.name, (false, key)),
        };
    }
    let set = names.values().filter(|(is_set, _)| *is_set).count();
    if set == 0 {
        return Ok(None);
    }
    let before = journal
        .timer_count(&delivery.tenant, &delivery.plugin)
        .await?;
    let limit = limits.timers as usize;
    let mut found = usize::try_from(before)
        .unwrap_or(usize::MAX)
        .saturating_add(set);
    if found > limit {
        // Only here does it matter which of them were there: they are replaced, or end.
        for (_, key) in names.values() {
            found -= usize::from(journal.has_timer(key).await?);
        }
    }
    Ok((found > limit).then(|| Refusal::Limit {
        what: "timers",
        found,
        limit,
        plugin: Name::clone(&delivery.plugin),
        setting: "timers",
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::journal::{NewRequest, StateDelta, Timer, Turn};
    use crate::model::action::{Missed, Request, Schedule};
    use crate::runtime::lanes::fakes::{Bench, limits};

    fn requests(count: usize, bytes: usize) -> Vec<NewRequest> {
        let one = NewRequest {
            key: "k".to_owned(),
            index: 0,
            request: Request {
                method: "GET".to_owned(),
                url: "https://a.example/".to_owned(),
                headers: Vec::new(),
                body: vec![0; bytes],
                timeout_ms: 1_000,
                idempotency_header: None,
            },
        };
        vec![one; count]
    }

    fn timer(delivery: &Delivery, name: &str) -> Timer {
        Timer {
            key: TimerKey {
                tenant: Name::clone(&delivery.tenant),
                plugin: Name::clone(&delivery.plugin),
                conversation: Name::from("room"),
                name: name.to_owned(),
            },
            due_at: 1,
            schedule: Schedule::At(1),
            missed: Missed::Once,
            payload: String::new(),
            origin: Arc::clone(&delivery.event),
        }
    }

    /// Commits this, as a turn of its own.
    async fn commit(bench: &Bench, draft: TurnDraft) {
        let delivery = bench.accept("before", "room").await.remove(0);
        let turn = Turn {
            delivery: delivery.number,
            tenant: delivery.tenant,
            plugin: delivery.plugin,
            event: delivery.event,
            state: StateDelta::default(),
            parts: draft.parts,
            timers: draft.timers,
            requests: draft.requests,
            number: 0,
            took_us: 0,
        };
        bench.journal.commit(turn).await.unwrap();
    }

    async fn refusal(bench: &Bench, delivery: &Delivery, draft: TurnDraft) -> Option<String> {
        let limits = Limits {
            timers: 3,
            ..limits()
        };
        let checked = check(&*bench.journal, delivery, &limits, &draft).await;
        checked.unwrap().map(|refusal| refusal.to_string())
    }

    #[tokio::test]
    async fn requests_that_wait_are_bounded_in_number_and_bytes() {
        let asking = |count, bytes| TurnDraft {
            requests: requests(count, bytes),
            ..TurnDraft::default()
        };
        let bench = Bench::new();
        let delivery = bench.accept("asks", "room").await.remove(0);
        commit(&bench, asking(9_999, 0)).await;
        assert_eq!(refusal(&bench, &delivery, asking(1, 1)).await, None);
        let text = refusal(&bench, &delivery, asking(2, 0)).await.unwrap();
        assert!(text.contains("10001, at most 10000"), "{text}");

        let bench = Bench::new();
        let delivery = bench.accept("asks", "room").await.remove(0);
        commit(&bench, asking(1, 64 * 1024 * 1024 - 10)).await;
        assert_eq!(refusal(&bench, &delivery, asking(1, 10)).await, None);
        let text = refusal(&bench, &delivery, asking(1, 11)).await.unwrap();
        assert!(text.contains("bytes of requests"), "{text}");
    }

    #[tokio::test]
    async fn timers_are_counted_by_what_is_set_in_the_end() {
        let bench = Bench::new();
        let delivery = bench.accept("sets", "room").await.remove(0);
        let set = |name: &str| TimerChange::Set(timer(&delivery, name));
        let cancel = |name: &str| TimerChange::Cancel(timer(&delivery, name).key);
        let timers = |timers: Vec<TimerChange>| TurnDraft {
            timers,
            ..TurnDraft::default()
        };
        commit(&bench, timers(vec![set("a"), set("b")])).await;
        for good in [
            vec![set("c")],
            vec![set("a"), set("b"), set("c"), set("c")],
            vec![cancel("a"), set("c"), set("d")],
            vec![set("c"), set("d"), cancel("d")],
        ] {
            let refused = refusal(&bench, &delivery, timers(good)).await;
            assert_eq!(refused, None);
        }
        for bad in [
            vec![set("c"), set("d")],
            vec![cancel("a"), set("a"), set("c"), set("d")],
            vec![cancel("z"), set("c"), set("d")],
        ] {
            let refused = refusal(&bench, &delivery, timers(bad)).await;
            let text = refused.unwrap();
            assert!(text.contains("timers: 4, at most 3"), "{text}");
        }
    }
}
