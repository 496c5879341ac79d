//! Maps whose keys are numbers of the journal, or hashes already: a cheap hasher is enough.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Spreads a key by multiplication; the keys are the journal's own and cannot be chosen by others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread(u64);

/// An odd number near 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// A map by number.
pub(super) type NumberMap<T> = HashMap<u64, T, BuildHasherDefault<Spread>>;

/// Event keys seen lately, in two generations, so that dropping old ones costs nothing.
#[derive(Debug)]
pub(super) struct RecentKeys {
    young: HashSet<u128, BuildHasherDefault<Spread>>,
    old: HashSet<u128, BuildHasherDefault<Spread>>,
    generation: usize,
}

impl RecentKeys {
    /// Remembers at least the last `generation` keys and at most twice as many.
    pub(super) fn new(generation: usize) -> Self {
        Self {
            young: HashSet::default(),
            old: HashSet::default(),
            generation,
        }
    }

    /// Remembers a key; tells whether it is new.
    pub(super) fn insert(&mut self, key: u128) -> bool {
        if self.old.contains(&key) || !self.young.insert(key) {
            return false;
        }
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        true
    }
}
