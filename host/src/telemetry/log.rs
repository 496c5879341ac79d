//! Logs: lines on standard error or in a file, without the control characters that a plugin or a
//! person put in. Levels change while the host runs; format and file are those of the start.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::file::RotatingFile;
use super::{clean_record, wire};

/// The target of the lines that plugins write.
pub const PLUGIN_TARGET: &str = "plugin";

/// The parts of the host that may have a level of their own, as the settings name them.
pub const PARTS: [&str; 11] = [
    "app",
    "config",
    "connectors",
    "content",
    "journal",
    "net",
    "outbox",
    "plugins",
    "router",
    "runtime",
    "web",
];

/// The target of a part's lines.
fn target_of(part: &str) -> String {
    match part {
        "plugins" => PLUGIN_TARGET.to_owned(),
        module => [env!("CARGO_CRATE_NAME"), module].join("::"),
    }
}

/// What is said by libraries below warnings is about them, not about bots.
const QUIET_LIBRARIES: [&str; 5] = ["wasmtime", "cranelift", "hyper", "rustls", "notify"];

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what may fail.
    Warn,
    /// And what happens.
    Info,
    /// And how.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A file for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes at which it is put aside and a new one is begun.
    pub max_bytes: u64,
    /// Files put aside that are kept: `parlor.log.1` is the youngest.
    pub keep: u32,
}

/// What is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// How much of everything.
    pub level: LogLevel,
    /// How much of a part, by its name among [`PARTS`].
    pub levels: BTreeMap<String, LogLevel>,
    /// How a line looks.
    pub format: LogFormat,
    /// The file; none is standard error.
    pub file: Option<LogFile>,
    /// Whether every frame and request is logged, without secrets and bodies.
    pub wire: bool,
}

impl LogConfig {
    /// Logs to standard error, as text, so much.
    pub fn at(level: LogLevel) -> Self {
        Self {
            level,
            levels: BTreeMap::new(),
            format: LogFormat::Text,
            file: None,
            wire: false,
        }
    }

    /// The filter as `tracing-subscriber` reads it. `instead` stands in the place of the levels: a
    /// level, or a filter that names targets.
    fn filter(&self, instead: Option<&str>) -> String {
        let mut parts = Vec::new();
        match instead {
            // A filter that names targets is taken as it is.
            Some(filter) if filter.contains(['=', ',']) => parts.push(filter.to_owned()),
            Some(level) => {
                parts.push(level.to_owned());
                parts.extend(QUIET_LIBRARIES.map(|name| format!("{name}=warn")));
            }
            None => {
                parts.push(self.level.name().to_owned());
                let quiet = self.level.min(LogLevel::Warn).name();
                parts.extend(QUIET_LIBRARIES.map(|name| format!("{name}={quiet}")));
                parts.extend(PARTS.iter().filter_map(|part| {
                    let level = self.levels.get(*part)?;
                    Some(format!("{}={}", target_of(part), level.name()))
                }));
            }
        }
        let names_wire = instead.is_some_and(|filter| filter.contains(wire::TARGET));
        if !names_wire {
            let level = if self.wire { "debug" } else { "off" };
            parts.push(format!("{}={level}", wire::TARGET));
        }
        parts.join(",")
    }
}

/// Why logs were not started, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("log filter `{filter}` is wrong: {reason}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong.
        reason: String,
    },
    /// The log's file cannot be used.
    #[error("cannot write to {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Logs are already sent somewhere.
    #[error("logs are already started")]
    Started,
}

/// The logs that were started: one for the process, as `tracing` has it.
static LOGS: OnceLock<Logs> = OnceLock::new();

struct Logs {
    filter: reload::Handle<EnvFilter, Registry>,
    instead: Option<String>,
}

/// Sends logs where the settings say. `instead` is a level, or a filter as `tracing-subscriber`
/// reads it, that stands in the place of the settings' levels until the end.
///
/// # Errors
/// Says that the filter or the file is wrong, or that logs are already sent somewhere.
pub fn start_logs(config: &LogConfig, instead: Option<String>) -> Result<(), TelemetryError> {
    let filter = read_filter(&config.filter(instead.as_deref()))?;
    let output = Output::open(config.file.as_ref())?;
    let (filter, handle) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(output);
    let set = match config.format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(registry.with(layer.with_target(false)))
        }
        LogFormat::Json => {
            tracing::subscriber::set_global_default(registry.with(layer.json().flatten_event(true)))
        }
    };
    set.map_err(|_| TelemetryError::Started)?;
    let logs = Logs {
        filter: handle,
        instead,
    };
    LOGS.set(logs).map_err(|_| TelemetryError::Started)
}

/// Changes how much is logged, at once. Does nothing where logs were not started.
///
/// # Errors
/// Says that the filter is wrong; what was in force stays.
pub fn set_levels(config: &LogConfig) -> Result<(), TelemetryError> {
    let Some(logs) = LOGS.get() else {
        return Ok(());
    };
    let text = config.filter(logs.instead.as_deref());
    let filter = read_filter(&text)?;
    let changed = logs.filter.reload(filter);
    changed.map_err(|error| TelemetryError::Filter {
        filter: text,
        reason: error.to_string(),
    })?;
    Ok(())
}

fn read_filter(filter: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(filter)
        .map_err(|error| TelemetryError::Filter {
            filter: filter.to_owned(),
            reason: error.to_string(),
        })
}

/// Where lines go.
#[derive(Clone)]
enum Output {
    Stderr,
    File(Arc<Mutex<RotatingFile>>),
}

impl Output {
    fn open(file: Option<&LogFile>) -> Result<Self, TelemetryError> {
        let Some(file) = file else {
            return Ok(Self::Stderr);
        };
        let opened = RotatingFile::open(&file.path, file.max_bytes, file.keep);
        let failed = |path: &Path, error| TelemetryError::File {
            path: path.to_owned(),
            error,
        };
        opened
            .map(|opened| Self::File(Arc::new(Mutex::new(opened))))
            .map_err(|error| failed(&file.path, error))
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Clean<Self>;

    fn make_writer(&'a self) -> Self::Writer {
        Clean(self.clone())
    }
}

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stderr => io::stderr().write_all(line)?,
            // A line that the file does not take is better seen elsewhere than nowhere.
            Self::File(file) => {
                let written = file.lock().write_line(line);
                if written.is_err() {
                    io::stderr().write_all(line)?;
                }
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes control characters out of what is written through it; a line is one call.
struct Clean<W>(W);

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = clean_record(&String::from_utf8_lossy(bytes));
        self.0.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Layer as _;

    use super::*;

    #[test]
    fn lines_lose_control_characters() {
        let mut clean = Clean(Vec::new());
        assert!(clean.write_all(b"x\x07y\n").is_ok());
        assert_eq!(clean.0, b"xy\n");
    }

    #[test]
    fn each_part_has_its_level_and_the_environment_stands_above() {
        let mut config = LogConfig::at(LogLevel::Info);
        config.levels.insert("outbox".to_owned(), LogLevel::Debug);
        config.levels.insert("plugins".to_owned(), LogLevel::Error);
        let filter = config.filter(None);
        let outbox = target_of("outbox");
        assert_eq!(
            filter,
            format!(
                "info,wasmtime=warn,cranelift=warn,hyper=warn,rustls=warn,notify=warn,\
                 {outbox}=debug,plugin=error,wire=off"
            )
        );
        assert!(outbox.starts_with("parlor_host"), "{outbox}");
        assert!(read_filter(&filter).is_ok());
        config.wire = true;
        assert!(config.filter(None).ends_with(",wire=debug"));
        assert_eq!(
            config.filter(Some("parlor_host=trace,wire=off")),
            "parlor_host=trace,wire=off"
        );
        assert!(
            config
                .filter(Some("trace"))
                .starts_with("trace,wasmtime=warn")
        );
        assert!(read_filter("=loud=").is_err());
    }

    #[test]
    fn a_quiet_log_keeps_libraries_as_quiet() {
        let filter = LogConfig::at(LogLevel::Error).filter(None);
        assert!(filter.starts_with("error,wasmtime=error"), "{filter}");
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_level_changes_while_lines_are_written() {
        let lines = Lines::default();
        let before = LogConfig::at(LogLevel::Warn);
        let (filter, handle) = reload::Layer::new(read_filter(&before.filter(None)).unwrap());
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(move || Clean(writer.clone()))
            .boxed();
        let subscriber = tracing_subscriber::registry().with(filter).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("unheard");
            let mut after = before.clone();
            after.levels.insert("plugins".to_owned(), LogLevel::Debug);
            handle
                .reload(read_filter(&after.filter(None)).unwrap())
                .unwrap();
            tracing::debug!(target: PLUGIN_TARGET, n = 3, "heard\u{1b}[31m");
            tracing::debug!("unheard too");
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).expect("one line of JSON");
        assert_eq!((&line["n"], &line["level"]), (&3.into(), &"DEBUG".into()));
        assert!(line["message"].as_str().unwrap().starts_with("heard"));
        assert!(!text.contains('\u{1b}'));
    }
}
