//! A whole host in the test's own process, with people who talk to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parlor_host::app::platforms::BuiltIn;
use parlor_host::app::preview::{Previewing, SaidHere, ShownRooms};
use parlor_host::app::reload::{FolderChange, FolderWatch, FolderWatcher, PluginFile};
use parlor_host::app::{Host, HostParts};
use parlor_host::config::{ReloadConfig, Settings};
use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::journal::{DeadLetter, Journal};
use parlor_host::mailbox::rooms::{
    Change, Command, Done, RoomMessage, Rooms, RoomsError, Say, View, ViewError,
};
use parlor_host::mailbox::{Clock, SystemClock};
use parlor_host::runtime::{ArtifactHash, CompilerProgram};
use parlor_host::web::{PanelSource as _, PluginRow};

use crate::guests;
use crate::transcript::Transcript;

/// The bot's name in the settings and on the platform.
pub const BOT: &str = "parlor";
/// The longest that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a send in doubt is left before its platform is asked, where a test says nothing else.
const DOUBT_WAIT: Duration = Duration::from_millis(200);
/// How long a host that stops lets things end, where a test says nothing else.
const GRACE: Duration = Duration::from_secs(2);
/// Who waits for something to be said; in no conversation.
const WAITER: &str = "waiter";
/// How often a test looks whether something holds.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How often a test that waits listens to what is said meanwhile.
const LISTEN_EVERY: Duration = Duration::from_millis(5);

/// Dead letters that a test looks at.
const MAX_LETTERS: usize = 1_000;

/// A host that runs, and the folder it keeps things in.
pub struct TestHost {
    host: Arc<Host>,
    said: SaidHere,
    folder: tempfile::TempDir,
    transcript: Transcript,
}

/// What a test host is made of.
pub struct TestHostParts {
    /// Where everything is kept.
    pub journal: Arc<dyn Journal>,
    /// The text of its `parlor.toml`.
    pub settings: String,
    /// What tells the time of events and timers.
    pub clock: Arc<dyn Clock>,
    /// The local platform's settings; in memory by default.
    pub rooms: LocalConfig,
    /// Where builds that served are kept; in memory by default.
    pub artifacts: Option<PathBuf>,
    /// Whether `parlor.toml` is a file that can change: [`TestHost::change_settings`].
    pub has_settings_file: bool,
}

impl Default for TestHostParts {
    fn default() -> Self {
        Self {
            journal: Arc::new(MemoryJournal::new()),
            settings: String::new(),
            clock: Arc::new(SystemClock),
            rooms: LocalConfig::default(),
            artifacts: None,
            has_settings_file: false,
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

    /// Starts a host in memory with one component that has settings, the text of its own file.
    ///
    /// # Panics
    /// When the host does not start or the plugin is refused.
    pub async fn with_settings(plugin: &str, settings: &str) -> Self {
        let host = Self::start(TestHostParts::default()).await;
        host.change(plugin, settings).await;
        host
    }

    /// Starts a host in memory that follows a plugin folder with these components in it.
    ///
    /// # Panics
    /// When the host does not start or a plugin is refused.
    pub async fn in_folder(plugins: &[&str]) -> Self {
        let host = Self::start(TestHostParts::default()).await;
        host.follow(plugins).await;
        host
    }

    /// Makes the plugin folder with these components in it, and lets the host follow it.
    ///
    /// # Panics
    /// When there is one already, or a plugin is refused.
    pub async fn follow(&self, plugins: &[&str]) {
        let folder = self.plugin_folder();
        std::fs::create_dir(&folder).expect("a plugin folder can be made");
        for plugin in plugins {
            self.put(plugin, &guests::bytes(plugin));
        }
        let watch = FolderWatch::new(&folder, None, &ReloadConfig::default());
        let watcher = FolderWatcher::start(watch).expect("a folder can be watched");
        self.host.follow(watcher).await;
        for plugin in plugins {
            assert_eq!(self.row(plugin).last_error, None, "{plugin} is refused");
        }
    }

    /// Starts a host without plugins.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(parts: TestHostParts) -> Self {
        let host = Self::closed(parts).await;
        host.open().await;
        host
    }

    /// Starts a host without plugins that takes no events yet, so that plugins are there when it does.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn closed(parts: TestHostParts) -> Self {
        let hub = Hub::open(LocalConfig {
            groups: settings(Path::new("parlor.toml"), &parts.settings)
                .local
                .groups,
            ..parts.rooms.clone()
        });
        Self::start_closed(parts, hub.expect("rooms open")).await
    }

    /// Starts a host without plugins over rooms that are there already.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(parts: TestHostParts, hub: Hub) -> Self {
        let host = Self::start_closed(parts, hub).await;
        host.open().await;
        host
    }

    /// As [`TestHost::closed`], over rooms that are there already.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_closed(parts: TestHostParts, hub: Hub) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("parlor.toml");
        if parts.has_settings_file {
            std::fs::write(&path, &parts.settings).expect("settings can be written");
        }
        let mut settings = settings(&path, &parts.settings);
        // What tests count is what plugins say; those that ask for the host's line set it.
        if !parts.settings.contains("on-failure") {
            settings.sentences.failure.on_failure.clear();
        }
        // What a platform here was asked it has done or lost at once, and what waits for hours when a host stops
        // is in the journal a little earlier too.
        if !parts.settings.contains("doubt-wait") {
            settings.outbox.doubt_wait = DOUBT_WAIT;
        }
        if !parts.settings.contains("grace-secs") {
            settings.limits.grace = GRACE;
        }
        let transcript = Transcript::begin(&hub);
        let said = SaidHere::new(settings.sentences.hosted.clone());
        let host = Host::start(HostParts {
            settings,
            journal: parts.journal,
            platforms: Arc::new(Previewing::keeping(BuiltIn::new(hub.clone()), said.clone())),
            hub,
            cache: guests::code_cache(),
            artifacts: parts.artifacts,
            compiler: CompilerProgram::Thread,
            clock: parts.clock,
        })
        .await
        .expect("the host starts");
        Self {
            host: Arc::new(host),
            said,
            folder,
            transcript,
        }
    }

    /// Has a host take events that was started closed.
    ///
    /// # Panics
    /// When it does not open.
    pub async fn open(&self) {
        self.host.open().await.expect("the host opens");
    }

    /// The host.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// The local platform as its page has it.
    pub fn rooms(&self) -> Arc<dyn Rooms> {
        let hub = self.host.hub().clone();
        Arc::new(ShownRooms::new(hub, self.said.clone()))
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

    /// Gives a component of [`guests`] other settings, the text of its own file.
    ///
    /// # Panics
    /// When the plugin is refused.
    pub async fn change(&self, plugin: &str, settings: &str) {
        self.load(plugin, guests::bytes(plugin), Some(settings))
            .await;
        assert_eq!(self.row(plugin).last_error, None, "{plugin} is refused");
    }

    /// Gives a host that has a settings file another one.
    ///
    /// # Panics
    /// When it cannot be written, or the host has none.
    pub async fn change_settings(&self, text: &str) {
        let path = self.folder.path().join("parlor.toml");
        assert!(path.is_file(), "this host follows no settings");
        std::fs::write(path, text).expect("settings can be written");
        let plugins = self.host.plugins();
        plugins.apply(FolderChange::SettingsChanged).await;
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
        self.transcript.hear();
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

    /// The direct conversation of a user and the bot.
    ///
    /// # Panics
    /// When the platform refuses it.
    pub async fn direct(&self, user: &str) -> String {
        let open = Command::OpenDirect {
            user: BOT.to_owned(),
        };
        let done = self
            .act(user, open)
            .await
            .expect("a direct conversation opens");
        done.conversation
            .expect("a conversation has an id")
            .to_string()
    }

    /// Says something in a conversation, waits until it is answered, and gives the new answers' texts.
    ///
    /// # Panics
    /// When the platform refuses it, or it takes longer than [`PATIENCE`].
    pub async fn ask_in(&self, user: &str, conversation: &str, text: &str) -> Vec<String> {
        let before = self.all_answers(conversation);
        self.say(user, conversation, text).await;
        self.idle().await;
        let is_new = |message: &Arc<RoomMessage>| before.iter().all(|old| old.id != message.id);
        let answers = self.all_answers(conversation).into_iter();
        answers
            .filter(is_new)
            .map(|message| message.text.clone())
            .collect()
    }

    /// Waits until everything is answered.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn idle(&self) {
        tokio::time::timeout(PATIENCE, self.while_listening(self.host.idle()))
            .await
            .expect("the host comes to rest");
    }

    /// Waits until the bot has said so many messages in a conversation.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn until_answers(&self, conversation: &str, count: usize) {
        let (_, mut view) = self.host.hub().view(WAITER).expect("a user can look");
        let answered = async {
            while self.all_answers(conversation).len() < count {
                posted(&mut view, |message| {
                    *message.conversation == *conversation && is_bots(message)
                })
                .await;
            }
        };
        tokio::time::timeout(PATIENCE, answered)
            .await
            .unwrap_or_else(|_| panic!("{conversation}: fewer than {count} answers"));
    }

    /// Waits until somebody says what is wanted, after the call.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn until_said(&self, wanted: impl Fn(&RoomMessage) -> bool) {
        let (_, mut view) = self.host.hub().view(WAITER).expect("a user can look");
        let said = async { while !posted(&mut view, &wanted).await {} };
        tokio::time::timeout(PATIENCE, said)
            .await
            .expect("what is wanted is said");
    }

    async fn while_listening(&self, wait: impl Future<Output = ()>) {
        let mut wait = std::pin::pin!(wait);
        while tokio::time::timeout(LISTEN_EVERY, &mut wait).await.is_err() {
            self.transcript.hear();
        }
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
        messages.retain(|message| is_bots(message));
        messages
    }

    /// Everything that the bot said in a conversation since the host started, oldest first.
    ///
    /// # Panics
    /// When some of it was said and dropped while nobody listened.
    pub fn all_answers(&self, conversation: &str) -> Vec<Arc<RoomMessage>> {
        let mut said = self.transcript.said(conversation);
        said.retain(|message| is_bots(message));
        said
    }

    /// The events that were given up, oldest first.
    ///
    /// # Panics
    /// When the journal cannot be read.
    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        let letters = self.host.journal().dead_letters(0, MAX_LETTERS).await;
        letters.expect("the journal reads")
    }

    /// Says something as `ada` in the lobby that nobody answers and the host gives up, and gives why.
    ///
    /// # Panics
    /// When it is answered, or is no dead letter.
    pub async fn given_up(&self, text: &str) -> DeadLetter {
        let before = self.dead_letters().await.len();
        let answers = self.ask(text).await;
        assert_eq!(answers, Vec::<String>::new(), "`{text}` is answered");
        let mut letters = self.dead_letters().await;
        assert_eq!(letters.len(), before + 1, "`{text}` is not given up");
        letters.remove(before)
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

    /// Waits until something holds.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn eventually(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let wait = async {
            while !holds() {
                // A loop without a pause would take a processor from what is waited for.
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("{what}: never"));
    }

    /// Stops the host.
    pub async fn stop(self) {
        self.host.stop().await;
    }
}

/// Waits for a message; tells whether it came, or changes were lost that it may have been among.
async fn posted(view: &mut View, wanted: impl Fn(&RoomMessage) -> bool) -> bool {
    loop {
        match view.next().await {
            Ok(event) => match &event.change {
                Change::Posted(message) if wanted(message) => return true,
                _ => {}
            },
            Err(ViewError::Lagged) => return false,
            Err(ViewError::Closed) => panic!("the platform has ended"),
        }
    }
}

fn is_bots(message: &RoomMessage) -> bool {
    message.author.ends_with(BOT)
}

fn settings(path: &Path, text: &str) -> Settings {
    Settings::parse(path, text, &|_| None)
        .unwrap_or_else(|problems| panic!("settings of the test: {problems:?}"))
}
