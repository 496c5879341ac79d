//! Takes secrets out of what comes back: texts, headers and bodies in pieces. Pure.
//!
//! Each byte of a secret becomes `*`, so that lengths stay true. A secret is found as it is, as JSON,
//! in a URL and in base64; what a server makes of it otherwise is not.

mod forms;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;

use crate::model::secret::Secret;

/// Bytes below which nothing is hidden: it would be found everywhere.
pub const SHORTEST_SECRET: usize = 4;
/// Fetched tokens that are still hidden; an answer to the oldest may be under way.
const RECENT_TOKENS: usize = 16;
/// What stands in a secret's place.
const HIDDEN: u8 = b'*';

/// Finds a set of secrets.
#[derive(Clone, Default)]
pub(super) struct Mask(Option<Arc<Finder>>);

struct Finder {
    all: AhoCorasick,
    patterns: Vec<Vec<u8>>,
    /// Whether a pattern begins with the byte.
    begins: [bool; 256],
}

impl fmt::Debug for Mask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |finder| finder.patterns.len());
        write!(out, "Mask({count})")
    }
}

impl Mask {
    /// Makes a mask of secrets and the forms they come back in.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns: Vec<Vec<u8>> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .flat_map(forms::of)
            .map(String::into_bytes)
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.is_empty() {
            return Self(None);
        }
        let mut begins = [false; 256];
        for first in patterns.iter().filter_map(|pattern| pattern.first()) {
            begins[usize::from(*first)] = true;
        }
        let all = AhoCorasick::new(&patterns)
            .expect("grants are counted and secrets short: far fewer states than there may be");
        Self(Some(Arc::new(Finder {
            all,
            patterns,
            begins,
        })))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Marks every byte that belongs to a secret; secrets may overlap.
    fn mark(&self, bytes: &[u8], hidden: &mut [bool]) {
        let Some(finder) = &self.0 else { return };
        for found in finder.all.find_overlapping_iter(bytes) {
            hidden[found.range()].fill(true);
        }
    }

    /// Where the bytes begin that may turn out to be a secret once more has come.
    fn open_from(&self, bytes: &[u8]) -> usize {
        let Some(finder) = &self.0 else {
            return bytes.len();
        };
        let is_open = |from: usize| {
            let tail = &bytes[from..];
            let mut patterns = finder.patterns.iter();
            patterns.any(|pattern| pattern.len() > tail.len() && pattern.starts_with(tail))
        };
        let longest = finder.patterns.iter().map(Vec::len).max().unwrap_or(0);
        let first = bytes.len().saturating_sub(longest);
        (first..bytes.len())
            .find(|from| finder.begins[usize::from(bytes[*from])] && is_open(*from))
            .unwrap_or(bytes.len())
    }
}

/// Masks a whole piece of bytes; tells whether anything was hidden.
fn cover(masks: &[Mask], bytes: &mut [u8]) -> bool {
    let mut hidden = vec![false; bytes.len()];
    for mask in masks {
        mask.mark(bytes, &mut hidden);
    }
    overwrite(bytes, &hidden);
    hidden.contains(&true)
}

fn overwrite(bytes: &mut [u8], hidden: &[bool]) {
    for (byte, _) in bytes.iter_mut().zip(hidden).filter(|(_, hidden)| **hidden) {
        *byte = HIDDEN;
    }
}

/// Masks a text.
pub(super) fn cover_text(masks: &[Mask], text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    cover(masks, &mut bytes);
    // A secret is whole characters, so what is left is too.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text without these secrets, in whatever form they come back.
pub fn without_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>, text: &str) -> String {
    cover_text(&[Mask::new(secrets)], text)
}

/// Masks the values of headers.
pub(super) fn cover_headers(masks: &[Mask], headers: &mut HeaderMap) {
    if masks.iter().all(Mask::is_empty) {
        return;
    }
    for value in headers.values_mut() {
        let mut bytes = value.as_bytes().to_vec();
        if cover(masks, &mut bytes) {
            *value = HeaderValue::from_bytes(&bytes)
                .expect("a value in which some bytes became `*` is still a value");
        }
    }
}

/// Masks a body that comes in pieces: what may be the beginning of a secret waits for the next piece.
#[derive(Debug)]
pub(super) struct MaskStream {
    masks: Vec<Mask>,
    held: Vec<u8>,
    hidden: Vec<bool>,
}

impl MaskStream {
    /// Starts a stream; none where there is nothing to hide.
    pub(super) fn new(masks: Vec<Mask>) -> Option<Self> {
        (!masks.iter().all(Mask::is_empty)).then_some(Self {
            masks,
            held: Vec::new(),
            hidden: Vec::new(),
        })
    }

    /// Takes a piece and gives what is certain by now; it may be empty.
    pub(super) fn push(&mut self, piece: &[u8]) -> Bytes {
        self.held.extend_from_slice(piece);
        self.hidden.resize(self.held.len(), false);
        for mask in &self.masks {
            mask.mark(&self.held, &mut self.hidden);
        }
        let open = self.masks.iter().map(|mask| mask.open_from(&self.held));
        let certain = open.min().unwrap_or(self.held.len());
        self.release(certain)
    }

    /// Gives what was held back.
    pub(super) fn finish(&mut self) -> Bytes {
        self.release(self.held.len())
    }

    /// Bytes that wait for the next piece: fewer than the longest secret has.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn release(&mut self, count: usize) -> Bytes {
        let rest = self.held.split_off(count);
        let mut out = std::mem::replace(&mut self.held, rest);
        let hidden_rest = self.hidden.split_off(count);
        let hidden = std::mem::replace(&mut self.hidden, hidden_rest);
        overwrite(&mut out, &hidden);
        out.into()
    }
}

/// The secrets of one plugin's grants: those of the settings, and tokens as they are fetched.
pub(super) struct Secrets {
    fixed: Vec<Secret>,
    recent: Mutex<VecDeque<Secret>>,
    mask: ArcSwap<Mask>,
}

impl Secrets {
    pub(super) fn new(fixed: Vec<Secret>) -> Self {
        let mask = Mask::new(fixed.iter().flat_map(Secret::expose_all));
        Self {
            fixed,
            recent: Mutex::default(),
            mask: ArcSwap::from_pointee(mask),
        }
    }

    /// Adds a token that was fetched.
    pub(super) fn add(&self, token: Secret) {
        let mut recent = self.recent.lock();
        if recent.len() >= RECENT_TOKENS {
            recent.pop_front();
        }
        recent.push_back(token);
        let all = self.fixed.iter().chain(recent.iter());
        let mask = Mask::new(all.flat_map(Secret::expose_all));
        self.mask.store(Arc::new(mask));
    }

    /// What hides them.
    pub(super) fn mask(&self) -> Mask {
        Mask::clone(&self.mask.load())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secrets({})", self.fixed.len())
    }
}

#[cfg(test)]
mod tests;
