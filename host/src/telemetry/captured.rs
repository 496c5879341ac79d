//! What is logged on this thread, for tests.

use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::layer::SubscriberExt as _;

/// What is logged from its beginning until it is dropped, on the thread that began it.
pub(crate) struct Captured {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// Begins, with the levels of a filter.
    pub(crate) fn begin(filter: &str) -> Self {
        // Of one subscriber alone `tracing` asks the thread that comes by a line first, and one that
        // has none would switch the line off for all. With two it asks both.
        static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
        LazyLock::force(&OTHER);
        let lines = Lines::default();
        let writer = lines.clone();
        let shown = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry()
            .with(tracing_subscriber::EnvFilter::new(filter))
            .with(shown);
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock()).into_owned()
    }

    /// The lines of a target.
    pub(crate) fn lines_with(&self, target: &str) -> Vec<String> {
        let text = self.text();
        let target = format!(" {target}: ");
        let lines = text.lines().filter(|line| line.contains(&target));
        lines.map(str::to_owned).collect()
    }
}
