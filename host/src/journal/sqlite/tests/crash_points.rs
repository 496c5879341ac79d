//! Every point at which a commit can be cut off: after each thing that SQLite does to the disk, in
//! the middle of each write, and with what was never synced lost in several ways. Each leaves a
//! journal in which every step is whole or was never taken, and none is lost that was acknowledged.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;
use tempfile::TempDir;

use super::machine::Recorded;
use super::tape::{Left, kept};
use crate::journal::conformance::make::arrival;
use crate::journal::conformance::model::Model;
use crate::journal::conformance::model::machine::Machine;
use crate::journal::conformance::model::seen::Seen;
use crate::journal::conformance::model::steps::{Change, End, In, Life, Mark, Plan, Step};
use crate::journal::sqlite::read::named_files;
use crate::journal::sqlite::{Durability, JOURNAL_FILE};
use crate::journal::{Accepted, Arrival, EventKey, Journal as _};

/// Keys of events that the script uses, and some that it does not.
const KEYS: usize = 16;

/// What happens to the journal.
enum Scene {
    Step(Step),
    /// Steps of which each is taken before the one before it is on disk.
    Together(Vec<Step>),
    /// The log goes over into the database.
    Checkpoint(&'static str),
}

/// A step that was taken.
struct Moment {
    /// What had been done to the disk when it began.
    begun: usize,
    /// … and when it was acknowledged.
    acknowledged: usize,
    after: Model,
}

fn accept(key: usize, user: &'static str, plugins: &[&'static str]) -> In {
    In {
        key,
        user,
        lane: "room-0",
        plugins: plugins.to_vec(),
        is_routed: !plugins.is_empty(),
    }
}

/// Everything that a turn can hold.
fn whole() -> Plan {
    Plan {
        uses_looks: false,
        state: vec![
            ("p", "a", Change::Add(7)),
            ("uu0", "b", Change::Set(3, Life::Lasting)),
            ("p", "cc", Change::Set(4, Life::Soon)),
        ],
        parts: 2,
        sending: true,
        file: Some(1),
        broadcast: Some((2, 2)),
        timers: vec![("t0", Some(3)), ("t1", Some(4))],
        requests: 1,
    }
}

fn small(value: u8) -> Plan {
    Plan {
        state: vec![("p", "a", Change::Set(value, Life::Lasting))],
        parts: 1,
        file: Some(value),
        broadcast: None,
        timers: vec![("t1", None)],
        requests: 0,
        ..whole()
    }
}

fn script() -> Vec<Scene> {
    let steps = [
        Step::Accept(vec![
            accept(0, "u0", &["joke", "poll"]),
            accept(1, "u1", &["joke"]),
        ]),
        Step::Commit(0, whole()),
        Step::Accept(vec![accept(0, "u0", &["joke"]), accept(2, "u1", &[])]),
        Step::Route(0, vec!["joke"]),
        Step::End(0, End::Again(2)),
        Step::End(0, End::Failed),
        Step::End(0, End::Refused),
        Step::PutBack(0),
        Step::Record(vec![(0, Mark::Sent(Some("n0"), 1)), (1, Mark::Sending)]),
        Step::Expand(0, 2),
        Step::Record(vec![(1, Mark::Failed), (2, Mark::Skipped)]),
        Step::Fire(0, Some(5), false),
        Step::Fire(1, None, false),
        Step::MarkRequest(0, true),
        Step::Answer(0),
        Step::Park("joke", true),
        Step::HostValue(1),
    ];
    let more = |key: usize| {
        vec![
            Step::Accept(vec![accept(key, "u0", &["poll"])]),
            Step::Commit(0, small(u8::try_from(key).unwrap_or_default())),
            Step::Accept(vec![accept(key + 1, "u1", &["joke"])]),
            Step::Accept(vec![accept(key + 1, "u1", &["poll"])]),
            Step::HostValue(9),
        ]
    };
    let mut scenes: Vec<Scene> = steps.into_iter().map(Scene::Step).collect();
    scenes.push(Scene::Together(more(3)));
    // The log begins anew, over what it held before.
    scenes.push(Scene::Checkpoint("PASSIVE"));
    scenes.extend(more(5).into_iter().map(Scene::Step));
    // … and from nothing.
    scenes.push(Scene::Checkpoint("TRUNCATE"));
    scenes.push(Scene::Together(more(7)));
    scenes
}

/// Plays the script; what was done, and the moments.
async fn play(durability: Durability) -> (Recorded, Vec<Moment>) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Recorded::open(folder, durability);
    let mut machine = Machine::new(true);
    let mut moments = Vec::new();
    for scene in script() {
        let steps = match scene {
            Scene::Step(step) => vec![step],
            Scene::Together(steps) => steps,
            Scene::Checkpoint(how) => {
                let beside = Connection::open(store.folder.path().join(JOURNAL_FILE));
                let sql = format!("PRAGMA wal_checkpoint({how})");
                let busy = beside
                    .expect("opened")
                    .query_row(&sql, [], |row| row.get(0));
                assert_eq!(busy, Ok(0), "nobody is in its way");
                continue;
            }
        };
        let mut durable = Vec::new();
        for step in &steps {
            let begun = store.tape.len();
            let answer = machine.perform(&store.journal, step).await;
            machine
                .follow(step, &answer.said)
                .expect("as the model says");
            durable.push(answer.durable);
            moments.push(Moment {
                begun,
                acknowledged: 0,
                after: machine.model.clone(),
            });
        }
        let first = moments.len() - steps.len();
        for (moment, durable) in moments[first..].iter_mut().zip(durable) {
            durable.wait().await.expect("on disk");
            moment.acknowledged = store.tape.len();
        }
        machine
            .look(&store.journal)
            .await
            .expect("as the model shows");
    }
    (store, moments)
}

/// Opens what a crash left, and tells which of the models it is. Then it goes on: what it knows of
/// events is what that model knows, and files that nothing names go.
async fn which(folder: TempDir, models: &[(Vec<String>, &Model)]) -> Option<usize> {
    let store = Recorded::open(folder, Durability::Process);
    let journal = &store.journal;
    let seen = Seen::of(journal, true).await;
    let found = models.iter().position(|(lines, _)| *lines == seen.lines)?;
    journal.prune(1).await.expect("pruned");
    // Files of what is open are there, as `seen` has read them; no others are.
    let named = journal.query_rows(named_files).await.expect("read");
    let kept = kept(store.folder.path());
    assert_eq!(kept, named.into_iter().collect::<BTreeSet<_>>());
    let keys = models[found].1.known_keys(KEYS);
    let again = keys.iter().map(|(key, _)| Arrival {
        key: EventKey::new(&[key]),
        ..arrival("again", &["joke"])
    });
    let again = journal.accept_all(again.collect()).await.expect("ordered");
    for ((key, is_known), accepted) in keys.iter().zip(again.value) {
        let is_duplicate = matches!(accepted, Accepted::Duplicate);
        assert_eq!(is_duplicate, *is_known, "{key}");
    }
    Some(found)
}

async fn check(durability: Durability, lefts: &[Left]) {
    let (store, moments) = play(durability).await;
    let nothing = Model::default();
    let after = moments.iter().map(|moment| &moment.after);
    let models = std::iter::once(&nothing).chain(after);
    let models: Vec<(Vec<String>, &Model)> =
        models.map(|model| (model.lines(true), model)).collect();
    let mut known = HashMap::new();
    let mut cut_short = BTreeSet::new();
    for left in lefts {
        let mut last = 0;
        for done in 0..=store.tape.len() {
            let acknowledged = moments.iter().filter(|it| it.acknowledged <= done).count();
            let begins = usize::from(*left == Left::AllAndAHalf);
            let begun = moments.iter().filter(|it| it.begun < done + begins).count();
            // A step that writes nothing is begun and acknowledged at once.
            let begun = begun.max(acknowledged);
            let disk = store.tape.after(done, *left);
            let found = match known.get(&disk) {
                Some(found) => *found,
                None => {
                    let folder = store.crashed(done, *left);
                    let found = which(folder, &models).await;
                    known.insert(disk, found);
                    found
                }
            };
            let place = format!("{left:?} after {done} of {}", store.tape.len());
            let found = found.unwrap_or_else(|| panic!("{place}: something is half there"));
            // Models that look alike are as good as one another.
            let is_in_time = (acknowledged..=begun).any(|at| models[at].0 == models[found].0);
            assert!(is_in_time, "{place}: {found} of {acknowledged} to {begun}");
            assert!(*left != Left::All || found >= last, "{place}: it went back");
            last = found;
            cut_short.extend((acknowledged < begun).then_some(begun));
        }
    }
    // The script is worth nothing unless the disk was cut in its steps.
    assert!(cut_short.len() >= 20, "{cut_short:?}");
    assert!(known.len() > 200, "{} crashes", known.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_it_holds_whole_steps_and_every_acknowledged_one() {
    check(Durability::Process, &[Left::All, Left::AllAndAHalf]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_power_at_any_point_it_holds_whole_steps_and_every_acknowledged_one() {
    let lefts = [Left::Synced, Left::SomeInPieces, Left::TheLatest];
    check(Durability::Power, &lefts).await;
}
