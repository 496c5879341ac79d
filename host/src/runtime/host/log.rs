//! Lines of a plugin: `log`, stdout and stderr, bounded for each call, free of control characters.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::model::Name;
use crate::model::event::Event;
use crate::runtime::bindings::parlor::bot::log as wit;
use crate::runtime::notes::Notes;
use crate::runtime::store::StoreData;
use crate::telemetry::PLUGIN_TARGET;

/// The longest line of stdout or stderr; a longer one is cut into lines.
const LINE_BYTES: usize = 8 * 1024;

/// The end of stderr that is kept for the text of a fault: a panic's message.
const LAST_WORDS_BYTES: usize = 1024;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For the author.
    Debug,
    /// For the operator.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The way of the event that was handled meanwhile, as its trace id; none while the plugin starts.
    pub trace: Option<String>,
    /// How much it matters.
    pub level: LogLevel,
    /// What it says, without control characters.
    pub text: String,
}

/// Takes the lines of plugins. Must not block.
pub trait LogSink: Send + Sync {
    /// Takes a line.
    fn write(&self, line: LogLine);
}

/// Gives the lines to `tracing`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingLog;

impl LogSink for TracingLog {
    fn write(&self, line: LogLine) {
        let (tenant, plugin, text) = (&*line.tenant, &*line.plugin, line.text.as_str());
        let trace = line.trace.as_deref();
        match line.level {
            LogLevel::Trace => {
                tracing::trace!(target: PLUGIN_TARGET, tenant, plugin, trace, text, "plugin log")
            }
            LogLevel::Debug => {
                tracing::debug!(target: PLUGIN_TARGET, tenant, plugin, trace, text, "plugin log")
            }
            LogLevel::Info => {
                tracing::info!(target: PLUGIN_TARGET, tenant, plugin, trace, text, "plugin log")
            }
            LogLevel::Warn => {
                tracing::warn!(target: PLUGIN_TARGET, tenant, plugin, trace, text, "plugin log")
            }
            LogLevel::Error => {
                tracing::error!(target: PLUGIN_TARGET, tenant, plugin, trace, text, "plugin log")
            }
        }
    }
}

/// What one instance may still write in the call under way.
#[derive(Clone)]
pub(in crate::runtime) struct CallLog(Arc<Mutex<Written>>);

struct Written {
    tenant: Name,
    plugin: Name,
    sink: Arc<dyn LogSink>,
    left: usize,
    limit: usize,
    dropped: usize,
    /// The event under way.
    event: Option<Arc<Event>>,
    /// Where the lines of the call under way are noted, if they are.
    notes: Option<Arc<Notes>>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_words: Vec<u8>,
}

impl CallLog {
    /// Makes the log of an instance.
    pub(in crate::runtime) fn new(
        tenant: Name,
        plugin: Name,
        sink: Arc<dyn LogSink>,
        limit: u32,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self(Arc::new(Mutex::new(Written {
            tenant,
            plugin,
            sink,
            left: limit,
            limit,
            dropped: 0,
            event: None,
            notes: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            last_words: Vec::new(),
        })))
    }

    /// Begins a call.
    pub(in crate::runtime) fn begin_call(&self, event: &Arc<Event>, notes: Option<&Arc<Notes>>) {
        let mut log = self.0.lock();
        log.event = Some(event.clone());
        log.notes = notes.filter(|notes| notes.is_whole()).cloned();
    }

    /// Ends a call: writes lines that have no end, says what was dropped, and gives the next call its share.
    /// Returns the last words on stderr.
    pub(in crate::runtime) fn end_call(&self) -> Option<String> {
        let mut log = self.0.lock();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(log.buffer(stream));
            if !rest.is_empty() {
                log.emit(stream.level(), &rest);
            }
        }
        if log.dropped > 0 {
            let text = format!("{} bytes of this call's log were dropped", log.dropped);
            log.emit(LogLevel::Warn, text.as_bytes());
            log.dropped = 0;
        }
        log.left = log.limit;
        log.event = None;
        log.notes = None;
        let words = std::mem::take(&mut log.last_words);
        (!words.is_empty()).then(|| clean(&words).trim().to_owned())
    }

    /// Writes a line that the host adds.
    pub(in crate::runtime) fn note(&self, level: LogLevel, text: &str) {
        self.0.lock().emit(level, text.as_bytes());
    }

    fn line(&self, level: LogLevel, text: &str) {
        let mut log = self.0.lock();
        if log.take(text.len().max(1)) {
            log.emit(level, text.as_bytes());
        }
    }

    fn stream(&self, stream: Stream, bytes: &[u8]) {
        let mut log = self.0.lock();
        let taken = bytes.len().min(log.left);
        log.left -= taken;
        log.dropped += bytes.len() - taken;
        let bytes = &bytes[..taken];
        if stream == Stream::Stderr {
            log.last_words.extend_from_slice(bytes);
            let over = log.last_words.len().saturating_sub(LAST_WORDS_BYTES);
            log.last_words.drain(..over);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            log.buffer(stream).extend_from_slice(part);
            if part.ends_with(b"\n") || log.buffer(stream).len() >= LINE_BYTES {
                let line = std::mem::take(log.buffer(stream));
                log.emit(stream.level(), &line);
            }
        }
    }
}

impl Written {
    fn take(&mut self, bytes: usize) -> bool {
        if bytes > self.left {
            self.left = 0;
            self.dropped += bytes;
            return false;
        }
        self.left -= bytes;
        true
    }

    fn buffer(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn emit(&self, level: LogLevel, text: &[u8]) {
        let text = clean(text);
        if let Some(notes) = &self.notes {
            notes.note_line(level, &text);
        }
        self.sink.write(LogLine {
            tenant: self.tenant.clone(),
            plugin: self.plugin.clone(),
            trace: self.event.as_ref().map(|event| event.trace_id.clone()),
            level,
            text,
        });
    }
}

/// Makes text of bytes, without control characters: a plugin must not write to an operator's terminal
/// what moves the cursor or hides a line.
fn clean(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_end_matches(['\r', '\n'])
        .chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            // The bidirectional controls reorder what a person reads.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn level(self) -> LogLevel {
        match self {
            Self::Stdout => LogLevel::Info,
            Self::Stderr => LogLevel::Warn,
        }
    }
}

/// A plugin's stdout or stderr.
#[derive(Clone)]
pub(in crate::runtime) struct LogStream {
    log: CallLog,
    stream: Stream,
}

impl LogStream {
    /// Makes the stdout of an instance.
    pub(in crate::runtime) fn stdout(log: &CallLog) -> Self {
        Self {
            log: log.clone(),
            stream: Stream::Stdout,
        }
    }

    /// Makes the stderr of an instance.
    pub(in crate::runtime) fn stderr(log: &CallLog) -> Self {
        Self {
            log: log.clone(),
            stream: Stream::Stderr,
        }
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.log.stream(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.stream(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_BYTES)
    }
}

impl wit::Host for StoreData {
    fn write(&mut self, level: wit::Level, text: String) -> wasmtime::Result<()> {
        let level = match level {
            wit::Level::Trace => LogLevel::Trace,
            wit::Level::Debug => LogLevel::Debug,
            wit::Level::Info => LogLevel::Info,
            wit::Level::Warn => LogLevel::Warn,
            wit::Level::Error => LogLevel::Error,
        };
        self.log.line(level, &text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn write(&self, line: LogLine) {
            self.0.lock().push(line.text);
        }
    }

    fn log(limit: u32) -> (CallLog, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        let log = CallLog::new("t".into(), "p".into(), kept.clone(), limit);
        (log, kept)
    }

    #[test]
    fn cuts_streams_into_lines_and_cleans_them() {
        let (log, kept) = log(1000);
        log.stream(Stream::Stdout, b"one\ntw");
        log.stream(Stream::Stdout, b"o\x1b[2J\r\nrest");
        assert_eq!(*kept.0.lock(), ["one", "two\u{fffd}[2J"]);
        log.end_call();
        assert_eq!(kept.0.lock().last().map(String::as_str), Some("rest"));
    }

    #[test]
    fn lines_and_streams_share_one_bound() {
        let (log, kept) = log(10);
        log.line(LogLevel::Info, "12345678");
        log.stream(Stream::Stderr, b"abcdef\n");
        log.line(LogLevel::Info, "more");
        assert_eq!(log.end_call().as_deref(), Some("ab"));
        assert_eq!(
            *kept.0.lock(),
            ["12345678", "ab", "9 bytes of this call's log were dropped"]
        );
        log.line(LogLevel::Info, "again");
        assert_eq!(kept.0.lock().last().map(String::as_str), Some("again"));
    }
}
