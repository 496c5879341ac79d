//! What Symphony costs: a batch of a feed into events and into the journal, and content into MessageML.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use parlor_host::connectors::symphony::convert::event_from_wire;
use parlor_host::connectors::symphony::render::{RenderOptions, render};
use parlor_host::connectors::symphony::wire::event::FeedBatch;
use parlor_host::content::blocks;
use parlor_host::journal::sqlite::{Durability, SqliteConfig, SqliteJournal};
use parlor_host::journal::{Accepted, Arrival, Journal};
use parlor_host::model::Name;
use parlor_host::model::content::Content;
use parlor_host::model::delivery::{Route, View};
use parlor_host::model::event::Bot;
use serde_json::json;

/// Events of one batch, as many as a feed gives at once.
const BATCH: usize = 500;

const MARKDOWN: &str = "## Assessment of three suppliers

| Supplier | Region | Orders | Late | Score |
|---|---|---:|---:|---:|
| Alder & Sons | North | 412 | 9 | 87.5 |
| Birch Ltd | West | 198 | 31 | 61.0 |

Read the [whole assessment](https://example.com/assessment), **soon**; it is `final`.

- one
- two
";

const MESSAGE_ML: &str = r#"<messageML><h2>Hello Form</h2>
<form id="hello-form"><text-field name="name" placeholder="Enter a name here..."/><button name="submit" type="action">Submit</button></form></messageML>"#;

/// A batch like no other: its messages have this in their ids.
fn batch(turn: u64) -> Vec<u8> {
    let body = r##"<div data-format="PresentationML" data-version="2.0" class="wysiwyg"><p><span class="entity" data-entity-id="0">@Trade Bot</span> /buy 1000 <span class="entity" data-entity-id="1">$goog</span></p></div>"##;
    let data = r#"{"0":{"type":"com.symphony.user.mention","version":"1.0","id":[{"type":"com.symphony.user.userId","value":"1"}]},"1":{"type":"org.symphonyoss.fin.security","version":"1.0","id":[{"type":"org.symphonyoss.fin.security.id.ticker","value":"goog"}]}}"#;
    let user = json!({"userId": 344147139494862_u64, "firstName": "Ada", "lastName": "Lovelace",
        "displayName": "Ada Lovelace", "email": "ada@acme.com", "username": "ada"});
    let events: Vec<_> = (0..BATCH)
        .map(|number| {
            let id = format!("Fd4Pc8xO5Vg6hVfza{turn:014x}{number:03}");
            json!({"id": format!("e{number:05}"), "messageId": id, "timestamp": 1_700_000_000_000_u64,
                "type": "MESSAGESENT", "initiator": {"user": user},
                "payload": {"messageSent": {"message": {"messageId": id,
                    "timestamp": 1_700_000_000_000_u64, "message": body, "data": data, "user": user,
                    "stream": {"streamId": "bjHSiY4iz3ar4iIh6-VzCX___peoM7cPdA", "streamType": "ROOM",
                        "roomName": "Desk", "external": false, "crossPod": false}}}}})
        })
        .collect();
    json!({"events": events, "ackId": "a"})
        .to_string()
        .into_bytes()
}

/// The batch as a session hands it to the journal, with one plugin that wants every message.
fn arrivals(tenant: &Name, bot: &Bot, body: &[u8]) -> Vec<Arrival> {
    let batch = FeedBatch::read(body).expect("the batch is sound");
    let plugin = Name::from("desk");
    let heard = batch.events.iter().flat_map(|received| {
        event_from_wire(tenant, bot, &received.event, Some(&received.source)).incoming
    });
    heard
        .map(|incoming| {
            let lane = incoming.event.conversation.as_ref();
            Arrival {
                lane: Name::from(lane.map_or("", |place| place.id.as_str())),
                tenant: incoming.tenant,
                key: incoming.key,
                event: Arc::new(incoming.event),
                routes: Some(vec![Route {
                    plugin: plugin.clone(),
                    view: View::Whole,
                    roles: Vec::new(),
                }]),
                timer: None,
                request: None,
                forms: Vec::new(),
            }
        })
        .collect()
}

/// From the bytes of a batch until all of it is on the disk, and may be acknowledged.
async fn keep(journal: &dyn Journal, tenant: &Name, bot: &Bot, body: &[u8]) {
    let mut rest = arrivals(tenant, bot, body);
    assert_eq!(rest.len(), BATCH);
    while !rest.is_empty() {
        let taken = journal
            .accept_all(rest.clone())
            .await
            .expect("room for all");
        let is_new = |it: &Accepted| matches!(it, Accepted::New { .. });
        assert!(taken.value.iter().all(is_new), "no message came before");
        rest.drain(..taken.value.len());
        taken.durable.wait().await.expect("on disk");
    }
}

fn benches(c: &mut Criterion) {
    let body = batch(0);
    let tenant = Name::from("default");
    let bot = Bot {
        name: "desk".to_owned(),
        platform: "symphony".to_owned(),
        user_id: "1".to_owned(),
        display_name: "Trade Bot".to_owned(),
    };
    let mut group = c.benchmark_group("symphony-feed");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("batch-of-500", |b| {
        b.iter(|| {
            let batch = FeedBatch::read(black_box(&body)).expect("the batch is sound");
            let found = batch.events.iter().map(|received| {
                event_from_wire(&tenant, &bot, &received.event, None)
                    .incoming
                    .len()
            });
            assert_eq!(found.sum::<usize>(), BATCH);
        });
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (name, durability) in [
        ("batch-of-500-kept-process", Durability::Process),
        ("batch-of-500-kept-power", Durability::Power),
    ] {
        // Beside the build, which is on a disk; a temporary folder may be in memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let config = SqliteConfig {
            durability,
            ..SqliteConfig::default()
        };
        let journal = {
            let _inside = runtime.enter();
            SqliteJournal::open(folder.path(), config).expect("opened")
        };
        let mut turn = 0;
        group.bench_function(name, |b| {
            let next = || {
                turn += 1;
                batch(turn)
            };
            let kept = |body: Vec<u8>| runtime.block_on(keep(&journal, &tenant, &bot, &body));
            b.iter_batched(next, kept, BatchSize::PerIteration);
        });
        runtime.block_on(journal.close()).expect("closed");
    }
    group.finish();
    let mut group = c.benchmark_group("symphony-render");
    let markdown = blocks(&Content::Markdown(MARKDOWN.to_owned())).expect("the text is sound");
    for (name, content) in [
        ("plain", Content::Plain("Hello Ada".to_owned())),
        ("blocks", Content::Blocks(markdown)),
        ("messageml", Content::MessageMl(MESSAGE_ML.to_owned())),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| render(black_box(&content), RenderOptions::default()).expect("sound"));
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
