//! Copies of the journal: a backup that carries on elsewhere, and what it was before an upgrade.
//!
//! A backup is one file. What lies beside the journal, files that wait to be sent, is packed into
//! it, and unpacked when it is first opened as a journal.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::copies::VERSION;
use super::error::journal_error;
use crate::journal::blobs::SyncPath;
use crate::journal::lock::make_private_folder;
use crate::journal::{JournalError, JournalResult};

/// What a copy is called while it is made.
const UNFINISHED: &str = ".part";
/// The table of a backup in which files are packed.
const PACKED: &str = "packed_files";

/// Copies a journal into a new file, which is on disk then; gives back its bytes. What is written
/// meanwhile is not in it. Blocks for the time that takes.
pub(super) fn back_up(from: &Connection, blobs: &Path, to: &Path) -> JournalResult<u64> {
    if to.exists() {
        return Err(failed(to, &"it is there already"));
    }
    let unfinished = suffixed(to, UNFINISHED);
    let made = copy(from, &unfinished)
        .and_then(|()| pack(&unfinished, blobs))
        .and_then(|()| publish(&unfinished, to));
    // Linked or of no use.
    let removed = std::fs::remove_file(&unfinished);
    made?;
    removed.map_err(|error| failed(&unfinished, &error))?;
    let size = std::fs::metadata(to).map_err(|error| failed(to, &error))?;
    Ok(size.len())
}

/// Keeps a journal as it is before it is brought to another version.
pub(super) fn keep_version(from: &Connection, path: &Path, version: i64) -> JournalResult<PathBuf> {
    let to = suffixed(path, &format!("{VERSION}{version}"));
    // One of an upgrade that did not come to its end says nothing more than this one will.
    remove(&to)?;
    copy(from, &to)?;
    sync(&to)?;
    Ok(to)
}

fn copy(from: &Connection, to: &Path) -> JournalResult<()> {
    remove(to)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| failed(to, &error))?;
    let text = to
        .to_str()
        .ok_or_else(|| failed(to, &"its name is no text"))?;
    from.execute("VACUUM INTO ?1", [text])
        .map(drop)
        .map_err(|error| failed(to, &journal_error(&error)))
}

fn pack(to: &Path, blobs: &Path) -> JournalResult<()> {
    let wrong = |error: rusqlite::Error| failed(to, &journal_error(&error));
    let connection = Connection::open(to).map_err(wrong)?;
    let names: Vec<String> = {
        let mut select = connection
            .prepare("SELECT DISTINCT sha256 FROM files")
            .map_err(wrong)?;
        let rows = select.query_map([], |row| row.get(0)).map_err(wrong)?;
        rows.collect::<rusqlite::Result<_>>().map_err(wrong)?
    };
    if names.is_empty() {
        return Ok(());
    }
    let sql = format!("CREATE TABLE {PACKED} (sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL)");
    connection.execute_batch(&sql).map_err(wrong)?;
    let mut insert = connection
        .prepare(&format!("INSERT INTO {PACKED} VALUES (?1, ?2)"))
        .map_err(wrong)?;
    for name in names {
        match std::fs::read(blobs.join(&name)) {
            Ok(bytes) => drop(insert.execute((name, bytes)).map_err(wrong)?),
            // It was sent meanwhile, and nothing needs it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&blobs.join(&name), &error)),
        }
    }
    Ok(())
}

/// Unpacks what a backup holds beside the journal, where this is one.
pub(super) fn unpack(connection: &Connection, blobs: &Path, sync: &SyncPath) -> JournalResult<()> {
    let wrong = |error: rusqlite::Error| journal_error(&error);
    let is_packed: bool = connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)",
            [PACKED],
            |row| row.get(0),
        )
        .map_err(wrong)?;
    if !is_packed {
        return Ok(());
    }
    make_private_folder(blobs).map_err(|error| failed(blobs, &error))?;
    {
        let mut select = connection
            .prepare(&format!("SELECT sha256, bytes FROM {PACKED}"))
            .map_err(wrong)?;
        let mut rows = select.query([]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let name: String = row.get(0).map_err(wrong)?;
            let bytes: Vec<u8> = row.get(1).map_err(wrong)?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(failed(blobs, &"the backup holds a file of another name"));
            }
            let path = blobs.join(name);
            let write = || -> std::io::Result<()> {
                let mut file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&path)?;
                file.write_all(&bytes)?;
                sync(&path)
            };
            write().map_err(|error| failed(&path, &error))?;
        }
    }
    // Their names, too, before they are nowhere else.
    sync(blobs).map_err(|error| failed(blobs, &error))?;
    connection
        .execute_batch(&format!("DROP TABLE {PACKED}"))
        .map_err(wrong)
}

/// Gives a finished copy its name, unless there is a file of that name by now.
fn publish(unfinished: &Path, to: &Path) -> JournalResult<()> {
    sync(unfinished)?;
    std::fs::hard_link(unfinished, to).map_err(|error| failed(to, &error))?;
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    sync(folder)
}

fn sync(path: &Path) -> JournalResult<()> {
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    file.sync_all().map_err(|error| failed(path, &error))
}

fn remove(path: &Path) -> JournalResult<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn failed(path: &Path, what: &dyn std::fmt::Display) -> JournalError {
    JournalError::Failed(format!("{}: {what}", path.display()))
}
