//! What the pure half of Symphony costs: a batch of a feed into events, and content into MessageML.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parlor_host::connectors::symphony::convert::event_from_wire;
use parlor_host::connectors::symphony::render::{RenderOptions, render};
use parlor_host::connectors::symphony::wire::event::FeedBatch;
use parlor_host::content::blocks;
use parlor_host::model::Name;
use parlor_host::model::content::Content;
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

fn batch() -> Vec<u8> {
    let body = r##"<div data-format="PresentationML" data-version="2.0" class="wysiwyg"><p><span class="entity" data-entity-id="0">@Trade Bot</span> /buy 1000 <span class="entity" data-entity-id="1">$goog</span></p></div>"##;
    let data = r#"{"0":{"type":"com.symphony.user.mention","version":"1.0","id":[{"type":"com.symphony.user.userId","value":"1"}]},"1":{"type":"org.symphonyoss.fin.security","version":"1.0","id":[{"type":"org.symphonyoss.fin.security.id.ticker","value":"goog"}]}}"#;
    let user = json!({"userId": 344147139494862_u64, "firstName": "Ada", "lastName": "Lovelace",
        "displayName": "Ada Lovelace", "email": "ada@acme.com", "username": "ada"});
    let events: Vec<_> = (0..BATCH)
        .map(|number| {
            let id = format!("Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eX{number:03}");
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

fn benches(c: &mut Criterion) {
    let body = batch();
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
