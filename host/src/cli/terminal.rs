//! The terminal as the host's front end.

use std::io::IsTerminal as _;
use std::sync::Arc;

use async_trait::async_trait;

use super::chat::{Aside, TerminalOptions, run_terminal};
use super::output::print_line;
use super::trace::ShownTrace;
use crate::app::entry::{FrontEnd, Idle};
use crate::app::trace::Trace;
use crate::config::variable;
use crate::mailbox::rooms::Rooms;

/// Talks at standard input and output.
pub(super) struct Terminal;

#[async_trait]
impl FrontEnd for Terminal {
    fn ready(&self, page: Option<&str>) -> anyhow::Result<()> {
        let line = page.map_or_else(
            || "serving; there is no page ([local] enabled = false)".to_owned(),
            |url| format!("open {url}"),
        );
        // Whoever started the host may have closed its output: it serves all the same.
        let _ = print_line(&line);
        Ok(())
    }

    async fn talk(
        &self,
        rooms: Arc<dyn Rooms>,
        commands: Vec<String>,
        idle: Idle,
    ) -> anyhow::Result<()> {
        Ok(run_terminal(rooms, options(commands), idle).await?)
    }
}

/// Talks there, and shows what became of each event.
pub(super) struct TracingTerminal(pub(super) Arc<Trace>);

#[async_trait]
impl FrontEnd for TracingTerminal {
    fn ready(&self, page: Option<&str>) -> anyhow::Result<()> {
        Terminal.ready(page)
    }

    async fn talk(
        &self,
        rooms: Arc<dyn Rooms>,
        commands: Vec<String>,
        idle: Idle,
    ) -> anyhow::Result<()> {
        let options = TerminalOptions {
            aside: Some(Aside(Arc::new(ShownTrace(self.0.clone())))),
            ..options(commands)
        };
        Ok(run_terminal(rooms, options, idle).await?)
    }
}

/// How the terminal behaves, as what it is asks for.
fn options(plugin_commands: Vec<String>) -> TerminalOptions {
    let is_terminal = std::io::stdout().is_terminal();
    TerminalOptions {
        interactive: std::io::stdin().is_terminal() && is_terminal,
        colour: is_terminal && variable("NO_COLOR").is_none(),
        width: columns().unwrap_or(80),
        plugin_commands,
        ..TerminalOptions::default()
    }
}

/// Columns of the terminal, where it says so.
fn columns() -> Option<usize> {
    // SAFETY: TIOCGWINSZ fills a plain struct of numbers that lives on this stack.
    let size = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        (libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) == 0).then_some(size)
    }?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}
