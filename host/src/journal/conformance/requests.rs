//! Requests: kept with their turn, marked, ended with the arrival of their answer.

use std::sync::Arc;

use super::make::{PLUGIN, TENANT, accept, arrival, deliver, keep, key, set, turn, write, writes};
use crate::journal::{
    Accepted, Arrival, Committed, Journal, NewRequest, PendingRequest, RequestLoad, RequestNumber,
    RequestState, StateDelta, Turn,
};
use crate::model::Name;
use crate::model::action::Request;
use crate::model::delivery::Delivery;
use crate::model::event::Header;

pub(crate) fn new_request(key: &str, body: &str) -> NewRequest {
    NewRequest {
        key: key.to_owned(),
        index: 2,
        request: Request {
            method: "POST".to_owned(),
            url: "https://a.example/orders".to_owned(),
            headers: vec![Header {
                name: "x-order".to_owned(),
                value: "7".to_owned(),
            }],
            body: body.as_bytes().to_vec(),
            timeout_ms: 1_000,
            idempotency_header: Some("idempotency-key".to_owned()),
        },
    }
}

fn asking(delivery: &Delivery, requests: Vec<NewRequest>) -> Turn {
    Turn {
        requests,
        ..turn(delivery)
    }
}

/// Commits one request for the event of this id.
pub(crate) async fn ask(journal: &dyn Journal, id: &str, key: &str) {
    let delivery = deliver(journal, id).await;
    keep(journal, asking(&delivery, vec![new_request(key, "body")])).await;
}

pub(crate) async fn pending(journal: &dyn Journal) -> Vec<PendingRequest> {
    let pending = journal.pending_requests(TENANT, PLUGIN, 0, 1_000).await;
    pending.expect("listed")
}

pub(crate) async fn mark(journal: &dyn Journal, number: RequestNumber, state: RequestState) {
    let marked = journal.mark_request(number, state).await.expect("ordered");
    marked.durable.wait().await.expect("on disk");
}

/// The event that answers a request.
pub(crate) fn answer(id: &str, request: RequestNumber) -> Arrival {
    Arrival {
        request: Some(request),
        ..arrival(id, &[PLUGIN])
    }
}

async fn load(journal: &dyn Journal, plugin: &str) -> RequestLoad {
    journal.request_load(TENANT, plugin).await.expect("read")
}

pub(crate) async fn request_waits_with_its_origin(journal: &dyn Journal) {
    let mut arrival = arrival("a", &[PLUGIN]);
    if let Some(routes) = &mut arrival.routes {
        routes[0].roles = vec!["staff".to_owned()];
    }
    let delivery = accept(journal, arrival).await.remove(0);
    let requests = vec![new_request("one", "1"), new_request("two", "22")];
    keep(journal, asking(&delivery, requests)).await;
    let pending = pending(journal).await;
    let keys: Vec<&str> = pending.iter().map(|found| &*found.what.key).collect();
    assert_eq!(keys, ["one", "two"]);
    let first = &pending[0];
    assert_eq!(first.origin, delivery.event);
    let actor = first.origin.actor.as_ref().expect("somebody");
    assert_eq!(actor.roles, ["staff"]);
    assert_eq!(
        (&*first.tenant, &*first.plugin, first.what.index),
        (TENANT, PLUGIN, 2)
    );
    assert_eq!(first.what.request, new_request("one", "1").request);
    assert_eq!((first.state, first.attempts), (RequestState::Queued, 0));
    assert_eq!(first.token.len(), 32);
    assert_ne!(first.token, pending[1].token);
}

pub(crate) async fn conflict_keeps_no_request(journal: &dyn Journal) {
    write(journal, "w", "seen", set("1")).await;
    let delivery = deliver(journal, "a").await;
    let turn = Turn {
        state: StateDelta {
            reads: vec![(key("seen"), 999_999)],
            ..writes(Vec::new())
        },
        ..asking(&delivery, vec![new_request("r", "body")])
    };
    let committed = journal.commit(turn).await.expect("ordered");
    assert!(matches!(committed.value, Committed::Conflict));
    assert!(pending(journal).await.is_empty());
    assert_eq!(load(journal, PLUGIN).await, RequestLoad::default());
}

pub(crate) async fn turn_that_was_kept_asks_no_more(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let again = || asking(&delivery, vec![new_request("r", "body")]);
    keep(journal, again()).await;
    keep(journal, again()).await;
    assert_eq!(pending(journal).await.len(), 1);
}

pub(crate) async fn requests_come_in_pages_by_plugin(journal: &dyn Journal) {
    for id in 0..7 {
        ask(journal, &id.to_string(), &format!("r{id}")).await;
    }
    let other = accept(journal, arrival("other", &["other"]))
        .await
        .remove(0);
    keep(journal, asking(&other, vec![new_request("theirs", "x")])).await;
    let mut keys = Vec::new();
    let mut after = 0;
    loop {
        let page = journal.pending_requests(TENANT, PLUGIN, after, 3).await;
        let page = page.expect("listed");
        let Some(last) = page.last() else {
            break;
        };
        assert!(page.len() <= 3);
        after = last.number;
        keys.extend(page.into_iter().map(|found| found.what.key));
    }
    assert_eq!(keys, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
    let theirs = journal.pending_requests(TENANT, "other", 0, 9).await;
    assert_eq!(theirs.expect("listed").len(), 1);
    let none = journal.pending_requests("another", PLUGIN, 0, 9).await;
    assert!(none.expect("listed").is_empty());
}

pub(crate) async fn marked_request_counts_its_tries(journal: &dyn Journal) {
    ask(journal, "a", "r").await;
    let number = pending(journal).await[0].number;
    mark(journal, number, RequestState::Sending).await;
    let found = pending(journal).await.remove(0);
    assert_eq!((found.state, found.attempts), (RequestState::Sending, 1));
    mark(journal, number, RequestState::Queued).await;
    mark(journal, number, RequestState::Sending).await;
    let again = pending(journal).await.remove(0);
    assert_eq!((again.state, again.attempts), (RequestState::Sending, 2));
    assert_eq!(again.token, found.token);
    let unknown = journal.mark_request(number + 99, RequestState::Sending);
    assert!(unknown.await.is_err());
}

pub(crate) async fn request_ends_with_its_answer(journal: &dyn Journal) {
    ask(journal, "a", "r").await;
    ask(journal, "b", "s").await;
    let number = pending(journal).await[0].number;
    mark(journal, number, RequestState::Sending).await;
    let deliveries = accept(journal, answer("answer", number)).await;
    assert_eq!(deliveries.len(), 1);
    let left = pending(journal).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].what.key, "s");
    let marked = journal.mark_request(number, RequestState::Queued).await;
    assert!(marked.is_err());
}

pub(crate) async fn request_is_answered_once(journal: &dyn Journal) {
    ask(journal, "a", "r").await;
    let number = pending(journal).await[0].number;
    accept(journal, answer("answer", number)).await;
    // Whatever the second answer is called, there is nothing left that it could answer.
    for id in ["answer", "another"] {
        let again = journal.accept(answer(id, number)).await.expect("ordered");
        assert!(matches!(again.value, Accepted::Duplicate), "{id}");
    }
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending.len(), 1);
}

pub(crate) async fn load_follows_requests(journal: &dyn Journal) {
    assert_eq!(load(journal, PLUGIN).await, RequestLoad::default());
    let delivery = deliver(journal, "a").await;
    let requests = vec![new_request("r", "12345"), new_request("s", "123")];
    keep(journal, asking(&delivery, requests)).await;
    let both = RequestLoad { count: 2, bytes: 8 };
    assert_eq!(load(journal, PLUGIN).await, both);
    assert_eq!(load(journal, "other").await, RequestLoad::default());
    let counts = journal.counts().await.expect("counted");
    assert_eq!(counts.pending_requests, 2);
    let number = pending(journal).await[0].number;
    accept(journal, answer("answer", number)).await;
    let one = RequestLoad { count: 1, bytes: 3 };
    assert_eq!(load(journal, PLUGIN).await, one);
    let counts = journal.counts().await.expect("counted");
    assert_eq!(counts.pending_requests, 1);
}

pub(crate) async fn prune_leaves_requests_with_their_origin(journal: &dyn Journal) {
    ask(journal, "origin", "r").await;
    ask(journal, "done", "s").await;
    let done = pending(journal).await[1].number;
    let late = accept(journal, answer("answer", done)).await.remove(0);
    keep(journal, turn(&late)).await;
    let next_day = crate::journal::shared::now() + 25 * 60 * 60 * 1000;
    journal.prune(next_day).await.expect("pruned");
    let left = pending(journal).await.remove(0);
    assert_eq!(left.origin.id, "origin");
    assert_eq!(journal.counts().await.expect("counted").events, 1);
    // Numbers go on, though the rows that had them are gone.
    ask(journal, "after", "t").await;
    assert!(pending(journal).await[1].number > done);
}

pub(crate) async fn delivery_of_another_tenant_asks_for_its_own(journal: &dyn Journal) {
    let arrival = Arrival {
        tenant: Name::from("acme"),
        ..arrival("a", &[PLUGIN])
    };
    let delivery = accept(journal, arrival).await.remove(0);
    let turn = Turn {
        tenant: Arc::clone(&delivery.tenant),
        ..asking(&delivery, vec![new_request("r", "body")])
    };
    keep(journal, turn).await;
    assert!(pending(journal).await.is_empty());
    let theirs = journal.pending_requests("acme", PLUGIN, 0, 9).await;
    assert_eq!(theirs.expect("listed").len(), 1);
}
