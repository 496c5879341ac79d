//! What the host tells of itself: logs, the record of frames and requests, the audit, latencies.
//!
//! It knows none of the parts that it serves. What they count is put together in `app`.

pub mod audit;
#[cfg(test)]
pub(crate) mod captured;
mod file;
pub mod latency;
mod log;
pub mod wire;

pub use audit::Audit;
pub use log::{
    LogConfig, LogFile, LogFormat, LogLevel, PARTS, PLUGIN_TARGET, TelemetryError, set_levels,
    start_logs,
};

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
        // One call is one line.
        assert_eq!(clean_record("a\nWARN b\n"), "a\\nWARN b\n");
    }
}
