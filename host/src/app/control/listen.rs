//! The socket: made so that nobody but its owner ever could connect, taken away at the end.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::mailbox::control::{MAX_SOCKET_PATH_BYTES, SOCKET_FILE};

/// The folder in which the socket is made before it gets its name. Its path is no longer than that
/// of the socket, so that one bound serves both.
const WORKSHOP: &str = ".control";
/// The socket's name there.
const UNFINISHED: &str = "s";
/// The mode of the socket.
const SOCKET_MODE: u32 = 0o600;
/// The mode of the data folder.
const FOLDER_MODE: u32 = 0o700;

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The path of the data folder leaves no room for a socket.
    #[error(
        "path {} has {} bytes, and a socket's path has at most {MAX_SOCKET_PATH_BYTES}",
        .0.display(),
        .0.as_os_str().len()
    )]
    PathTooLong(PathBuf),
    /// Something else has its name.
    #[error("{} is there and is no socket", .0.display())]
    Taken(PathBuf),
    /// The system's.
    #[error("control socket {} cannot be made: {error}", path.display())]
    Unusable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The socket on which a host is asked; gone when this is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Makes the socket of a data folder that the caller has locked: one that is there is of a host
    /// that is dead. The folder is made private.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn bind(data: &Path) -> Result<Self, ControlError> {
        let path = Self::check(data)?;
        match make(data, &path) {
            Ok(listener) => Ok(Self { listener, path }),
            Err(error) => Err(ControlError::Unusable { path, error }),
        }
    }

    /// Checks whether a data folder can have a socket; tells where it is.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn check(data: &Path) -> Result<PathBuf, ControlError> {
        let path = data.join(SOCKET_FILE);
        if path.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(ControlError::PathTooLong(path));
        }
        match path.symlink_metadata() {
            Ok(found) if !found.file_type().is_socket() => Err(ControlError::Taken(path)),
            _ => Ok(path),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for somebody who asks.
    ///
    /// # Errors
    /// The system's.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        let (stream, _) = self.listener.accept().await?;
        Ok(stream)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "control socket not removed");
        }
    }
}

fn make(data: &Path, path: &Path) -> io::Result<UnixListener> {
    make_private(data)?;
    let workshop = data.join(WORKSHOP);
    // A host may have died between making and naming.
    match std::fs::remove_dir_all(&workshop) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::DirBuilder::new()
        .mode(FOLDER_MODE)
        .create(&workshop)?;
    let unfinished = workshop.join(UNFINISHED);
    let listener = UnixListener::bind(&unfinished)?;
    std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    // In one step, and in the place of one that a dead host left.
    std::fs::rename(&unfinished, path)?;
    std::fs::remove_dir(&workshop)?;
    Ok(listener)
}

/// Takes the rights of others off the data folder: it holds people's messages.
fn make_private(folder: &Path) -> io::Result<()> {
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(folder = %folder.display(), "data folder is made private");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(FOLDER_MODE))
}
