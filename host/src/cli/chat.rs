//! The terminal as a front end of the local platform: a prompt with history for a person, plain lines
//! for a script. It knows rooms and nothing of what runs behind them.

mod console;
mod prompt;
mod render;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

pub(super) use self::console::is_of_console;
use self::console::{Console, Reply};
use crate::mailbox::rooms::{Rooms, RoomsError, ViewError};

/// Bytes of one line of input.
const LINE_MAX: u64 = 256 * 1024;

/// How the terminal behaves.
#[derive(Clone, Debug)]
pub struct TerminalOptions {
    /// Somebody types at it: a prompt with editing and history.
    pub interactive: bool,
    /// Styles are shown.
    pub colour: bool,
    /// Columns.
    pub width: usize,
    /// Who speaks at first.
    pub user: String,
    /// The room at first.
    pub room: String,
    /// Commands of the plugins, as patterns, so that hidden ones can be named.
    pub plugin_commands: Vec<String>,
    /// Where the history is kept; none keeps it for this session.
    pub history: Option<PathBuf>,
    /// What is shown below what is said.
    pub aside: Option<Aside>,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self {
            interactive: false,
            colour: false,
            width: 80,
            user: "you".to_owned(),
            room: "Lobby".to_owned(),
            plugin_commands: Vec::new(),
            history: None,
            aside: None,
        }
    }
}

/// Lines that are shown below what is said, when everything is answered.
#[async_trait]
pub trait Asides: Send + Sync {
    /// Takes those of what has happened since the last time.
    fn take(&self) -> Vec<String>;

    /// Resolves when there are some.
    async fn changed(&self);
}

/// Where such lines come from.
#[derive(Clone)]
pub struct Aside(pub Arc<dyn Asides>);

impl std::fmt::Debug for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Aside")
    }
}

/// Why the terminal ended.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The local platform refused the first steps.
    #[error("{0}")]
    Rooms(#[from] RoomsError),
    /// Input or output failed.
    #[error("terminal failed: {0}")]
    Io(#[from] std::io::Error),
    /// Line editing failed.
    #[error("line editing failed: {0}")]
    Editing(#[from] rustyline::error::ReadlineError),
    /// The platform has gone.
    #[error("local platform is closed")]
    Closed,
}

/// Resolves when no delivery, request or part is open.
pub type Idle = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Runs the terminal until its input ends or `/quit`.
///
/// # Errors
/// When the terminal or the platform fails.
pub async fn run_terminal(
    rooms: Arc<dyn Rooms>,
    options: TerminalOptions,
    idle: Idle,
) -> Result<(), TerminalError> {
    if options.interactive {
        return prompt::run(rooms, options, idle).await;
    }
    let input = std::io::BufReader::new(std::io::stdin());
    run_script(rooms, options, idle, input, std::io::stdout()).await
}

/// Runs lines one after the other: each is posted, and its answers are written before the next. What
/// happens while no line comes is written as it happens.
///
/// # Errors
/// When reading, writing or the platform fails.
pub async fn run_script(
    rooms: Arc<dyn Rooms>,
    options: TerminalOptions,
    idle: Idle,
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
) -> Result<(), TerminalError> {
    let mut console = Console::start(rooms, &options).await?;
    for line in console.hidden_commands() {
        writeln!(output, "{line}")?;
    }
    let (sender, mut lines) = mpsc::channel(1);
    // Reading blocks, so it has a thread of its own; it ends with its input or when nobody asks.
    std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(move || read_lines(input, &sender))?;
    loop {
        tokio::select! {
            biased;
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
                write_aside(&console, options.aside.as_ref(), &mut output)?;
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
    write_aside(&console, options.aside.as_ref(), &mut output)?;
    output.flush()?;
    Ok(())
}

/// Writes what comes until everything is answered.
async fn write_answers(
    console: &mut Console,
    idle: &Idle,
    output: &mut impl Write,
) -> Result<(), TerminalError> {
    let mut idle = idle();
    loop {
        tokio::select! {
            biased;
            event = console.view.next() => match event {
                Ok(event) => show(console, &event, output)?,
                Err(ViewError::Lagged) => lagged(console, output)?,
                Err(ViewError::Closed) => return Err(TerminalError::Closed),
            },
            () = &mut idle => break,
        }
    }
    loop {
        match console.view.try_next() {
            Ok(Some(event)) => show(console, &event, output)?,
            Ok(None) => return Ok(()),
            Err(ViewError::Lagged) => lagged(console, output)?,
            Err(ViewError::Closed) => return Err(TerminalError::Closed),
        }
    }
}

fn write_aside(
    console: &Console,
    aside: Option<&Aside>,
    output: &mut impl Write,
) -> Result<(), TerminalError> {
    for line in aside.iter().flat_map(|aside| aside.0.take()) {
        writeln!(output, "{}", console.aside(&line))?;
    }
    Ok(())
}

fn show(
    console: &mut Console,
    event: &crate::mailbox::rooms::RoomEvent,
    output: &mut impl Write,
) -> Result<(), TerminalError> {
    if let Some(text) = console.text_of(event) {
        writeln!(output, "{text}")?;
    }
    Ok(())
}

fn lagged(console: &mut Console, output: &mut impl Write) -> Result<(), TerminalError> {
    console.look_again()?;
    writeln!(output, "* some messages were passed over")?;
    Ok(())
}

/// Reads lines, one ahead of who asks for them at most.
fn read_lines(mut input: impl BufRead, lines: &mpsc::Sender<std::io::Result<String>>) {
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
