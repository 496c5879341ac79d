//! The past as only a store on disk keeps it.

use super::open;
use crate::journal::conformance::broadcasts::{broadcast, expand};
use crate::journal::conformance::make::{PLUGIN, accept, arrival, deliver};
use crate::journal::conformance::parts::{parts, record, sent};
use crate::journal::conformance::past::{all, bury, past};
use crate::journal::conformance::requests::ask;
use crate::journal::sqlite::RestingJournal;
use crate::journal::{DeliveryEnd, EventQuery, Journal as _, PartUpdate, PastState};
use crate::model::payload::ActionError;

#[tokio::test]
async fn what_is_through_is_told_with_its_times_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let done = parts(&journal, "done", 2).await;
    record(&journal, sent(done[0].number)).await;
    let failed = PartUpdate::Failed(done[1].number, ActionError::Denied, "no".to_owned());
    record(&journal, failed).await;
    let refused = deliver(&journal, "refused").await;
    let end = DeliveryEnd::Refused("not mine".to_owned());
    journal.settle(refused.number, end).await.expect("ordered");
    let news = broadcast(&journal, "news", 3, 1).await;
    let targets = expand(&journal, &news, 1).await;
    record(&journal, sent(targets[0].number)).await;
    ask(&journal, "asks", "k").await;
    accept(&journal, arrival("unwanted", &[])).await;
    journal.close().await.expect("closed");

    // The same without a host.
    let resting = RestingJournal::open(folder.path()).expect("opened");
    let resting = resting.expect("there is one");
    let found = resting.events(all()).expect("read");
    let of = |id: &str| {
        let event = found.iter().find(|it| it.event.id == id);
        event.unwrap_or_else(|| panic!("no event {id}"))
    };
    let event = of("done");
    let delivery = &event.deliveries[0];
    assert_eq!(delivery.state, PastState::Done);
    assert_eq!(delivery.took_us, Some(17));
    assert!(delivery.ended_at >= Some(event.stored_at));
    let ends = delivery.actions.iter();
    let ends: Vec<_> = ends
        .map(|it| (it.state.as_str(), it.detail.as_deref()))
        .collect();
    assert_eq!(ends, [("sent", None), ("failed", Some("denied: no"))]);
    let delivery = &of("refused").deliveries[0];
    assert_eq!(delivery.state, PastState::Refused);
    assert_eq!(delivery.detail.as_deref(), Some("not mine"));
    let news = &of("news").deliveries[0].actions;
    assert_eq!(news.len(), 1, "its parts are told as one: {news:?}");
    assert_eq!(
        (news[0].what.as_str(), news[0].state.as_str()),
        ("broadcast", "sending")
    );
    let detail = news[0].detail.as_deref();
    assert_eq!(
        detail,
        Some("3 conversations, 1 begun; 1 parts sent, 0 failed")
    );
    let asks = &of("asks").deliveries[0].actions;
    assert_eq!(
        (asks[0].what.as_str(), asks[0].state.as_str()),
        ("request", "queued")
    );
    assert_eq!(
        asks[0].detail.as_deref(),
        Some("POST https://a.example/orders")
    );
    assert!(of("unwanted").deliveries.is_empty());
}

#[tokio::test]
async fn a_dead_letter_far_back_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let dead = deliver(&journal, "dead").await;
    bury(&journal, dead.number, "trapped").await;
    // More than one stretch of events lies between.
    for page in 0..25 {
        let arrivals = (0..1_000)
            .map(|at| arrival(&format!("{page}-{at}"), &[]))
            .collect();
        let stored = journal.accept_all(arrivals).await.expect("ordered");
        stored.durable.wait().await.expect("on disk");
    }
    deliver(&journal, "young").await;
    let query = EventQuery {
        dead: true,
        ..all()
    };
    let found = past(&journal, query).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].number, dead.event.sequence);
    let of_plugin = EventQuery {
        plugin: Some(PLUGIN.to_owned()),
        ..all()
    };
    assert_eq!(past(&journal, of_plugin).await.len(), 2);
}

#[tokio::test]
async fn a_dead_letter_put_back_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let dead = deliver(&journal, "dead").await;
    bury(&journal, dead.number, "trapped").await;
    let back = journal.put_back(dead.number).await.expect("ordered");
    let at = back.value.expect("it was one").put_back;
    journal.close().await.expect("closed");
    let journal = open(folder.path());
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].put_back, at);
    assert!(at.is_some());
    assert!(journal.dead_letters(0, 9).await.expect("listed").is_empty());
}
