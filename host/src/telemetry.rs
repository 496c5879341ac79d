//! Logs: lines on standard error, without the control characters that a plugin or a person put in.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is said by libraries below warnings is about them, not about bots.
const QUIET_LIBRARIES: [&str; 5] = [
    "wasmtime=warn",
    "cranelift=warn",
    "hyper=warn",
    "rustls=warn",
    "notify=warn",
];

/// Sends logs to standard error. `filter` is a level or a filter as `tracing-subscriber` reads it.
///
/// # Errors
/// Says that the filter is wrong, or that logs are already sent somewhere.
pub fn start_logs(filter: &str) -> Result<(), TelemetryError> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(read_filter(filter)?)
        .with_ansi(false)
        .with_target(false)
        .with_writer(CleanStderr)
        .finish();
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Started)
}

/// Why logs were not started.
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
    /// Logs are already sent somewhere.
    #[error("logs are already started")]
    Started,
}

fn read_filter(filter: &str) -> Result<EnvFilter, TelemetryError> {
    let wrong = |error: &dyn std::fmt::Display| TelemetryError::Filter {
        filter: filter.to_owned(),
        reason: error.to_string(),
    };
    let mut made = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| wrong(&error))?;
    // A plain level is for our own lines; a filter that names targets is taken as it is.
    if !filter.contains(['=', ',']) {
        for quiet in QUIET_LIBRARIES {
            made = made.add_directive(quiet.parse().map_err(|error| wrong(&error))?);
        }
    }
    Ok(made)
}

struct CleanStderr;

impl<'a> MakeWriter<'a> for CleanStderr {
    type Writer = Clean<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Clean(io::stderr())
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

/// Makes a record of the log one line, whatever a plugin or a person put into it: with its own line
/// ends it could pretend to be several.
pub fn clean_record(record: &str) -> String {
    let (line, end) = match record.strip_suffix('\n') {
        Some(line) => (line, "\n"),
        None => (record, ""),
    };
    strip_control(line, true).replace('\n', "\\n") + end
}

/// Takes out what would move a terminal's cursor, colour it, hide in a text or turn it around.
pub fn strip_control(text: &str, keep_line_breaks: bool) -> String {
    text.chars()
        .filter(|c| match c {
            '\n' => keep_line_breaks,
            '\t' => true,
            // Marks and overrides of direction, isolates: they make a line read as another.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
            '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => false,
            c => !c.is_control(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_control_characters_out() {
        assert_eq!(
            strip_control("a\x1b[31mb\u{9b}c\r\n\td\u{202e}", true),
            "a[31mbc\n\td"
        );
        assert_eq!(strip_control("a\nb", false), "ab");
        let mut clean = Clean(Vec::new());
        assert!(clean.write_all(b"x\x07y\n").is_ok());
        assert_eq!(clean.0, b"xy\n");
        // One call is one line.
        assert_eq!(clean_record("a\nWARN b\n"), "a\\nWARN b\n");
    }

    #[test]
    fn reads_levels_and_filters() {
        assert!(read_filter("info").is_ok());
        assert!(read_filter("parlor_host=debug,wasmtime=trace").is_ok());
        assert!(read_filter("=loud=").is_err());
    }
}
