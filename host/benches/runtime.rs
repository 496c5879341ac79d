//! The runtime's own cost beside wasmtime's, for the same guest with the same types in the same run.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use parlor_host::journal::StateDelta;
use parlor_host::model::delivery::{Delivery, View};
use parlor_host::model::directory::ReadError;
use parlor_host::model::event::Event;
use parlor_host::model::limits::Limits;
use parlor_host::net::HttpGrants;
use parlor_host::runtime::bindings::Plugin;
use parlor_host::runtime::guest::{Build as _, CallEnd, Instance};
use parlor_host::runtime::{
    CompilerProgram, Engine, NoReads, PluginBuild, PluginParts, RuntimeConfig, TracingLog,
};

#[path = "../src/runtime/testing/guest.rs"]
mod guest;
#[path = "runtime/journal.rs"]
mod journal;
#[path = "runtime/raw.rs"]
mod raw;

use guest::Guest;
use journal::NoJournal;

/// An event of the local platform, as it lies in the journal.
const EVENT: &str = r#"{"id":"local:room-1:17","sequence":17,"attempt":1,"occurred_at":1790000000000,
"received_at":1790000000001,"bot":{"name":"desk","platform":"local","user_id":"u-bot","display_name":"Desk"},
"conversation":{"id":"room-1","kind":"room","name":"Lobby"},"actor":{"id":"u-1","display_name":"Ann",
"user_name":"ann","email":"ann@example.com","kind":"human","role_here":"member"},"addressing":"ambient",
"depth":0,"trace_id":"0123456789abcdef","payload":{"message":{"id":"m-17","text":"hello there","visibility":"all"}}}"#;

fn delivery() -> Delivery {
    let event: Event = serde_json::from_str(EVENT).expect("an event");
    Delivery {
        number: 1,
        tenant: "default".into(),
        plugin: "guest".into(),
        lane: "room-1".into(),
        event: Arc::new(event),
        view: View::Whole,
        attempt: 1,
        put_back: None,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn benches(c: &mut Criterion) {
    let runtime = runtime();
    let cache = tempfile::tempdir().expect("a folder");
    let config = RuntimeConfig::new(cache.path().join("cache"), CompilerProgram::Thread);
    let engine = Engine::new(config).expect("an engine");
    for (name, bytes) in guests() {
        bench_guest(c, &runtime, &engine, &name, bytes);
    }
}

/// A guest that does nothing, and the demo plugin where it is built.
fn guests() -> Vec<(String, Vec<u8>)> {
    let mut guests = vec![("empty".to_owned(), Guest::default().component())];
    let echo = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/wasm32-wasip2/plugin/parlor_plugin_echo.wasm"
    );
    for echo in [echo.to_owned(), echo.replace("parlor_plugin_echo", "echo")] {
        if let Ok(bytes) = std::fs::read(echo) {
            guests.push(("echo".to_owned(), bytes));
            break;
        }
    }
    guests
}

fn bench_guest(
    c: &mut Criterion,
    runtime: &tokio::runtime::Runtime,
    engine: &Engine,
    name: &str,
    bytes: Vec<u8>,
) {
    let artifact = runtime.block_on(engine.compile(bytes.clone()));
    let artifact = artifact.expect("compiles");
    let description = runtime.block_on(engine.describe(&artifact, Limits::DEFAULT.memory_bytes));
    let build = PluginBuild::new(
        engine,
        PluginParts {
            tenant: "default".into(),
            name: "guest".into(),
            artifact,
            description: Arc::new(description.expect("describes")),
            config: BTreeMap::new(),
            http_grants: HttpGrants::default(),
            limits: Limits::default(),
            journal: Arc::new(NoJournal),
            reads: Arc::new(NoReads(ReadError::Unsupported)),
            log: Arc::new(TracingLog),
        },
    );
    let raw = raw::Raw::new(&bytes);
    let delivery = delivery();
    let event = raw::event();
    let mut group = c.benchmark_group(name);
    group.measurement_time(Duration::from_secs(3));

    let (mut store, plugin) = runtime.block_on(raw.start());
    group.bench_function("live call, raw", |b| {
        b.iter(|| {
            let behaviour = plugin.parlor_bot_behaviour();
            let handled = runtime.block_on(behaviour.call_handle(&mut store, &event));
            black_box(handled.expect("no trap")).expect("no error")
        });
    });
    let mut live = Some(runtime.block_on(build.instantiate()).expect("starts"));
    group.bench_function("live call, runtime", |b| {
        b.iter(|| {
            let instance = live.take().expect("alive");
            let called = runtime.block_on(instance.handle(delivery.clone()));
            let (end, state): (CallEnd, StateDelta) = (called.end, called.state);
            live = called.instance;
            assert!(matches!(end, CallEnd::Done(_)), "{end:?}");
            black_box((end, state))
        });
    });
    group.bench_function("fresh instance and call, raw", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let (mut store, plugin): (_, Plugin) = raw.start().await;
                let behaviour = plugin.parlor_bot_behaviour();
                let handled = behaviour.call_handle(&mut store, &event).await;
                black_box(handled.expect("no trap")).expect("no error")
            })
        });
    });
    group.bench_function("fresh instance and call, runtime", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let instance: Box<dyn Instance> = build.instantiate().await.expect("starts");
                let called = instance.handle(delivery.clone()).await;
                assert!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
                black_box(called.state)
            })
        });
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
