//! What a plugin may have waiting in all, beyond what one list may hold. Its timers are counted by
//! `timers`.

use crate::journal::{Journal, JournalResult};
use crate::model::delivery::Delivery;
use crate::runtime::turn::{REQUESTS_WAITING, REQUESTS_WAITING_BYTES, Refusal, TurnDraft};

/// Tells what is over its bound. Turns of one plugin that are checked at the same time may pass it
/// by what they hold.
pub(super) async fn check(
    journal: &dyn Journal,
    delivery: &Delivery,
    draft: &TurnDraft,
) -> JournalResult<Option<Refusal>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{NewRequest, StateDelta, Turn};
    use crate::model::action::Request;
    use crate::runtime::lanes::fakes::Bench;

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
            broadcasts: draft.broadcasts,
            timers: draft.timers,
            requests: draft.requests,
            number: 0,
            took_us: 0,
        };
        bench.journal.commit(turn).await.unwrap();
    }

    async fn refusal(bench: &Bench, delivery: &Delivery, draft: TurnDraft) -> Option<String> {
        let checked = check(&*bench.journal, delivery, &draft).await;
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
}
