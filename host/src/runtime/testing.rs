//! What the runtime's tests share: an engine, guests, deliveries, a journal of one map.

pub(super) mod guest;
mod journal;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;

pub(super) use guest::Guest;
pub(super) use journal::TestJournal;

use super::guest::{Build as _, CallEnd, Called, Fault, Instance};
use super::{
    Artifact, CompilerProgram, Engine, LogLine, LogSink, NoReads, PluginBuild, PluginParts,
    RuntimeConfig,
};
use crate::model::config::ConfigValue;
use crate::model::delivery::{Delivery, View};
use crate::model::directory::ReadError;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, ConversationRole, Event, Message, User,
    UserKind,
};
use crate::model::limits::Limits;
use crate::model::payload::EventPayload;
use crate::net::HttpGrants;

/// An engine of a test, with its own cache.
pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) cache: TempDir,
    pub(super) journal: Arc<TestJournal>,
    pub(super) log: Arc<KeptLog>,
}

/// Lines of plugins.
#[derive(Default)]
pub(super) struct KeptLog(pub(super) Mutex<Vec<LogLine>>);

impl LogSink for KeptLog {
    fn write(&self, line: LogLine) {
        self.0.lock().push(line);
    }
}

impl KeptLog {
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.lock().iter().map(|line| line.text.clone()).collect()
    }
}

/// Settings of a test: few slots, so that engines are made quickly.
pub(super) fn config(cache: &TempDir) -> RuntimeConfig {
    RuntimeConfig {
        instances: 20,
        slow_threads: 2,
        ..RuntimeConfig::new(cache.path().join("cache"), CompilerProgram::Thread)
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        let cache = tempfile::tempdir().expect("a folder");
        let config = config(&cache);
        Self::with(cache, config)
    }

    pub(super) fn with(cache: TempDir, config: RuntimeConfig) -> Self {
        Self {
            engine: Engine::new(config).expect("an engine"),
            cache,
            journal: Arc::default(),
            log: Arc::default(),
        }
    }

    pub(super) async fn artifact(&self, guest: &Guest<'_>) -> Arc<Artifact> {
        let compiled = self.engine.compile(guest.component()).await;
        compiled.expect("compiles")
    }

    pub(super) async fn build(
        &self,
        guest: &Guest<'_>,
        change: impl FnOnce(&mut PluginParts),
    ) -> PluginBuild {
        let artifact = self.artifact(guest).await;
        let description = self
            .engine
            .describe(&artifact, Limits::DEFAULT.memory_bytes)
            .await
            .expect("describes");
        let mut parts = PluginParts {
            tenant: "default".into(),
            name: "guest".into(),
            artifact,
            description: Arc::new(description),
            config: BTreeMap::from([("greeting".to_owned(), ConfigValue::Text("hi".to_owned()))]),
            http_grants: HttpGrants::default(),
            limits: Limits::default(),
            journal: self.journal.clone(),
            reads: Arc::new(NoReads(ReadError::Unsupported)),
            log: self.log.clone(),
        };
        change(&mut parts);
        PluginBuild::new(&self.engine, parts)
    }

    /// Calls a fresh instance once.
    pub(super) async fn call(
        &self,
        guest: &Guest<'_>,
        change: impl FnOnce(&mut PluginParts),
    ) -> Called {
        let build = self.build(guest, change).await;
        let instance = build.instantiate().await.expect("starts");
        instance.handle(delivery("hello")).await
    }

    /// Calls a fresh instance that must fail.
    pub(super) async fn fault(
        &self,
        guest: &Guest<'_>,
        change: impl FnOnce(&mut PluginParts),
    ) -> Fault {
        let build = self.build(guest, change).await;
        let instance = match build.instantiate().await {
            Ok(instance) => instance,
            Err(fault) => return fault,
        };
        let called = instance.handle(delivery("hello")).await;
        assert!(
            called.instance.is_none(),
            "a failed instance is never used again"
        );
        match called.end {
            CallEnd::Fault(fault) => fault,
            end => panic!("{end:?}"),
        }
    }
}

/// Asserts that a call ended well and gives its instance back.
pub(super) fn live(called: Called) -> Box<dyn Instance> {
    assert!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
    called.instance.expect("still alive")
}

/// A delivery of a message.
pub(super) fn delivery(text: &str) -> Delivery {
    Delivery {
        number: 1,
        tenant: "default".into(),
        plugin: "guest".into(),
        lane: "room-1".into(),
        event: Arc::new(event(text)),
        view: View::Whole,
        attempt: 1,
        put_back: None,
    }
}

fn event(text: &str) -> Event {
    Event {
        id: "event-1".to_owned(),
        sequence: 1,
        attempt: 1,
        occurred_at: 1,
        received_at: 2,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "u-bot".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: Some(Conversation {
            id: "room-1".to_owned(),
            kind: ConversationKind::Room,
            name: Some("Lobby".to_owned()),
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(User {
            id: "u-1".to_owned(),
            display_name: "Ann".to_owned(),
            user_name: None,
            first_name: None,
            last_name: None,
            email: None,
            time_zone: None,
            locale: None,
            kind: UserKind::Human,
            role_here: ConversationRole::Member,
            roles: Vec::new(),
        }),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "trace".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(Message::of_text("m-1", text)),
    }
}
