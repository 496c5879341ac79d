//! Asks a running host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::UnixStream;

use super::{
    Ask, CONTROL_VERSION, Line, LineError, MAX_LINE_BYTES, MAX_LINES, MAX_REQUEST_BYTES,
    MAX_SOCKET_PATH_BYTES, Refused, Request, SOCKET_FILE, read_line, write_line,
};

/// The longest wait for the socket, and for each line but the first after the question.
const STEP: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No host runs on this data folder.
    #[error("no host runs on {}", .0.display())]
    NoHost(PathBuf),
    /// The path of the data folder leaves no room for a socket.
    #[error("path of socket {} has {} bytes, at most {MAX_SOCKET_PATH_BYTES} are possible", .0.display(), .0.as_os_str().len())]
    PathTooLong(PathBuf),
    /// The socket cannot be used.
    #[error("socket {} cannot be used: {error}", path.display())]
    Unusable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The host went away, or something else answers.
    #[error("answer of the host ends early: {0}")]
    Cut(String),
    /// The host did not answer in time.
    #[error("host did not answer within {0:?}")]
    Late(Duration),
    /// The host refused the request.
    #[error("{}", .0.text)]
    Refused(Refused),
}

/// Asks the host of a data folder and gives its lines, without the first and the last one, and how
/// many more there were. `patience` bounds the wait for the first line that answers.
///
/// # Errors
/// [`AskError`]; [`AskError::NoHost`] where none runs.
pub async fn ask(data: &Path, ask: Ask, patience: Duration) -> Result<(Vec<Line>, u64), AskError> {
    let path = data.join(SOCKET_FILE);
    if path.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
        return Err(AskError::PathTooLong(path));
    }
    let connected = within(STEP, UnixStream::connect(&path)).await?;
    let stream = connected.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
            AskError::NoHost(data.to_owned())
        }
        _ => AskError::Unusable {
            path: path.clone(),
            error,
        },
    })?;
    let (reader, mut writer) = stream.into_split();
    let request = Request::new(ask);
    let written = within(STEP, write_line(&mut writer, &request, MAX_REQUEST_BYTES)).await?;
    // A host that refuses before it has read all answers all the same.
    if let Err(error @ (LineError::TooLong(_) | LineError::Json(_))) = written {
        return Err(AskError::Cut(error.to_string()));
    }
    let mut reader = BufReader::new(reader);
    match next(&mut reader, STEP).await? {
        Line::Host { version, .. } if version == CONTROL_VERSION => {}
        Line::Host { version, .. } => {
            return Err(AskError::Cut(format!("it speaks version {version}")));
        }
        Line::Refused(refused) => return Err(AskError::Refused(refused)),
        _ => return Err(AskError::Cut("it does not say who it is".to_owned())),
    }
    let mut lines = Vec::new();
    let mut wait = patience;
    while lines.len() <= MAX_LINES {
        match next(&mut reader, wait).await? {
            Line::End { more } => return Ok((lines, more)),
            Line::Refused(refused) => return Err(AskError::Refused(refused)),
            line => lines.push(line),
        }
        wait = STEP;
    }
    Err(AskError::Cut(format!("it has more than {MAX_LINES} lines")))
}

async fn next(
    reader: &mut BufReader<tokio::net::unix::OwnedReadHalf>,
    patience: Duration,
) -> Result<Line, AskError> {
    let line = within(patience, read_line(reader, MAX_LINE_BYTES)).await?;
    let line = line.map_err(|error| AskError::Cut(error.to_string()))?;
    let line = line.ok_or_else(|| AskError::Cut("the host ended".to_owned()))?;
    serde_json::from_slice(&line).map_err(|error| AskError::Cut(format!("no line: {error}")))
}

async fn within<F: Future>(patience: Duration, wait: F) -> Result<F::Output, AskError> {
    let waited = tokio::time::timeout(patience, wait).await;
    waited.map_err(|_| AskError::Late(patience))
}
