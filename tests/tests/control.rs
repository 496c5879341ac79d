//! Operators and the outbox: a broadcast to 500 rooms, settings that change, targets of messages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_host::app::control::{ControlSocket, serve};
use parlor_host::app::platforms::BuiltIn;
use parlor_host::app::reload::{FolderWatch, FolderWatcher};
use parlor_host::app::{Host, HostParts};
use parlor_host::config::Settings;
use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::mailbox::SystemClock;
use parlor_host::mailbox::control::{
    Ask, BroadcastLine, Line, ReloadedLine, Selector, TotalLine, ask,
};
use parlor_host::mailbox::rooms::{Command, Rooms as _, Say};
use parlor_host::runtime::CompilerProgram;
use parlor_host::telemetry::Audit;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};

/// The rooms of the broadcast.
const ROOMS: usize = 500;

/// A control socket of a host, in a folder of its own.
struct Control {
    folder: tempfile::TempDir,
    stop: tokio_util::sync::CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Control {
    fn of(host: &Arc<Host>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = ControlSocket::bind(folder.path()).expect("a socket");
        let stop = tokio_util::sync::CancellationToken::new();
        let serving = serve(
            socket,
            host.clone(),
            Arc::new(Audit::default()),
            stop.clone(),
        );
        Self {
            folder,
            served: tokio::spawn(serving),
            stop,
        }
    }

    async fn ask(&self, request: Ask) -> Vec<Line> {
        let answer = ask(self.folder.path(), request, PATIENCE).await;
        answer.expect("the host answers").0
    }

    async fn end(self) {
        self.stop.cancel();
        self.served.await.expect("it ends");
    }
}

/// The rooms that have a message.
fn reached(host: &TestHost, rooms: &[String], text: &str) -> usize {
    host.host().hub().read(|state| {
        let has = |id: &&String| {
            let room = state.rooms.get(id.as_str());
            room.is_some_and(|room| room.messages.iter().any(|message| message.text == text))
        };
        rooms.iter().filter(has).count()
    })
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_to_500_rooms_holds_up_no_answer_and_is_dropped_at_once() {
    let settings = "[[bot]]\nname = \"parlor\"\nplatform = \"local\"\nmessages-per-minute = 60\n";
    let host = TestHost::start(TestHostParts {
        settings: settings.to_owned(),
        ..TestHostParts::default()
    })
    .await;
    host.load(
        "actions",
        guests::bytes("actions"),
        Some("grants.actions = [\"send-conversations\"]"),
    )
    .await;
    assert_eq!(host.row("actions").last_error, None);
    let control = Control::of(host.host());
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(host.room("ada", &format!("r {number}")).await);
    }
    let lobby = host.room("ada", "Lobby").await;
    host.room("bob", "Lobby").await;
    let say = format!("/do send-conversations {}", rooms.join(","));
    host.say("ada", &lobby, &say).await;
    // The allowance of a silent start is five seconds' worth; then it is one a second.
    let text = "to conversations";
    until("the broadcast begins", || reached(&host, &rooms, text) >= 7).await;

    let asked = Instant::now();
    host.say("bob", &lobby, "/do send question").await;
    let answered = || {
        let answers = host.all_answers(&lobby);
        answers.iter().any(|message| message.text == "question")
    };
    until("the question is answered", answered).await;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(3), "it took {took:?}");

    let listed = control.ask(Ask::ListOutbox(Selector::default())).await;
    let before = broadcast(&listed);
    assert!(
        before.waiting <= 100,
        "it is expanded as it leaves: {before:?}"
    );
    assert_eq!(parts(&before), ROOMS as u64, "{before:?}");

    let dropping = Instant::now();
    let of_plugin = Selector {
        plugin: Some("actions".to_owned()),
        ..Selector::default()
    };
    let dropped = control.ask(Ask::DropOutbox(of_plugin)).await;
    host.idle().await;
    let took = dropping.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    let line = broadcast(&dropped);
    let total = total(&dropped);
    assert_eq!(parts(&line), ROOMS as u64, "{line:?}");
    assert_eq!(line.dropped, total.dropped);
    assert_eq!((line.waiting, line.to_come, line.failed), (0, 0, 0));
    assert!(line.sent >= 7, "{line:?}");
    // Every room is told of that gets nothing, and what went is there.
    let unsent: Vec<&String> = dropped
        .iter()
        .filter_map(|line| match line {
            Line::Dropped(line) if line.dropped > 0 => Some(&line.conversation),
            _ => None,
        })
        .collect();
    assert_eq!(unsent.len() as u64, line.dropped);
    let there = reached(&host, &rooms, text) as u64;
    assert_eq!(there, line.sent + line.sending);
    assert!(unsent.iter().all(|id| rooms.contains(id)));
    // And nothing comes after: the next answer is not behind anything.
    host.say("bob", &lobby, "/do send after").await;
    host.idle().await;
    assert_eq!(reached(&host, &rooms, text) as u64, there);
    let listed = control.ask(Ask::ListOutbox(Selector::default())).await;
    assert!(listed.is_empty(), "{listed:?}");
    control.end().await;
    host.stop().await;
}

fn broadcast(lines: &[Line]) -> BroadcastLine {
    let found = lines.iter().find_map(|line| match line {
        Line::Broadcast(line) => Some(line.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no broadcast: {lines:?}"))
}

fn total(lines: &[Line]) -> TotalLine {
    let found = lines.iter().find_map(|line| match line {
        Line::Total(line) => Some(line.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no total: {lines:?}"))
}

fn parts(line: &BroadcastLine) -> u64 {
    line.sent + line.failed + line.sending + line.waiting + line.to_come + line.dropped
}

/// A host with a settings file and a plugin folder that it follows.
struct Live {
    host: Arc<Host>,
    control: Control,
    folder: tempfile::TempDir,
}

impl Live {
    async fn start(settings: &str, plugins: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("parlor.toml");
        std::fs::write(&file, settings).expect("written");
        std::fs::create_dir(folder.path().join("plugins")).expect("a folder");
        let settings = Settings::load(&file).expect("good settings");
        let mut watch = FolderWatch::new(&settings.plugins_folder, Some(&file), &settings.reload);
        // As the program does: in manual mode changes are looked for too, and wait.
        watch.mode = parlor_host::config::ReloadMode::Watch;
        let hub = Hub::open(LocalConfig::default()).expect("rooms in memory");
        let host = Host::start(HostParts {
            artifacts: None,
            settings,
            journal: Arc::new(MemoryJournal::new()),
            platforms: Arc::new(BuiltIn::new(hub.clone())),
            hub,
            cache: guests::code_cache(),
            compiler: CompilerProgram::Thread,
            clock: Arc::new(SystemClock),
        });
        let host = Arc::new(host.await.expect("the host starts"));
        let live = Self {
            control: Control::of(&host),
            host,
            folder,
        };
        for plugin in plugins {
            live.put(plugin, &guests::bytes(plugin));
        }
        let watcher = FolderWatcher::start(watch).expect("a folder can be watched");
        live.host.follow(watcher).await;
        live.host.open().await.expect("the host opens");
        live
    }

    fn put(&self, name: &str, wasm: &[u8]) {
        let folder = self.folder.path().join("plugins");
        let hidden = folder.join(format!(".{name}"));
        std::fs::write(&hidden, wasm).expect("written");
        std::fs::rename(&hidden, folder.join(format!("{name}.wasm"))).expect("renamed");
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("parlor.toml")
    }

    fn write(&self, settings: &str) {
        std::fs::write(self.settings(), settings).expect("written");
    }

    async fn reload(&self, plugin: Option<&str>) -> ReloadedLine {
        let plugin = plugin.map(str::to_owned);
        let lines = self.control.ask(Ask::Reload { plugin }).await;
        let reloaded = lines.into_iter().find_map(|line| match line {
            Line::Reloaded(line) => Some(line),
            _ => None,
        });
        reloaded.expect("it says what changed")
    }

    /// Says something in the lobby and gives the new answers.
    async fn ask(&self, user: &str, text: &str) -> Vec<String> {
        self.ask_in(user, "Lobby", text).await
    }

    async fn ask_in(&self, user: &str, room: &str, text: &str) -> Vec<String> {
        let open = Command::OpenRoom {
            name: room.to_owned(),
        };
        let room = self.host.hub().act(user, open).await.expect("a room opens");
        let lobby = room.conversation.expect("it has an id");
        let before = self.answers(&lobby).len();
        let say = Say {
            conversation: lobby.to_string(),
            text: text.to_owned(),
            ..Say::default()
        };
        let said = self.host.hub().act(user, Command::Say(say)).await;
        said.expect("a message is posted");
        let idle = tokio::time::timeout(PATIENCE, self.host.idle());
        idle.await.expect("the host comes to rest");
        self.answers(&lobby).split_off(before)
    }

    fn answers(&self, room: &str) -> Vec<String> {
        self.host.hub().read(|state| {
            let room = state.rooms.get(room);
            let messages = room.into_iter().flat_map(|room| room.messages.iter());
            let own = messages.filter(|message| &*message.author == "parlor");
            own.map(|message| message.text.clone()).collect()
        })
    }

    async fn end(self) {
        self.control.end().await;
        self.host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bot_shows_and_what_the_host_says_change_without_a_restart() {
    let bot = "[[bot]]\nname = \"parlor\"\nplatform = \"local\"\n";
    let live = Live::start(bot, &["blocks"]).await;
    let shown = live.ask("ada", "/block form").await;
    assert!(!shown[0].contains("cancel"), "{shown:?}");
    live.write(&format!(
        "{bot}text-only = true\n[sentences]\nform-how = \"“{{cancel}}” ends.\"\nword-cancel = \"Ende\"\n",
    ));
    live.reload(None).await;
    let asked = live.ask("ada", "/block form").await;
    assert!(asked[0].ends_with("“Ende” ends."), "{asked:?}");
    live.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_settings_take_effect_without_a_restart() {
    // It answers everything, so it has a room of its own.
    let kinds = "[plugin.kinds]\nonly = { conversations = [\"Kinds\"] }\n";
    let live = Live::start(kinds, &["settings", "reads", "actions", "kinds"]).await;
    assert_eq!(
        live.ask("ada", "show text").await,
        ["Some(Value::Text(\"plain\"))"]
    );
    let denied = live.ask("ada", "/read find-user parlor ada").await;
    assert!(denied[0].to_lowercase().contains("denied"), "{denied:?}");
    assert_eq!(live.ask("ada", "/many 5").await.len(), 5);

    // Config, a grant, a limit and a role, all at once and noticed by the watch alone.
    live.write(&format!(
        "{kinds}limits = {{ cpu-ms = 200 }}\n[roles]\nstaff = [\"bob\"]\n\
         [plugin.settings]\nconfig = {{ text = \"other\" }}\n\
         [plugin.reads]\ngrants.reads = [\"find-user\"]\n\
         [plugin.actions]\nlimits = {{ actions = 3 }}\nallow = {{ many = [\"staff\"] }}\n",
    ));
    until("the watch notices", || {
        live.host.plugins().settings().roles.contains_key("staff")
    })
    .await;
    // The plugins follow; a reload waits for them.
    live.reload(None).await;
    assert_eq!(
        live.ask("ada", "show text").await,
        ["Some(Value::Text(\"other\"))"]
    );
    let granted = live.ask("ada", "/read find-user parlor ada").await;
    assert!(granted[0].contains("ada"), "{granted:?}");
    // Who may not is told so; who may is held to the new limit.
    let refused = live.ask("ada", "/many 2").await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(!refused[0].starts_with("message "), "{refused:?}");
    assert_eq!(live.ask("bob", "/many 2").await.len(), 2);
    let failed = live.ask("bob", "/many 4").await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].starts_with("That did not work."), "{failed:?}");
    // Its settings changed, and it heard of it.
    let heard = live.ask_in("ada", "Kinds", "seen lifecycle").await;
    let heard = heard.last().map_or("nothing", String::as_str);
    assert!(heard.contains("ConfigChanged"), "{heard}");

    // A change for the worse leaves the last good ones in force.
    live.write("[plugin.settings]\nconfig = { text = \"worse\" }\nnonsense = 1\n");
    live.reload(None).await;
    assert_eq!(
        live.ask("ada", "show text").await,
        ["Some(Value::Text(\"other\"))"]
    );
    let lines = live.control.ask(Ask::Plugins).await;
    let Line::Settings(note) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert!(note.refused && note.text.contains("parlor.toml:3: unknown key `nonsense`"));
    live.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_manual_mode_builds_wait_for_a_reload_of_theirs() {
    let live = Live::start("[reload]\nmode = \"manual\"\n", &["versioned", "settings"]).await;
    let build = |number: usize| {
        let mut wasm = guests::bytes("versioned");
        let marker = b"ANSWER-0000000000";
        let at = wasm.windows(marker.len()).position(|it| it == marker);
        let at = at.expect("the guest has its marker");
        wasm[at..at + marker.len()].copy_from_slice(format!("ANSWER-{number:010}").as_bytes());
        wasm
    };
    let answer = live.ask("ada", "say x").await;
    assert!(answer[0].contains("ANSWER-0000000000"), "{answer:?}");
    live.put("versioned", &build(1));
    until("the build waits", || {
        let lines = live.host.plugins().lines();
        let line = lines.iter().find(|line| line.plugin == "versioned");
        let problem = line.and_then(|line| line.problem.as_deref());
        problem.is_some_and(|text| text.ends_with("waits for `parlor reload`"))
    })
    .await;
    let answer = live.ask("ada", "say x").await;
    assert!(answer[0].contains("ANSWER-0000000000"), "{answer:?}");
    // Another plugin's reload leaves it waiting; its own lets it serve.
    let reloaded = live.reload(Some("settings")).await;
    assert_eq!(reloaded.changed, Vec::<String>::new());
    let answer = live.ask("ada", "say x").await;
    assert!(answer[0].contains("ANSWER-0000000000"), "{answer:?}");
    let reloaded = live.reload(Some("versioned")).await;
    assert_eq!(reloaded.changed, ["versioned"]);
    assert!(reloaded.refused.is_empty(), "{reloaded:?}");
    let answer = live.ask("ada", "say x").await;
    assert!(answer[0].contains("ANSWER-0000000001"), "{answer:?}");
    // A file that came a moment ago is found by the reload itself.
    live.put("versioned", &build(2));
    let reloaded = live.reload(None).await;
    assert_eq!(reloaded.changed, ["versioned"]);
    let answer = live.ask("ada", "say x").await;
    assert!(answer[0].contains("ANSWER-0000000002"), "{answer:?}");
    live.end().await;
}
