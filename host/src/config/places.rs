//! Folders and ports that the settings name, tried before anything starts.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::{Problem, Settings};

/// Makes the data folder where it is missing, and checks that both folders can be used.
///
/// # Errors
/// The problem of the setting that names the folder.
pub fn open_folders(settings: &Settings) -> Result<(), Problem> {
    // First what is only looked at: a mistake leaves no folder behind.
    std::fs::read_dir(&settings.plugins_folder)
        .map_err(|error| unreadable_plugins(settings, &error))?;
    make_private_folder(&settings.data).map_err(|error| {
        let folder = settings.data.display();
        settings.problem("data", format!("cannot use folder {folder}: {error}"))
    })
}

/// The problem of a plugin folder that cannot be read.
pub fn unreadable_plugins(settings: &Settings, error: &std::io::Error) -> Problem {
    let folder = settings.plugins_folder.display();
    settings
        .problem("plugins", format!("cannot read folder {folder}: {error}"))
        .hint("`plugins` names the folder of *.wasm files")
}

/// Listens on an address; `key` is the setting that names it.
///
/// # Errors
/// The problem of that setting: the port is in use, the address is not ours.
pub fn bind(settings: &Settings, key: &str, address: SocketAddr) -> Result<TcpListener, Problem> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| {
        let found = if error.kind() == std::io::ErrorKind::AddrInUse {
            format!("port {} of {} is in use", address.port(), address.ip())
        } else {
            format!("cannot listen on {address}: {error}")
        };
        settings.problem(key, found).hint(format!(
            "`{key}` names the address; port 0 takes a free one"
        ))
    })
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // The lock and the journal are written here: what cannot be written is found now.
    let probe = folder.join(".parlor-probe");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}
