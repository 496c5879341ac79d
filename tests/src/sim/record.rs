//! The record of every request that a simulator got.

use std::collections::{BTreeSet, VecDeque};

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::Request;

/// Requests that are kept; the oldest go first.
const KEPT: usize = 20_000;
/// Bytes of all their bodies and answers that are kept.
const BYTES_KEPT: usize = 128 * 1024 * 1024;
/// Bytes of a body that are kept.
const BODY_KEPT: usize = 256 * 1024;

/// One request and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Logged {
    /// Its number, from one.
    pub n: u64,
    /// When it came, in milliseconds since 1970.
    pub at: i64,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Vec<(String, String)>,
    /// Its headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The beginning of its body: text where it is text, else base64.
    pub body: String,
    /// How long its body was.
    pub size: usize,
    /// The common name of the client's certificate.
    pub certificate: Option<String>,
    /// The status of its answer; none while it waits, 0 where the connection was closed instead.
    pub status: Option<u16>,
    /// Whether a fault was made of it.
    pub faulted: bool,
    /// What the platform noticed.
    pub notes: Map<String, Value>,
    /// The beginning of its answer's body.
    pub answer: String,
}

impl Logged {
    fn weight(&self) -> usize {
        self.body.len() + self.answer.len()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let pair = self.headers.iter().find(|(known, _)| known == name)?;
        Some(&pair.1)
    }

    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(known, _)| known == name)?;
        Some(&pair.1)
    }

    /// Its body as JSON, where it is that.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// Its answer's body as JSON, where it is that.
    pub fn answer_json(&self) -> Option<Value> {
        serde_json::from_str(&self.answer).ok()
    }
}

/// Every request so far.
#[derive(Debug, Default)]
pub struct Record {
    kept: Mutex<Kept>,
    /// Rings when a request comes, and when it is answered.
    bell: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    count: u64,
    bytes: usize,
    requests: VecDeque<Logged>,
    hidden: BTreeSet<u64>,
}

impl Record {
    /// Notes a request, and gives it its number.
    pub(crate) fn begin(&self, at: i64, request: &mut Request) {
        let mut kept = self.kept.lock();
        kept.count += 1;
        request.number = kept.count;
        kept.push(Logged {
            n: request.number,
            at,
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: texts(&request.headers),
            body: shown(&request.body),
            size: request.body.len(),
            certificate: request.certificate.clone(),
            status: None,
            faulted: false,
            notes: Map::new(),
            answer: String::new(),
        });
        drop(kept);
        self.ring();
    }

    /// Notes what became of it.
    pub(crate) fn end(&self, number: u64, change: impl FnOnce(&mut Logged)) {
        let mut kept = self.kept.lock();
        let found = kept.requests.iter_mut().rev().find(|it| it.n == number);
        if let Some(found) = found {
            let before = found.weight();
            change(found);
            let now = found.weight();
            kept.bytes = (kept.bytes + now).saturating_sub(before);
        }
        drop(kept);
        self.ring();
    }

    /// Notes that a fault took the answer of a request away, or another's place.
    pub(crate) fn hide(&self, number: u64) {
        self.kept.lock().hidden.insert(number);
    }

    /// The requests whose answers faults took away.
    pub fn hidden(&self) -> BTreeSet<u64> {
        self.kept.lock().hidden.clone()
    }

    fn ring(&self) {
        self.bell.send_modify(|times| *times += 1);
    }

    /// Rings when a request comes, and when it is answered.
    pub(crate) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// The requests after this number.
    pub fn after(&self, number: u64) -> Vec<Logged> {
        let kept = self.kept.lock();
        let later = kept.requests.iter().filter(|it| it.n > number);
        later.cloned().collect()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.kept.lock().count
    }
}

impl Kept {
    /// Adds a request; the oldest make room.
    fn push(&mut self, logged: Logged) {
        self.bytes += logged.weight();
        self.requests.push_back(logged);
        while self.requests.len() > KEPT || (self.bytes > BYTES_KEPT && self.requests.len() > 1) {
            let oldest = self.requests.pop_front();
            self.bytes = self
                .bytes
                .saturating_sub(oldest.map_or(0, |it| it.weight()));
        }
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), text)
    });
    pairs.collect()
}

/// The beginning of a body as the record shows it.
pub(crate) fn shown(body: &Bytes) -> String {
    let start = &body[..body.len().min(BODY_KEPT)];
    match std::str::from_utf8(start) {
        Ok(text) => text.to_owned(),
        // The cut may have gone through a character.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&start[..error.valid_up_to()]).into_owned()
        }
        Err(_) => STANDARD.encode(start),
    }
}
