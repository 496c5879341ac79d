//! File report: notes every file that is sent to a room, and gives the list of them as a file.

use std::fmt::Write as _;

use parlor_sdk::events::{MessageReceived, ReceivedAttachment};
use parlor_sdk::prelude::*;

const FILE: &str = "file/";

/// The reporter.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "file-report", summary = "Lists the files of a room")]
#[config(
    "weekly",
    text,
    default = "0 17 * * fri",
    help = "When the report comes by itself, as cron has it"
)]
#[config(
    "time-zone",
    text,
    default = "Europe/Zurich",
    help = "Where it is that time"
)]
impl Guest {
    #[message(has(attachment))]
    fn sent(&mut self, cx: &Context, got: &MessageReceived) -> Result<(), Error> {
        for file in &got.message.attachments {
            let (size, lines) = measure(file)?;
            let key = format!("{FILE}{:020}/{}", cx.event().sequence, file.id);
            let cells = [
                &file.name,
                &file.media_type,
                cx.display_name(),
                &size.to_string(),
                &lines,
            ];
            let row: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            state::conversation().set(&key, row.join(","))?;
        }
        Ok(())
    }

    #[command("/report", help = "Gives the list of files")]
    fn report(&mut self, cx: &Context) -> Result<Reply, Error> {
        let (count, file) = report()?;
        if count == 0 {
            return Ok(cx.reply("Nobody has sent a file here."));
        }
        Ok(message(count, file).into())
    }

    #[command("/report weekly", help = "Gives the list every week")]
    fn weekly(&mut self, cx: &Context) -> Reply {
        let text = |key: &str| config::text(key).unwrap_or_default();
        cx.reply("It comes every week.").and(Timer::cron(
            "weekly",
            text("weekly"),
            text("time-zone"),
        ))
    }

    #[timer("weekly")]
    fn week(&mut self) -> Result<Message, Error> {
        let (count, file) = report()?;
        Ok(message(count, file))
    }
}

fn message(count: usize, file: String) -> Message {
    Message::reply(format!("{count} files")).attach("files.csv", "text/csv", file)
}

/// Reads a file part by part: its bytes, and where it is text its lines.
fn measure(file: &ReceivedAttachment) -> Result<(u64, String), Error> {
    let (mut read, mut lines) = (0, 0);
    loop {
        let part = directory::attachment(&file.id, read)?;
        read += part.bytes.len() as u64;
        lines += part.bytes.iter().filter(|byte| **byte == b'\n').count();
        if part.bytes.is_empty() || read >= part.total {
            let is_text = file.media_type.starts_with("text/");
            let lines = if is_text {
                lines.to_string()
            } else {
                String::new()
            };
            return Ok((part.total, lines));
        }
    }
}

/// How many files there are, and their list.
fn report() -> Result<(usize, String), Error> {
    let mut text = "name,type,sender,bytes,lines\r\n".to_owned();
    let (mut count, mut keys) = (0, state::conversation().keys(FILE)?);
    while let Some(last) = keys.last().cloned() {
        for key in &keys {
            let row = state::conversation().text(key)?.unwrap_or_default();
            // Writing to a text does not fail.
            let _ = write!(text, "{row}\r\n");
            count += 1;
        }
        keys = state::conversation().keys_after(FILE, &last)?;
    }
    Ok((count, text))
}

/// A cell. What a spreadsheet would take for a formula is marked as text.
fn quoted(cell: &str) -> String {
    let mark = if cell.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{mark}{}\"", cell.replace('"', "\"\"")),
        false => format!("{mark}{cell}"),
    }
}
