//! A call through the runtime, of a live instance and of a fresh one, beside the same through wasmtime alone.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use parlor_host::journal::memory::MemoryJournal;
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
use parlor_tests::guests;
use wasmtime::Store;

use super::{Row, cache_folder, note};

#[path = "../../../host/benches/runtime/raw.rs"]
mod raw;

/// Calls of a round.
const CALLS: u32 = 20_000;
/// Fresh instances of a round.
const FRESH_CALLS: u32 = 2_000;
/// Rounds; the best counts.
const ROUNDS: usize = 5;

/// An event of the local platform: the same as the raw one's.
const EVENT: &str = r#"{"id":"local:room-1:17","sequence":17,"attempt":1,"occurred_at":1790000000000,
"received_at":1790000000001,"bot":{"name":"desk","platform":"local","user_id":"u-bot","display_name":"Desk"},
"conversation":{"id":"room-1","kind":"room","name":"Lobby"},"actor":{"id":"u-1","display_name":"Ann",
"user_name":"ann","email":"ann@example.com","kind":"human","role_here":"member"},"addressing":"ambient",
"depth":0,"trace_id":"0123456789abcdef","payload":{"message":{"id":"m-17","text":"hello there","visibility":"all"}}}"#;

/// The same component twice: through the runtime and through wasmtime alone.
struct Pair {
    engine: Engine,
    build: PluginBuild,
    delivery: Delivery,
    raw: raw::Raw,
    raw_event: parlor_host::runtime::bindings::parlor::bot::events::Event,
}

impl Pair {
    async fn of(guest: &str) -> anyhow::Result<Self> {
        let wasm = guests::bytes(guest);
        let raw = raw::Raw::new(&wasm);
        let config = RuntimeConfig::new(cache_folder(), CompilerProgram::Thread);
        let engine = Engine::new(config)?;
        let artifact = engine.compile(wasm).await?;
        let description = Arc::new(
            engine
                .describe(&artifact, Limits::DEFAULT.memory_bytes)
                .await?,
        );
        let build = PluginBuild::new(
            &engine,
            PluginParts {
                tenant: "default".into(),
                name: guest.into(),
                artifact,
                description,
                config: BTreeMap::new(),
                http_grants: HttpGrants::default(),
                limits: Limits::default(),
                journal: Arc::new(MemoryJournal::new()),
                reads: Arc::new(NoReads(ReadError::Unsupported)),
                log: Arc::new(TracingLog),
            },
        );
        let event: Event = serde_json::from_str(EVENT)?;
        Ok(Self {
            engine,
            build,
            delivery: Delivery {
                number: 1,
                tenant: "default".into(),
                plugin: guest.into(),
                lane: "room-1".into(),
                event: Arc::new(event),
                view: View::Whole,
                attempt: 1,
                put_back: None,
            },
            raw,
            raw_event: raw::event(),
        })
    }

    async fn call_raw(&self, store: &mut Store<raw::Data>, plugin: &Plugin) -> anyhow::Result<()> {
        let behaviour = plugin.parlor_bot_behaviour();
        let handled = behaviour.call_handle(store, &self.raw_event).await;
        let handled = handled.map_err(|error| anyhow::anyhow!("{error}"))?;
        anyhow::ensure!(black_box(handled).is_ok(), "the guest refuses");
        Ok(())
    }

    async fn call(&self, instance: Box<dyn Instance>) -> anyhow::Result<Option<Box<dyn Instance>>> {
        let called = instance.handle(self.delivery.clone()).await;
        anyhow::ensure!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
        Ok(called.instance)
    }
}

/// A live call through the runtime, in raw calls.
pub(crate) async fn live() -> anyhow::Result<Vec<Row>> {
    let pair = Pair::of("echo").await?;
    let (mut store, plugin) = pair.raw.start().await;
    let mut live = Some(pair.build.instantiate().await?);
    let (mut best_raw, mut best) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            pair.call_raw(&mut store, &plugin).await?;
        }
        best_raw = best_raw.min(each(start, CALLS));
        let start = Instant::now();
        for _ in 0..CALLS {
            let instance = live.take().context("the instance is gone")?;
            live = pair.call(instance).await?;
        }
        best = best.min(each(start, CALLS));
    }
    drop(live);
    pair.engine.shutdown().await;
    note(&format!("live call, raw: {best_raw:.2} us"));
    Ok(vec![Row::ratio("live-call", best, "us", best_raw, 3.0)])
}

/// An instance made for one call and dropped after it, in raw ones.
pub(crate) async fn fresh() -> anyhow::Result<Vec<Row>> {
    let pair = Pair::of("echo").await?;
    let (mut best_raw, mut best) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..FRESH_CALLS {
            let (mut store, plugin) = pair.raw.start().await;
            pair.call_raw(&mut store, &plugin).await?;
        }
        best_raw = best_raw.min(each(start, FRESH_CALLS));
        let start = Instant::now();
        for _ in 0..FRESH_CALLS {
            let instance = pair.build.instantiate().await?;
            drop(pair.call(instance).await?);
        }
        best = best.min(each(start, FRESH_CALLS));
    }
    pair.engine.shutdown().await;
    note(&format!("fresh instance and call, raw: {best_raw:.2} us"));
    Ok(vec![Row::ratio("fresh-call", best, "us", best_raw, 1.5)])
}

/// What each of so many took, in microseconds.
fn each(start: Instant, count: u32) -> f64 {
    start.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}
