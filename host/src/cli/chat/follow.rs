//! Lines of a script or a program, with everything shown that happens in between.

use std::io::{BufRead, Write};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::console::{Console, Reply};
use super::{Idle, LINE_MAX, TerminalError, TerminalOptions, lagged, show, write_answers};
use crate::mailbox::rooms::{Rooms, ViewError};

/// Runs until the input ends or `/quit`, and shows what happens while no line comes.
///
/// # Errors
/// When reading, writing or the platform fails.
pub(super) async fn run(
    rooms: Arc<dyn Rooms>,
    options: TerminalOptions,
    idle: Idle,
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
) -> Result<(), TerminalError> {
    let mut console = Console::start(rooms, &options).await?;
    let (sender, mut lines) = mpsc::channel(1);
    // Reading blocks, so it has a thread of its own; it ends with its input or when nobody asks.
    std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(move || read(input, &sender))?;
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(line) = line else { break };
                match console.take_line(&line?).await? {
                    Reply::Quit => break,
                    Reply::Lines(lines) => {
                        for line in lines {
                            writeln!(output, "{line}")?;
                        }
                    }
                }
                write_answers(&mut console, &idle, &mut output).await?;
            }
            event = console.view.next() => match event {
                Ok(event) => show(&mut console, &event, &mut output)?,
                Err(ViewError::Lagged) => lagged(&mut console, &mut output)?,
                Err(ViewError::Closed) => return Err(TerminalError::Closed),
            },
        }
        output.flush()?;
    }
    write_answers(&mut console, &idle, &mut output).await?;
    output.flush()?;
    Ok(())
}

fn read(mut input: impl BufRead, lines: &mpsc::Sender<std::io::Result<String>>) {
    loop {
        let mut bytes = Vec::new();
        let line = std::io::Read::take(&mut input, LINE_MAX).read_until(b'\n', &mut bytes);
        let line = match line {
            Ok(0) => return,
            Ok(_) => {
                let line = String::from_utf8_lossy(&bytes);
                Ok(line.trim_end_matches(['\n', '\r']).to_owned())
            }
            Err(error) => Err(error),
        };
        let is_over = line.is_err();
        if lines.blocking_send(line).is_err() || is_over {
            return;
        }
    }
}
