//! When to come back: what a platform's answer says of being asked again, in every form that they use.
//!
//! | Who | What it says |
//! |---|---|
//! | Symphony | seconds, with 429, and with 400 from agents that translate what they heard (20.12 and later) |
//! | Webex | seconds with 429 and 423, up to 3,600; seen: `rand(30),add(30)`, and no header at all |
//! | LSEG, LiveChat | 429, with nothing or with a field of the body |
//! | proxies before them | a date, a decimal, a list of two values |
//!
//! What cannot be read never stops a bot and never lets it ask without a pause.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// The wait where an answer asks for one and does not say how long, or not in words that make sense.
pub const DEFAULT: Duration = Duration::from_secs(15);
/// The shortest wait: what is over already, or less than this, is this.
pub const SHORTEST: Duration = Duration::from_secs(1);
/// The longest wait, which is what Webex documents at most.
pub const LONGEST: Duration = Duration::from_secs(3_600);

/// Bodies that are looked into are no longer than this.
const BODY_BYTES: usize = 64 * 1024;
/// How deep a field may lie: `{"error":{"data":{"retry_after":1}}}`.
const DEPTH: usize = 3;
/// Fields of one object that are looked at.
const FIELDS: usize = 64;
/// Names of fields, without regard to case, `-` and `_`, and what one of their unit is.
const NAMES: [(&str, Duration); 8] = [
    ("retryafter", Duration::from_secs(1)),
    ("retryafterseconds", Duration::from_secs(1)),
    ("retryaftersecs", Duration::from_secs(1)),
    ("retryafterms", Duration::from_millis(1)),
    ("retryaftermillis", Duration::from_millis(1)),
    ("retryaftermilliseconds", Duration::from_millis(1)),
    ("retryinms", Duration::from_millis(1)),
    ("retryin", Duration::from_secs(1)),
];

/// Tells how long to wait where an answer says that the request was not done because there were too
/// many; none where it says something else. A 5xx is not among them: it may have been done.
pub fn throttled(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Option<Duration> {
    let is_throttle = match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        // A 429 in disguise, and a file that is still being looked at.
        StatusCode::BAD_REQUEST | StatusCode::LOCKED => headers.contains_key(RETRY_AFTER),
        _ => false,
    };
    is_throttle.then(|| wait(headers, body, now).unwrap_or(DEFAULT))
}

/// Reads how long an answer asks to wait, between [`SHORTEST`] and [`LONGEST`]; none where it does not
/// say, or not in words that make sense. The header counts before the body.
pub fn wait(headers: &HeaderMap, body: &[u8], now: SystemTime) -> Option<Duration> {
    // A date is meant by the clock of who wrote it.
    let said = headers.get(DATE).and_then(|date| date.to_str().ok());
    let now = said.and_then(date).unwrap_or(now);
    let values = headers.get_all(RETRY_AFTER).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let found = values.filter_map(|value| read(value, Duration::from_secs(1), now));
    let found = found.max().or_else(|| in_body(body, now))?;
    Some(found.clamp(SHORTEST, LONGEST))
}

fn in_body(body: &[u8], now: SystemTime) -> Option<Duration> {
    if body.len() > BODY_BYTES {
        return None;
    }
    let body = serde_json::from_slice(body).ok()?;
    in_object(&body, DEPTH, now)
}

fn in_object(value: &Value, depth: usize, now: SystemTime) -> Option<Duration> {
    let fields = value.as_object()?.iter().take(FIELDS);
    let own = fields.clone().find_map(|(name, value)| {
        let name = name.replace(['-', '_'], "").to_ascii_lowercase();
        let (_, unit) = NAMES.iter().find(|(known, _)| *known == name)?;
        match value {
            Value::Number(number) => read(&number.to_string(), *unit, now),
            Value::String(text) => read(text, *unit, now),
            _ => None,
        }
    });
    let deeper = depth.checked_sub(1)?;
    let mut inner = fields.map(|(_, value)| value);
    own.or_else(|| inner.find_map(|value| in_object(value, deeper, now)))
}

/// Reads a value: a date, a number in this unit or with its own, or the largest of several.
fn read(text: &str, unit: Duration, now: SystemTime) -> Option<Duration> {
    let text = text.trim().trim_matches('"');
    if let Some(at) = date(text) {
        // What is over is over.
        return Some(at.duration_since(now).unwrap_or_default());
    }
    let mut longest = None;
    for one in text.split(',') {
        longest = longest.max(Some(number(one.trim(), unit)?));
    }
    longest
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

fn number(text: &str, unit: Duration) -> Option<Duration> {
    let end = text.find(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let (digits, name) = text.split_at(end.unwrap_or(text.len()));
    let unit = match name.trim() {
        "" => unit,
        "s" | "sec" | "secs" | "second" | "seconds" => Duration::from_secs(1),
        "ms" | "millis" | "milliseconds" => Duration::from_millis(1),
        _ => return None,
    };
    let is_negative = digits.starts_with('-');
    let digits = digits.trim_start_matches(['-', '+']);
    // `inf`, `NaN` and `1e9` are numbers to a parser, and nonsense here.
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let count: f64 = digits.parse().ok().filter(|_| is_plain)?;
    let seconds = match is_negative {
        true => 0.0,
        false => (count * unit.as_secs_f64()).min(LONGEST.as_secs_f64()),
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn now() -> SystemTime {
        date(NOW).unwrap()
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, value.parse().unwrap());
        }
        headers
    }

    /// What a header and a body say, in milliseconds.
    #[track_caller]
    fn check(values: &[&str], body: &str, expected: Option<u64>) {
        let found = wait(&headers(values), body.as_bytes(), now());
        let found = found.map(|wait| u64::try_from(wait.as_millis()).unwrap());
        assert_eq!(found, expected, "{values:?} {body}");
    }

    #[test]
    fn reads_every_form_of_the_header() {
        for (value, expected) in [
            ("1", Some(1_000)),
            ("194", Some(194_000)),
            (" 30 ", Some(30_000)),
            ("\"30\"", Some(30_000)),
            ("+30", Some(30_000)),
            ("1.5", Some(1_500)),
            (".5", Some(1_000)),
            ("30s", Some(30_000)),
            ("30 seconds", Some(30_000)),
            ("2500ms", Some(2_500)),
            ("30, 60", Some(60_000)),
            // At once is not at once.
            ("0", Some(1_000)),
            ("0.001", Some(1_000)),
            ("-1", Some(1_000)),
            ("-99999999999999999999", Some(1_000)),
            // Three forms of a date; one that is over.
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun Nov  6 08:50:37 1994", Some(60_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(1_000)),
            // No bot is silent for more than an hour.
            ("3600", Some(3_600_000)),
            ("3601", Some(3_600_000)),
            ("86400", Some(3_600_000)),
            ("99999999999999999999999999999999999999999", Some(3_600_000)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(3_600_000)),
            // Nonsense.
            ("rand(30),add(30)", None),
            ("", None),
            ("soon", None),
            ("inf", None),
            ("NaN", None),
            ("1e3", None),
            ("1.2.3", None),
            (".", None),
            ("-", None),
            ("30x", None),
            ("30,", None),
            ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ] {
            check(&[value], "", expected);
        }
        check(&[], "", None);
        check(&["10", "20"], "", Some(20_000));
        check(&["soon", "20"], "", Some(20_000));
    }

    #[test]
    fn a_date_is_meant_by_the_clock_of_who_wrote_it() {
        let mut headers = headers(&["Sun, 06 Nov 1994 09:00:10 GMT"]);
        headers.insert(DATE, "Sun, 06 Nov 1994 09:00:00 GMT".parse().unwrap());
        assert_eq!(wait(&headers, b"", now()), Some(Duration::from_secs(10)));
    }

    #[test]
    fn reads_fields_of_a_body_where_the_header_says_nothing() {
        for (body, expected) in [
            (r#"{"retry_after":7}"#, Some(7_000)),
            (r#"{"retryAfter":7.25}"#, Some(7_250)),
            (r#"{"Retry-After":"7"}"#, Some(7_000)),
            (r#"{"retryAfterSeconds":7}"#, Some(7_000)),
            (r#"{"retry_after_ms":2500}"#, Some(2_500)),
            (r#"{"retryAfterMs":"2500"}"#, Some(2_500)),
            (r#"{"retryAfterMillis":250}"#, Some(1_000)),
            (r#"{"retry_in":"1500ms"}"#, Some(1_500)),
            (
                r#"{"error":{"type":"too_many_requests","data":{"retry_after_ms":4000}}}"#,
                Some(4_000),
            ),
            (r#"{"a":1,"retry_after":-3}"#, Some(1_000)),
            (r#"{"retry_after":1e300}"#, None),
            (r#"{"retry_after":900000}"#, Some(3_600_000)),
            (r#"{"retry_after":true}"#, None),
            (r#"{"retry_after":"never"}"#, None),
            (r#"{"a":{"b":{"c":{"retry_after":1}}}}"#, None),
            ("[7]", None),
            ("<html>429</html>", None),
        ] {
            check(&[], body, expected);
            check(&["soon"], body, expected);
            check(&["2"], body, Some(2_000));
        }
        let long = format!(r#"{{"a":"{}","retry_after":7}}"#, "x".repeat(BODY_BYTES));
        check(&[], &long, None);
    }

    #[test]
    fn knows_which_answers_are_throttles() {
        for (status, values, expected) in [
            (429, &["7"][..], Some(7)),
            (429, &[], Some(15)),
            (429, &["rand(30),add(30)"], Some(15)),
            // Symphony's agent in disguise; without the header its feed is gone.
            (400, &["7"], Some(7)),
            (400, &["soon"], Some(15)),
            (400, &[], None),
            (423, &["7"], Some(7)),
            (423, &[], None),
            (200, &["7"], None),
            (401, &["7"], None),
            (403, &["7"], None),
            // It may have been done.
            (500, &["7"], None),
            (503, &["7"], None),
        ] {
            let code = StatusCode::from_u16(status).unwrap();
            let found = throttled(code, &headers(values), b"", now());
            assert_eq!(
                found,
                expected.map(Duration::from_secs),
                "{status} {values:?}"
            );
        }
    }
}
