//! `parlor send`: a message as a bot of the running host.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::ask::Meant;
use super::output::Failure;
use super::start::Place;
use crate::mailbox::control::{Ask, Line, MAX_FILES_BYTES, SendAsk, SentLine, SentState};
use crate::model::action::File;

/// How long the outcome is waited for: longer than the host waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The bot that sends it
    bot: String,
    /// A conversation by id or name, or a person's e-mail address
    #[arg(long, value_name = "ROOM|EMAIL")]
    to: String,
    /// Send a file with it; may be given several times
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// What it says
    #[arg(value_name = "TEXT", required_unless_present = "files")]
    text: Vec<String>,
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: SendArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    let files = read_files(&args.files)?;
    let ask = Ask::Send(SendAsk {
        bot: args.bot,
        to: args.to,
        text: args.text.join(" "),
        files,
    });
    let answer = meant.require(ask, PATIENCE)?;
    let sent = answer.lines.iter().find_map(|line| match line {
        Line::Sent(sent) => Some(sent),
        _ => None,
    });
    let Some(sent) = sent else {
        return Err(Failure::Failed(anyhow::anyhow!(
            "the host does not say what became of the message"
        )));
    };
    if sent.state == SentState::Sent {
        return answer.print(args.json, |_| shown(sent));
    }
    if args.json {
        answer.print(args.json, |_| Vec::new())?;
        return Ok(ExitCode::FAILURE);
    }
    Err(Failure::Failed(anyhow::anyhow!(shown(sent).join("\n"))))
}

/// What became of the message, for a person.
pub(super) fn shown(sent: &SentLine) -> Vec<String> {
    let notes = sent.notes.join("; ");
    match sent.state {
        SentState::Sent => {
            let place = sent.conversation.as_deref().unwrap_or_default();
            let mut lines = vec![format!("sent to {place}: {}", sent.messages.join(", "))];
            lines.extend((!notes.is_empty()).then(|| format!("note: {notes}")));
            lines
        }
        SentState::Failed => vec![format!("not sent: {notes}")],
        SentState::Waiting => vec![format!(
            "not sent yet, it waits in the outbox of {}: {notes}",
            sent.bot
        )],
    }
}

fn read_files(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    let mut bytes = 0;
    for path in paths {
        let file = read_file(path, MAX_FILES_BYTES - bytes)?;
        bytes += file.bytes.len();
        files.push(file);
    }
    Ok(files)
}

fn read_file(path: &Path, most: usize) -> Result<File, Failure> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > most {
        return Err(Failure::usage(format!(
            "{}: files of a message have at most {MAX_FILES_BYTES} bytes together",
            path.display()
        )));
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy().into_owned();
    Ok(File {
        media_type: media_type(&name).to_owned(),
        name,
        bytes,
    })
}

/// The media type of a name, for what people send most.
pub(super) fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match end.to_ascii_lowercase().as_str() {
        "txt" | "log" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "zip" => "application/zip",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "application/octet-stream",
    }
}
