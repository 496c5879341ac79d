//! What is logged about plugins in this process, for tests that look at it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::OnceLock;

use parking_lot::Mutex;
use parlor_host::telemetry::PLUGIN_TARGET;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// The field by which lines are about a plugin.
const PLUGIN: &str = "plugin";
/// The fixed text of a line.
const MESSAGE: &str = "message";

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedLine {
    /// How much it matters.
    pub level: Level,
    /// Its fixed text, and its data.
    pub fields: BTreeMap<String, String>,
}

impl LoggedLine {
    /// Gives a field, empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

static LINES: OnceLock<Mutex<Vec<LoggedLine>>> = OnceLock::new();

/// Keeps what is logged about plugins from now on. Tests of one process share it: each gives its
/// plugins names of their own.
///
/// # Panics
/// When the process sends its logs elsewhere.
pub fn keep() {
    LINES.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(Keeper);
        tracing::subscriber::set_global_default(subscriber).expect("nobody else takes the logs");
        Mutex::default()
    });
}

/// Gives the lines about a plugin, oldest first.
pub fn about(plugin: &str) -> Vec<LoggedLine> {
    let lines = LINES.get().map(|lines| lines.lock().clone());
    let mut lines = lines.unwrap_or_default();
    lines.retain(|line| line.field(PLUGIN) == plugin);
    lines
}

/// Gives what a plugin itself wrote, oldest first.
pub fn written_by(plugin: &str) -> Vec<(Level, String)> {
    let lines = about(plugin).into_iter();
    lines
        .filter(|line| line.field(MESSAGE) == "plugin log")
        .map(|line| (line.level, line.field("text").to_owned()))
        .collect()
}

struct Keeper;

impl<S: Subscriber> Layer<S> for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let target = metadata.target();
        target == PLUGIN_TARGET || target.starts_with("parlor_host")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(lines) = LINES.get().filter(|_| fields.0.contains_key(PLUGIN)) {
            lines.lock().push(LoggedLine {
                level: *event.metadata().level(),
                fields: fields.0,
            });
        }
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.0.insert(field.name().to_owned(), text);
    }
}
