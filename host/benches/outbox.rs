//! What a part costs from the outbox to the local platform, and a message of a person there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parlor_host::connectors::local::{Hub, LocalConnector};
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::journal::{NewPart, Part, PartState, Urgency};
use parlor_host::mailbox::rooms::{Command, Rooms as _, Say};
use parlor_host::mailbox::{Connector, Connectors, OutboxHandle as _};
use parlor_host::model::Name;
use parlor_host::model::action::{Action, ActionKind, Fallback, Send, Target};
use parlor_host::model::content::Content;
use parlor_host::model::event::{Addressing, Event, Visibility};
use parlor_host::model::payload::{EventPayload, Lifecycle};
use parlor_host::outbox::{NoOutcomes, Outbox, OutboxConfig};

/// Parts that are given at one time.
const PARTS: u64 = 256;
/// Conversations that they are for.
const ROOMS: usize = 200;
const BOT: &str = "parlor";

/// One bot.
struct OneBot(Arc<LocalConnector>);

impl Connectors for OneBot {
    fn connector(&self, _tenant: &str, bot: &str) -> Option<Arc<dyn Connector>> {
        (bot == BOT).then(|| self.0.clone() as Arc<dyn Connector>)
    }

    fn bots(&self, _tenant: &str) -> Vec<Name> {
        vec![BOT.into()]
    }
}

fn say(conversation: &str, text: &str) -> Command {
    Command::Say(Say {
        conversation: conversation.to_owned(),
        text: text.to_owned(),
        ..Say::default()
    })
}

async fn open_rooms(hub: &Hub) -> Vec<Name> {
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let name = format!("Room {number}");
        let done = hub.act("ann", Command::OpenRoom { name }).await;
        let room = done.expect("a room opens").conversation;
        rooms.push(room.expect("it has an id"));
    }
    rooms
}

fn origin() -> Arc<Event> {
    Arc::new(Event {
        id: "local:1".to_owned(),
        sequence: 1,
        attempt: 1,
        occurred_at: 0,
        received_at: 0,
        bot: None,
        conversation: None,
        actor: None,
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: String::new(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Lifecycle(Lifecycle::Started),
    })
}

fn reply() -> Arc<Action> {
    Arc::new(Action {
        key: None,
        bot: None,
        as_user: None,
        kind: ActionKind::Send(Send {
            target: Target::Reply,
            content: Content::Plain("Hello Ann".to_owned()),
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        }),
    })
}

fn benches(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let people = Hub::in_memory();
    let rooms = runtime.block_on(open_rooms(&people));
    let next = AtomicU64::new(0);
    c.bench_function("message of a person", |b| {
        b.to_async(&runtime).iter(async || {
            let number = next.fetch_add(1, Ordering::Relaxed) as usize;
            let said = people
                .act("ann", say(&rooms[number % ROOMS], "hello"))
                .await;
            said.expect("a message is posted")
        });
    });

    let hub = Hub::in_memory();
    let bot = LocalConnector::new(hub.clone(), "default".into(), BOT, BOT);
    let bot = Arc::new(bot.expect("the name is free"));
    let rooms = runtime.block_on(open_rooms(&hub));
    let entered = runtime.enter();
    let outbox = Outbox::new(
        Arc::new(MemoryJournal::new()),
        Arc::new(OneBot(bot)),
        Arc::new(NoOutcomes),
        OutboxConfig::default(),
    );
    drop(entered);
    let (origin, action) = (origin(), reply());
    let part = |number: u64| Part {
        number,
        tenant: "default".into(),
        plugin: "echo".into(),
        delivery: number,
        origin: origin.clone(),
        what: NewPart {
            bot: BOT.into(),
            conversation: rooms[number as usize % ROOMS].clone(),
            index: 0,
            part: 0,
            urgency: Urgency::Answer,
            action: action.clone(),
            sending: true,
        },
        state: PartState::Sending,
        attempts: 1,
        broadcast: None,
    };
    let next = AtomicU64::new(1);
    let mut group = c.benchmark_group("outbox");
    group.throughput(Throughput::Elements(PARTS));
    group.bench_function("parts to the local platform", |b| {
        b.to_async(&runtime).iter(async || {
            let first = next.fetch_add(PARTS, Ordering::Relaxed);
            outbox.enqueue((first..first + PARTS).map(part).collect());
            while outbox.open_parts() > 0 {
                tokio::task::yield_now().await;
            }
        });
    });
    group.finish();
    runtime.block_on(outbox.stop());
}

criterion_group!(all, benches);
criterion_main!(all);
