//! The lock of the data folder: one host at a time, and a second one can name the first.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The name of the lock file in the data folder.
pub const LOCK_FILE: &str = "lock";

/// Bytes of the lock file that are read.
const LOCK_FILE_BYTES: u64 = 4096;

/// Why the data folder could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another host has it.
    #[error("data folder {} is in use by {}", folder.display(), holder_text(*.holder_pid, address))]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The other host's process, where it could be read.
        holder_pid: Option<u32>,
        /// Where the other host listens; empty where it does not say.
        address: String,
    },
    /// The folder or the file could not be made or opened.
    #[error("data folder {} cannot be used: {error}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

fn holder_text(pid: Option<u32>, address: &str) -> String {
    let pid = pid.map_or_else(|| "another host".to_owned(), |pid| format!("process {pid}"));
    if address.is_empty() {
        pid
    } else {
        format!("{pid} at {address}")
    }
}

/// The data folder, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    file: File,
}

impl DataLock {
    /// Makes the folder, private to its owner, where it is missing, and locks it.
    ///
    /// # Errors
    /// [`LockError::Held`] names the host that has it.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let unusable = |error| LockError::Unusable {
            folder: folder.to_owned(),
            error,
        };
        make_private_folder(folder).map_err(unusable)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(LOCK_FILE))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (holder_pid, address) = holder(&mut file);
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    holder_pid,
                    address,
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut lock = Self { file };
        lock.set_address("").map_err(unusable)?;
        Ok(lock)
    }

    /// Writes down where this host listens, for a second one to tell.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_address(&mut self, address: &str) -> std::io::Result<()> {
        let text = format!("{}\n{address}\n", std::process::id());
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

fn holder(file: &mut File) -> (Option<u32>, String) {
    let mut text = String::new();
    // A holder that cannot be read is still a holder: it is named without its number.
    if file
        .take(LOCK_FILE_BYTES)
        .read_to_string(&mut text)
        .is_err()
    {
        return (None, String::new());
    }
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    (pid, lines.next().unwrap_or_default().trim().to_owned())
}

/// Makes a folder that only its owner may enter; one that is there stays as it is.
pub(super) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_lock_names_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mut first = DataLock::acquire(&data).expect("the first");
        first.set_address("http://127.0.0.1:8643").expect("written");
        let error = DataLock::acquire(&data).expect_err("held");
        let text = error.to_string();
        assert!(
            text.contains(&format!("process {}", std::process::id())),
            "{text}"
        );
        assert!(text.ends_with("at http://127.0.0.1:8643"), "{text}");
        drop(first);
        DataLock::acquire(&data).expect("free again");
    }

    #[test]
    fn folder_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let _lock = DataLock::acquire(&data).expect("locked");
        let mode = std::fs::metadata(&data)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
