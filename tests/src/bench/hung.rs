//! What conversations feel of ten plugins that hang, each in a way of its own, at one time.

use std::time::Duration;

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
/// Conversations of the neighbour.
const OTHERS: usize = 50;
/// How often each of the ten is called once more.
const AGAIN: Duration = Duration::from_millis(100);
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
        host.load(guest, guests::bytes(guest), None).await;
        if let Some(error) = host.row(guest).last_error {
            anyhow::bail!("{guest} is refused: {error}");
        }
    }
    let mut rooms = Vec::new();
    for (guest, text) in HUNG {
        let room = host.room(guest, &format!("of {guest}")).await;
        rooms.push((guest, room, text));
    }
    let mut crowd = Crowd::gather(host, OTHERS).await?;
    // The first one warms everything up.
    (crowd, _) = p99(crowd).await?;
    let alone;
    (crowd, alone) = p99(crowd).await?;
    let hang = async {
        loop {
            for (user, room, text) in &rooms {
                host.say(user, room, text).await;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = hang => anyhow::bail!("nobody hangs any more"),
        beside = p99(crowd) => Ok((alone, beside?.1)),
    }
}
