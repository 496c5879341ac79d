//! What the lanes promise of events with bodies.

use std::sync::Arc;

use super::LanesConfig;
use super::fakes::{Bench, FakeBuild, event, eventually, quick};
use crate::journal::memory::MemoryJournal;
use crate::mailbox::DeliverySink as _;
use crate::model::event::Event;
use crate::model::payload::{EventPayload, WebhookReceived};

const BODY: usize = 1_000;

fn call(id: &str) -> Event {
    Event {
        payload: EventPayload::WebhookReceived(WebhookReceived {
            name: "pager".to_owned(),
            delivery_id: None,
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: vec![b'x'; BODY],
        }),
        ..event(id, "room")
    }
}

#[tokio::test]
async fn bodies_beyond_a_bound_wait_in_the_journal_and_keep_their_order() {
    let config = LanesConfig {
        waiting_bytes: 20 * BODY,
        ..quick()
    };
    let bench = Bench::with(Arc::new(MemoryJournal::new()), config);
    for n in 0..100 {
        let deliveries = bench.accept_event(call(&n.to_string())).await;
        bench.lanes.deliver(deliveries);
    }
    assert_eq!(bench.status().waiting, 20);
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == 100).await;
    let wanted: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(bench.outbox.texts("room"), wanted);
    assert_eq!(bench.status().waiting, 0);
}

#[tokio::test]
async fn what_waits_to_be_sent_holds_no_bodies() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo(""));
    let deliveries = bench.accept_event(call("1")).await;
    bench.lanes.deliver(deliveries);
    eventually(|| bench.outbox.len() == 1).await;
    let parts = bench.journal.pending_parts(0, 10).await.unwrap();
    assert_eq!(parts[0].origin.id, "1");
    assert_eq!(parts[0].origin.payload.body_bytes(), 0);
}
