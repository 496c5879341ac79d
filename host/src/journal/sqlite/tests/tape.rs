//! Records what SQLite does to the disk, so that a test can have the disk as a crash left it: after
//! any write, in the middle of one, and with what was never synced gone.
//!
//! The recorder is SQLite's own way to the system with three calls overheard. It is the default of
//! the whole test program and does nothing to a database whose folder is not recorded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use parking_lot::Mutex;
use rusqlite::ffi;

use crate::journal::blobs::{hash, sync_path};
use crate::journal::sqlite::JOURNAL_FILE;
use crate::journal::sqlite::open::FILES_FOLDER;

/// A file of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Database = 0,
    Log = 1,
}

/// Something done to a file.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Write(Place, usize, Vec<u8>),
    Truncate(Place, usize),
    /// What was done to a file before the deed of this number is on disk.
    Synced(Place, usize),
    /// These files lie beside the journal.
    Kept(BTreeSet<String>),
    /// The bytes of a file of this name are on disk, whatever it is called by then.
    BytesSynced(String),
    /// The names of these files are.
    NamesSynced(BTreeSet<String>),
}

/// What a crash leaves of what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The process is gone: all of it.
    All,
    /// The process is gone in the middle of the next write: all of it, and half of that.
    AllAndAHalf,
    /// The power is gone: what was synced.
    Synced,
    /// The power is gone: what was synced, and of the rest every second write, half of it.
    SomeInPieces,
    /// The power is gone: what was synced, and of the rest what came last.
    TheLatest,
}

/// The journal's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    files: [Vec<u8>; 2],
    /// Names of the files that lie beside them, and whether all their bytes are there.
    kept: BTreeMap<String, bool>,
}

impl Disk {
    fn of(folder: &Path) -> Self {
        let read = |place| std::fs::read(path(folder, place)).unwrap_or_default();
        Self {
            files: [read(Place::Database), read(Place::Log)],
            kept: whole(&kept(folder)),
        }
    }

    /// Puts the files into a folder. What lay beside the journal comes from the folder that was
    /// recorded, as far as it was there by then.
    pub(super) fn put(&self, from: &Path, folder: &Path) {
        for place in [Place::Database, Place::Log] {
            std::fs::write(path(folder, place), &self.files[place as usize]).expect("written");
        }
        let (from, to) = (from.join(FILES_FOLDER), folder.join(FILES_FOLDER));
        std::fs::create_dir_all(&to).expect("made");
        for (name, is_whole) in &self.kept {
            // What nothing needed any more was swept away since.
            let Ok(bytes) = std::fs::read(from.join(name)) else {
                continue;
            };
            let length = bytes.len() / if *is_whole { 1 } else { 2 };
            std::fs::write(to.join(name), &bytes[..length]).expect("written");
        }
    }

    fn write(&mut self, place: Place, offset: usize, bytes: &[u8]) {
        let file = &mut self.files[place as usize];
        let end = offset + bytes.len();
        file.resize(file.len().max(end), 0);
        file[offset..end].copy_from_slice(bytes);
    }

    fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Write(place, offset, bytes) => self.write(*place, *offset, bytes),
            Deed::Truncate(place, size) => self.files[*place as usize].truncate(*size),
            Deed::Synced(..) | Deed::BytesSynced(_) | Deed::NamesSynced(_) => {}
            Deed::Kept(kept) => self.kept = whole(kept),
        }
    }
}

/// What was done to a folder's journal since the recording began.
#[derive(Default)]
pub(super) struct Tape {
    before: Disk,
    folder: PathBuf,
    deeds: Mutex<Vec<Deed>>,
    /// What lies beside the journal, as it was recorded last.
    kept: Mutex<BTreeSet<String>>,
}

impl Tape {
    /// How much was done.
    pub(super) fn len(&self) -> usize {
        self.deeds.lock().len()
    }

    /// Looks what lies beside the journal, before it is written to.
    fn look(&self, deeds: &mut Vec<Deed>) {
        let found = kept(&self.folder);
        let mut known = self.kept.lock();
        if *known != found {
            deeds.push(Deed::Kept(found.clone()));
            *known = found;
        }
    }

    /// Records a sync that is not SQLite's own.
    pub(super) fn sync<T>(&self, place: Place, sync: impl FnOnce() -> T) -> T {
        let covers = self.len();
        let synced = sync();
        self.deeds.lock().push(Deed::Synced(place, covers));
        synced
    }

    /// Syncs a file beside the journal, or the names of all of them, and records that.
    pub(super) fn sync_path(&self, path: &Path) -> std::io::Result<()> {
        let deed = match path.is_dir() {
            true => Deed::NamesSynced(kept(&self.folder)),
            false => Deed::BytesSynced(hash(&std::fs::read(path)?)),
        };
        sync_path(path)?;
        self.deeds.lock().push(deed);
        Ok(())
    }

    /// The disk after a crash that came when so much was done.
    pub(super) fn after(&self, done: usize, left: Left) -> Disk {
        let deeds = self.deeds.lock();
        let mut disk = self.before.clone();
        let mut synced = [0, 0];
        for deed in &deeds[..done] {
            if let Deed::Synced(place, covers) = deed {
                synced[*place as usize] = synced[*place as usize].max(*covers);
            }
        }
        let is_synced = |at: usize, deed: &Deed| match deed {
            Deed::Write(place, ..) | Deed::Truncate(place, _) => at < synced[*place as usize],
            // Of files beside the journal see below.
            Deed::Synced(..) | Deed::Kept(_) | Deed::BytesSynced(_) | Deed::NamesSynced(_) => true,
        };
        let unsynced = (0..done).filter(|at| !is_synced(*at, &deeds[*at]));
        let unsynced: Vec<usize> = unsynced.collect();
        for (at, deed) in deeds[..done].iter().enumerate() {
            let rank = unsynced.binary_search(&at).ok();
            match (left, rank) {
                (_, None) | (Left::All | Left::AllAndAHalf, _) => disk.take(deed),
                (Left::Synced, Some(_)) => {}
                (Left::SomeInPieces, Some(rank)) => match deed {
                    Deed::Write(place, offset, bytes) if rank % 2 == 1 => {
                        disk.write(*place, *offset, &bytes[..bytes.len() / 2]);
                    }
                    _ => {}
                },
                (Left::TheLatest, Some(rank)) if rank >= unsynced.len() / 2 => disk.take(deed),
                (Left::TheLatest, Some(_)) => {}
            }
        }
        self.lose_files(&mut disk, &deeds[..done], left);
        if let (Left::AllAndAHalf, Some(Deed::Write(place, offset, bytes))) =
            (left, deeds.get(done))
        {
            disk.write(*place, *offset, &bytes[..bytes.len() / 2]);
        }
        disk
    }

    /// Takes away what a loss of power takes of the files beside the journal.
    fn lose_files(&self, disk: &mut Disk, deeds: &[Deed], left: Left) {
        let before = || self.before.kept.keys().cloned().collect();
        let (mut names, mut bytes): (BTreeSet<String>, BTreeSet<String>) = (before(), before());
        for deed in deeds {
            match deed {
                Deed::BytesSynced(name) => drop(bytes.insert(name.clone())),
                Deed::NamesSynced(synced) => names.extend(synced.iter().cloned()),
                _ => {}
            }
        }
        if left == Left::Synced {
            disk.kept.retain(|name, _| names.contains(name));
        }
        if matches!(left, Left::Synced | Left::SomeInPieces) {
            for (name, is_whole) in &mut disk.kept {
                *is_whole = bytes.contains(name);
            }
        }
    }
}

fn whole(names: &BTreeSet<String>) -> BTreeMap<String, bool> {
    names.iter().map(|name| (name.clone(), true)).collect()
}

/// A folder that is recorded as long as this lives.
pub(super) struct Recording {
    pub(super) tape: Arc<Tape>,
    database: PathBuf,
}

impl Recording {
    /// Begins, before the journal of the folder is opened.
    pub(super) fn begin(folder: &Path) -> Self {
        register();
        // SQLite opens what a link means.
        let folder = &folder.canonicalize().expect("it is there");
        let tape = Arc::new(Tape {
            before: Disk::of(folder),
            folder: folder.clone(),
            deeds: Mutex::default(),
            kept: Mutex::new(kept(folder)),
        });
        let database = path(folder, Place::Database);
        TAPES.lock().insert(database.clone(), Arc::clone(&tape));
        Self { tape, database }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        TAPES.lock().remove(&self.database);
    }
}

fn path(folder: &Path, place: Place) -> PathBuf {
    match place {
        Place::Database => folder.join(JOURNAL_FILE),
        Place::Log => folder.join(format!("{JOURNAL_FILE}-wal")),
    }
}

/// The tape of a file, and which of the two files it is.
type Taped = (Arc<Tape>, Place);

/// The finished files beside a journal.
pub(super) fn kept(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(folder.join(FILES_FOLDER)) else {
        return BTreeSet::new();
    };
    let names = entries.flatten().map(|it| it.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".part")).collect()
}

/// Tapes by the path of their database.
static TAPES: LazyLock<Mutex<HashMap<PathBuf, Arc<Tape>>>> = LazyLock::new(Mutex::default);
/// Open files that are recorded, by the address of SQLite's record of them.
static FILES: LazyLock<Mutex<HashMap<usize, Taped>>> = LazyLock::new(Mutex::default);
/// The system's own way.
static SYSTEM: OnceLock<System> = OnceLock::new();
/// Its calls for a database and for a log, which differ, with ours among them.
static CALLS: [OnceLock<Calls>; 2] = [OnceLock::new(), OnceLock::new()];

struct System(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's default is a constant of the library, made to be used from every thread.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

struct Calls {
    system: ffi::sqlite3_io_methods,
    ours: ffi::sqlite3_io_methods,
}

/// Makes the recorder the default, once.
fn register() {
    SYSTEM.get_or_init(|| {
        // SAFETY: with a null name it gives the default, which lives as long as the program. The
        // copy is never freed, and differs in its name and in `xOpen` only.
        unsafe {
            let system = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!system.is_null(), "SQLite knows the system");
            let ours = Box::leak(Box::new(*system));
            ours.pNext = std::ptr::null_mut();
            ours.zName = c"recorded".as_ptr();
            ours.xOpen = Some(open);
            let end = ffi::sqlite3_vfs_register(ours, 1);
            assert_eq!(end, ffi::SQLITE_OK);
            System(system)
        }
    });
}

fn tape_of(name: &str) -> Option<Taped> {
    let (database, place) = match name.strip_suffix("-wal") {
        Some(database) => (database, Place::Log),
        None => (name, Place::Database),
    };
    let tape = Arc::clone(TAPES.lock().get(Path::new(database))?);
    Some((tape, place))
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let system = SYSTEM.wait().0;
    // SAFETY: SQLite calls with what its own function takes, which is passed on as it is.
    unsafe {
        let Some(system_open) = (*system).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        let end = system_open(system, name, file, flags, out);
        let is_ours = flags & (ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL) != 0;
        if end != ffi::SQLITE_OK || name.is_null() || !is_ours || (*file).pMethods.is_null() {
            return end;
        }
        let Some(found) = CStr::from_ptr(name).to_str().ok().and_then(tape_of) else {
            return end;
        };
        let calls = CALLS[found.1 as usize].get_or_init(|| {
            let system = *(*file).pMethods;
            Calls {
                system,
                ours: ffi::sqlite3_io_methods {
                    xClose: Some(close),
                    xWrite: Some(write),
                    xTruncate: Some(truncate),
                    xSync: Some(sync),
                    ..system
                },
            }
        });
        FILES.lock().insert(file as usize, found);
        (*file).pMethods = &raw const calls.ours;
        end
    }
}

/// Where a file is recorded, and the system's calls for it. None where it was never opened here.
fn recorded(
    file: *mut ffi::sqlite3_file,
) -> Option<(Arc<Tape>, Place, &'static ffi::sqlite3_io_methods)> {
    let (tape, place) = FILES.lock().get(&(file as usize)).cloned()?;
    let calls = CALLS[place as usize].get()?;
    Some((tape, place, &calls.system))
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let Some((_, _, system)) = recorded(file) else {
        return ffi::SQLITE_IOERR;
    };
    FILES.lock().remove(&(file as usize));
    match system.xClose {
        // SAFETY: as in `open`; the file was opened by these calls.
        Some(close) => unsafe { close(file) },
        None => ffi::SQLITE_IOERR,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    let Some((tape, place, system)) = recorded(file) else {
        return ffi::SQLITE_IOERR;
    };
    let Some(write) = system.xWrite else {
        return ffi::SQLITE_IOERR;
    };
    let mut deeds = tape.deeds.lock();
    tape.look(&mut deeds);
    // SAFETY: as in `open`; `bytes` has `count` of them.
    let (end, written) = unsafe {
        let length = usize::try_from(count).unwrap_or_default();
        let written = std::slice::from_raw_parts(bytes.cast::<u8>(), length);
        (write(file, bytes, count, offset), written.to_vec())
    };
    let offset = usize::try_from(offset).unwrap_or_default();
    deeds.push(Deed::Write(place, offset, written));
    end
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let Some((tape, place, system)) = recorded(file) else {
        return ffi::SQLITE_IOERR;
    };
    let Some(truncate) = system.xTruncate else {
        return ffi::SQLITE_IOERR;
    };
    let mut deeds = tape.deeds.lock();
    let length = usize::try_from(size).unwrap_or_default();
    deeds.push(Deed::Truncate(place, length));
    // SAFETY: as in `open`.
    unsafe { truncate(file, size) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let Some((tape, place, system)) = recorded(file) else {
        return ffi::SQLITE_IOERR;
    };
    let Some(sync) = system.xSync else {
        return ffi::SQLITE_IOERR;
    };
    // SAFETY: as in `open`.
    tape.sync(place, || unsafe { sync(file, flags) })
}

#[test]
fn without_power_a_file_is_there_only_where_its_name_and_whole_where_its_bytes_were_synced() {
    let file = || BTreeSet::from(["a".to_owned()]);
    let deeds = vec![
        Deed::Kept(file()),
        Deed::BytesSynced("a".to_owned()),
        Deed::NamesSynced(file()),
    ];
    let tape = Tape {
        deeds: Mutex::new(deeds),
        ..Tape::default()
    };
    let found = |done: usize, left: Left| tape.after(done, left).kept.get("a").copied();
    assert_eq!(
        [0, 1, 2, 3].map(|done| found(done, Left::Synced)),
        [None, None, None, Some(true)]
    );
    let pieces = [None, Some(false), Some(true), Some(true)];
    assert_eq!(
        [0, 1, 2, 3].map(|done| found(done, Left::SomeInPieces)),
        pieces
    );
    assert_eq!(
        [0, 1].map(|done| found(done, Left::All)),
        [None, Some(true)]
    );
}
