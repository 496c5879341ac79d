//! Small files that only their owner reads, and that are there whole or not at all.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a file that are read.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Writes a file in place of the one that is there.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = beside(path);
    let written = write_new(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // What was begun is of no use; where it cannot be taken away either, it is in nobody's way.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A file that is written whole and is not in its place yet; it goes where it is not put there.
pub(super) struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Writes what is to take a file's place, with that one's owner and mode, where there is one: an
    /// operator's file is read by whoever read it before.
    pub(super) fn in_place_of(path: &Path, bytes: &[u8]) -> std::io::Result<Self> {
        // A link leads to the file, and stays one.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let staged = Self {
            temporary: beside(&path),
            path,
        };
        write_new(&staged.temporary, bytes)?;
        if let Ok(old) = std::fs::metadata(&staged.path) {
            let file = std::fs::File::open(&staged.temporary)?;
            let own = file.metadata()?;
            if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(old.permissions())?;
        }
        Ok(staged)
    }

    /// Puts it into its place.
    pub(super) fn put(self) -> std::io::Result<()> {
        std::fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Once it is in its place there is none; where it cannot be taken away, it is in nobody's way.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Reads a file, which is no link; none where there is none.
pub(super) fn read_private(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// A name in the same folder that nobody else has.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{number}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_its_owners_alone_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        assert_eq!(read_private(&path).unwrap(), None);
        std::fs::write(&path, "old and readable by all").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(read_private(&path).unwrap().as_deref(), Some(&b"new"[..]));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        // A folder that is not empty cannot be replaced by a file.
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("x"), "").unwrap();
        assert!(write_private(&path, b"new").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_staged_is_there_when_it_is_put_and_keeps_its_readers() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("password"), folder.path().join("link"));
        std::fs::write(&path, "old").unwrap();
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&path, mode).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let staged = Staged::in_place_of(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        drop(staged);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        Staged::in_place_of(&link, b"new").unwrap().put().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(Staged::in_place_of(&folder.path().join("no/where"), b"").is_err());
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "somebody else's").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(read_private(&link).is_err());
    }
}
