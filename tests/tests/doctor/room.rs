//! A folder with settings, and what the command says there; the ways that can be broken on any platform.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use parlor_tests::harness::PATIENCE;
use parlor_tests::outside::TestProxy;
use serde_json::Value;
use tokio::net::TcpListener;

/// The bot's name in the settings.
pub(crate) const DESK: &str = "desk";
/// What no output may show.
const PASSWORD: &str = "s3cret-of-the-proxy";

/// A folder with settings.
pub(crate) struct Room(tempfile::TempDir);

impl Room {
    /// Makes one with this bot, below the sections of the host.
    pub(crate) fn new(bot: &str) -> Self {
        Self::with_http("listen = \"127.0.0.1:0\"", bot)
    }

    /// As [`Room::new`], with these lines in [http].
    pub(crate) fn with_http(http: &str, bot: &str) -> Self {
        let room = Self(tempfile::tempdir().expect("a folder"));
        std::fs::create_dir(room.path().join("plugins")).expect("a folder");
        let text = format!("[local]\nlisten = \"127.0.0.1:0\"\n[http]\n{http}\n{bot}\n");
        room.write("parlor.toml", &text);
        room
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("it can be written");
    }

    /// What the command says of everything.
    pub(crate) async fn doctor(&self) -> Report {
        self.ask(&["--json", "--timeout-secs", "20"]).await
    }

    /// What the command says with these words.
    pub(crate) async fn ask(&self, words: &[&str]) -> Report {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-under-test"));
        let command = command.arg("doctor").args(words).current_dir(self.path());
        let ended = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output()).await;
        let output = ended.expect("it ends").expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        let (out, err) = (text(output.stdout), text(output.stderr));
        let lines = out
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        Report {
            code: output.status.code(),
            lines: lines.collect(),
            printed: format!("{out}{err}"),
        }
    }
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    lines: Vec<Value>,
    pub(crate) printed: String,
}

impl Report {
    /// A check of the bot, with its finding, what was found and what helps.
    #[track_caller]
    pub(crate) fn of(&self, check: &str) -> (&str, &str, &str) {
        let is_it = |line: &&Value| line["bot"] == DESK && line["check"] == check;
        let line = self.lines.iter().find(is_it);
        let line = line.unwrap_or_else(|| panic!("no {check}: {}", self.printed));
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        (text("finding"), text("found"), text("change"))
    }

    /// The finding of a check of the bot.
    #[track_caller]
    pub(crate) fn is(&self, check: &str) -> &str {
        self.of(check).0
    }

    /// The names of the bot's checks.
    pub(crate) fn names(&self) -> Vec<&str> {
        let own = self.lines.iter().filter(|line| line["bot"] == DESK);
        own.filter_map(|line| line["check"].as_str()).collect()
    }

    /// Nothing is wrong, and that is what the command ends with.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        assert_eq!(self.code, Some(0), "{}", self.printed);
        let wrong = self.lines.iter().any(|line| line["finding"] == "wrong");
        assert!(!wrong && !self.lines.is_empty(), "{}", self.printed);
    }

    /// This alone is wrong, with these words in what was found and in what helps.
    #[track_caller]
    pub(crate) fn has_wrong(&self, check: &str, found: &str, change: &str) {
        assert_eq!(self.code, Some(1), "{}", self.printed);
        let wrong = self.lines.iter().filter(|line| line["finding"] == "wrong");
        let wrong: Vec<&str> = wrong.filter_map(|line| line["check"].as_str()).collect();
        assert_eq!(wrong, [check], "{}", self.printed);
        let (_, is, helps) = self.of(check);
        assert!(is.contains(found), "{found}: {is}");
        assert!(helps.contains(change), "{change}: {helps}");
    }

    #[track_caller]
    pub(crate) fn hides(&self, secret: &str) {
        assert!(!self.printed.contains(secret), "{secret}: {}", self.printed);
    }
}

/// A port where nobody listens.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    listener.local_addr().expect("it has an address").port()
}

/// A platform that is not there, one whose name nobody knows, and one that takes connections and never
/// says a word: each is told at its step, the last within the time of a question.
pub(crate) async fn tells_what_is_not_reached(key: &str, section: impl Fn(&str) -> String) {
    let base = format!("http://127.0.0.1:{}", closed_port().await);
    let report = Room::new(&section(&base)).doctor().await;
    let check = format!("connection ({key})");
    assert_eq!(report.is(&check), "wrong", "{}", report.printed);
    assert!(report.of(&check).2.contains("firewall"));
    assert_eq!(report.is("login"), "skipped");
    assert_eq!(report.code, Some(1));

    // No resolver is asked for a label that is longer than names may have.
    let base = format!("https://{}.test", "x".repeat(64));
    let report = Room::new(&section(&base)).doctor().await;
    let check = format!("name ({key})");
    assert_eq!(report.is(&check), "wrong", "{}", report.printed);
    assert!(report.of(&check).2.contains(&format!("`{key}`")));

    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let base = format!("http://{}", silent.local_addr().expect("an address"));
    let began = Instant::now();
    let room = Room::new(&section(&base));
    let report = room.ask(&["--json", "--timeout-secs", "1", DESK]).await;
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(report.is(&format!("connection ({key})")), "ok");
    let wrong = report
        .lines
        .iter()
        .filter(|line| line["finding"] == "wrong");
    let found = wrong.filter_map(|line| line["found"].as_str());
    assert!(
        found.into_iter().any(|it| it == "no answer within 1 s"),
        "{}",
        report.printed
    );
}

/// A platform whose authority the settings do not have, and then have.
pub(crate) async fn tells_whom_it_does_not_trust(key: &str, section: &str, ca: &Path) -> Report {
    let report = Room::new(section).doctor().await;
    let check = format!("tls ({key})");
    let (finding, found, change) = report.of(&check);
    assert_eq!(finding, "wrong", "{}", report.printed);
    assert!(found.contains("UnknownIssuer"), "{found}");
    assert!(change.contains("`ca-files`"), "{change}");
    assert_eq!(report.is("login"), "skipped");
    assert_eq!(report.code, Some(1));
    let trusting = format!("{section}ca-files = [\"{}\"]\n", ca.display());
    let report = Room::new(&trusting).doctor().await;
    report.is_well();
    assert_eq!(report.is(&check), "ok");
    report
}

/// A proxy that does not take the password, and then does; `section` has names that it alone knows.
pub(crate) async fn tells_what_a_proxy_refuses(
    key: &str,
    section: &str,
    names: &[(&str, SocketAddr)],
) {
    let proxy = TestProxy::start("joe", PASSWORD, names).await;
    // What calls a bot from elsewhere needs an address of ours.
    let here = format!("127.0.0.1:{}", closed_port().await);
    let http = format!("listen = \"{here}\"\npublic-url = \"http://{here}\"");
    let through = |file: &str| {
        format!(
            "{section}proxy = {{ url = \"http://{}\", username = \"joe\", password = \"file:{file}\" }}\n",
            proxy.address
        )
    };
    let room = Room::with_http(&http, &through("wrong"));
    room.write("wrong", "an0ther-password");
    let report = room.doctor().await;
    let check = format!("proxy ({key})");
    let (finding, found, change) = report.of(&check);
    assert_eq!(finding, "wrong", "{}", report.printed);
    assert!(found.contains("407"), "{found}");
    assert!(change.contains("`password` of `proxy`"), "{change}");
    assert_eq!(report.is("login"), "skipped");
    report.hides("an0ther-password");

    let room = Room::with_http(&http, &through("right"));
    room.write("right", PASSWORD);
    let report = room.doctor().await;
    report.is_well();
    assert_eq!(report.is(&check), "ok");
    report.hides(PASSWORD);
}
