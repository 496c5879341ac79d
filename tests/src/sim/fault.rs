//! Faults: which calls fail next, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Reply;

/// How the next matching calls fail.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// Which calls: `METHOD /path`, either may be left out, `*` stands for anything. Nothing: all.
    #[serde(rename = "match")]
    pub matching: String,
    /// How many calls; one where nothing is said, 0 until the faults are cleared.
    pub times: Option<u32>,
    /// So many matching calls pass first.
    pub after: u32,
    /// The answer's status; the call itself is not performed.
    pub status: Option<u16>,
    /// The answer's headers.
    pub headers: BTreeMap<String, String>,
    /// The answer's body: text as it is, anything else as JSON.
    pub body: Option<Value>,
    /// How long the answer is held back; the call waits too, unless it is one that is performed all
    /// the same.
    pub delay_ms: u64,
    /// The connection is closed without an answer, and the call is not performed.
    pub drop: bool,
    /// The connection is closed while the call is under way: those waiting now, else the next one after
    /// `delay_ms`.
    pub close_socket: bool,
    /// The call is performed all the same; only its answer is lost or replaced.
    pub perform: bool,
    /// The connection is closed after so many bytes of the answer's body.
    pub truncate: Option<usize>,
    /// What is delivered next comes twice.
    pub duplicate: bool,
    /// What is delivered next comes in the wrong order.
    pub reorder: bool,
    /// All tokens end now.
    pub expire_tokens: bool,
}

impl Fault {
    /// Begins a fault of these calls.
    pub fn on(matching: &str) -> Self {
        Self {
            matching: matching.to_owned(),
            ..Self::default()
        }
    }

    /// Fails so many calls; 0: all until the faults are cleared.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }

    /// Answers this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Answers this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Answers as a gateway does that has lost what is behind it: a page for people.
    #[must_use]
    pub fn html(self, status: u16) -> Self {
        self.status(status)
            .header("content-type", "text/html")
            .body("<html><head><title>Error</title></head><body><h1>upstream&nbsp;failed</h1></body></html>")
    }

    /// Holds the answer back.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub fn drop(mut self) -> Self {
        self.drop = true;
        self
    }

    /// Closes the connection while the call is under way.
    #[must_use]
    pub fn close_socket(mut self) -> Self {
        self.close_socket = true;
        self
    }

    /// Performs the call all the same.
    #[must_use]
    pub fn performed(mut self) -> Self {
        self.perform = true;
        self
    }

    /// Closes the connection after so many bytes of the body.
    #[must_use]
    pub fn truncate(mut self, bytes: usize) -> Self {
        self.truncate = Some(bytes);
        self
    }

    /// Ends all tokens.
    #[must_use]
    pub fn expire_tokens(mut self) -> Self {
        self.expire_tokens = true;
        self
    }

    /// Delivers twice what comes next.
    #[must_use]
    pub fn duplicate(mut self) -> Self {
        self.duplicate = true;
        self
    }

    /// Delivers in the wrong order what comes next.
    #[must_use]
    pub fn reorder(mut self) -> Self {
        self.reorder = true;
        self
    }

    /// Tells whether it fails calls, rather than only disturbs the platform.
    pub(crate) fn fails_calls(&self) -> bool {
        self.status.is_some()
            || self.drop
            || self.close_socket
            || self.truncate.is_some()
            || self.delay_ms > 0
    }

    /// Tells whether the client cannot learn from the answer what became of its call.
    pub(crate) fn hides_answer(&self) -> bool {
        self.status.is_some() || self.drop || self.close_socket || self.truncate.is_some()
    }

    pub(crate) fn is_about(&self, method: &str, path: &str) -> bool {
        let pattern = self.matching.trim();
        match pattern.split_once(' ') {
            Some((wanted, pattern)) => {
                wanted.eq_ignore_ascii_case(method) && is_like(pattern.trim(), path)
            }
            None if pattern.is_empty() => true,
            None if pattern.starts_with('/') || pattern.starts_with('*') => is_like(pattern, path),
            None => pattern.eq_ignore_ascii_case(method),
        }
    }

    pub(crate) fn reply(&self) -> Option<Reply> {
        let status = self.status?;
        let mut reply = match &self.body {
            None => Reply::empty(status),
            Some(Value::String(text)) => Reply {
                status,
                body: text.clone().into(),
                ..Reply::default()
            },
            Some(value) => Reply::json(status, value),
        };
        for (name, value) in &self.headers {
            reply
                .headers
                .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            reply.headers.push((name.clone(), value.clone()));
        }
        Some(reply)
    }
}

/// Tells whether a text is like a pattern in which `*` stands for anything.
pub(crate) fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            let Some(tail) = text.strip_prefix(start) else {
                return false;
            };
            let mut ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            ends.any(|at| is_like(rest, &tail[at..]))
        }
    }
}

/// Decides how a call of this method and path fails, where it does.
pub type Dice = Box<dyn FnMut(&str, &str) -> Option<Fault> + Send>;

/// The faults to come.
#[derive(Default)]
pub(crate) struct Faults {
    listed: Mutex<Vec<Fault>>,
    /// Asked for calls that no fault of the list is about.
    dice: Mutex<Option<Dice>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.listed.lock().push(fault);
    }

    pub(crate) fn roll(&self, dice: Dice) {
        *self.dice.lock() = Some(dice);
    }

    pub(crate) fn clear(&self) {
        self.listed.lock().clear();
        *self.dice.lock() = None;
    }

    /// The fault of this call: the oldest of the list, else what the dice say.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Fault> {
        let listed = self.take_listed(method, path);
        listed.or_else(|| self.dice.lock().as_mut()?(method, path))
    }

    /// Takes a fault that closes this call's connection, and no other.
    pub(crate) fn take_close(&self, method: &str, path: &str) -> bool {
        let closes = |fault: &Fault| fault.close_socket && fault.is_about(method, path);
        self.take_of(closes).is_some()
    }

    fn take_listed(&self, method: &str, path: &str) -> Option<Fault> {
        self.take_of(|fault| fault.is_about(method, path))
    }

    fn take_of(&self, is_meant: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = self.listed.lock();
        for index in 0..faults.len() {
            let fault = &mut faults[index];
            if !is_meant(fault) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            match fault.times {
                Some(0) => return Some(fault.clone()),
                Some(times) if times > 1 => {
                    fault.times = Some(times - 1);
                    return Some(fault.clone());
                }
                _ => return Some(faults.remove(index)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_a_method_a_path_or_both() {
        let cases = [
            ("", "GET", "/pod/v2/sessioninfo", true),
            ("POST", "GET", "/agent", false),
            ("post", "POST", "/agent", true),
            (
                "POST /agent/v5/datafeeds/*/read",
                "POST",
                "/agent/v5/datafeeds/x_f_y/read",
                true,
            ),
            (
                "POST /agent/v5/datafeeds/*/read",
                "POST",
                "/agent/v5/datafeeds",
                false,
            ),
            ("/agent/*", "GET", "/agent/v1/info", true),
            ("/agent/*", "GET", "/pod/agent/v1", false),
            ("*/read", "POST", "/agent/v5/datafeeds/x/read", true),
            ("GET /agent/v1/info", "GET", "/agent/v1/info", true),
        ];
        for (pattern, method, path, expected) in cases {
            let found = Fault::on(pattern).is_about(method, path);
            assert_eq!(found, expected, "{pattern:?} of {method} {path}");
        }
    }

    #[test]
    fn a_fault_passes_the_calls_before_it_and_ends_with_its_number() {
        let faults = Faults::default();
        faults.add(Fault::on("GET").status(503).after(1).times(2));
        let found: Vec<_> = (0..5).map(|_| faults.take("GET", "/").is_some()).collect();
        assert_eq!(found, [false, true, true, false, false]);
    }

    #[test]
    fn a_fault_of_no_number_lasts_until_it_is_cleared() {
        let faults = Faults::default();
        faults.add(Fault::on("").status(503).times(0));
        assert!((0..50).all(|_| faults.take("GET", "/").is_some()));
        faults.clear();
        assert!(faults.take("GET", "/").is_none());
    }

    #[test]
    fn dice_are_asked_for_calls_that_nothing_else_is_about() {
        let faults = Faults::default();
        faults.add(Fault::on("/a").status(503));
        faults.roll(Box::new(|method, path| {
            (path == "/a" && method == "GET").then(|| Fault::default().status(429))
        }));
        let found = |path: &str| faults.take("GET", path).and_then(|fault| fault.status);
        let found = [found("/a"), found("/a"), found("/b")];
        assert_eq!(found, [Some(503), Some(429), None]);
        faults.clear();
        assert!(faults.take("GET", "/a").is_none());
    }

    #[test]
    fn one_call_gives_a_fault_its_status_where_no_number_is_said() {
        let faults = Faults::default();
        faults.add(Fault::on("/a").html(502));
        let reply = faults.take("GET", "/a").and_then(|fault| fault.reply());
        assert_eq!(reply.map(|reply| reply.status), Some(502));
        assert!(faults.take("GET", "/a").is_none());
    }
}
