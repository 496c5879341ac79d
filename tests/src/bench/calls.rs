//! A call of a live instance through the runtime, beside one through wasmtime alone.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::mailbox::{Read, ReadAnswer};
use parlor_host::model::Name;
use parlor_host::model::delivery::{Delivery, View};
use parlor_host::model::directory::ReadError;
use parlor_host::model::event::Event;
use parlor_host::model::limits::Limits;
use parlor_host::net::HttpGrants;
use parlor_host::runtime::guest::{Build as _, CallEnd};
use parlor_host::runtime::{
    CompilerProgram, DirectoryReads, Engine, PluginBuild, PluginParts, RuntimeConfig, TracingLog,
};
use parlor_tests::guests;

use super::{Row, cache_folder, note};

#[path = "../../../host/benches/runtime/raw.rs"]
mod raw;

/// Calls of a round.
const CALLS: u32 = 20_000;
/// Rounds; the best counts.
const ROUNDS: usize = 5;

/// An event of the local platform: the same as the raw one's.
const EVENT: &str = r#"{"id":"local:room-1:17","sequence":17,"attempt":1,"occurred_at":1790000000000,
"received_at":1790000000001,"bot":{"name":"desk","platform":"local","user_id":"u-bot","display_name":"Desk"},
"conversation":{"id":"room-1","kind":"room","name":"Lobby"},"actor":{"id":"u-1","display_name":"Ann",
"user_name":"ann","email":"ann@example.com","kind":"human","role_here":"member"},"addressing":"ambient",
"depth":0,"trace_id":"0123456789abcdef","payload":{"message":{"id":"m-17","text":"hello there","visibility":"all"}}}"#;

struct NoReads;

#[async_trait]
impl DirectoryReads for NoReads {
    async fn read(
        &self,
        _tenant: &Name,
        _plugin: &Name,
        _event: &Arc<Event>,
        _bot: Option<&str>,
        _read: Read,
    ) -> Result<ReadAnswer, ReadError> {
        Err(ReadError::Unsupported)
    }
}

/// A live call through the runtime, in raw calls.
pub(crate) async fn live() -> anyhow::Result<Vec<Row>> {
    let wasm = guests::bytes("echo");
    let config = RuntimeConfig::new(cache_folder(), CompilerProgram::Thread);
    let engine = Engine::new(config)?;
    let artifact = engine.compile(wasm.clone()).await?;
    let description = Arc::new(engine.describe(&artifact).await?);
    let build = PluginBuild::new(
        &engine,
        PluginParts {
            tenant: "default".into(),
            name: "echo".into(),
            artifact,
            description,
            config: BTreeMap::new(),
            http_grants: HttpGrants::default(),
            limits: Limits::default(),
            journal: Arc::new(MemoryJournal::new()),
            reads: Arc::new(NoReads),
            log: Arc::new(TracingLog),
        },
    );
    let event: Event = serde_json::from_str(EVENT)?;
    let delivery = Delivery {
        number: 1,
        tenant: "default".into(),
        plugin: "echo".into(),
        lane: "room-1".into(),
        event: Arc::new(event),
        view: View::Whole,
        attempt: 1,
    };
    let raw = raw::Raw::new(&wasm);
    let raw_event = raw::event();
    let (mut store, plugin) = raw.start().await;
    let mut live = Some(build.instantiate().await?);
    let (mut best_raw, mut best) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            let behaviour = plugin.parlor_bot_behaviour();
            let handled = behaviour.call_handle(&mut store, &raw_event).await;
            let handled = handled.map_err(|error| anyhow::anyhow!("{error}"))?;
            anyhow::ensure!(black_box(handled).is_ok(), "the guest refuses");
        }
        best_raw = best_raw.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        for _ in 0..CALLS {
            let Some(instance) = live.take() else {
                anyhow::bail!("the instance is gone");
            };
            let called = instance.handle(delivery.clone()).await;
            anyhow::ensure!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
            live = called.instance;
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    drop(live);
    engine.shutdown().await;
    let each = |seconds: f64| seconds * 1e6 / f64::from(CALLS);
    note(&format!("live call, raw: {:.2} us", each(best_raw)));
    let row = Row::ratio("live-call", each(best), "us", each(best_raw), 3.0);
    Ok(vec![row])
}
