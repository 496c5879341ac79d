//! A whole host in the test's own process, with people who talk to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parlor_host::app::reload::{FolderChange, FolderWatch, FolderWatcher, PluginFile};
use parlor_host::app::{Host, HostParts};
use parlor_host::config::{ReloadConfig, Settings};
use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::Journal;
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::mailbox::rooms::{Command, Done, RoomMessage, Rooms as _, RoomsError, Say};
use parlor_host::runtime::{ArtifactHash, CompilerProgram};
use parlor_host::web::{PanelSource as _, PluginRow};

use crate::guests;

/// The bot's name in the settings and on the platform.
pub const BOT: &str = "parlor";
/// The longest that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A host that runs, and the folder it keeps things in.
pub struct TestHost {
    host: Arc<Host>,
    folder: tempfile::TempDir,
}

/// What a test host is made of.
pub struct TestHostParts {
    /// Where everything is kept.
    pub journal: Arc<dyn Journal>,
    /// The text of its `parlor.toml`.
    pub settings: String,
}

impl Default for TestHostParts {
    fn default() -> Self {
        Self {
            journal: Arc::new(MemoryJournal::new()),
            settings: String::new(),
        }
    }
}

impl TestHost {
    /// Starts a host in memory with these components, by their names in [`guests`].
    ///
    /// # Panics
    /// When the host does not start or a plugin is refused.
    pub async fn with(plugins: &[&str]) -> Self {
        let host = Self::start(TestHostParts::default()).await;
        for plugin in plugins {
            host.load(plugin, guests::bytes(plugin), None).await;
            assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
        }
        host
    }

    /// Starts a host in memory that follows a plugin folder with these components in it.
    ///
    /// # Panics
    /// When the host does not start or a plugin is refused.
    pub async fn in_folder(plugins: &[&str]) -> Self {
        let host = Self::start(TestHostParts::default()).await;
        let folder = host.plugin_folder();
        std::fs::create_dir(&folder).expect("a plugin folder can be made");
        for plugin in plugins {
            host.put(plugin, &guests::bytes(plugin));
        }
        let watch = FolderWatch::new(&folder, None, &ReloadConfig::default());
        let watcher = FolderWatcher::start(watch).expect("a folder can be watched");
        host.host.follow(watcher).await;
        for plugin in plugins {
            assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
        }
        host
    }

    /// Starts a host without plugins.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(parts: TestHostParts) -> Self {
        let hub = Hub::open(LocalConfig {
            groups: settings(Path::new("parlor.toml"), &parts.settings)
                .local
                .groups,
            ..LocalConfig::default()
        });
        Self::start_with(parts, hub.expect("rooms in memory open")).await
    }

    /// Starts a host without plugins over rooms that are there already.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(parts: TestHostParts, hub: Hub) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("parlor.toml");
        let settings = settings(&path, &parts.settings);
        let host = Host::start(HostParts {
            settings,
            journal: parts.journal,
            hub,
            cache: cache(),
            compiler: CompilerProgram::Thread,
        })
        .await
        .expect("the host starts");
        host.open().await.expect("the host opens");
        Self {
            host: Arc::new(host),
            folder,
        }
    }

    /// The host.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Gives the host a component as if it had come into its folder; settings are its own file's text.
    pub async fn load(&self, name: &str, wasm: Vec<u8>, settings: Option<&str>) {
        let change = FolderChange::Upsert {
            name: name.to_owned(),
            sha256: ArtifactHash::of(&wasm).0,
            wasm: wasm.into(),
            settings: settings.map(|text| PluginFile {
                path: PathBuf::from(format!("{name}.toml")),
                text: text.into(),
            }),
        };
        self.host.plugins().apply(change).await;
    }

    /// The folder of a host that was started [`TestHost::in_folder`].
    pub fn plugin_folder(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// Puts a component into the plugin folder, whole at once.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn put(&self, name: &str, wasm: &[u8]) {
        let folder = self.plugin_folder();
        let hidden = folder.join(format!(".{name}"));
        std::fs::write(&hidden, wasm).expect("a component can be written");
        std::fs::rename(&hidden, folder.join(format!("{name}.wasm")))
            .expect("a component can be renamed");
    }

    /// Waits until the panel says of a plugin what is wanted.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn until(&self, name: &str, wanted: impl Fn(&PluginRow) -> bool) -> PluginRow {
        let plugins = self.host.plugins();
        let mut changed = plugins.changed();
        let wait = async {
            loop {
                let rows = plugins.plugins();
                let row = rows.into_iter().find(|row| row.name == name);
                if let Some(row) = row.filter(|row| wanted(row)) {
                    return row;
                }
                changed.changed().await.expect("the panel goes on");
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("{name} does not become what is wanted"))
    }

    /// What the page's panel says of a plugin.
    ///
    /// # Panics
    /// When there is no such plugin.
    pub fn row(&self, name: &str) -> PluginRow {
        let rows = self.host.plugins().plugins();
        rows.into_iter()
            .find(|row| row.name == name)
            .unwrap_or_else(|| panic!("there is no plugin {name}"))
    }

    /// Does something as a user of the local platform.
    ///
    /// # Errors
    /// The platform's.
    pub async fn act(&self, user: &str, command: Command) -> Result<Done, RoomsError> {
        self.host.hub().act(user, command).await
    }

    /// The id of a room, made where there is none; the user goes in.
    ///
    /// # Panics
    /// When the platform refuses it.
    pub async fn room(&self, user: &str, name: &str) -> String {
        let open = Command::OpenRoom {
            name: name.to_owned(),
        };
        let done = self.act(user, open).await.expect("a room opens");
        done.conversation.expect("a room has an id").to_string()
    }

    /// Says something in a conversation; the message's id.
    ///
    /// # Panics
    /// When the platform refuses it.
    pub async fn say(&self, user: &str, conversation: &str, text: &str) -> String {
        let say = Command::Say(Say {
            conversation: conversation.to_owned(),
            text: text.to_owned(),
            ..Say::default()
        });
        let done = self.act(user, say).await.expect("a message is posted");
        done.message.expect("a message has an id").to_string()
    }

    /// Waits until everything is answered.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn idle(&self) {
        tokio::time::timeout(PATIENCE, self.host.idle())
            .await
            .expect("the host comes to rest");
    }

    /// The messages of a conversation, oldest first, as a user sees them.
    ///
    /// # Panics
    /// When the user cannot look.
    pub fn messages(&self, user: &str, conversation: &str) -> Vec<Arc<RoomMessage>> {
        let (snapshot, _) = self.host.hub().view(user).expect("a user can look");
        let room = snapshot
            .rooms
            .into_iter()
            .find(|view| *view.room.id == *conversation);
        room.map(|view| view.messages).unwrap_or_default()
    }

    /// What the bot said in a conversation, oldest first.
    pub fn answers(&self, user: &str, conversation: &str) -> Vec<Arc<RoomMessage>> {
        let mut messages = self.messages(user, conversation);
        messages.retain(|message| &*message.author == BOT || message.author.ends_with(BOT));
        messages
    }

    /// Everything that the bot said in a conversation and the platform still keeps.
    pub fn all_answers(&self, conversation: &str) -> Vec<Arc<RoomMessage>> {
        self.host.hub().read(|state| {
            let room = state.rooms.get(conversation);
            let messages = room.into_iter().flat_map(|room| room.messages.iter());
            messages
                .filter(|message| message.author.ends_with(BOT))
                .cloned()
                .collect()
        })
    }

    /// Says something as `ada` in the lobby, waits until it is answered, and gives the new answers' texts.
    pub async fn ask(&self, text: &str) -> Vec<String> {
        let lobby = self.room("ada", "Lobby").await;
        let before = self.all_answers(&lobby).len();
        self.say("ada", &lobby, text).await;
        self.idle().await;
        let answers = self.all_answers(&lobby);
        answers[before..]
            .iter()
            .map(|message| message.text.clone())
            .collect()
    }

    /// Stops the host.
    pub async fn stop(self) {
        self.host.stop().await;
    }
}

fn settings(path: &Path, text: &str) -> Settings {
    Settings::parse(path, text, &|_| None)
        .unwrap_or_else(|problems| panic!("settings of the test: {problems:?}"))
}

/// One folder of compiled code for all tests: what is tested is not how often a guest is compiled.
fn cache() -> PathBuf {
    guests::workspace().join("target").join("test-cache")
}
