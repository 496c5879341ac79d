//! The model test over a store on disk, which is killed, loses its power, is closed, copied and
//! runs full between steps and in the middle of them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use rusqlite::Connection;
use tempfile::TempDir;

use super::tape::{Left, Place, Recording, Tape};
use crate::journal::blobs::SyncPath;
use crate::journal::conformance::make::{TENANT, arrival};
use crate::journal::conformance::model::machine::{Checked, Machine};
use crate::journal::conformance::model::seen::Seen;
use crate::journal::conformance::model::steps::{Life, Step, step};
use crate::journal::shared::now;
use crate::journal::sqlite::disk::Disk;
use crate::journal::sqlite::open::FILES_FOLDER;
use crate::journal::sqlite::schema::PAGE_BYTES;
use crate::journal::sqlite::{
    Durability, JOURNAL_FILE, RestingJournal, SqliteConfig, SqliteJournal,
};
use crate::journal::{Journal as _, JournalError};

/// As much as the tests need, and more.
const ROOM: u64 = 1 << 30;
/// Longer than anything is kept that is not needed, however full the journal is.
const ELEVEN_MINUTES_MS: u64 = 11 * 60 * 1000;
/// What is left at a loss of power.
const POWER: [Left; 3] = [Left::Synced, Left::SomeInPieces, Left::TheLatest];
/// What is left when the process is killed.
const KILLED: [Left; 2] = [Left::All, Left::AllAndAHalf];

/// A journal in a folder, with everything that it does to the disk.
pub(super) struct Recorded {
    pub(super) journal: SqliteJournal,
    pub(super) tape: Arc<Tape>,
    pub(super) folder: TempDir,
    _recording: Recording,
}

impl Recorded {
    /// Opens the journal of a folder.
    pub(super) fn open(folder: TempDir, durability: Durability) -> Self {
        let recording = Recording::begin(folder.path());
        let tape = Arc::clone(&recording.tape);
        let config = SqliteConfig {
            durability,
            max_bytes: ROOM,
            ..SqliteConfig::default()
        };
        let sync: SyncPath = Arc::new({
            let tape = Arc::clone(&tape);
            move |path: &Path| tape.sync_path(path)
        });
        let opened = SqliteJournal::open_with(folder.path(), config, sync, |log, commands| {
            if durability == Durability::Process {
                return Ok(Disk::unsynced());
            }
            let log = File::options().read(true).write(true).open(log)?;
            let tape = Arc::clone(&tape);
            Disk::start_with(move || tape.sync(Place::Log, || log.sync_data()), commands)
        });
        Self {
            journal: opened.expect("opened"),
            tape,
            folder,
            _recording: recording,
        }
    }

    /// What a crash leaves that comes when so much was done to the disk.
    pub(super) fn crashed(&self, done: usize, left: Left) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = self.tape.after(done, left);
        disk.put(self.folder.path(), folder.path());
        if left == Left::AllAndAHalf {
            let half = folder.path().join(FILES_FOLDER).join("77.part");
            std::fs::write(half, "half a file").expect("written");
        }
        folder
    }
}

fn copy_files(from: &Path, to: &Path) {
    let to = to.join(FILES_FOLDER);
    std::fs::create_dir_all(&to).expect("made");
    for file in std::fs::read_dir(from.join(FILES_FOLDER)).expect("read") {
        let file = file.expect("read");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

/// What is done to a store on disk.
#[derive(Clone, Debug)]
enum Act {
    Step(Step),
    /// A step, in the middle of which the process or the power is gone; how far it came.
    Cut(Step, u16, Left),
    /// It is closed and opened again.
    Reopen,
    /// A backup takes its place.
    Restore,
    /// A day goes by.
    Day,
    /// It is full: nothing is accepted.
    Full,
    /// It is nearly full when it is pruned.
    PruneFull,
}

fn act(lost: Vec<Left>) -> impl Strategy<Value = Act> {
    prop_oneof![
        24 => step().prop_map(Act::Step),
        8 => (step(), any::<u16>(), select(lost)).prop_map(|(step, at, left)| Act::Cut(step, at, left)),
        1 => Just(Act::Reopen),
        1 => Just(Act::Restore),
        1 => Just(Act::Day),
        1 => Just(Act::Full),
        1 => Just(Act::PruneFull),
    ]
}

struct Case {
    store: Recorded,
    machine: Machine,
    durability: Durability,
}

impl Case {
    fn new(durability: Durability) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            store: Recorded::open(folder, durability),
            machine: Machine::new(true),
            durability,
        }
    }

    async fn act(&mut self, act: &Act) -> Checked {
        match act {
            Act::Step(step) => return self.machine.step(&self.store.journal, step).await,
            Act::Cut(step, at, left) => return self.cut(step, *at, *left).await,
            Act::Reopen => self.reopen(|_| {}).await,
            Act::Day => {
                self.reopen(age_keys).await;
                self.machine.model.next_day();
            }
            Act::Restore => self.restore().await,
            Act::Full => self.full().await,
            Act::PruneFull => self.prune_full().await,
        }
        self.machine.look(&self.store.journal).await
    }

    /// Takes a step and crashes in it: it was taken or it was not, and was if it was acknowledged.
    async fn cut(&mut self, step: &Step, at: u16, left: Left) -> Checked {
        let standing = self.machine.mark();
        let tape = Arc::clone(&self.store.tape);
        let from = tape.len();
        let answer = self.machine.perform(&self.store.journal, step).await;
        answer.durable.wait().await.expect("on disk");
        let acknowledged = tape.len();
        self.machine.follow(step, &answer.said)?;
        let done = from + usize::from(at) % (acknowledged - from + 1);
        let folder = self.store.crashed(done, left);
        self.store = Recorded::open(folder, self.durability);
        self.machine.forget_calls();
        let journal = &self.store.journal;
        // These are many turns of the writer; interrupted, they are begun again.
        match step {
            Step::Prune(_) if done < acknowledged => prune_again(journal, step).await,
            Step::Forget(user) if done < acknowledged => {
                journal.forget(TENANT, user).await.expect("forgotten");
            }
            _ => {}
        }
        let seen = Seen::of(journal, true).await;
        let is_taken = seen.lines == self.machine.model.lines(true);
        if !is_taken {
            if done == acknowledged {
                let text = format!("{step:?} was acknowledged and is lost");
                return Err(TestCaseError::fail(text));
            }
            self.machine.go_back(standing);
        }
        self.machine.look(journal).await
    }

    async fn reopen(&mut self, meanwhile: impl FnOnce(&Path)) {
        self.store.journal.close().await.expect("closed");
        let folder = tempfile::tempdir().expect("a folder");
        let from = self.store.folder.path();
        let copied = std::fs::copy(from.join(JOURNAL_FILE), folder.path().join(JOURNAL_FILE));
        copied.expect("copied");
        copy_files(from, folder.path());
        meanwhile(folder.path());
        self.store = Recorded::open(folder, self.durability);
        self.machine.forget_calls();
    }

    async fn restore(&mut self) {
        let folder = tempfile::tempdir().expect("a folder");
        let resting = RestingJournal::open(self.store.folder.path()).expect("opened");
        let to = folder.path().join(JOURNAL_FILE);
        resting.expect("there").back_up(&to).expect("backed up");
        self.store = Recorded::open(folder, self.durability);
        self.machine.forget_calls();
    }

    /// Leaves so much room that this many percent of it are used; false where the file has too much
    /// room inside for that.
    async fn use_up(&self, percent: u64) -> bool {
        let journal = &self.store.journal;
        let used = journal.bytes_used();
        let max = used * 100 / percent;
        let pages = journal.query_rows(|connection| {
            connection.query_row("PRAGMA page_count", [], |row| row.get::<_, u64>(0))
        });
        if pages.await.expect("counted") * PAGE_BYTES > max {
            return false;
        }
        journal.set_max_bytes(max).await.expect("lowered");
        true
    }

    async fn full(&self) {
        let journal = &self.store.journal;
        if self.use_up(92).await {
            let refused = journal.accept(arrival("never", &["joke"])).await;
            assert!(matches!(refused, Err(JournalError::Full(_))), "{refused:?}");
        }
        journal.set_max_bytes(ROOM).await.expect("raised");
    }

    async fn prune_full(&mut self) {
        let journal = &self.store.journal;
        if self.use_up(84).await {
            journal
                .prune(now() + ELEVEN_MINUTES_MS)
                .await
                .expect("pruned");
            self.machine.model.prune(true, false);
            self.machine.model.expire(Life::Over);
            self.machine.forget_calls();
        }
        journal.set_max_bytes(ROOM).await.expect("raised");
    }
}

async fn prune_again(journal: &SqliteJournal, step: &Step) {
    let mut machine = Machine::new(true);
    drop(machine.perform(journal, step).await);
}

/// Makes the keys of events in a journal at rest older by a day.
fn age_keys(folder: &Path) {
    let connection = Connection::open(folder.join(JOURNAL_FILE)).expect("opened");
    let mut tables: Vec<u64> = {
        let sql = "SELECT substr(name, 6) FROM sqlite_schema WHERE name GLOB 'keys_[0-9]*'";
        let mut select = connection.prepare(sql).expect("prepared");
        let days = select.query_map([], |row| row.get::<_, String>(0));
        let days = days.expect("read").map(|day| day.expect("read"));
        days.map(|day| day.parse().expect("a number")).collect()
    };
    tables.sort_unstable();
    for day in tables {
        let sql = format!("ALTER TABLE keys_{day} RENAME TO keys_{}", day - 1);
        connection.execute_batch(&sql).expect("renamed");
    }
}

fn run(durability: Durability, acts: &[Act]) -> Checked {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut case = Case::new(durability);
        for act in acts {
            case.act(act).await?;
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_done_to_it_and_however_it_is_killed_it_shows_what_the_model_shows(
        acts in vec(act(KILLED.to_vec()), 1..50)
    ) {
        run(Durability::Process, &acts)?;
    }

    #[test]
    fn whatever_is_done_to_it_and_whenever_the_power_goes_it_shows_what_the_model_shows(
        acts in vec(act([&KILLED[..], &POWER[..]].concat()), 1..50)
    ) {
        run(Durability::Power, &acts)?;
    }
}
