//! A headless Chromium with one page, driven over its DevTools protocol.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use futures::{SinkExt as _, StreamExt as _};
use parlor_host::config::variable;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::PATIENCE;

/// What the browser says before the address to drive it by.
const LISTENING: &str = "DevTools listening on ";
/// Milliseconds that the page may take until a condition holds.
const WAIT_MS: u32 = 30_000;
/// Names that the browser goes by.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];
/// Nothing that asks anybody else for anything, and nothing that a machine without a screen lacks.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// A browser with one page. It ends when it is dropped.
pub struct Browser {
    process: Process,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    last: u64,
    requests: Vec<String>,
}

impl Browser {
    /// Where the browser is; none where none is installed.
    pub fn find() -> Option<PathBuf> {
        let path = variable("PATH")?;
        std::env::split_paths(&path)
            .flat_map(|folder| NAMES.map(|name| folder.join(name)))
            .find(|file| file.is_file())
    }

    /// Starts a browser with an empty page of this size.
    ///
    /// # Errors
    /// When it does not start or cannot be driven.
    pub async fn start(program: PathBuf, (width, height): (u32, u32)) -> anyhow::Result<Self> {
        let (process, url) = tokio::time::timeout(PATIENCE, Process::start(program))
            .await
            .context("the browser does not say where it listens")??;
        let (socket, _) = connect_async(&url).await?;
        let mut browser = Self {
            process,
            socket,
            session: None,
            last: 0,
            requests: Vec::new(),
        };
        let blank = json!({ "url": "about:blank" });
        let target = browser.call("Target.createTarget", blank).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().context("no session")?;
        browser.session = Some(session.to_owned());
        browser.call("Page.enable", json!({})).await?;
        browser.call("Network.enable", json!({})).await?;
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let method = "Emulation.setDeviceMetricsOverride";
        browser.call(method, size).await?;
        Ok(browser)
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&mut self, url: &str) -> anyhow::Result<()> {
        let answer = self.call("Page.navigate", json!({ "url": url })).await?;
        let error = &answer["errorText"];
        ensure!(error.is_null(), "{url} does not open: {error}");
        Ok(())
    }

    /// The value of an expression in the page, once it is there.
    ///
    /// # Errors
    /// When it throws.
    pub async fn evaluate(&mut self, expression: &str) -> anyhow::Result<Value> {
        let ask = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", ask).await?;
        let thrown = &answer["exceptionDetails"];
        ensure!(thrown.is_null(), "{expression}: {thrown}");
        Ok(answer["result"]["value"].take())
    }

    /// Waits until an expression is true in the page.
    ///
    /// # Errors
    /// When that takes longer than thirty seconds.
    pub async fn wait_for(&mut self, condition: &str) -> anyhow::Result<()> {
        let wait = format!(
            "new Promise((done) => {{
                const end = Date.now() + {WAIT_MS};
                const look = () => {{
                    let holds = false;
                    try {{ holds = Boolean({condition}); }} catch {{ }}
                    if (holds || Date.now() > end) done(holds); else setTimeout(look, 20);
                }};
                look();
            }})"
        );
        if self.evaluate(&wait).await? != true {
            let text = self.evaluate("document.body.innerText").await?;
            bail!("not so after {WAIT_MS} ms: {condition}; the page: {text}");
        }
        Ok(())
    }

    /// Types into the element that a selector names, as a person would.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn type_into(&mut self, selector: &str, text: &str) -> anyhow::Result<()> {
        let focus = format!("document.querySelector({}).focus()", json!(selector));
        self.evaluate(&focus).await?;
        let text = json!({ "text": text });
        self.call("Input.insertText", text).await.map(drop)
    }

    /// Presses the Enter key.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn enter(&mut self) -> anyhow::Result<()> {
        for kind in ["keyDown", "keyUp"] {
            let mut key = json!({
                "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13,
            });
            if kind == "keyDown" {
                key["text"] = json!("\r");
            }
            self.call("Input.dispatchKeyEvent", key).await?;
        }
        Ok(())
    }

    /// A picture of the page, as PNG.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub async fn screenshot(&mut self) -> anyhow::Result<Vec<u8>> {
        let ask = json!({ "format": "png", "optimizeForSpeed": false });
        let answer = self.call("Page.captureScreenshot", ask).await?;
        let data = answer["data"].as_str().context("no picture")?;
        base64(data).context("the picture is not base64")
    }

    /// The addresses that the page has asked for until now.
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// Ends the browser and waits until it has ended.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.kill();
        self.process.child.wait().await?;
        Ok(())
    }

    async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, params)).await;
        answer.with_context(|| format!("{method} is not answered"))?
    }

    async fn exchange(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.last += 1;
        let mut frame = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            frame["sessionId"] = json!(session);
        }
        let frame = Message::text(frame.to_string());
        self.socket.send(frame).await?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message? else {
                continue;
            };
            let mut frame: Value = serde_json::from_str(&text)?;
            if frame["id"] == self.last {
                let error = &frame["error"];
                ensure!(error.is_null(), "{method}: {error}");
                return Ok(frame["result"].take());
            }
            let url = match frame["method"].as_str() {
                Some("Network.requestWillBeSent") => &frame["params"]["request"]["url"],
                Some("Network.webSocketCreated") => &frame["params"]["url"],
                _ => continue,
            };
            self.requests.extend(url.as_str().map(str::to_owned));
        }
        bail!("the browser is gone");
    }
}

/// The browser's processes; they have a group of their own.
struct Process {
    child: Child,
    /// Kept open: a browser whose errors nobody can hear ends.
    errors: Lines<BufReader<ChildStderr>>,
    _profile: tempfile::TempDir,
}

impl Process {
    async fn start(program: PathBuf) -> anyhow::Result<(Self, String)> {
        let profile = tempfile::tempdir()?;
        let mut command = tokio::process::Command::new(program);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let errors = child.stderr.take().context("no errors to read")?;
        let mut process = Self {
            child,
            errors: BufReader::new(errors).lines(),
            _profile: profile,
        };
        while let Some(line) = process.errors.next_line().await? {
            if let Some(url) = line.strip_prefix(LISTENING) {
                return Ok((process, url.to_owned()));
            }
        }
        bail!("the browser ended before it listened");
    }

    fn kill(&mut self) {
        let Some(id) = self.child.id() else {
            return;
        };
        // Where the group has ended there is nothing left to do.
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{id}")])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Decodes base64 with padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for sign in text.trim_end_matches('=').bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}
