//! What the command line asks of the host.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use futures::future::BoxFuture;

use super::control::{self, ControlSocket};
use super::host::{Host, HostParts};
use super::outside::Outside;
use super::platforms::{BuiltIn, Platforms};
use super::preview::{Previewing, SaidHere, ShownAs, ShownRooms};
use super::reload::{FolderChange, FolderWatch, FolderWatcher, PluginFile, Sha256Bytes};
use super::trace::Trace;
use crate::config::{
    Durability, ReloadMode, Settings, bind, open_folders, unreadable_plugins, variable,
};
use crate::connectors::local::{Hub, LocalConfig};
use crate::journal::lock::DataLock;
use crate::journal::memory::MemoryJournal;
use crate::journal::sqlite::{self, SqliteConfig, SqliteJournal};
use crate::mailbox::SystemClock;
use crate::mailbox::rooms::Rooms;
use crate::model::description::Description;
use crate::runtime::{ArtifactHash, CompilerProgram, Engine, RuntimeConfig};
use crate::shutdown::Shutdown;
use crate::web::{PageServer, PanelSource as _};

/// The folder of compiled code inside the data folder.
const CACHE_FOLDER: &str = "cache";
/// The folder of builds that served inside the data folder.
const ARTIFACTS_FOLDER: &str = "artifacts";
/// The folder of the local platform's rooms inside the data folder.
pub(super) const ROOMS_FOLDER: &str = "local";
/// How long the page may take to say good-bye.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Resolves when no delivery, request or part is open.
pub type Idle = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Whoever talks to the local platform at the terminal: `cli` gives it.
#[async_trait]
pub trait FrontEnd: Send + Sync {
    /// Hears that the host serves, and where its page is.
    ///
    /// # Errors
    /// When it cannot say so.
    fn ready(&self, page: Option<&str>) -> anyhow::Result<()>;

    /// Talks until its input ends. `commands` are those of the plugins, as they are typed.
    ///
    /// # Errors
    /// When the terminal or the platform fails.
    async fn talk(
        &self,
        rooms: Arc<dyn Rooms>,
        commands: Vec<String>,
        idle: Idle,
    ) -> anyhow::Result<()>;
}

/// How to serve.
pub struct HostOptions {
    /// The settings.
    pub settings: Settings,
    /// Whether there is a settings file to watch.
    pub has_settings_file: bool,
    /// Whether to talk at the terminal too.
    pub prompt: bool,
    /// Who talks there.
    pub front: Box<dyn FrontEnd>,
}

/// How to chat at the terminal or through a pipe.
pub struct ChatOptions {
    /// The settings.
    pub settings: Settings,
    /// The only plugins to load; empty: those of the settings' folder.
    pub files: Vec<PathBuf>,
    /// A platform that is shown beside the local one.
    pub shown_as: Option<ShownAs>,
    /// Who traces events.
    pub trace: Option<Arc<Trace>>,
    /// Who talks.
    pub front: Box<dyn FrontEnd>,
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
        front,
    } = options;
    open_folders(&settings)?;
    let mut lock =
        DataLock::acquire(&settings.data).map_err(|error| UsageError(error.to_string()))?;
    let listener = match settings.local.enabled {
        true => Some(bind(&settings, "local.listen", settings.local.listen)?),
        false => None,
    };
    let data = settings.data.clone();
    ControlSocket::check(&data).map_err(|error| settings.problem("data", error.to_string()))?;
    let outside = Outside::prepare(&settings)?;
    let journal = open_journal(&settings).await?;
    let hub = open_hub(&settings, Some(settings.data.join(ROOMS_FOLDER)))?;
    let watcher = FolderWatcher::start(watch(&settings, has_settings_file))?;
    let said = SaidHere::new(settings.sentences.hosted.clone());
    let host = Host::start(HostParts {
        cache: settings.data.join(CACHE_FOLDER),
        artifacts: Some(settings.data.join(ARTIFACTS_FOLDER)),
        compiler: CompilerProgram::Child(std::env::current_exe()?),
        clock: Arc::new(SystemClock),
        journal: Arc::new(journal),
        platforms: Arc::new(Previewing::keeping(BuiltIn::new(hub.clone()), said.clone())),
        hub,
        settings,
    })
    .await?;
    let host = Arc::new(host);
    outside.begin(&host).await?;
    tokio::select! {
        () = host.follow(watcher) => {}
        () = shutdown.wait_for_stop() => {
            host.stop().await;
            outside.end(&shutdown).await;
            return Ok(());
        }
    }
    // The file may have changed since it was read.
    host.plugins().apply(FolderChange::SettingsChanged).await;
    let socket = match ControlSocket::bind(&data) {
        Ok(socket) => socket,
        Err(error) => {
            host.stop().await;
            outside.end(&shutdown).await;
            return Err(error.into());
        }
    };
    host.open().await?;
    shutdown.spawn(control::serve(
        socket,
        host.clone(),
        outside.audit(),
        shutdown.token(),
    ));
    outside.open(&host);
    let page = match listener {
        Some(listener) => {
            let rooms: Arc<dyn Rooms> = Arc::new(ShownRooms::new(host.hub().clone(), said));
            let page = PageServer::on(listener, None, rooms, host.plugins().clone())?;
            lock.set_address(&page.address().to_string())?;
            Some(page)
        }
        None => None,
    };
    front.ready(page.as_ref().map(PageServer::url).as_deref())?;
    if let Some(page) = page {
        let stop = shutdown.token();
        shutdown.spawn(async move {
            if let Err(error) = page.serve(stop.cancelled_owned()).await {
                tracing::error!(%error, "page ended");
            }
        });
    }
    let talk = async {
        if prompt {
            front
                .talk(rooms_of(&host), host.plugins().commands(), idle_of(&host))
                .await?;
            // A prompt that is left is a host that is stopped: whoever typed `/quit` meant it.
            shutdown.stop();
        }
        shutdown.wait_for_stop().await;
        anyhow::Ok(())
    };
    let talked = tokio::select! {
        talked = talk => talked,
        () = shutdown.wait_for_stop() => Ok(()),
        () = reload_on_hangup(&host) => Ok(()),
    };
    host.stop().await;
    shutdown.wait_for_tasks(STOP_WITHIN).await;
    outside.end(&shutdown).await;
    talked
}

/// Chats until the input ends. Nothing is kept, and no outside platform is spoken to.
///
/// # Errors
/// As [`run_host`].
pub async fn run_chat(options: ChatOptions, shutdown: Shutdown) -> anyhow::Result<()> {
    let ChatOptions {
        settings,
        files,
        shown_as,
        trace,
        front,
    } = options;
    let hub = open_hub(&settings, None)?;
    if files.is_empty() {
        std::fs::read_dir(&settings.plugins_folder)
            .map_err(|error| unreadable_plugins(&settings, &error))?;
    }
    let watch = watch(&settings, false);
    let built_in = BuiltIn::new(hub.clone());
    let platforms: Arc<dyn Platforms> = match (shown_as, &trace) {
        (_, Some(trace)) => Arc::new(Previewing::tracing(built_in, shown_as, trace.clone())),
        (None, None) => Arc::new(built_in),
        (Some(shown_as), None) => {
            let sentences = settings.sentences.hosted.clone();
            Arc::new(Previewing::beside(built_in, shown_as, sentences))
        }
    };
    let host = Host::start(HostParts {
        cache: private_cache()?,
        artifacts: None,
        compiler: CompilerProgram::Quick(std::env::current_exe()?),
        clock: Arc::new(SystemClock),
        journal: Arc::new(MemoryJournal::new()),
        platforms,
        hub,
        settings,
    })
    .await?;
    let host = Arc::new(host);
    if let Some(trace) = &trace {
        host.trace(trace);
    }
    if files.is_empty() {
        host.follow(FolderWatcher::start(watch)?).await;
    } else {
        for file in &files {
            host.plugins().apply(change_of(file)?).await;
        }
        let refused = refused_files(&host, &files);
        if !refused.is_empty() {
            host.stop().await;
            return Err(UsageError(refused.join("\n")).into());
        }
    }
    for row in host.plugins().plugins() {
        if let Some(error) = row.last_error {
            tracing::error!(plugin = row.name, error, "plugin does not take part");
        }
    }
    host.open().await?;
    let talked = tokio::select! {
        talked = front.talk(rooms_of(&host), host.plugins().commands(), idle_of(&host)) => talked,
        () = shutdown.wait_for_stop() => Ok(()),
    };
    host.stop().await;
    talked
}

/// Those of the files that do not serve, with why: who names a file wants to talk to it.
fn refused_files(host: &Host, files: &[PathBuf]) -> Vec<String> {
    let rows = host.plugins().plugins().into_iter();
    let refused = rows.filter(|row| row.state == "refused");
    refused
        .map(|row| {
            let is_its = |file: &&PathBuf| file.file_stem().is_some_and(|it| *it == *row.name);
            let file = files.iter().find(is_its);
            let file = file.map_or_else(|| row.name.clone(), |file| file.display().to_string());
            format!("{file}: refused: {}", row.last_error.unwrap_or_default())
        })
        .collect()
}

/// Compiles a file and asks it what it is, as the host would before it serves. An instance of it may
/// have this much memory.
///
/// # Errors
/// Says why the host would refuse it.
pub async fn describe_file(wasm: Vec<u8>, memory_bytes: u64) -> Result<Description, String> {
    let describe = async {
        let compiler = CompilerProgram::Child(std::env::current_exe()?);
        let engine = Engine::new(RuntimeConfig::attended(private_cache()?, compiler))?;
        let artifact = engine.compile(wasm).await?;
        let description = engine.describe(&artifact, memory_bytes).await?;
        engine.shutdown().await;
        anyhow::Ok(description)
    };
    describe.await.map_err(|error| format!("{error:#}"))
}

/// Compiles a file for the host that has run with these settings, so that it need not when it loads it.
///
/// # Errors
/// Says why the host would refuse it.
pub async fn compile_for_host(settings: &Settings, wasm: Vec<u8>) -> Result<(), String> {
    let cache = settings.data.join(CACHE_FOLDER);
    if !cache.is_dir() {
        // It makes its folders itself, when it starts.
        return Ok(());
    }
    let compile = async {
        let compiler = CompilerProgram::Child(std::env::current_exe()?);
        let engine = Engine::new(RuntimeConfig::new(cache, compiler))?;
        engine.compile(wasm).await?;
        engine.shutdown().await;
        anyhow::Ok(())
    };
    compile.await.map_err(|error| format!("{error:#}"))
}

/// The local platform, kept in a folder or in memory only.
pub(super) fn open_hub(settings: &Settings, folder: Option<PathBuf>) -> anyhow::Result<Hub> {
    let local = &settings.local;
    Hub::open(LocalConfig {
        folder,
        rooms: local.rooms.clone(),
        users: local.users.clone(),
        groups: local.groups.clone(),
    })
    .context("local platform")
}

async fn open_journal(settings: &Settings) -> anyhow::Result<SqliteJournal> {
    let folder = settings.data.clone();
    let config = SqliteConfig {
        durability: match settings.journal.durability {
            Durability::Power => sqlite::Durability::Power,
            Durability::Process => sqlite::Durability::Process,
        },
        max_bytes: settings.journal.max_bytes,
        keep: sqlite::Keep {
            finished: settings.journal.keep_ms,
            dead: settings.journal.keep_dead_ms,
        },
    };
    let opened = tokio::task::spawn_blocking(move || SqliteJournal::open(&folder, config)).await?;
    Ok(opened?)
}

/// Changes are always looked for: in manual mode they are compiled and checked, and wait.
fn watch(settings: &Settings, has_settings_file: bool) -> FolderWatch {
    let mut watch = FolderWatch::new(
        &settings.plugins_folder,
        has_settings_file.then_some(settings.path.as_path()),
        &settings.reload,
    );
    watch.mode = ReloadMode::Watch;
    watch
}

fn rooms_of(host: &Host) -> Arc<dyn Rooms> {
    Arc::new(host.hub().clone())
}

pub(super) fn idle_of(host: &Arc<Host>) -> Idle {
    let host = host.clone();
    Arc::new(move || {
        let host = host.clone();
        Box::pin(async move { host.idle().await })
    })
}

/// `SIGHUP` is a `parlor reload`. Never resolves.
async fn reload_on_hangup(host: &Host) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return std::future::pending().await;
    };
    while hangups.recv().await.is_some() {
        match host.reload(None).await {
            Ok(reloaded) => tracing::info!(?reloaded, "reloaded"),
            Err(error) => tracing::warn!(%error, "not reloaded"),
        }
    }
    std::future::pending().await
}

/// A folder for compiled code where no host's data folder serves: the user's cache.
pub(super) fn private_cache() -> anyhow::Result<PathBuf> {
    let base = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .filter(|path| path.is_absolute())
        .unwrap_or_else(std::env::temp_dir);
    let folder = base.join("parlor");
    std::fs::create_dir_all(&base).with_context(|| base.display().to_string())?;
    Ok(folder)
}

/// A file by name, as the folder would report it.
pub(super) fn change_of(file: &Path) -> anyhow::Result<FolderChange> {
    let name = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .ok_or_else(|| UsageError(format!("{} has no name", file.display())))?;
    let wasm =
        std::fs::read(file).map_err(|error| UsageError(format!("{}: {error}", file.display())))?;
    let sha256: Sha256Bytes = ArtifactHash::of(&wasm).0;
    let path = file.with_extension("toml");
    let settings = std::fs::read_to_string(&path).ok().map(|text| PluginFile {
        path,
        text: text.into(),
    });
    Ok(FolderChange::Upsert {
        name: name.to_owned(),
        wasm: wasm.into(),
        sha256,
        settings,
    })
}
