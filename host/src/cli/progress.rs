//! A moving line where a person is looking, one plain line where nobody is.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::{Voice, say};

/// How far something long is. It goes from the terminal when it is dropped.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Says what has begun.
    pub(super) fn start(text: &str, voice: Voice) -> Self {
        if voice == Voice::Quiet || !std::io::stderr().is_terminal() {
            voice.say(text);
            return Self(None);
        }
        Self::moving(text)
    }

    /// Says it only where a person is looking.
    pub(super) fn moving(text: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(text.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {prefix} [{elapsed}]") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    /// Counts one more, and shows what that makes.
    pub(super) fn step(&self, shown: impl FnOnce(u64) -> String) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
            bar.set_prefix(format!("({})", shown(bar.position())));
        }
    }

    /// Says a line above it.
    pub(super) fn say(&self, line: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
