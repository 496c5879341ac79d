//! Durations as people write them.

/// Milliseconds of a duration: `300ms`, `5m`, `1h30m`, `2 days`. None where it is no duration.
pub fn parse_duration_ms(text: &str) -> Option<u64> {
    let duration = humantime::parse_duration(text).ok()?;
    u64::try_from(duration.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_duration_ms;

    #[test]
    fn reads_durations() {
        for (text, ms) in [
            ("300ms", Some(300)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("2 days", Some(172_800_000)),
            ("10", None),
            ("", None),
            ("m", None),
            ("5 parsecs", None),
            ("-5m", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(parse_duration_ms(text), ms, "{text}");
        }
    }
}
