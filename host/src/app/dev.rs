//! `parlor dev`: plugins whose sources are built again as they change, on a live local platform.
//!
//! A build that fails, or that the host refuses, changes nothing but what is said: what served before
//! goes on. A build that is taken answers once more what a person said last.

mod settings;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::settings::{SettingsWatch, for_development};
use super::control::send_content;
use super::entry::{
    FrontEnd, STOP_WITHIN, UsageError, change_of, idle_of, open_hub, private_cache,
};
use super::host::{Host, HostParts};
use super::platforms::BuiltIn;
use super::plugins::Plugins;
use super::preview::{Previewing, SaidHere, ShownRooms};
use super::reload::{FolderChange, Sha256Bytes, SourceWatcher};
use crate::config::{Problem, Settings, bind};
use crate::content::plain;
use crate::journal::memory::MemoryJournal;
use crate::mailbox::SystemClock;
use crate::mailbox::control::SentState;
use crate::mailbox::rooms::{
    Command, Done, Elsewhere, RoomFile, Rooms, RoomsError, Say, Snapshot, View,
};
use crate::model::content::{Block, CodeBlock, Content};
use crate::runtime::CompilerProgram;
use crate::shutdown::Shutdown;
use crate::web::{PageServer, PanelSource, PluginRow};

/// Letters of what tools said that a message and the panel show.
const MAX_SAID: usize = 6_000;
/// Where news goes while nobody has said anything, unless the settings name another room.
const FIRST_ROOM: &str = "Lobby";

/// Makes components of the sources: `cli` gives it.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Builds; the components, or what the tools say is wrong. Nothing is built any more once this is
    /// dropped.
    async fn build(&self) -> Result<Vec<PathBuf>, String>;
}

/// How to develop.
pub struct DevOptions {
    /// The settings.
    pub settings: Settings,
    /// Where the sources are.
    pub sources: PathBuf,
    /// Who builds them.
    pub builder: Box<dyn Builder>,
    /// Who talks.
    pub front: Box<dyn FrontEnd>,
}

/// Builds, serves and builds again until the input ends. Nothing is kept, and no outside platform is
/// spoken to.
///
/// # Errors
/// As [`super::entry::run_host`].
pub async fn run_dev(options: DevOptions, shutdown: Shutdown) -> anyhow::Result<()> {
    let DevOptions {
        settings,
        sources,
        builder,
        front,
    } = options;
    let settings = for_development(settings);
    let settings_watch = SettingsWatch::new(&settings.path);
    let bot = settings.bots.first().map(|bot| bot.name.clone());
    let bot = bot.ok_or_else(|| UsageError("the settings have no bot to talk to".to_owned()))?;
    let first_room = settings.local.rooms.first().cloned();
    let data = settings.data.clone();
    let listener = page_listener(&settings)?;
    let hub = open_hub(&settings, None)?;
    let said = SaidHere::new(settings.sentences.hosted.clone());
    let host = Host::start(HostParts {
        cache: private_cache()?,
        artifacts: None,
        compiler: CompilerProgram::Quick(std::env::current_exe()?),
        clock: Arc::new(SystemClock),
        journal: Arc::new(MemoryJournal::new()),
        platforms: Arc::new(Previewing::keeping(BuiltIn::new(hub.clone()), said.clone())),
        hub: hub.clone(),
        settings,
    })
    .await?;
    let host = Arc::new(host);
    host.open().await?;
    let rooms = Arc::new(HeardRooms {
        inner: ShownRooms::new(hub, said),
        last: Mutex::default(),
    });
    let panel = Arc::new(DevPanel::new(host.plugins().clone()));
    let page = PageServer::on(listener, None, rooms.clone(), panel.clone())?;
    front.ready(Some(&page.url()))?;
    let stop = shutdown.token();
    shutdown.spawn(async move {
        if let Err(error) = page.serve(stop.cancelled_owned()).await {
            tracing::error!(%error, "page ended");
        }
    });
    let watcher = SourceWatcher::start(&sources)?;
    let mut workshop = Workshop {
        host: host.clone(),
        bot,
        first_room: first_room.unwrap_or_else(|| FIRST_ROOM.to_owned()),
        builder,
        rooms: rooms.clone(),
        panel: panel.clone(),
        loaded: BTreeMap::new(),
        failed: None,
        data,
    };
    let developing = async {
        let began = Instant::now();
        let built = workshop.builder.build().await;
        workshop.take(built, began).await;
        let commands = host.plugins().commands();
        tokio::select! {
            talked = front.talk(rooms, commands, idle_of(&host)) => talked,
            () = workshop.follow(watcher, settings_watch) => Ok(()),
        }
    };
    let ended = tokio::select! {
        ended = developing => ended,
        () = panel.follow() => Ok(()),
        () = shutdown.wait_for_stop() => Ok(()),
    };
    shutdown.stop();
    host.stop().await;
    shutdown.wait_for_tasks(STOP_WITHIN).await;
    ended
}

/// The address of the settings, or any where another host has that.
fn page_listener(settings: &Settings) -> Result<TcpListener, Problem> {
    let wanted = settings.local.listen;
    let any = SocketAddr::new(wanted.ip(), 0);
    bind(settings, "local.listen", wanted).or_else(|_| bind(settings, "local.listen", any))
}

/// Where builds are made and swapped in.
struct Workshop {
    host: Arc<Host>,
    bot: String,
    first_room: String,
    builder: Box<dyn Builder>,
    rooms: Arc<HeardRooms>,
    panel: Arc<DevPanel>,
    /// What was loaded of each plugin: its build, and its own settings.
    loaded: BTreeMap<String, (Sha256Bytes, Option<Arc<str>>)>,
    failed: Option<Failed>,
    /// The data folder of the settings at the start.
    data: PathBuf,
}

/// What went wrong last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    /// There is no build.
    Build,
    /// The host does not take one.
    Refused,
}

impl Workshop {
    /// Builds whenever sources change, and takes settings when they do. A change in the middle of a build
    /// begins it anew.
    async fn follow(&mut self, mut sources: SourceWatcher, mut settings: SettingsWatch) {
        loop {
            tokio::select! {
                is_watched = sources.changed() => if !is_watched { break },
                () = settings.changed() => {
                    self.take_settings(&settings.path).await;
                    continue;
                }
            }
            let began = Instant::now();
            let built = loop {
                tokio::select! {
                    biased;
                    is_watched = sources.changed() => if !is_watched {
                        break self.builder.build().await;
                    },
                    built = self.builder.build() => break built,
                }
            };
            self.take(built, began).await;
        }
        tracing::error!("sources are watched no more");
        std::future::pending().await
    }

    /// Lets a build serve, and says what came of it.
    async fn take(&mut self, built: Result<Vec<PathBuf>, String>, began: Instant) {
        let is_first = self.loaded.is_empty() && self.failed.is_none();
        let files = match built {
            Ok(files) => files,
            Err(said) => {
                let what = "the build failed";
                return self.failed(Failed::Build, what, &said).await;
            }
        };
        let mut is_new = false;
        let mut refused = Vec::new();
        for file in &files {
            match self.load(file).await {
                Ok(loaded) => is_new |= loaded,
                Err(reason) => refused.push(reason),
            }
        }
        if !refused.is_empty() {
            let what = "the host does not take this build";
            return self
                .failed(Failed::Refused, what, &refused.join("\n"))
                .await;
        }
        self.panel.set_problem(None);
        let had_failed = self.failed.take().is_some();
        if is_first || !(is_new || had_failed) {
            return;
        }
        if !is_new {
            return self.tell("built again, to what serves", None).await;
        }
        let took = began.elapsed().as_secs_f32();
        self.tell_and_say_again(&format!("built in {took:.1} s"), None)
            .await;
    }

    /// Lets other settings be in force, and says what came of it.
    async fn take_settings(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy();
        let settings = match Settings::load(path) {
            Ok(settings) => Settings {
                // Nothing is kept here, wherever that would be.
                data: self.data.clone(),
                ..for_development(settings)
            },
            Err(problems) => {
                let what = format!("{name} is wrong, and what it said before stays in force");
                let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
                return self.tell(&what, Some(problems.join("\n"))).await;
            }
        };
        if let Some(bot) = settings.bots.first() {
            self.bot.clone_from(&bot.name);
        }
        let plugins = self.host.plugins().clone();
        if !plugins.apply_settings(settings).await {
            return;
        }
        let refusals = plugins.refusals();
        if !refusals.is_empty() {
            let what = format!("the host does not take what {name} says now");
            // A build that is missing still is.
            let failed = self.failed.unwrap_or(Failed::Refused);
            return self.failed(failed, &what, &refusals.join("\n")).await;
        }
        if self.failed == Some(Failed::Refused) {
            self.failed = None;
            self.panel.set_problem(None);
        }
        let notes = plugins.settings_notes();
        let notes: Vec<String> = notes.into_iter().map(|note| note.text).collect();
        let notes = (!notes.is_empty()).then(|| notes.join("\n"));
        self.tell_and_say_again(&format!("{name} is in force"), notes)
            .await;
    }

    /// Says what is new, and once more what a person said last.
    async fn tell_and_say_again(&self, what: &str, said: Option<String>) {
        let Some(last) = self.rooms.last() else {
            return self.tell(what, said).await;
        };
        let text = format!("{what}; said again: {}", last.say.text);
        self.tell(&text, said).await;
        // To the platform itself: what is said again was said by nobody.
        let again = self.host.hub().act(&last.user, Command::Say(last.say));
        if let Err(error) = again.await {
            self.tell(&format!("it cannot be said again: {error}"), None)
                .await;
        }
    }

    /// Loads a component; tells whether it is another than before.
    async fn load(&mut self, file: &Path) -> Result<bool, String> {
        let change = change_of(file).map_err(|error| error.to_string())?;
        let FolderChange::Upsert {
            name,
            sha256,
            settings,
            ..
        } = &change
        else {
            return Ok(false);
        };
        let name = name.clone();
        let text = settings.as_ref().map(|settings| settings.text.clone());
        let build = (*sha256, text);
        if self.loaded.get(&name) == Some(&build) {
            return Ok(false);
        }
        let plugins = self.host.plugins();
        plugins.apply(change).await;
        let refusals = plugins.refusals();
        if !refusals.is_empty() {
            // The next one is looked at in any case, be it the same as what serves.
            self.loaded.remove(&name);
            return Err(refusals.join("\n"));
        }
        self.loaded.insert(name, build);
        Ok(true)
    }

    async fn failed(&mut self, failed: Failed, what: &str, said: &str) {
        self.failed = Some(failed);
        let said = shortened(said);
        let then = if self.host.plugins().serving().is_empty() {
            "nothing serves yet"
        } else {
            "the one before still serves"
        };
        self.panel.set_problem(Some(said.clone()));
        self.tell(&format!("{what}; {then}"), Some(said)).await;
    }

    /// Says something where somebody spoke last: the host itself, not a plugin.
    async fn tell(&self, text: &str, said: Option<String>) {
        let mut blocks = vec![Block::Paragraph(vec![plain(format!("dev: {text}"))])];
        blocks.extend(said.map(|text| {
            Block::Code(CodeBlock {
                language: None,
                text,
            })
        }));
        let last = self.rooms.last().map(|last| last.say.conversation);
        // A bot speaks only where it is.
        for place in last.into_iter().chain([self.first_room.clone()]) {
            let content = Content::Blocks(blocks.clone());
            match send_content(&self.host, &self.bot, &place, content, Vec::new()).await {
                Ok(sent) if sent.state != SentState::Failed => return,
                Ok(sent) => tracing::debug!(place, notes = ?sent.notes, "not told"),
                Err(refused) => tracing::debug!(place, ?refused, "not told"),
            }
        }
        tracing::warn!(text, "told nobody");
    }
}

/// The beginning of what tools said: the first mistake is what leads to the others.
fn shortened(said: &str) -> String {
    let said = said.trim();
    match said.char_indices().nth(MAX_SAID) {
        None => said.to_owned(),
        Some((end, _)) => {
            let shown = &said[..end];
            let shown = shown.rsplit_once('\n').map_or(shown, |(lines, _)| lines);
            let left = said.lines().count() - shown.lines().count();
            format!("{shown}\n… and {left} lines more")
        }
    }
}

/// What a person said last.
#[derive(Clone)]
struct Said {
    user: String,
    say: Say,
}

/// The local platform for people, who say something that is said again.
struct HeardRooms {
    inner: ShownRooms,
    last: Mutex<Option<Said>>,
}

impl HeardRooms {
    fn last(&self) -> Option<Said> {
        self.last.lock().clone()
    }
}

#[async_trait]
impl Rooms for HeardRooms {
    async fn act(&self, user: &str, command: Command) -> Result<Done, RoomsError> {
        if let Command::Say(say) = &command {
            let last = Said {
                user: user.to_owned(),
                say: say.clone(),
            };
            *self.last.lock() = Some(last);
        }
        self.inner.act(user, command).await
    }

    fn view(&self, user: &str) -> Result<(Snapshot, View), RoomsError> {
        self.inner.view(user)
    }

    fn file(&self, user: &str, id: &str) -> Option<RoomFile> {
        self.inner.file(user, id)
    }

    fn elsewhere(&self, user: &str, message: &str) -> Option<Vec<Elsewhere>> {
        self.inner.elsewhere(user, message)
    }
}

/// The page's panel, with what the tools say is wrong.
struct DevPanel {
    plugins: Arc<Plugins>,
    problem: Mutex<Option<String>>,
    changed: watch::Sender<u64>,
}

impl DevPanel {
    fn new(plugins: Arc<Plugins>) -> Self {
        Self {
            plugins,
            problem: Mutex::default(),
            changed: watch::channel(0).0,
        }
    }

    fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock() = problem;
        self.changed.send_modify(|number| *number += 1);
    }

    /// Passes on that plugins changed. Never resolves.
    async fn follow(&self) {
        let mut plugins = self.plugins.changed();
        while plugins.changed().await.is_ok() {
            self.changed.send_modify(|number| *number += 1);
        }
        std::future::pending().await
    }
}

impl PanelSource for DevPanel {
    fn plugins(&self) -> Vec<PluginRow> {
        let mut rows = self.plugins.plugins();
        let Some(problem) = self.problem.lock().clone() else {
            return rows;
        };
        if rows.is_empty() {
            rows.push(PluginRow {
                name: "build".to_owned(),
                state: "failed".to_owned(),
                ..PluginRow::default()
            });
        }
        for row in &mut rows {
            row.last_error = Some(problem.clone());
        }
        rows
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_complaint_is_cut_between_lines() {
        assert_eq!(shortened("  error: x\n"), "error: x");
        let line = format!("{}\n", "ü".repeat(999));
        let short = shortened(&line.repeat(8));
        assert_eq!(short.lines().count(), 7);
        assert!(short.ends_with("\n… and 2 lines more"), "{short}");
        let one = "x".repeat(MAX_SAID * 2);
        assert!(shortened(&one).len() < MAX_SAID + 40);
    }
}
