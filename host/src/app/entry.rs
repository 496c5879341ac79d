//! What the command line asks of the host.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::host::{Host, HostParts};
use super::reload::{FolderChange, FolderWatch, FolderWatcher, Sha256Bytes};
use crate::config::{Durability, ReloadMode, Settings, bind, open_folders};
use crate::connectors::local::{Hub, LocalConfig};
use crate::journal::lock::DataLock;
use crate::journal::memory::MemoryJournal;
use crate::journal::sqlite::{self, SqliteConfig, SqliteJournal};
use crate::mailbox::rooms::Rooms;
use crate::model::description::Description;
use crate::runtime::{ArtifactHash, CompilerProgram, Engine, RuntimeConfig};
use crate::shutdown::Shutdown;
use crate::web::{PageConfig, PageServer};

/// The folder of compiled code inside the data folder.
const CACHE_FOLDER: &str = "cache";
/// The folder of the local platform's rooms inside the data folder.
const ROOMS_FOLDER: &str = "local";

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
    let HostOptions {
        settings,
        has_settings_file,
        prompt,
    } = options;
    open_folders(&settings)?;
    let mut lock =
        DataLock::acquire(&settings.data).map_err(|error| UsageError(error.to_string()))?;
    let listener = match settings.local.enabled {
        true => Some(bind(&settings, "local.listen", settings.local.listen)?),
        false => None,
    };
    let journal = open_journal(&settings).await?;
    let hub = Hub::open(LocalConfig {
        folder: Some(settings.data.join(ROOMS_FOLDER)),
        rooms: settings.local.rooms.clone(),
        ..LocalConfig::default()
    })
    .context("local platform")?;
    let watcher = FolderWatcher::start(watch(&settings, has_settings_file))?;
    let looking = watcher.handle();
    let host = Host::start(HostParts {
        cache: settings.data.join(CACHE_FOLDER),
        compiler: CompilerProgram::Child(std::env::current_exe()?),
        journal: Arc::new(journal),
        hub,
        settings,
    })
    .await?;
    let host = Arc::new(host);
    tokio::select! {
        () = host.follow(watcher) => {}
        () = shutdown.wait_for_stop() => {
            host.stop().await;
            return Ok(());
        }
    }
    host.open().await?;
    if let Some(listener) = listener {
        let rooms: Arc<dyn Rooms> = Arc::new(host.hub().clone());
        let page = PageServer::on(listener, PageConfig::default(), rooms, host.plugins().clone())?;
        lock.set_address(&page.address().to_string())?;
        crate::cli::announce(&page.url())?;
        let stop = shutdown.token();
        shutdown.spawn(async move {
            if let Err(error) = page.serve(stop.cancelled_owned()).await {
                tracing::error!(%error, "page ended");
            }
        });
    }
    let released = release_on_hangup(&host, &looking, &shutdown)?;
    if prompt {
        crate::cli::chat::prompt(&host, &shutdown).await?;
        // The prompt's end is not the host's: it serves until it is stopped.
    }
    shutdown.wait_for_stop().await;
    released.abort();
    host.stop().await;
    Ok(())
}

/// Chats until the input ends. Nothing is kept, and no outside platform is spoken to.
///
/// # Errors
/// As [`run_host`].
pub async fn run_chat(options: ChatOptions, shutdown: Shutdown) -> anyhow::Result<()> {
    let ChatOptions { settings, files } = options;
    let cache = tempfile_in(&settings)?;
    let hub = Hub::open(LocalConfig {
        folder: None,
        rooms: settings.local.rooms.clone(),
        ..LocalConfig::default()
    })
    .context("local platform")?;
    let host = Host::start(HostParts {
        cache: cache.path().to_owned(),
        compiler: CompilerProgram::Child(std::env::current_exe()?),
        journal: Arc::new(MemoryJournal::new()),
        hub,
        settings: settings.clone(),
    })
    .await?;
    let host = Arc::new(host);
    if files.is_empty() {
        open_folders(&settings)?;
        host.follow(FolderWatcher::start(watch(&settings, false))?)
            .await;
    } else {
        for file in &files {
            host.plugins().apply(change_of(file)?).await;
        }
    }
    host.open().await?;
    let talked = crate::cli::chat::talk(&host, &shutdown).await;
    host.stop().await;
    talked
}

/// Compiles a file and asks it what it is, as the host would before it serves.
///
/// # Errors
/// Says why the host would refuse it.
pub async fn describe_file(wasm: Vec<u8>) -> Result<Description, String> {
    let describe = async {
        let cache = private_cache()?;
        let compiler = CompilerProgram::Child(std::env::current_exe()?);
        let engine = Engine::new(RuntimeConfig::new(cache.path().to_owned(), compiler))?;
        let artifact = engine.compile(wasm).await?;
        let description = engine.describe(&artifact).await?;
        engine.shutdown().await;
        anyhow::Ok(description)
    };
    describe.await.map_err(|error| format!("{error:#}"))
}
