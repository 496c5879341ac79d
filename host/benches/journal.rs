//! What the journal costs: criterion for single calls, and with `--throughput [NAME]` a closed loop
//! over whole messages, as the host makes them.
//!
//! `cargo bench --profile dev -p parlor-host --bench journal [-- --throughput]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::Criterion;
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::journal::sqlite::{Durability, SqliteConfig, SqliteJournal};
use parlor_host::journal::{
    Accepted, Arrival, Committed, EventKey, Journal, NewPart, PartUpdate, Sent, StateChange,
    StateDelta, StateKey, StateScope, Turn, Urgency,
};
use parlor_host::model::Name;
use parlor_host::model::action::{Action, ActionKind, Fallback, Send, Target};
use parlor_host::model::content::Content;
use parlor_host::model::delivery::{Route, View};
use parlor_host::model::event::{
    Addressing, Bot, Conversation, ConversationKind, ConversationRole, Event, Message, User,
    UserKind, Visibility,
};
use parlor_host::model::payload::EventPayload;
use tokio::runtime::Runtime;

/// Messages on their way at one time.
const OUTSTANDING: u64 = 256;
/// Conversations they are in.
const LANES: u64 = 200;
/// How long each store runs.
const RUN: Duration = Duration::from_secs(6);
/// What is left out at the start.
const WARM_UP: Duration = Duration::from_secs(1);

fn event(number: u64) -> Event {
    Event {
        id: format!("local/desk/{number}"),
        sequence: 0,
        attempt: 1,
        occurred_at: 1_700_000_000_000 + number,
        received_at: 1_700_000_000_001 + number,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "bot-desk".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: Some(Conversation {
            id: format!("room-{}", number % LANES),
            kind: ConversationKind::Room,
            name: Some("A room".to_owned()),
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(User {
            id: "user-ann".to_owned(),
            display_name: "Ann".to_owned(),
            user_name: Some("ann".to_owned()),
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
        trace_id: format!("{number:016x}"),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(Message::of_text(
            &format!("message-{number}"),
            "hello, is anybody there?",
        )),
    }
}

/// What every message shares.
struct Common {
    tenant: Name,
    plugin: Name,
    bot: Name,
    lanes: Vec<Name>,
    action: Arc<Action>,
}

impl Common {
    fn new() -> Self {
        let send = Send {
            target: Target::Reply,
            content: Content::Plain("Hello Ann".to_owned()),
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        };
        Self {
            tenant: Name::from("default"),
            plugin: Name::from("echo"),
            bot: Name::from("desk"),
            lanes: (0..LANES)
                .map(|lane| Name::from(format!("room-{lane}")))
                .collect(),
            action: Arc::new(Action {
                key: None,
                bot: None,
                as_user: None,
                kind: ActionKind::Send(send),
            }),
        }
    }

    fn lane(&self, number: u64) -> Name {
        Arc::clone(&self.lanes[(number % LANES) as usize])
    }

    fn arrival(&self, number: u64) -> Arrival {
        let event = event(number);
        Arrival {
            tenant: Arc::clone(&self.tenant),
            key: EventKey::new(&["local", "desk", &event.id]),
            event: Arc::new(event),
            lane: self.lane(number),
            routes: Some(vec![Route {
                plugin: Arc::clone(&self.plugin),
                view: View::Whole,
                roles: Vec::new(),
            }]),
            timer: None,
            request: None,
            forms: Vec::new(),
        }
    }

    fn key(&self, number: u64) -> StateKey {
        StateKey {
            scope: StateScope {
                tenant: Arc::clone(&self.tenant),
                plugin: Arc::clone(&self.plugin),
                scope: Name::from(format!("croom-{}", number % LANES)),
            },
            key: "last".to_owned(),
        }
    }
}

/// One message from its arrival to its answer: three commands, two of them awaited on disk.
async fn message(journal: &dyn Journal, common: &Common, number: u64, with_state: bool) {
    let accepted = journal
        .accept(common.arrival(number))
        .await
        .expect("ordered");
    let Accepted::New { mut deliveries, .. } = accepted.value else {
        panic!("duplicate");
    };
    let delivery = deliveries.remove(0);
    let mut state = StateDelta::default();
    if with_state {
        let key = common.key(number);
        let (_, version) = journal.state_get(&key).await.expect("read");
        state.reads.push((key.clone(), version));
        let change = StateChange::Set(number.to_string().into_bytes(), None);
        state.writes.push((key, change));
    }
    let turn = Turn {
        delivery: delivery.number,
        tenant: delivery.tenant,
        plugin: delivery.plugin,
        number: delivery.event.sequence,
        event: delivery.event,
        state,
        parts: vec![NewPart {
            bot: Arc::clone(&common.bot),
            conversation: common.lane(number),
            index: 0,
            part: 0,
            urgency: Urgency::Answer,
            action: Arc::clone(&common.action),
            sending: true,
        }],
        broadcasts: Vec::new(),
        timers: Vec::new(),
        requests: Vec::new(),
        took_us: 12,
    };
    let committed = journal.commit(turn).await.expect("ordered");
    committed.durable.wait().await.expect("on disk");
    // With state, two messages of a lane may be on their way at once here; a host has one.
    let Committed::Done(parts) = committed.value else {
        return;
    };
    accepted.durable.wait().await.expect("on disk");
    let sent = PartUpdate::Sent {
        part: parts[0].number,
        sent: Sent {
            message: Some(format!("answer-{number}")),
            ..Sent::default()
        },
        forms: Vec::new(),
        key: None,
        how: None,
        joins: 0,
    };
    journal.record(vec![sent]).await.expect("ordered");
}

/// Processor time of this process, of all threads or of the writer's.
fn processor_time(thread: Option<&str>) -> Duration {
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let mut ticks = 0;
    for task in tasks.flatten() {
        let name = read(task.path().join("comm"));
        if thread.is_some_and(|thread| name.trim() != thread) {
            continue;
        }
        let stat = read(task.path().join("stat"));
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let field = |at: usize| {
            let text = fields.get(at).copied().unwrap_or_default();
            text.parse::<u64>().unwrap_or(0)
        };
        ticks += field(11) + field(12);
    }
    Duration::from_millis(ticks * 10)
}

fn throughput(name: &str, runtime: &Runtime, journal: &Arc<dyn Journal>, with_state: bool) {
    let common = Arc::new(Common::new());
    let done = Arc::new(AtomicU64::new(0));
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let workers: Vec<_> = (0..OUTSTANDING)
        .map(|_| {
            let (journal, common) = (Arc::clone(journal), Arc::clone(&common));
            let (done, next) = (Arc::clone(&done), Arc::clone(&next));
            runtime.spawn(async move {
                let mut times = Vec::new();
                while started.elapsed() < RUN {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    message(&*journal, &common, number, with_state).await;
                    done.fetch_add(1, Ordering::Relaxed);
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    pause(WARM_UP);
    let (from, begun) = (done.load(Ordering::Relaxed), Instant::now());
    let (all, writer) = (processor_time(None), processor_time(Some("journal")));
    pause(RUN - WARM_UP - Duration::from_millis(200));
    let messages = done.load(Ordering::Relaxed) - from;
    let elapsed = begun.elapsed();
    let all = processor_time(None) - all;
    let writer = processor_time(Some("journal")) - writer;
    let mut times: Vec<Duration> = workers
        .into_iter()
        .flat_map(|worker| runtime.block_on(worker).expect("no panic"))
        .collect();
    times.sort_unstable();
    let per_message = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
    println!(
        "{name:<24} {:>9.0} messages/s   p50 {:>6.2} ms   p99 {:>6.2} ms   processor {:>5.1} us a message, writer {:>5.1}",
        messages as f64 / elapsed.as_secs_f64(),
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 99 / 100].as_secs_f64() * 1e3,
        per_message(all),
        per_message(writer),
    );
}

/// A store to measure, with its folder where it has one.
type Store = (&'static str, Arc<dyn Journal>, Option<tempfile::TempDir>);

fn sqlite(name: &'static str, durability: Durability) -> Store {
    // Beside the build, which is on a disk; a temporary folder may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let config = SqliteConfig {
        durability,
        ..SqliteConfig::default()
    };
    let journal = SqliteJournal::open(folder.path(), config).expect("opened");
    (name, Arc::new(journal), Some(folder))
}

fn stores() -> Vec<Store> {
    vec![
        ("memory", Arc::new(MemoryJournal::new()), None),
        sqlite("sqlite, process", Durability::Process),
        sqlite("sqlite, power", Durability::Power),
    ]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--throughput") {
        let is_wanted = |name: &str| {
            let mut names = arguments
                .iter()
                .filter(|argument| !argument.starts_with('-'));
            let first = names.next();
            first.is_none_or(|wanted| name.contains(wanted.as_str()))
        };
        for with_state in [false, true] {
            for (name, journal, folder) in stores().into_iter().filter(|store| is_wanted(store.0)) {
                let name = if with_state {
                    format!("{name}, state")
                } else {
                    name.to_owned()
                };
                throughput(&name, &runtime, &journal, with_state);
                runtime.block_on(journal.close()).expect("closed");
                drop(folder);
            }
        }
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let common = Common::new();
    for (name, journal, folder) in stores() {
        let mut group = criterion.benchmark_group(name);
        let next = AtomicU64::new(0);
        let call = async || {
            let number = next.fetch_add(1, Ordering::Relaxed);
            message(&*journal, &common, number, false).await;
        };
        group.bench_function("message, alone", |bench| {
            bench.to_async(&runtime).iter(call);
        });
        group.bench_function("state_get, cached", |bench| {
            let key = common.key(0);
            bench
                .to_async(&runtime)
                .iter(|| async { journal.state_get(&key).await.expect("read") });
        });
        group.finish();
        runtime.block_on(journal.close()).expect("closed");
        drop(folder);
    }
    criterion.final_summary();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the bench measures over a span of time"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
