//! A host that is killed again and again while people talk to it: what it took is answered once.

#[path = "kill/talker.rs"]
mod talker;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::process::{HostProcess, PageSocket};
use serde_json::json;
use talker::{Progress, Talker, audit};
use tokio::task::JoinSet;

/// Times that the host is killed while messages flow.
const KILLS: usize = 20;
/// People, each in a room of its own.
const TALKERS: usize = 6;
/// Acknowledged messages after which a host is killed, at least and at most.
const MESSAGES: (u64, u64) = (20, 300);
/// How much later than that, at most, in microseconds: a few commits to the disk.
const LATER_US: u64 = 5_000;
/// Of so many starts one is cut short.
const CUT_SHORT: u64 = 4;
/// After how long, at most, in milliseconds.
const START_MS: u64 = 600;

const SETTINGS: &str = r#"
data = "data"
plugins = "plugins"

[local]
listen = "127.0.0.1:0"

[log]
level = "warn"

[[bot]]
name = "parlor"
platform = "local"
"#;

/// The `parlor` command, built from its own source as part of these tests.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_parlor-under-test"))
}

/// Numbers that look random and are the same in every run: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.next() % (most - least)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_leave_no_accepted_message_unanswered_and_none_answered_twice()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("parlor.toml"), SETTINGS)?;
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins)?;
    for plugin in ["echo", "counter"] {
        std::fs::write(
            plugins.join(format!("{plugin}.wasm")),
            guests::bytes(plugin),
        )?;
    }
    let mut random = Random(20);
    let mut talkers: Vec<Talker> = (0..TALKERS).map(Talker::new).collect();
    for kill in 0..KILLS {
        if random.next().is_multiple_of(CUT_SHORT) {
            let host = HostProcess::start(program(), folder.path())?;
            tokio::time::sleep(Duration::from_millis(random.between((0, START_MS)))).await;
            host.kill().await?;
        }
        let round = kill_while_talking(folder.path(), talkers, &mut random).await;
        talkers = round.with_context(|| format!("kill {kill}"))?;
    }

    let mut host = HostProcess::start(program(), folder.path())?;
    let url = host.page().await?;
    for talker in &mut talkers {
        talker.wait_for_answers(&url).await?;
    }
    let additions = audit(&talkers);
    assert!(additions > 0, "nothing was counted");
    let total = total(&url, &talkers[0]).await?;
    assert_eq!(total, additions.to_string(), "the counter's own sum");
    let status = host.stop().await?;
    assert!(status.success(), "{status}");
    check_nothing_is_left(folder.path())?;

    // Nor is anything said twice after that.
    let mut host = HostProcess::start(program(), folder.path())?;
    let url = host.page().await?;
    talkers[0].allow_total();
    for talker in &mut talkers {
        talker.wait_for_answers(&url).await?;
    }
    assert_eq!(audit(&talkers), additions);
    assert!(host.stop().await?.success());
    Ok(())
}

/// Starts the host, lets everybody talk, and kills it in the middle.
async fn kill_while_talking(
    folder: &Path,
    talkers: Vec<Talker>,
    random: &mut Random,
) -> anyhow::Result<Vec<Talker>> {
    let mut host = HostProcess::start(program(), folder)?;
    let url = host.page().await?;
    let progress = Arc::new(Progress::new(random.between(MESSAGES)));
    let mut talking = JoinSet::new();
    for talker in talkers {
        talking.spawn(talker.talk(url.clone(), progress.clone()));
    }
    tokio::select! {
        reached = tokio::time::timeout(PATIENCE, progress.reached()) => {
            reached.context("too few messages are acknowledged")?;
        }
        Some(ended) = talking.join_next() => {
            ended??;
            anyhow::bail!("a connection ended before the host was killed");
        }
    }
    tokio::time::sleep(Duration::from_micros(random.between((0, LATER_US)))).await;
    host.kill().await?;
    let mut talkers: Vec<Talker> = Vec::new();
    while let Some(talker) = talking.join_next().await {
        talkers.push(talker??);
    }
    talkers.sort_by_key(Talker::number);
    Ok(talkers)
}

/// What the counter says itself.
async fn total(url: &str, talker: &Talker) -> anyhow::Result<String> {
    let mut page = PageSocket::open(url).await?;
    page.speak_as(talker.user()).await?;
    let say = json!({ "say": { "conversation": talker.room()?, "text": "total" } });
    page.ask(0, say).await?;
    while let Some(frame) = page.next().await? {
        let posted = &frame["event"]["change"]["posted"];
        if posted["author"] == "parlor" && posted["conversation"] == talker.room()? {
            let text = posted["text"].as_str().context("an answer without text")?;
            return Ok(text.to_owned());
        }
    }
    anyhow::bail!("the host ended")
}

/// Looks into the journal at rest: nothing waits, nothing failed.
fn check_nothing_is_left(folder: &Path) -> anyhow::Result<()> {
    let journal = folder.join("data").join("journal.sqlite");
    let journal = rusqlite::Connection::open(journal)?;
    for wrong in [
        "SELECT count(*) FROM events WHERE unrouted IS NOT NULL",
        "SELECT count(*) FROM deliveries WHERE ended IS NOT 'done'",
        "SELECT count(*) FROM parts WHERE state <> 'sent'",
    ] {
        let count: u64 = journal.query_row(wrong, [], |row| row.get(0))?;
        ensure!(count == 0, "{count} rows: {wrong}");
    }
    Ok(())
}
