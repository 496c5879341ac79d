//! What conversations feel of ten plugins that hang, each in a way of its own, at one time.

use std::time::Duration;

use anyhow::ensure;
use parlor_host::runtime::lanes::{PluginState, PluginStatus};
use parlor_tests::guests;
use parlor_tests::harness::TestHost;

use super::load::{Crowd, middle};
use super::waiting::p99;
use super::{Row, note};

/// Guests that hang, and what makes them.
const HUNG: [(&str, &str); 10] = [
    ("loop", "loop"),
    ("host-loop", "log"),
    ("sleep", "sleep"),
    ("recursion", "recurse"),
    ("memory", "grow"),
    ("pollables", "forever"),
    ("log-flood", "flood"),
    ("state-flood", "flood"),
    ("stdout-flood", "stdout"),
    ("handles", "leak"),
];
/// One call of each hangs at a time, and others of it wait behind that: it hangs without a pause.
const SETTINGS: &str = "limits = { instances = 1 }";
/// Conversations of the neighbour.
const OTHERS: usize = 50;
/// How often each of the ten is called once more.
const AGAIN: Duration = Duration::from_millis(100);
/// So many times it is called in the first room, and then in another each time. A delivery is given up after 2.6 s
/// at the earliest: in these three seconds that happens in the first room alone, and no plugin comes into
/// quarantine, where it would not hang any more.
const FIRST: usize = 5;
/// Rooms in which each is called.
const ROOMS: usize = 26;
/// Calls that each has ended at least, where none is under way at the end.
const CALLS: u64 = 10;
/// Rounds, each with and without hung ones; the middle one counts.
const ROUNDS: usize = 3;

/// The p99 of a neighbour's fifty conversations while ten plugins hang, in those while none does.
pub(crate) async fn neighbours() -> anyhow::Result<Vec<Row>> {
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // A new host each time: in the one before they are in quarantine.
        let host = TestHost::with(&["echo"]).await;
        let round = round(&host).await;
        host.stop().await;
        let (alone, beside) = round?;
        note(&format!(
            "p99 of {OTHERS} conversations: {alone:.2} ms alone, {beside:.2} ms while {} plugins hang",
            HUNG.len()
        ));
        idle.push(alone);
        busy.push(beside);
    }
    let (idle, busy) = (middle(&mut idle), middle(&mut busy));
    Ok(vec![Row::ratio(
        "neighbours-of-hung-p99",
        busy,
        "ms",
        idle,
        2.0,
    )])
}

async fn round(host: &TestHost) -> anyhow::Result<(f64, f64)> {
    for (guest, _) in HUNG {
        host.load(guest, guests::bytes(guest), Some(SETTINGS)).await;
        if let Some(error) = host.row(guest).last_error {
            anyhow::bail!("{guest} is refused: {error}");
        }
    }
    let mut places = Vec::new();
    for (guest, text) in HUNG {
        let mut rooms = Vec::new();
        for room in 0..ROOMS {
            rooms.push(host.room(guest, &format!("{room} of {guest}")).await);
        }
        places.push((guest, rooms, text));
    }
    let mut crowd = Crowd::gather(host, OTHERS).await?;
    // The first one warms everything up.
    (crowd, _) = p99(crowd).await?;
    let alone;
    (crowd, alone) = p99(crowd).await?;
    let before = calls(host);
    let hang = async {
        for turn in 0.. {
            let room = usize::saturating_sub(turn, FIRST).min(ROOMS - 1);
            for (user, rooms, text) in &places {
                host.say(user, &rooms[room], text).await;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    let beside = tokio::select! {
        () = hang => anyhow::bail!("nobody hangs any more"),
        beside = p99(crowd) => beside?.1,
    };
    still_hang(host, &before)?;
    Ok((alone, beside))
}

/// How the plugins that hang do, in the order of [`HUNG`].
fn hung(host: &TestHost) -> Vec<PluginStatus> {
    let all = host.host().lanes().status();
    let found = HUNG.map(|(guest, _)| all.iter().find(|plugin| *plugin.name == *guest));
    found.into_iter().flatten().cloned().collect()
}

/// How many calls of each have ended.
fn calls(host: &TestHost) -> Vec<u64> {
    let plugins = hung(host);
    plugins.iter().map(|it| it.latency.iter().sum()).collect()
}

/// Checks that each of them was called all the time and is called still.
fn still_hang(host: &TestHost, before: &[u64]) -> anyhow::Result<()> {
    let plugins = hung(host);
    ensure!(plugins.len() == HUNG.len(), "some are gone: {plugins:?}");
    for ((plugin, now), before) in plugins.iter().zip(calls(host)).zip(before) {
        let (name, ended, running) = (&plugin.name, now - before, plugin.running);
        note(&format!("{name}: {ended} calls, {running} under way"));
        ensure!(
            plugin.state == PluginState::Serving,
            "{name} hangs no more: {:?}, {:?}",
            plugin.state,
            plugin.held_by
        );
        ensure!(ended >= CALLS || running > 0, "{name} does not hang");
    }
    Ok(())
}
