//! A host in a process of its own, and people who talk to it at its page.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, bail, ensure};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::PATIENCE;

/// What a host prints before its page's address.
const OPEN: &str = "open ";
/// What a host of a storm prints before the address of its webhooks.
const CALLED: &str = "called ";
/// Where a host's log goes, in its folder.
const LOG: &str = "parlor.log";
/// Bytes at the end of the log that an error shows.
const LOG_SHOWN: usize = 4_096;

/// A host that runs in a folder. It is killed when it is dropped.
pub struct HostProcess {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
}

impl HostProcess {
    /// Starts `parlor run` in a folder that holds a `parlor.toml`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, &["run"], folder)
    }

    /// Starts a program with these arguments in a folder; it says where its page is as `parlor run` does.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_with(program: &Path, arguments: &[&str], folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join(LOG);
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no output to read")?;
        Ok(Self {
            child,
            output: BufReader::new(output).lines(),
            folder: folder.to_owned(),
        })
    }

    /// Waits until it serves; the address of its page.
    ///
    /// # Errors
    /// When it ends, or does not serve in time; the error shows the end of its log.
    pub async fn page(&mut self) -> anyhow::Result<String> {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        let line = line.context("the host does not serve in time")??;
        let url = line.as_deref().and_then(|line| line.strip_prefix(OPEN));
        url.map(str::to_owned).with_context(|| {
            let log = std::fs::read(self.folder.join(LOG)).unwrap_or_default();
            let end = log.len().saturating_sub(LOG_SHOWN);
            let log = String::from_utf8_lossy(&log[end..]).into_owned();
            format!("the host says {line:?} and has no page: {log}")
        })
    }

    /// Where a host is called from outside, which it says behind its page's address; that must be read.
    ///
    /// # Errors
    /// When it does not say so in time.
    pub async fn called(&mut self) -> anyhow::Result<SocketAddr> {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        let line = line.context("the host does not say where it is called")??;
        let address = line.as_deref().and_then(|line| line.strip_prefix(CALLED));
        let address = address.with_context(|| format!("{line:?} is no place to be called"))?;
        Ok(address.parse()?)
    }

    /// KiB of memory that are resident.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        let id = self.child.id().context("the host has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("no VmRSS")?.parse()?)
    }

    /// Kills it, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        use std::os::unix::process::ExitStatusExt as _;
        self.child.start_kill()?;
        let status = self.child.wait().await?;
        ensure!(
            status.signal() == Some(libc::SIGKILL),
            "the host had ended by itself: {status}"
        );
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: i32) -> anyhow::Result<()> {
        let id = self.child.id().context("the host has ended")?;
        // SAFETY: it is our child and not waited for yet, so that the number is still its own.
        let sent = unsafe { libc::kill(id.try_into()?, signal) };
        ensure!(sent == 0, "the host takes no signal");
        Ok(())
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn ended(mut self) -> anyhow::Result<ExitStatus> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        Ok(ended.context("the host does not end")??)
    }

    /// Asks it to stop, as `kill` does, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let id = self.child.id().context("the host has ended")?;
        // SAFETY: it is our child and not waited for yet, so that the number is still its own.
        let sent = unsafe { libc::kill(id.try_into()?, libc::SIGTERM) };
        ensure!(sent == 0, "the host cannot be asked to stop");
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        Ok(ended.context("the host does not stop")??)
    }
}

/// A connection of a page, without the page.
pub struct PageSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl PageSocket {
    /// Opens the address that a host printed, and then its socket.
    ///
    /// # Errors
    /// When it does not let us in.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let opened = tokio::time::timeout(PATIENCE, Self::connect(url)).await;
        opened.context("the page does not open in time")?
    }

    async fn connect(url: &str) -> anyhow::Result<Self> {
        let (address, query) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .with_context(|| format!("{url} is not an address"))?;
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET /{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let cookie = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .and_then(|cookie| cookie.split(';').next())
            .with_context(|| format!("no cookie for the token: {answer}"))?;
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("cookie", cookie.parse()?);
        headers.insert("origin", format!("http://{address}").parse()?);
        let (socket, _) = connect_async(request).await?;
        Ok(Self { socket })
    }

    /// Speaks as this user from now on.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn speak_as(&mut self, user: &str) -> anyhow::Result<()> {
        self.send(json!({ "as": user })).await
    }

    /// Asks for a command under a number of our own.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn ask(&mut self, id: u64, command: Value) -> anyhow::Result<()> {
        self.send(json!({ "id": id, "do": command })).await
    }

    async fn send(&mut self, frame: Value) -> anyhow::Result<()> {
        self.socket.send(Message::text(frame.to_string())).await?;
        Ok(())
    }

    /// The next frame; none when the connection is over.
    ///
    /// # Errors
    /// When the frame is not JSON, or none comes in time.
    pub async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        let frame = tokio::time::timeout(PATIENCE, self.next_at_last()).await;
        frame.context("nothing comes")?
    }

    /// The next frame, however long it takes; none when the connection is over.
    ///
    /// # Errors
    /// When the frame is not JSON.
    pub async fn next_at_last(&mut self) -> anyhow::Result<Option<Value>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(serde_json::from_str(&text)?)),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                // Pings are answered by the library.
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits for the answer to a command, and drops what comes before it.
    ///
    /// # Errors
    /// When the command is refused, or the connection ends before.
    pub async fn answer(&mut self, id: u64) -> anyhow::Result<Value> {
        while let Some(frame) = self.next().await? {
            let answer = &frame["answer"];
            if answer["id"] == id {
                let error = &answer["error"];
                ensure!(error.is_null(), "refused: {error}");
                return Ok(answer["done"].clone());
            }
        }
        bail!("the connection ended before the answer")
    }
}
