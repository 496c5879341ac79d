//! A compiled artifact, ready to be instantiated.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::bindings::PluginPre;
use super::lines::Lines;
use super::store::StoreData;

/// The name of an artifact: the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactHash(pub [u8; 32]);

impl ArtifactHash {
    /// Hashes an artifact.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ArtifactHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ArtifactHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A compiled component with its imports resolved.
pub struct Artifact {
    /// Its name.
    pub hash: ArtifactHash,
    /// Bytes of the component.
    pub len: u64,
    /// Whether its code came from the cache.
    pub was_cached: bool,
    /// Source lines of its traps; none where its build has none.
    pub(super) lines: Option<Lines>,
    pub(super) pre: PluginPre<StoreData>,
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("hash", &self.hash)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
