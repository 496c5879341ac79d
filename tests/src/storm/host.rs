//! The host of a storm, in a process of its own: like `parlor run`, on a faulty platform or on one that works.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use parlor_host::app::platforms::{BuiltIn, Platforms};
use parlor_host::app::reload::{FolderWatch, FolderWatcher};
use parlor_host::app::{Host, HostParts};
use parlor_host::config::{SETTINGS_FILE, Settings};
use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_host::mailbox::SystemClock;
use parlor_host::runtime::CompilerProgram;
use parlor_host::shutdown::Shutdown;
use parlor_host::web::{PageConfig, PageServer};

use super::faults::{Dice, FaultyPlatforms};
use super::tally::Tally;

/// What the platform of a host does.
#[derive(Clone, Copy, Debug)]
pub enum Weather {
    /// It works.
    Calm,
    /// It fails, as dice fall that begin with this.
    Storm(u64),
    /// It fails likewise, and now and then it sends something twice.
    Doubling(u64),
}

/// Serves the settings of a folder until it is told to stop.
///
/// # Errors
/// What cannot start.
pub async fn serve(folder: &Path, weather: Weather, max_bytes: Option<u64>) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    shutdown.listen_for_signals()?;
    let settings = Settings::load(&folder.join(SETTINGS_FILE)).map_err(|problems| {
        let problem = problems.first();
        anyhow!("{problem:?}")
    })?;
    std::fs::create_dir_all(&settings.data)?;
    let journal = SqliteJournal::open(
        &settings.data,
        SqliteConfig {
            max_bytes: max_bytes.unwrap_or(settings.journal.max_bytes),
            ..SqliteConfig::default()
        },
    )?;
    let hub = Hub::open(LocalConfig {
        folder: Some(settings.data.join("local")),
        rooms: settings.local.rooms.clone(),
        users: settings.local.users.clone(),
        groups: settings.local.groups.clone(),
    })?;
    let watch = FolderWatch::new(&settings.plugins_folder, None, &settings.reload);
    let watcher = FolderWatcher::start(watch)?;
    let inner = BuiltIn::new(hub.clone());
    let platforms: Arc<dyn Platforms> = match weather {
        Weather::Calm => Arc::new(inner),
        Weather::Storm(seed) | Weather::Doubling(seed) => Arc::new(FaultyPlatforms {
            inner,
            dice: Dice {
                seed,
                doubles: matches!(weather, Weather::Doubling(_)),
            },
            tally: Arc::new(Tally::open(folder)?),
        }),
    };
    let host = Host::start(HostParts {
        cache: settings.data.join("cache"),
        artifacts: Some(settings.data.join("artifacts")),
        compiler: CompilerProgram::Thread,
        clock: Arc::new(SystemClock),
        journal: Arc::new(journal),
        platforms,
        hub,
        settings,
    })
    .await?;
    host.follow(watcher).await;
    host.open().await?;
    // For bots that their platforms call.
    host.hooks().open(None);
    let called = host.hooks().address();
    let config = PageConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        token: None,
    };
    let rooms = Arc::new(host.hub().clone());
    let page = PageServer::bind(config, rooms, host.plugins().clone()).await?;
    #[expect(
        clippy::print_stdout,
        reason = "it is how the storm hears where the page is"
    )]
    {
        println!("open {}", page.url());
        if let Some(called) = called {
            println!("called {called}");
        }
    }
    let stop = shutdown.token();
    let serving = tokio::spawn(page.serve(stop.cancelled_owned()));
    shutdown.wait_for_stop().await;
    host.stop().await;
    serving.await??;
    Ok(())
}
