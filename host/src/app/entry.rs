//! What the command line asks of the host.

use std::path::PathBuf;

use crate::config::Settings;
use crate::model::description::Description;
use crate::shutdown::Shutdown;

/// How to serve.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The settings.
    pub settings: Settings,
    /// Whether there is a settings file to watch.
    pub has_settings_file: bool,
    /// Whether to talk at the terminal too.
    pub prompt: bool,
}

/// How to chat at the terminal or through a pipe.
#[derive(Clone, Debug)]
pub struct ChatOptions {
    /// The settings.
    pub settings: Settings,
    /// The only plugins to load; empty: those of the settings' folder.
    pub files: Vec<PathBuf>,
}

/// A mistake of whoever started the command: it ends with code 64.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Serves until it is time to stop.
///
/// # Errors
/// [`crate::config::Problem`] and [`UsageError`] where a person must change something first.
pub async fn run_host(options: HostOptions, shutdown: Shutdown) -> anyhow::Result<()> {
    let _ = (options, shutdown);
    anyhow::bail!("the host is not joined yet")
}

/// Chats until the input ends.
///
/// # Errors
/// As [`run_host`].
pub async fn run_chat(options: ChatOptions, shutdown: Shutdown) -> anyhow::Result<()> {
    let _ = (options, shutdown);
    anyhow::bail!("the host is not joined yet")
}

/// Compiles a file and asks it what it is, as the host would before it serves.
///
/// # Errors
/// Says why the host would refuse it.
pub async fn describe_file(wasm: Vec<u8>) -> Result<Description, String> {
    drop(wasm);
    Err("the host is not joined yet".to_owned())
}

/// Compiles an artifact in a child process of the host.
///
/// # Errors
/// Says why it cannot be compiled.
pub fn compile_in_child(input: PathBuf, output: PathBuf) -> anyhow::Result<()> {
    let _ = (input, output);
    anyhow::bail!("the host is not joined yet")
}
