//! The storm over a bot on LiveChat: its host is killed again and again while calls fail in every way,
//! tokens end and webhooks come twice. The platform lives on, and its own record tells afterwards that
//! each message was answered, and once: what nobody took is read back, and what may have been said is
//! looked for by its name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::process::HostProcess;
use parlor_tests::random::Random;
use parlor_tests::sim::livechat::{
    ACCOUNT, CLIENT_ID, LiveChat, LiveChatOptions, ORGANIZATION, PAT, error,
};
use parlor_tests::sim::{Dice, Fault};

const KILLS: u64 = 6;
const CHATS: u64 = 12;
/// What is said in one life, and while nobody listens.
const SAID: u64 = 60;
const SAID_WHILE_DEAD: u64 = 8;
/// Of so many sends, and of so many other calls, one fails.
const SENDS: u64 = 12;
const OTHERS: u64 = 25;
/// In this time a host that has nothing to say says what it has.
const SILENCE: Duration = Duration::from_secs(3);

/// How often calls failed.
#[derive(Default)]
struct Counts {
    in_doubt: AtomicU64,
    refused: AtomicU64,
    others: AtomicU64,
}

fn dice(seed: u64, counts: Arc<Counts>) -> Dice {
    let mut random = Random::new(seed);
    Box::new(move |method, path| {
        if method != "POST" {
            return None;
        }
        if path.ends_with("/send_event") {
            if !random.one_in(SENDS) {
                return None;
            }
            let kind = random.between(0, 8);
            let count = if kind < 2 {
                &counts.refused
            } else {
                &counts.in_doubt
            };
            count.fetch_add(1, Ordering::Relaxed);
            return Some(match kind {
                0 | 1 => error("", "too_many_requests").header("retry-after", "1"),
                2 => Fault::default().drop(),
                3 => Fault::default().drop().performed(),
                4 => error("", "internal"),
                5 => error("", "request_timeout").performed(),
                6 => Fault::default().html(502).performed(),
                _ => Fault::default().truncate(3),
            });
        }
        let is_other = path.ends_with("/get_chat")
            || path.ends_with("/list_chats")
            || path.ends_with("/list_threads")
            || path.ends_with("/add_user_to_chat")
            || path.ends_with("/issue_bot_token");
        if !is_other || !random.one_in(OTHERS) {
            return None;
        }
        counts.others.fetch_add(1, Ordering::Relaxed);
        Some(match random.between(0, 4) {
            0 => Fault::default().drop(),
            1 => error("", "internal").performed(),
            2 => Fault::default().html(503),
            _ => error("", "service_unavailable"),
        })
    })
}

fn settings(sim: &LiveChat, folder: &Path) -> String {
    let base = sim.base_url();
    format!(
        r#"
data = "data"
plugins = "plugins"

[http]
listen = "127.0.0.1:0"

[local]
listen = "127.0.0.1:0"

[outbox]
doubt-wait = "300ms"

[log]
level = "warn"

[[bot]]
name = "desk"
platform = "livechat"
client-id = "{CLIENT_ID}"
account-id = "{ACCOUNT}"
personal-token = "file:{}"
organization-id = "{ORGANIZATION}"
api = "{base}"
accounts = "{base}"
messages-per-minute = 600000
conversation-messages-per-minute = 600000
"#,
        folder.join("pat").display()
    )
}

/// People who talk.
struct Crowd {
    random: Random,
    said: BTreeMap<u64, u64>,
}

impl Crowd {
    fn talk(&mut self, sim: &LiveChat, times: u64) {
        for _ in 0..times {
            let chat = self.random.between(0, CHATS);
            let next = self.said.entry(chat).or_default();
            sim.say(&format!("c{chat}"), "ann", &format!("/echo {chat}.{next}"));
            *next += 1;
        }
    }

    fn total(&self) -> usize {
        self.said
            .values()
            .map(|count| usize::try_from(*count).unwrap_or(0))
            .sum()
    }
}

/// What the bot answered, as it stands in the chats.
fn answers(sim: &LiveChat) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for chat in 0..CHATS {
        for (_, text) in sim.transcript(&format!("c{chat}")) {
            if text.starts_with(&format!("{chat}.")) {
                *answers.entry(text).or_default() += 1;
            }
        }
    }
    answers
}

fn start(folder: &Path) -> HostProcess {
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-storm"));
    let host = HostProcess::start_with(program, &["--host", ".", "--calm"], folder);
    host.expect("a host")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_a_licence_that_fails_in_every_way_loses_nothing_and_says_nothing_twice() {
    let sim = LiveChat::start(LiveChatOptions::default())
        .await
        .expect("a platform");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pat"), PAT).expect("it is written");
    let text = settings(&sim, folder.path());
    std::fs::write(folder.path().join("parlor.toml"), text).expect("it is written");
    std::fs::create_dir(folder.path().join("plugins")).expect("a folder");
    let plugin = folder.path().join("plugins/echo.wasm");
    std::fs::write(plugin, guests::bytes("echo")).expect("it is written");
    let mut random = Random::new(7);
    let mut crowd = Crowd {
        random: Random::new(11),
        said: BTreeMap::new(),
    };
    let counts: Arc<Counts> = Arc::default();

    // What is said before the bot comes for the first time is not for it.
    let mut host = start(folder.path());
    host.page().await.expect("it serves");
    let ready = sim.request_like(0, PATIENCE, |it| it.path.ends_with("/list_chats"));
    assert!(ready.await.is_some(), "the bot comes");
    host.kill().await.expect("it is killed");
    sim.fault_by(dice(5, Arc::clone(&counts)));
    for kill in 0..KILLS {
        crowd.talk(&sim, SAID_WHILE_DEAD);
        let mut host = start(folder.path());
        host.page().await.expect("it serves");
        let wanted = crowd.total() / 2;
        let heard = sim
            .until(PATIENCE, |sim| answers(sim).len() >= wanted)
            .await;
        assert!(
            heard,
            "kill {kill}: {:?} of {}",
            answers(&sim).len(),
            crowd.total()
        );
        for _ in 0..SAID {
            crowd.talk(&sim, 1);
            if random.one_in(20) {
                sim.fault(Fault::default().duplicate());
            }
            if random.one_in(40) {
                sim.fault(Fault::default().expire_tokens());
            }
            tokio::time::sleep(Duration::from_millis(random.between(0, 12))).await;
        }
        host.kill().await.expect("it is killed");
    }
    crowd.talk(&sim, SAID_WHILE_DEAD);
    let mut host = start(folder.path());
    host.page().await.expect("it serves");
    let all = crowd.total();
    let done = sim
        .until(PATIENCE * 3, |sim| answers(sim).len() >= all)
        .await;
    let found = answers(&sim);
    let lost: Vec<String> = crowd
        .said
        .iter()
        .flat_map(|(chat, count)| (0..*count).map(move |number| format!("{chat}.{number}")))
        .filter(|text| !found.contains_key(text))
        .collect();
    assert!(
        done && lost.is_empty(),
        "lost {} of {all}: {lost:?}",
        lost.len()
    );
    // What is answered may be answered once too often a little later.
    sim.sent_like(sim.sent_count(), SILENCE, |_| false).await;
    let twice: Vec<(String, usize)> = answers(&sim)
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .collect();
    assert!(twice.is_empty(), "said more than once: {twice:?}");
    let status = host.stop().await.expect("it stops");
    assert!(status.success(), "{status}");
    for (what, count) in [
        ("in doubt", &counts.in_doubt),
        ("refused", &counts.refused),
        ("others", &counts.others),
    ] {
        assert!(count.load(Ordering::Relaxed) > 0, "{what} never came");
    }
}
