//! What the host tells of itself: logs, the record of frames and requests, the audit, latencies.
//!
//! It knows none of the parts that it serves. What they count is put together in `app`.

pub mod audit;
mod file;
pub mod latency;
mod log;
pub mod wire;

pub use audit::Audit;
pub use log::{
    LogConfig, LogFile, LogFormat, LogLevel, PARTS, PLUGIN_TARGET, TelemetryError, set_levels,
    start_logs,
};

/// Takes out what would move a terminal's cursor, colour it or turn its text around.
pub fn strip_control(text: &str, keep_line_breaks: bool) -> String {
    text.chars()
        .filter(|c| match c {
            '\n' => keep_line_breaks,
            '\t' => true,
            // Marks and overrides of direction, isolates: they make a line read as another.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
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
    }
}
