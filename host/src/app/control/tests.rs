//! A host without plugins, asked through its socket.

mod install;
mod settings;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::app::host::HostParts;
use crate::app::platforms::BuiltIn;
use crate::app::reload::FolderChange;
use crate::config::Settings;
use crate::connectors::local::{Hub, LocalConfig};
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::mailbox::SystemClock;
use crate::mailbox::control::{
    Ask, AskError, BotLine, BotState, MAX_SOCKET_PATH_BYTES, SOCKET_FILE, SendAsk, SentLine,
    SentState, ask,
};
use crate::mailbox::rooms::{Command, Rooms as _, Say};
use crate::model::action::File;
use crate::runtime::CompilerProgram;

/// Remembers what changed.
#[derive(Default)]
struct Kept(Mutex<Vec<(u32, String)>>);

#[async_trait]
impl Audit for Kept {
    async fn audit(&self, who: &Who, change: &Change) {
        self.0.lock().push((who.uid, change.to_string()));
    }
}

struct Bench {
    host: Arc<Host>,
    folder: tempfile::TempDir,
    audit: Arc<Kept>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Bench {
    async fn new(settings: &str) -> Self {
        let hub = Hub::in_memory();
        Self::with(settings, Arc::new(MemoryJournal::new()), hub).await
    }

    async fn with(settings: &str, journal: Arc<dyn Journal>, hub: Hub) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("parlor.toml");
        std::fs::write(&file, settings).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let host = Host::start(HostParts {
            artifacts: None,
            settings: Settings::load(&file).unwrap(),
            journal,
            platforms: Arc::new(BuiltIn::new(hub.clone())),
            hub,
            cache: folder.path().join("cache"),
            compiler: CompilerProgram::Thread,
            clock: Arc::new(SystemClock),
        })
        .await
        .unwrap();
        let host = Arc::new(host);
        host.open().await.unwrap();
        let audit = Arc::new(Kept::default());
        let stop = CancellationToken::new();
        let socket = ControlSocket::bind(&data).unwrap();
        let serving = serve(socket, host.clone(), audit.clone(), stop.clone());
        let served = tokio::spawn(serving);
        Self {
            host,
            folder,
            audit,
            stop,
            served,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn try_ask(&self, request: Ask) -> Result<Vec<Line>, AskError> {
        let answer = ask(&self.data(), request, Duration::from_secs(60)).await;
        answer.map(|(lines, more)| {
            assert_eq!(more, 0);
            lines
        })
    }

    async fn ask(&self, request: Ask) -> Vec<Line> {
        let shown = format!("{request:?}");
        let answer = self.try_ask(request).await;
        answer.unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    async fn refusal(&self, request: Ask) -> Refused {
        match self.try_ask(request).await {
            Err(AskError::Refused(refused)) => refused,
            other => panic!("{other:?}"),
        }
    }

    async fn bot(&self, name: &str) -> BotLine {
        let lines = self.ask(Ask::Bots).await;
        let bot = lines.into_iter().find_map(|line| match line {
            Line::Bot(bot) if bot.bot == name => Some(bot),
            _ => None,
        });
        bot.unwrap_or_else(|| panic!("there is no bot {name}"))
    }

    async fn send(&self, to: &str, text: &str) -> SentLine {
        let send = SendAsk {
            bot: "parlor".to_owned(),
            to: to.to_owned(),
            text: text.to_owned(),
            files: Vec::new(),
        };
        match self.ask(Ask::Send(send)).await.remove(0) {
            Line::Sent(sent) => sent,
            other => panic!("{other:?}"),
        }
    }

    async fn say(&self, user: &str, text: &str) {
        let open = Command::OpenRoom {
            name: "Lobby".to_owned(),
        };
        let room = self.host.hub().act(user, open).await.unwrap();
        let say = Say {
            conversation: room.conversation.unwrap().to_string(),
            text: text.to_owned(),
            ..Say::default()
        };
        self.host.hub().act(user, Command::Say(say)).await.unwrap();
    }

    /// What the bots said in a conversation.
    fn said(&self, conversation: &str) -> Vec<String> {
        self.host.hub().read(|state| {
            let room = state.rooms.get(conversation);
            let messages = room.into_iter().flat_map(|room| room.messages.iter());
            let own = messages.filter(|message| &*message.author == "parlor");
            own.map(|message| message.text.clone()).collect()
        })
    }

    /// Writes other settings and lets the host see them.
    async fn change_settings(&self, text: &str) {
        self.write_settings(text);
        let plugins = self.host.plugins();
        plugins.apply(FolderChange::SettingsChanged).await;
    }

    fn write_settings(&self, text: &str) {
        std::fs::write(self.folder.path().join("parlor.toml"), text).unwrap();
    }

    async fn end(self) {
        let socket = self.data().join(SOCKET_FILE);
        self.stop.cancel();
        self.served.await.unwrap();
        assert!(!socket.exists(), "it goes with its host");
        self.host.stop().await;
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[tokio::test]
async fn the_socket_is_private_and_takes_the_place_of_a_dead_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = data.join(SOCKET_FILE);
    // What a host leaves that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    std::fs::create_dir(data.join(".control")).unwrap();
    let gone = ask(&data, Ask::Bots, Duration::from_secs(5)).await;
    assert!(matches!(gone, Err(AskError::NoHost(_))), "{gone:?}");
    let socket = ControlSocket::bind(&data).unwrap();
    assert_eq!((mode(&data), mode(&path)), (0o700, 0o600));
    assert_eq!(
        std::fs::read_dir(&data).unwrap().count(),
        1,
        "nothing else is left"
    );
    assert!(UnixStream::connect(&path).await.is_ok());
    drop(socket);
    assert!(!path.exists());
    std::fs::write(&path, "mine").unwrap();
    let taken = ControlSocket::bind(&data).unwrap_err().to_string();
    assert!(
        taken.ends_with("control.sock is there and is no socket"),
        "{taken}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn a_path_that_is_too_long_is_named_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("d".repeat(MAX_SOCKET_PATH_BYTES));
    std::fs::create_dir(&long).unwrap();
    let error = ControlSocket::bind(&long).unwrap_err().to_string();
    let bytes = long.join(SOCKET_FILE).as_os_str().len();
    let told = format!("has {bytes} bytes, and a socket's path has at most 107");
    assert!(error.ends_with(&told), "{error}");
    let asked = ask(&long, Ask::Bots, Duration::from_secs(5)).await;
    assert!(matches!(asked, Err(AskError::PathTooLong(_))));
    // One that just fits does.
    let room = MAX_SOCKET_PATH_BYTES - folder.path().as_os_str().len() - SOCKET_FILE.len() - 2;
    let fits = folder.path().join("d".repeat(room));
    std::fs::create_dir(&fits).unwrap();
    let socket = ControlSocket::bind(&fits).unwrap();
    assert_eq!(socket.path().as_os_str().len(), MAX_SOCKET_PATH_BYTES);
    assert!(UnixStream::connect(socket.path()).await.is_ok());
}

/// Writes bytes to the socket and gives the first line that comes back.
async fn raw(bench: &Bench, bytes: &[u8]) -> Option<Line> {
    let mut stream = UnixStream::connect(bench.data().join(SOCKET_FILE))
        .await
        .unwrap();
    // The host may have heard enough before all is written.
    let _ = stream.write_all(bytes).await;
    let mut reader = BufReader::new(stream);
    let line = read_line(&mut reader, MAX_LINE_BYTES).await.ok()??;
    Some(serde_json::from_slice(&line).unwrap())
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let bench = Bench::new("").await;
    let long = vec![b'x'; MAX_REQUEST_BYTES + 2];
    let cases: [(&[u8], RefusedReason); 5] = [
        (
            b"{\"version\":2,\"ask\":\"bots\"}\n",
            RefusedReason::Version,
        ),
        (
            b"{\"version\":1,\"ask\":\"boots\"}\n",
            RefusedReason::Malformed,
        ),
        (b"{\"ask\":\"bots\"}\n", RefusedReason::Malformed),
        (b"hello\n", RefusedReason::Malformed),
        (&long, RefusedReason::Malformed),
    ];
    for (bytes, reason) in cases {
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        match raw(&bench, bytes).await {
            Some(Line::Refused(refused)) => assert_eq!(refused.reason, reason, "{begin}"),
            // The answer to a request that was not read to its end may be cut by the system.
            None if bytes.len() > MAX_REQUEST_BYTES => {}
            other => panic!("{begin}: {other:?}"),
        }
    }
    // Who says nothing gets nothing, and the next is answered.
    assert!(matches!(
        raw(&bench, b"{\"version\":1,\"ask\":\"bots\"}\n").await,
        Some(Line::Host { version: 1, .. })
    ));
    bench.end().await;
}

#[tokio::test]
async fn too_many_at_once_are_turned_away() {
    let bench = Bench::new("").await;
    let path = bench.data().join(SOCKET_FILE);
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(UnixStream::connect(&path).await.unwrap());
    }
    let refused = bench.refusal(Ask::Bots).await;
    assert_eq!(refused.reason, RefusedReason::Busy);
    drop(idle);
    let begun = std::time::Instant::now();
    while bench.try_ask(Ask::Bots).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "they are gone");
        tokio::task::yield_now().await;
    }
    bench.end().await;
}

#[tokio::test]
async fn a_paused_bot_takes_no_events_over_restarts_until_it_is_resumed() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let hub = Hub::in_memory();
    let bench = Bench::with("", journal.clone(), hub.clone()).await;
    assert_eq!(bench.bot("parlor").await.state, BotState::Connected);
    bench.say("ada", "one").await;
    bench.host.idle().await;
    let heard = bench.bot("parlor").await.last_event_in;
    assert!(heard.is_some());
    let pause = Ask::PauseBot {
        bot: "parlor".to_owned(),
    };
    let lines = bench.ask(pause.clone()).await;
    assert!(matches!(&lines[0], Line::Bot(bot) if bot.state == BotState::Paused));
    let events = journal.counts().await.unwrap().events;
    bench.say("ada", "two").await;
    bench.ask(pause.clone()).await;
    assert_eq!(bench.bot("parlor").await.state, BotState::Paused);
    assert_eq!(bench.bot("parlor").await.last_event_in, heard);
    assert_eq!(journal.counts().await.unwrap().events, events);
    let unknown = Ask::PauseBot {
        bot: "nobody".to_owned(),
    };
    let refused = bench.refusal(unknown).await;
    assert_eq!(refused.reason, RefusedReason::NotFound);
    assert_eq!(
        refused.text,
        "there is no bot nobody; `parlor bots` lists them"
    );
    // Paused twice is one change, and a refused one is none.
    let uid = own_uid();
    assert_eq!(
        *bench.audit.0.lock(),
        [(uid, "bots pause parlor".to_owned())]
    );
    let value = journal.host_value("paused-bots").await.unwrap();
    assert_eq!(value.as_deref(), Some(r#"["parlor"]"#));
    let resume = Ask::ResumeBot {
        bot: "parlor".to_owned(),
    };
    bench.ask(resume.clone()).await;
    let begun = std::time::Instant::now();
    while bench.bot("parlor").await.last_event_in == heard {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it hears what was said meanwhile"
        );
        tokio::task::yield_now().await;
    }
    bench.ask(pause).await;
    bench.end().await;
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    journal
        .set_host_value("paused-bots", r#"["parlor"]"#)
        .await
        .unwrap();
    let bench = Bench::with("", journal, Hub::in_memory()).await;
    assert_eq!(bench.bot("parlor").await.state, BotState::Paused);
    bench.ask(resume).await;
    bench.end().await;
}

/// The user of this process, as the socket tells it.
fn own_uid() -> u32 {
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    let one = UnixStream::from_std(one).unwrap();
    one.peer_cred().unwrap().uid()
}

#[tokio::test]
async fn a_message_is_sent_as_the_host_and_answered_with_its_end() {
    let bench = Bench::new("").await;
    bench.say("ada", "hello").await;
    for to in ["Lobby", "room:lobby"] {
        let sent = bench.send(to, to).await;
        assert_eq!(sent.state, SentState::Sent, "{sent:?}");
        assert_eq!(sent.conversation.as_deref(), Some("room:lobby"));
        assert_eq!(sent.messages.len(), 1);
    }
    assert_eq!(bench.said("room:lobby"), ["Lobby", "room:lobby"]);
    let sent = bench.send("ada@local", "psst").await;
    assert_eq!(sent.conversation.as_deref(), Some("direct:ada+parlor"));
    assert_eq!(bench.said("direct:ada+parlor"), ["psst"]);
    let sent = bench.send("nobody@elsewhere", "x").await;
    assert_eq!(sent.state, SentState::Failed, "{sent:?}");
    assert!(sent.notes[0].starts_with("not-found: "), "{sent:?}");
    // More than a message may have is refused where every plugin's is.
    let sent = bench.send("Lobby", &"x".repeat(70_000)).await;
    assert_eq!(sent.state, SentState::Failed, "{sent:?}");
    assert!(
        sent.notes[0].contains("bytes of text in a message"),
        "{sent:?}"
    );
    let nowhere = SendAsk {
        bot: "parlor".to_owned(),
        to: "nowhere".to_owned(),
        text: "x".to_owned(),
        files: Vec::new(),
    };
    let refused = bench.refusal(Ask::Send(nowhere.clone())).await;
    assert!(
        refused
            .text
            .starts_with("bot parlor has no conversation nowhere")
    );
    let nobody = SendAsk {
        bot: "nobody".to_owned(),
        ..nowhere.clone()
    };
    let refused = bench.refusal(Ask::Send(nobody)).await;
    assert_eq!(refused.reason, RefusedReason::NotFound);
    let file = File {
        name: "a.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: b"file".to_vec(),
    };
    let with_file = SendAsk {
        to: "Lobby".to_owned(),
        text: "with a file".to_owned(),
        files: vec![file],
        ..nowhere
    };
    bench.ask(Ask::Send(with_file)).await;
    let names: Vec<String> = bench.host.hub().read(|state| {
        let message = state.rooms["room:lobby"].messages.back().unwrap();
        message
            .attachments
            .iter()
            .map(|it| it.name.clone())
            .collect()
    });
    assert_eq!(names, ["a.txt"]);
    let audit = bench.audit.0.lock().clone();
    assert_eq!(audit[0].1, "send parlor --to Lobby");
    assert_eq!(audit.len(), 6, "what was refused is no change: {audit:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_message_of_a_paused_or_held_bot_waits_and_says_why() {
    let bench = Bench::new("").await;
    let all = Selector::default();
    bench.ask(Ask::HoldOutbox(all.clone())).await;
    let sent = bench.send("Lobby", "held").await;
    assert_eq!(sent.state, SentState::Waiting);
    assert_eq!(sent.notes, ["the outbox is held: `parlor outbox release`"]);
    bench
        .ask(Ask::PauseBot {
            bot: "parlor".to_owned(),
        })
        .await;
    let sent = bench.send("Lobby", "paused").await;
    assert_eq!(
        sent.notes,
        ["the bot is paused: `parlor bots resume parlor`"]
    );
    let bot = bench.bot("parlor").await;
    assert_eq!((bot.outbox.waiting, bot.outbox.held), (2, 2));
    let lines = bench.ask(Ask::ListOutbox(all.clone())).await;
    assert!(matches!(&lines[0], Line::Hold(hold) if hold.held == all));
    let Line::Lane(lane) = &lines[1] else {
        panic!("{lines:?}");
    };
    assert_eq!((&*lane.plugin, &*lane.conversation), ("host", "room:lobby"));
    assert_eq!((lane.parts, &*lane.first), (2, "send"));
    bench
        .ask(Ask::ResumeBot {
            bot: "parlor".to_owned(),
        })
        .await;
    assert!(bench.said("room:lobby").is_empty());
    let lines = bench.ask(Ask::ReleaseOutbox(all.clone())).await;
    assert!(matches!(&lines[0], Line::Hold(hold) if hold.released));
    bench.host.idle().await;
    assert_eq!(bench.said("room:lobby"), ["held", "paused"]);
    let lines = bench.ask(Ask::ReleaseOutbox(all)).await;
    assert!(lines.is_empty(), "{lines:?}");
    bench.end().await;
}

#[tokio::test]
async fn holds_outlive_the_host_and_are_released_by_what_covers_them() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let of_bot = Selector {
        bot: Some("parlor".to_owned()),
        ..Selector::default()
    };
    let of_place = Selector {
        conversation: Some("room:lobby".to_owned()),
        ..of_bot.clone()
    };
    let text = serde_json::to_string(&[&of_bot, &of_place]).unwrap();
    journal.set_host_value("outbox-holds", &text).await.unwrap();
    let bench = Bench::with("", journal.clone(), Hub::in_memory()).await;
    assert_eq!(
        bench.host.outbox().holds(),
        [of_bot.clone(), of_place.clone()]
    );
    let lines = bench.ask(Ask::ReleaseOutbox(of_place.clone())).await;
    let told: Vec<(Selector, bool)> = lines
        .into_iter()
        .map(|line| match line {
            Line::Hold(hold) => (hold.held, hold.released),
            other => panic!("{other:?}"),
        })
        .collect();
    // The broader one still holds that conversation.
    assert_eq!(told, [(of_place, true), (of_bot.clone(), false)]);
    let typo = Selector {
        bot: Some("parlour".to_owned()),
        ..Selector::default()
    };
    for ask in [
        Ask::HoldOutbox(typo.clone()),
        Ask::DropOutbox(typo.clone()),
        Ask::ListOutbox(typo),
    ] {
        assert_eq!(bench.refusal(ask).await.reason, RefusedReason::NotFound);
    }
    bench.ask(Ask::ReleaseOutbox(Selector::default())).await;
    let kept = journal.host_value("outbox-holds").await.unwrap();
    assert_eq!(kept.as_deref(), Some("[]"));
    bench.end().await;
}

#[tokio::test]
async fn conversations_are_told_with_their_ids() {
    let hub = Hub::open(LocalConfig {
        rooms: (0..150).map(|n| format!("Room {n:03}")).collect(),
        ..LocalConfig::default()
    });
    let bench = Bench::with("", Arc::new(MemoryJournal::new()), hub.unwrap()).await;
    let lines = bench.ask(Ask::Conversations { bot: None }).await;
    assert_eq!(lines.len(), 150, "more than one page");
    let Line::Conversation(first) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert_eq!(first.conversation, "room:room-000");
    assert_eq!(first.name.as_deref(), Some("Room 000"));
    let of = Ask::Conversations {
        bot: Some("nobody".to_owned()),
    };
    assert_eq!(bench.refusal(of).await.reason, RefusedReason::NotFound);
    bench.end().await;
}
