//! Control of a running host: answers on the socket in its data folder.
//!
//! `mailbox::control` states the protocol. Whoever may write the socket may do everything here:
//! its mode lets nobody but its owner.

mod answer;
mod events;
mod install;
mod listen;
mod outbox;
mod record;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::answer::conversation_line;
pub use self::listen::{ControlError, ControlSocket};
pub(super) use self::outbox::{HOLDS, parse_holds, read_holds};
pub(super) use self::send::send_content;
use super::host::Host;
use crate::mailbox::control::{
    CONTROL_VERSION, Line, LineError, MAX_LINE_BYTES, MAX_LINES, MAX_REQUEST_BYTES, Refused,
    RefusedReason, Request, Selector, read_line, write_line,
};

/// Connections at one time; each may hold one request.
const CONNECTIONS: usize = 16;
/// How long a request may take to arrive, and a line of the answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when connections cannot be taken.
const ACCEPT_WAIT: Duration = Duration::from_millis(200);

/// Who asked for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// The user of the system.
    pub uid: u32,
    /// The process, where the system tells.
    pub pid: Option<i32>,
}

impl std::fmt::Display for Who {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "uid {}", self.uid)?;
        match self.pid {
            Some(pid) => write!(out, ", process {pid}"),
            None => Ok(()),
        }
    }
}

/// A change that an operator made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A bot takes no events and sends nothing.
    Paused {
        /// The bot.
        bot: String,
    },
    /// It goes on.
    Resumed {
        /// The bot.
        bot: String,
    },
    /// A part of the outbox waits.
    Held(Selector),
    /// It goes on.
    Released(Selector),
    /// What waited was given up.
    Dropped {
        /// What was meant.
        selector: Selector,
        /// Parts.
        parts: u64,
        /// Parts among them that may have been sent.
        in_doubt: u64,
    },
    /// Dead letters were put back.
    Retried {
        /// The event.
        event: u64,
        /// The plugins.
        plugins: Vec<String>,
    },
    /// A person was forgotten.
    Forgot {
        /// The user, by id.
        user: String,
        /// Events whose content is gone.
        events: u64,
        /// Values of state that are gone.
        values: u64,
    },
    /// A message was sent as a bot.
    Sent {
        /// The bot.
        bot: String,
        /// The conversation or the person, as it was named.
        to: String,
    },
    /// A plugin's last good build was put back.
    RolledBack {
        /// The plugin.
        plugin: String,
    },
    /// Settings were read again, and changes that waited were let through.
    Reloaded {
        /// Of this plugin only.
        plugin: Option<String>,
    },
}

impl std::fmt::Display for Change {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Paused { bot } => write!(out, "bots pause {bot}"),
            Self::Resumed { bot } => write!(out, "bots resume {bot}"),
            Self::Held(selector) => write!(out, "outbox hold {selector}"),
            Self::Released(selector) => write!(out, "outbox release {selector}"),
            Self::Dropped {
                selector,
                parts,
                in_doubt,
            } => write!(
                out,
                "outbox drop {selector}: {parts} parts, {in_doubt} in doubt"
            ),
            Self::Retried { event, plugins } => {
                write!(out, "events retry {event}: {}", plugins.join(", "))
            }
            Self::Forgot {
                user,
                events,
                values,
            } => write!(
                out,
                "events forget --user {user}: {events} events, {values} values"
            ),
            Self::Sent { bot, to } => write!(out, "send {bot} --to {to}"),
            Self::RolledBack { plugin } => write!(out, "plugins rollback {plugin}"),
            Self::Reloaded { plugin: None } => out.write_str("reload"),
            Self::Reloaded {
                plugin: Some(plugin),
            } => write!(out, "reload {plugin}"),
        }
    }
}

/// Keeps a record of what operators changed.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Takes a change that was made, before whoever asked for it is answered.
    async fn audit(&self, who: &Who, change: &Change);
}

/// Makes a refusal.
fn refused(reason: RefusedReason, text: impl Into<String>) -> Refused {
    Refused {
        reason,
        text: text.into(),
    }
}

/// What a request came to: the lines, and what it changed.
struct Answer {
    lines: Vec<Line>,
    change: Option<Change>,
}

/// Answers on a socket until it is told to stop.
pub async fn serve(
    socket: ControlSocket,
    host: Arc<Host>,
    audit: Arc<dyn Audit>,
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "control connection not taken");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            tasks.spawn(turn_away(stream));
            continue;
        };
        let connection = Connection {
            host: host.clone(),
            audit: audit.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(async move {
            connection.serve(stream).await;
            drop(permit);
        });
    }
    drop(socket);
    tasks.close();
    tasks.wait().await;
}

/// Tells somebody that too many ask.
async fn turn_away(mut stream: UnixStream) {
    let text = format!("{CONNECTIONS} others ask this host at this moment");
    let line = Line::Refused(refused(RefusedReason::Busy, text));
    // Whoever is turned away may be gone already.
    let _ = tokio::time::timeout(PATIENCE, write_line(&mut stream, &line, MAX_LINE_BYTES)).await;
}

struct Connection {
    host: Arc<Host>,
    audit: Arc<dyn Audit>,
    stop: CancellationToken,
}

impl Connection {
    async fn serve(&self, stream: UnixStream) {
        let who = match stream.peer_cred() {
            Ok(peer) => Who {
                uid: peer.uid(),
                pid: peer.pid(),
            },
            Err(error) => {
                tracing::warn!(%error, "control connection of nobody");
                return;
            }
        };
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let answered = self.answer(&mut reader, &mut writer, &who).await;
        if let Err(error) = answered {
            // Whoever asked went away; what was asked is done all the same.
            tracing::debug!(%error, "control answer not taken");
        }
    }

    async fn answer(
        &self,
        reader: &mut (impl tokio::io::AsyncBufRead + Unpin),
        writer: &mut (impl tokio::io::AsyncWrite + Unpin),
        who: &Who,
    ) -> Result<(), LineError> {
        let request = match self.read(reader).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(refusal) => return write(writer, &Line::Refused(refusal)).await,
        };
        let host = Line::Host {
            version: CONTROL_VERSION,
            parlor: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
        };
        write(writer, &host).await?;
        let mut lines = match answer::answer(&self.host, request.ask, &self.stop).await {
            Ok(Answer { lines, change }) => {
                if let Some(change) = change {
                    self.audit.audit(who, &change).await;
                }
                lines
            }
            Err(refusal) => return write(writer, &Line::Refused(refusal)).await,
        };
        let more = lines.len().saturating_sub(MAX_LINES) as u64;
        lines.truncate(MAX_LINES);
        for line in &lines {
            write(writer, line).await?;
        }
        write(writer, &Line::End { more }).await
    }

    async fn read(
        &self,
        reader: &mut (impl tokio::io::AsyncBufRead + Unpin),
    ) -> Result<Option<Request>, Refused> {
        let read = tokio::time::timeout(PATIENCE, read_line(reader, MAX_REQUEST_BYTES)).await;
        let line = match read {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(error)) => return Err(refused(RefusedReason::Malformed, error.to_string())),
            Err(_) => {
                let text = format!("no request within {PATIENCE:?}");
                return Err(refused(RefusedReason::Busy, text));
            }
        };
        parse(&line).map(Some)
    }
}

/// Reads a request; the version first, so that another one is told from a mistake.
fn parse(line: &[u8]) -> Result<Request, Refused> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let malformed = |error: serde_json::Error| {
        refused(RefusedReason::Malformed, format!("no request: {error}"))
    };
    let Versioned { version } = serde_json::from_slice(line).map_err(malformed)?;
    if version != CONTROL_VERSION {
        let text = format!("this host speaks version {CONTROL_VERSION}, not {version}");
        return Err(refused(RefusedReason::Version, text));
    }
    serde_json::from_slice(line).map_err(malformed)
}

async fn write(
    writer: &mut (impl tokio::io::AsyncWrite + Unpin),
    line: &Line,
) -> Result<(), LineError> {
    let written = write_line(writer, line, MAX_LINE_BYTES);
    match tokio::time::timeout(PATIENCE, written).await {
        Ok(written) => written,
        Err(_) => Err(LineError::Cut),
    }
}
