//! The host seen from outside: health, metrics, log and audit of a real process.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::hooks::{Caller, SECRET, signed_webhook};
use parlor_tests::process::{HostProcess, PageSocket};
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LOG: &str = "said.log";
const SETTINGS: &str = "[http]\nlisten = \"127.0.0.1:0\"\n[local]\nlisten = \"127.0.0.1:0\"\n\
                        [observe]\nlisten = \"127.0.0.1:0\"\n\
                        [log]\nfile = \"said.log\"\nformat = \"json\"\n";

/// A host in a folder of its own, with the guest `pager` and its webhook.
struct Observed {
    folder: tempfile::TempDir,
    host: HostProcess,
    page: String,
}

impl Observed {
    async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// Starts one with more sections of the settings.
    async fn start_with(more: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins)?;
        std::fs::copy(guests::component("pager"), plugins.join("pager.wasm"))?;
        let hook = signed_webhook("pager", "conversation = \"lobby\"");
        std::fs::write(plugins.join("pager.toml"), hook)?;
        let settings = format!("{SETTINGS}{more}");
        std::fs::write(folder.path().join("parlor.toml"), settings)?;
        let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
        let mut host = HostProcess::start(program, folder.path())?;
        let page = host.page().await?;
        Ok(Self { folder, host, page })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until a line of the log is as wanted.
    async fn line(&self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let path = self.path().join(LOG);
        let found = async {
            loop {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let mut lines = text
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok());
                if let Some(line) = lines.find(|line| wanted(line)) {
                    return line;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.with_context(|| std::fs::read_to_string(&path).unwrap_or_default())
    }

    /// Where something is, as the log has it.
    async fn address(&self, message: &str) -> Result<String> {
        let line = self.line(|line| line["message"] == message).await?;
        let address = line["address"].as_str().context("no address")?;
        Ok(address.to_owned())
    }

    async fn get(&self, path: &str) -> Result<(u16, String)> {
        let address = self.address("health and metrics are served").await?;
        let mut stream = TcpStream::connect(&address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }

    async fn call(&self, id: &str, body: &[u8]) -> Result<u16> {
        let address = self.address("webhooks are taken").await?;
        let mut caller = Caller::new(&address);
        caller
            .post("/hooks/default/pager/pager?token=in-the-query", id, body)
            .await
    }

    /// Says something in the lobby, so that the bot hears it.
    async fn say(&self, text: &str) -> Result<()> {
        let mut socket = PageSocket::open(&self.page).await?;
        socket.speak_as("ada").await?;
        socket
            .ask(1, json!({"open-room": {"name": "lobby"}}))
            .await?;
        let room = socket.answer(1).await?["conversation"].clone();
        let say = json!({"say": {"conversation": room, "text": text}});
        socket.ask(2, say).await?;
        socket.answer(2).await?;
        Ok(())
    }

    fn audit(&self) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(self.path().join("data/audit.log"))?;
        let lines = text.lines().map(serde_json::from_str);
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Waits until the audit tells of something.
    async fn audited(&self, what: &str, count: usize) -> Result<Value> {
        let found = async {
            loop {
                let lines = self.audit().unwrap_or_default();
                let mut lines = lines.into_iter().filter(|line| line["what"] == what);
                if let Some(line) = lines.nth(count - 1) {
                    return line;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.with_context(|| format!("the audit does not tell of {what}: {:?}", self.audit()))
    }

    fn replace(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let hidden = self.path().join(".new");
        std::fs::write(&hidden, bytes)?;
        std::fs::rename(hidden, self.path().join(file))?;
        Ok(())
    }
}

/// The samples of a metrics page, by name and labels; fails on a line that is none.
fn samples(text: &str) -> Result<BTreeMap<String, f64>> {
    ensure!(text.ends_with("# EOF\n"), "no end: {text}");
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').context("a sample")?;
        let before = samples.insert(name.to_owned(), value.parse()?);
        ensure!(before.is_none(), "{name} comes twice");
    }
    Ok(samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_how_the_host_does() -> Result<()> {
    let observed = Observed::start().await?;
    assert_eq!(observed.get("/live").await?, (200, "live\n".to_owned()));
    assert_eq!(observed.get("/other").await?.0, 404);
    observed.say("hello").await?;
    // The bot hears it in its own time.
    let ready = tokio::time::timeout(PATIENCE, async {
        loop {
            let (status, body) = observed.get("/ready").await?;
            let body: Value = serde_json::from_str(&body)?;
            if status == 200 && !body["bots"][0]["last_event_at"].is_null() {
                return anyhow::Ok(body);
            }
        }
    });
    let ready = ready.await??;
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["bots"][0]["bot"], "parlor");
    assert_eq!(ready["bots"][0]["state"], "connected");

    let address = observed.address("webhooks are taken").await?;
    let mut caller = Caller::new(&address);
    let path = "/hooks/default/pager/pager";
    ensure!(caller.post(path, "1", b"a").await? == 202);
    ensure!(caller.post(path, "1", b"a").await? == 202);
    let unsigned = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    ensure!(caller.send(unsigned.as_bytes(), b"").await? == 401);
    let handled = tokio::time::timeout(PATIENCE, async {
        loop {
            let page = samples(&observed.get("/metrics").await?.1)?;
            let name = "parlor_outbox_sent_total{tenant=\"default\",bot=\"parlor\"}";
            if page.get(name).is_some_and(|sent| *sent >= 1.0) {
                return anyhow::Ok(page);
            }
        }
    });
    let page = handled.await??;
    let hook = |result: &str| {
        format!(
            "parlor_webhook_calls_total{{tenant=\"default\",plugin=\"pager\",webhook=\"pager\",result=\"{result}\"}}"
        )
    };
    let bot = "{tenant=\"default\",bot=\"parlor\",platform=\"local\"}";
    let plugin = "{tenant=\"default\",plugin=\"pager\"}";
    for (name, value) in [
        (hook("taken"), 1.0),
        (hook("duplicate"), 1.0),
        (hook("no proof of the sender"), 1.0),
        ("parlor_ready".to_owned(), 1.0),
        ("parlor_journal_held".to_owned(), 0.0),
        (format!("parlor_bot_connected{bot}"), 1.0),
        (
            "parlor_events_total{kind=\"webhook-received\"}".to_owned(),
            1.0,
        ),
        (format!("parlor_plugin_serving{plugin}"), 1.0),
        (format!("parlor_plugin_deliveries_total{plugin}"), 1.0),
        (format!("parlor_plugin_call_seconds_count{plugin}"), 1.0),
        (
            "parlor_plugin_call_seconds_bucket{le=\"+Inf\",tenant=\"default\",plugin=\"pager\"}"
                .to_owned(),
            1.0,
        ),
    ] {
        assert_eq!(page.get(&name), Some(&value), "{name}: {page:#?}");
    }
    for name in [
        format!("parlor_bot_events_total{bot}"),
        format!("parlor_bot_last_event_timestamp_seconds{bot}"),
        "parlor_journal_bytes".to_owned(),
        "parlor_guest_memory_bytes".to_owned(),
        "parlor_journal_commit_seconds_count{journal=\"sqlite\"}".to_owned(),
        "parlor_accept_seconds_count{way=\"in\"}".to_owned(),
        "parlor_webhook_call_seconds_count{way=\"in\"}".to_owned(),
    ] {
        let value = page.get(&name).copied().unwrap_or_default();
        assert!(value > 0.0, "{name}: {page:#?}");
    }
    observed.host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_bot_s_platform_are_counted_by_what_became_of_them() -> Result<()> {
    let sim = Webex::start(WebexOptions::default()).await?;
    let tokens = tempfile::tempdir()?;
    let token = tokens.path().join("token");
    std::fs::write(&token, TOKEN)?;
    let bot = format!(
        "[[bot]]\nname = \"desk\"\nplatform = \"webex\"\napi = \"{}/v1\"\ntoken = \"file:{}\"\n",
        sim.base_url(),
        token.display()
    );
    let observed = Observed::start_with(&bot).await?;
    let until = async |name: &str, least: f64| {
        let counted = async {
            loop {
                let page = samples(&observed.get("/metrics").await?.1)?;
                if page.get(name).is_some_and(|value| *value >= least) {
                    return anyhow::Ok(page);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let counted = tokio::time::timeout(PATIENCE, counted).await;
        counted.with_context(|| format!("{name} stays below {least}"))?
    };
    let of = |result: &str| {
        format!(
            "parlor_bot_webhook_calls_total{{tenant=\"default\",bot=\"desk\",result=\"{result}\"}}"
        )
    };
    let connected = "parlor_bot_connected{tenant=\"default\",bot=\"desk\",platform=\"webex\"}";
    until(connected, 1.0).await?;
    let address = observed.address("webhooks are taken").await?;
    let mut stranger = Caller::new(&address);
    let unsigned = b"POST /bots/default/desk HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
    ensure!(stranger.send(unsigned, b"{}").await? == 401);
    let page = until(&of("no proof of the sender"), 1.0).await?;
    assert_eq!(page.get(&of("no proof of the sender")), Some(&1.0));
    let before = page.get(&of("taken")).copied().unwrap_or_default();
    sim.say_direct("ada", "hello");
    until(&of("taken"), before + 1.0).await?;
    observed.host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_change_and_the_wire_is_told_without_secrets_while_the_host_runs() -> Result<()> {
    let observed = Observed::start().await?;
    observed.call("1", b"quiet").await?;
    let changed = format!("{SETTINGS}wire = true\nlevels = {{ runtime = \"debug\" }}\n");
    observed.replace("parlor.toml", changed.as_bytes())?;
    observed.audited("settings-changed", 1).await?;
    observed.call("2", b"a body that nobody logs").await?;
    let line = observed.line(|line| line["message"] == "request").await?;
    assert_eq!(
        (&line["method"], &line["status"]),
        (&json!("POST"), &json!(202))
    );
    assert_eq!(line["path"], "/hooks/default/pager/pager");
    assert!(line["ms"].is_u64() && line["bytes"].is_u64(), "{line}");
    observed.say("a frame").await?;
    let frame = observed
        .line(|line| line["message"] == "frame" && line["way"] == "in")
        .await?;
    assert_eq!(frame["peer"], "page");
    let text = std::fs::read_to_string(observed.path().join(LOG))?;
    for secret in [SECRET, "sha256=", "nobody logs", "in-the-query", "quiet"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    observed.host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_change_is_audited_and_a_paused_bot_is_no_reason_to_be_unready() -> Result<()>
{
    let observed = Observed::start().await?;
    let parlor = async |words: &[&str]| {
        let mut parlor = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-under-test"));
        let parlor = parlor.args(words).current_dir(observed.path()).output();
        let done = tokio::time::timeout(PATIENCE, parlor).await??;
        ensure!(done.status.success(), "{words:?}: {done:?}");
        anyhow::Ok(String::from_utf8(done.stdout)?)
    };
    parlor(&["bots", "pause", "parlor"]).await?;
    let paused = observed.audited("paused", 1).await?;
    // SAFETY: it only reads who this process is.
    let uid = unsafe { libc::getuid() };
    assert_eq!(
        (&paused["who"], &paused["name"]),
        (&json!(format!("uid {uid}")), &json!("bot parlor"))
    );
    let (status, body) = observed.get("/ready").await?;
    let body: Value = serde_json::from_str(&body)?;
    assert_eq!(
        (status, &body["bots"][0]["state"]),
        (200, &json!("paused")),
        "{body}"
    );
    parlor(&["bots", "resume", "parlor"]).await?;
    observed.audited("resumed", 1).await?;
    parlor(&["reload"]).await?;
    observed.audited("released", 1).await?;
    let listed = parlor(&["plugins"]).await?;
    let address = observed.address("webhooks are taken").await?;
    let url = format!("http://{address}/hooks/default/pager/pager (verified: hmac-sha256)");
    assert!(listed.contains(&url), "{listed}");
    observed.host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_tells_who_changed_what_with_both_hashes() -> Result<()> {
    let observed = Observed::start().await?;
    let start = observed.audited("start", 1).await?;
    assert_eq!(start["who"], "host");
    let added = observed.audited("plugin-added", 1).await?;
    assert_eq!(
        (&added["who"], &added["plugin"]),
        (&json!("files"), &json!("pager"))
    );
    observed.replace("plugins/pager.wasm", &guests::bytes("echo"))?;
    let swapped = observed.audited("plugin-swapped", 1).await?;
    assert_eq!(swapped["before"], added["artifact"]);
    assert_ne!(swapped["after"], swapped["before"]);
    observed.replace("plugins/broken.wasm", b"no component")?;
    let refused = observed.audited("plugin-refused", 1).await?;
    assert_eq!(refused["plugin"], "broken");
    assert!(refused["artifact"].is_string() && refused["reason"].is_string());
    observed.replace("parlor.toml", format!("{SETTINGS}# a word\n").as_bytes())?;
    let changed = observed.audited("settings-changed", 1).await?;
    assert_eq!(changed["before"], start["settings"]);
    assert_ne!(changed["after"], changed["before"]);
    observed.replace("parlor.toml", b"nonsense = 1\n")?;
    let reason = observed.audited("settings-refused", 1).await?;
    assert!(
        reason["reason"]
            .as_str()
            .is_some_and(|it| it.contains("nonsense"))
    );
    std::fs::remove_file(observed.path().join("plugins/pager.toml"))?;
    std::fs::remove_file(observed.path().join("plugins/pager.wasm"))?;
    let removed = observed.audited("plugin-removed", 1).await?;
    assert_eq!(removed["artifact"], swapped["after"]);
    let Observed { folder, host, .. } = observed;
    host.stop().await?;
    let text = std::fs::read_to_string(folder.path().join("data/audit.log"))?;
    let last: Value = serde_json::from_str(text.lines().last().context("no line")?)?;
    assert_eq!(
        (&last["what"], &last["who"]),
        (&json!("stop"), &json!("SIGTERM"))
    );
    assert!(!text.contains(SECRET));
    Ok(())
}
