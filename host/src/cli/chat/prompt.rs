//! The prompt of a person at a terminal. Messages are printed above it as they come.

use std::sync::Arc;

use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use super::console::{Console, Reply};
use super::{Aside, Idle, TerminalError, TerminalOptions};
use crate::mailbox::rooms::{Rooms, ViewError};

/// Lines that the history keeps.
const HISTORY_MAX: usize = 1_000;

/// Runs the prompt until `/quit`, Ctrl-C or Ctrl-D.
pub(super) async fn run(
    rooms: Arc<dyn Rooms>,
    options: TerminalOptions,
    idle: Idle,
) -> Result<(), TerminalError> {
    let mut console = Console::start(rooms, &options).await?;
    let mut editor = editor(&options)?;
    let mut printer = editor.create_external_printer()?;
    printer.print("* /? lists what the console does, /help what the bots do\n".to_owned())?;
    for line in console.hidden_commands() {
        printer.print(line + "\n")?;
    }
    let (line_sender, mut lines) = mpsc::channel::<Result<String, ReadlineError>>(1);
    let (prompt_sender, prompts) = std::sync::mpsc::sync_channel::<String>(1);
    let history = options.history.clone();
    // Reading a line blocks, so it has a thread of its own, which ends when nobody asks for a line.
    let reader = std::thread::Builder::new()
        .name("prompt".to_owned())
        .spawn(move || {
            while let Ok(prompt) = prompts.recv() {
                let line = editor.readline(&prompt);
                if let Ok(line) = &line
                    && !line.trim().is_empty()
                    && let Err(error) = editor.add_history_entry(line)
                {
                    tracing::debug!(%error, "line is not in the history");
                }
                let over = line.is_err();
                if line_sender.blocking_send(line).is_err() || over {
                    break;
                }
            }
            if let Some(history) = history
                && let Err(error) = editor.save_history(&history)
            {
                tracing::debug!(%error, "history is not kept");
            }
        })?;
    let ask = |console: &Console| {
        prompt_sender
            .send(console.prompt())
            .map_err(|_| TerminalError::Closed)
    };
    ask(&console)?;
    let mut answered = Box::pin(answered(options.aside.clone(), idle.clone()));
    loop {
        tokio::select! {
            biased;
            line = lines.recv() => match line {
                Some(Ok(line)) => match console.take_line(&line).await? {
                    Reply::Quit => break,
                    Reply::Lines(lines) => {
                        for line in lines {
                            printer.print(line + "\n")?;
                        }
                        ask(&console)?;
                    }
                },
                Some(Err(ReadlineError::Interrupted | ReadlineError::Eof)) | None => break,
                Some(Err(error)) => return Err(error.into()),
            },
            event = console.view.next() => match event {
                Ok(event) => {
                    if let Some(text) = console.text_of(&event) {
                        printer.print(text + "\n")?;
                    }
                }
                Err(ViewError::Lagged) => {
                    console.look_again()?;
                    printer.print("* some messages were passed over\n".to_owned())?;
                }
                Err(ViewError::Closed) => return Err(TerminalError::Closed),
            },
            lines = &mut answered => {
                for line in lines {
                    printer.print(console.aside(&line) + "\n")?;
                }
                answered = Box::pin(self::answered(options.aside.clone(), idle.clone()));
            }
        }
    }
    drop(prompt_sender);
    // It waits for nothing now but its own history file.
    tokio::task::spawn_blocking(move || reader.join())
        .await
        .map_err(std::io::Error::other)?
        .map_err(|_| std::io::Error::other("prompt ended early"))?;
    Ok(())
}

/// Gives what is to be shown below what is said, when all of it is there.
async fn answered(aside: Option<Aside>, idle: Idle) -> Vec<String> {
    let Some(aside) = aside else {
        return std::future::pending().await;
    };
    aside.0.changed().await;
    idle().await;
    aside.0.take()
}

fn editor(options: &TerminalOptions) -> Result<DefaultEditor, TerminalError> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_dups(true)?
        .build();
    let mut editor = DefaultEditor::with_config(config)?;
    if let Some(history) = &options.history
        && history.exists()
    {
        editor.load_history(history)?;
    }
    Ok(editor)
}
