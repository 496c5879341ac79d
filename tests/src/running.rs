//! A real `parlor run`, in a process of its own that a test can kill, and a person on its page.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use parlor_host::mailbox::rooms::{Command as RoomCommand, Done};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::guests;
use crate::harness::PATIENCE;

/// What the host says when it serves, before the page's address.
const READY: &str = "open ";

/// A host in a process of its own. It is killed when this is dropped.
pub struct RunningHost {
    child: Child,
    url: String,
}

impl RunningHost {
    /// Starts the host of a folder that holds its `parlor.toml`; resolves when it serves. What it
    /// logs goes to `parlor.log` in the folder.
    ///
    /// # Errors
    /// When it does not start in time.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("parlor.log"))?;
        let mut child = tokio::process::Command::new(program())
            .arg("run")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("its output is piped")?;
        let mut lines = BufReader::new(output).lines();
        let serving = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(url) = line.strip_prefix(READY) {
                    return Ok(url.to_owned());
                }
            }
            let log = std::fs::read_to_string(folder.join("parlor.log"))?;
            bail!("it ended before it served:\n{log}")
        };
        let url = tokio::time::timeout(PATIENCE, serving)
            .await
            .context("it does not serve in time")??;
        Ok(Self { child, url })
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// The system's.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Opens its page as a person.
    ///
    /// # Errors
    /// When the page does not let one in.
    pub async fn person(&self, name: &str) -> anyhow::Result<Person> {
        // The page is plain HTTP; the client wants to know all the same. Set once a process.
        let _was_set = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let answer = client.get(&self.url).send().await?;
        let cookie = answer
            .headers()
            .get("set-cookie")
            .context("the page gives a cookie")?
            .to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let (origin, _) = self
            .url
            .split_once("/?")
            .context("the address has a token")?;
        let socket = format!("{}/ws", origin.replacen("http", "ws", 1));
        let mut request = socket.into_client_request()?;
        request.headers_mut().insert("cookie", cookie.parse()?);
        request.headers_mut().insert("origin", origin.parse()?);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        let mut person = Person { socket, asked: 0 };
        person.send(json!({ "as": name })).await?;
        person.frame("snapshot").await?;
        Ok(person)
    }
}

/// Somebody who has opened the page.
pub struct Person {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
}

impl Person {
    /// Does something, and waits until it is done.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn act(&mut self, command: RoomCommand) -> anyhow::Result<Done> {
        self.asked += 1;
        let id = self.asked;
        self.send(json!({ "id": id, "do": command })).await?;
        loop {
            let answer = self.frame("answer").await?;
            if answer["id"] == json!(id) {
                if let Some(error) = answer.get("error") {
                    bail!("refused: {error}");
                }
                return Ok(serde_json::from_value(answer["done"].clone())?);
            }
        }
    }

    /// Everything that is in a conversation now, oldest first.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn messages(&mut self, name: &str, room: &str) -> anyhow::Result<Vec<Value>> {
        self.send(json!({ "as": name })).await?;
        let snapshot = self.frame("snapshot").await?;
        let rooms = snapshot["rooms"].as_array().cloned().unwrap_or_default();
        let view = rooms
            .into_iter()
            .find(|view| view["room"]["id"] == json!(room));
        let messages = view.and_then(|view| view["messages"].as_array().cloned());
        Ok(messages.unwrap_or_default())
    }

    /// Waits for a message whose text begins so; those before it are passed over.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn hears(&mut self, text: &str) -> anyhow::Result<Value> {
        loop {
            let event = self
                .frame("event")
                .await
                .with_context(|| format!("no {text:?}"))?;
            let message = &event["change"]["posted"];
            if message["text"]
                .as_str()
                .is_some_and(|said| said.starts_with(text))
            {
                return Ok(message.clone());
            }
        }
    }

    async fn send(&mut self, frame: Value) -> anyhow::Result<()> {
        self.socket.send(Message::text(frame.to_string())).await?;
        Ok(())
    }

    async fn frame(&mut self, kind: &str) -> anyhow::Result<Value> {
        let found = async {
            while let Some(frame) = self.socket.next().await {
                if let Message::Text(text) = frame? {
                    let mut frame: Value = serde_json::from_str(&text)?;
                    if let Some(found) = frame.get_mut(kind) {
                        return Ok(found.take());
                    }
                }
            }
            bail!("the page ended before a {kind}")
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .with_context(|| format!("no {kind} in time"))?
    }
}

/// The `parlor` of this workspace, built where it is stale.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = guests::workspace();
        let status = Command::new(env!("CARGO"))
            .current_dir(&root)
            .args([
                "build",
                "--quiet",
                "--package",
                "parlor-host",
                "--bin",
                "parlor",
            ])
            // Cargo sets it for the test itself; the program is not part of it.
            .env_remove("CARGO_MANIFEST_DIR")
            .status()
            .expect("cargo runs, since it runs this test");
        assert!(status.success(), "parlor does not build");
        guests::target().join("debug").join("parlor")
    })
}
