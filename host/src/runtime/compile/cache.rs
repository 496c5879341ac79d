//! The folder of compiled code and descriptions. What lies here is executed, so it is ours alone.
//!
//! Beside each file of code lies its sum. Reading a large file to compare takes longer than loading it:
//! such a file is synced once, and then known by its stamp, which changes with whoever writes it.

use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::check::CONTRACT_VERSION;
use crate::runtime::artifact::ArtifactHash;
use crate::runtime::settings::Effort;

/// Compiled artifacts that are kept; the oldest go first.
const KEPT: usize = 256;
/// Bytes of compiled code that are kept.
const KEPT_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes of code from which on a file is known by its stamp.
const STAMPED_BYTES: u64 = 1024 * 1024;
/// Bytes of a sum.
const SUM_BYTES: usize = 32;

/// Why the folder is not used.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime) enum CacheError {
    /// It cannot be made, read or written.
    #[error("cache folder {path}: {error}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// Others may write to it.
    #[error("cache folder {path} {problem}; compiled code is taken only from a folder of our own")]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// The folder.
pub(in crate::runtime) struct Cache {
    folder: PathBuf,
    /// Tells builds of the compiler and its settings apart.
    compatibility: u64,
}

impl Cache {
    /// Opens the folder, making it where it is missing.
    pub(in crate::runtime) fn open(
        folder: &Path,
        engine: &wasmtime::Engine,
    ) -> Result<Self, CacheError> {
        let io = |error| CacheError::Io {
            path: folder.to_owned(),
            error,
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io)?;
        // Not followed: a link could lead to where others write.
        let found = std::fs::symlink_metadata(folder).map_err(io)?;
        // SAFETY: geteuid has no preconditions.
        let me = unsafe { libc::geteuid() };
        let problem = if !found.is_dir() {
            Some("is no folder".to_owned())
        } else if found.uid() != me {
            Some(format!("belongs to user {}, not {me}", found.uid()))
        } else if found.mode() & 0o077 != 0 {
            Some(format!("has mode {:o}, not 700", found.mode() & 0o777))
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(CacheError::NotOurs {
                path: folder.to_owned(),
                problem,
            });
        }
        // The default hasher has fixed keys: the same build of the host names its files the same.
        let mut hasher = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        // Code is here only of what was found to be built for it.
        CONTRACT_VERSION.hash(&mut hasher);
        Ok(Self {
            folder: folder.to_owned(),
            compatibility: hasher.finish(),
        })
    }

    fn code_path(&self, hash: ArtifactHash, effort: Effort) -> PathBuf {
        let end = match effort {
            Effort::Full => "cwasm",
            Effort::Quick => "quick.cwasm",
        };
        self.folder
            .join(format!("{hash}-{:016x}.{end}", self.compatibility))
    }

    /// Loads compiled code that had at least this effort; none where there is none, or where it is not what
    /// was written.
    pub(in crate::runtime) fn load(
        &self,
        engine: &wasmtime::Engine,
        hash: ArtifactHash,
        effort: Effort,
    ) -> Option<Component> {
        let best = self.load_file(engine, &self.code_path(hash, Effort::Full));
        match effort {
            Effort::Full => best,
            Effort::Quick => best.or_else(|| self.load_file(engine, &self.code_path(hash, effort))),
        }
    }

    fn load_file(&self, engine: &wasmtime::Engine, path: &Path) -> Option<Component> {
        let sum = std::fs::read(sum_path(path)).ok()?;
        let (sum, stamp) = sum.split_at_checked(SUM_BYTES)?;
        if stamp.is_empty() || stamp_of(path).is_none_or(|found| found != stamp) {
            let code = std::fs::read(path).ok()?;
            if sum != Sha256::digest(&code).as_slice() {
                return None;
            }
            // It came another way, from a backup: the next time it is known.
            if !stamp.is_empty() && self.stamp(path, sum).is_err() {
                return None;
            }
        }
        // SAFETY: the file was written by `adopt` from the compiler's output, is unchanged by its sum or
        // by its stamp, and lies in a folder that only this user can write to.
        unsafe { Component::deserialize_file(engine, path) }.ok()
    }

    /// Tells whether there is code.
    pub(in crate::runtime) fn has(&self, hash: ArtifactHash, effort: Effort) -> bool {
        self.code_path(hash, Effort::Full).is_file() || self.code_path(hash, effort).is_file()
    }

    /// Makes a compiled file of this run the cached one.
    pub(in crate::runtime) fn adopt(
        &self,
        compiled: &Path,
        hash: ArtifactHash,
        effort: Effort,
    ) -> Result<(), CacheError> {
        let path = self.code_path(hash, effort);
        let io = |error| CacheError::Io {
            path: path.clone(),
            error,
        };
        let code = std::fs::read(compiled).map_err(io)?;
        let sum = Sha256::digest(&code);
        let is_stamped = code.len() as u64 >= STAMPED_BYTES;
        if is_stamped {
            // What is not read again must be on disk: no stamp tells what a crash left out.
            std::fs::File::open(compiled)
                .and_then(|file| file.sync_all())
                .map_err(io)?;
        }
        // Before the code: a crash between the two leaves a sum that fits nothing.
        self.write(&sum_path(&path), &sum)?;
        std::fs::rename(compiled, &path).map_err(io)?;
        if is_stamped {
            self.stamp(&path, &sum)?;
        }
        self.prune();
        Ok(())
    }

    /// Adds its stamp to the sum of a file that is synced.
    fn stamp(&self, path: &Path, sum: &[u8]) -> Result<(), CacheError> {
        let stamp = stamp_of(path).unwrap_or_default();
        self.write(&sum_path(path), &[sum, &stamp].concat())
    }

    /// A component that was kept for its source lines.
    pub(in crate::runtime) fn source(&self, hash: ArtifactHash) -> Option<PathBuf> {
        let path = self.source_path(hash);
        path.is_file().then_some(path)
    }

    fn source_path(&self, hash: ArtifactHash) -> PathBuf {
        self.folder.join(format!("{hash}.wasm"))
    }

    /// Keeps a component for its source lines, and tells where.
    pub(in crate::runtime) fn keep_source(
        &self,
        hash: ArtifactHash,
        component: &[u8],
    ) -> Result<PathBuf, CacheError> {
        let path = self.source_path(hash);
        if !path.exists() {
            self.write(&path, component)?;
        }
        Ok(path)
    }

    /// Deletes the oldest files over the bounds. Code in use stays mapped.
    fn prune(&self) {
        let Ok(files) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<_> = files
            .filter_map(Result::ok)
            .filter(|file| !file.file_name().to_string_lossy().starts_with("tmp-"))
            .filter_map(|file| Some((file.path(), file.metadata().ok()?)))
            .collect();
        files.sort_by_key(|(_, found)| std::cmp::Reverse(found.mtime()));
        let mut bytes = 0_u64;
        // An artifact has its code, a sum and a description; a debug build has itself too.
        for (n, (path, found)) in files.iter().enumerate() {
            bytes = bytes.saturating_add(found.len());
            if n >= KEPT * 3 || bytes > KEPT_BYTES {
                // What cannot be deleted now is tried again with the next artifact.
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Reads a small file.
    pub(in crate::runtime) fn read_note(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(name)).ok()
    }

    /// Writes a small file.
    pub(in crate::runtime) fn write_note(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), CacheError> {
        self.write(&self.folder.join(name), bytes)
    }

    /// Names a file of this run; two runs, or two compilations, never share one.
    pub(in crate::runtime) fn temporary(&self, suffix: &str) -> PathBuf {
        // One count for all caches of the process: two engines may share a folder.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        self.folder.join(format!("tmp-{process}-{n}{suffix}"))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
        let temporary = self.temporary("");
        let io = |error| CacheError::Io {
            path: path.to_owned(),
            error,
        };
        self.write_temporary(&temporary, bytes).map_err(io)?;
        std::fs::rename(&temporary, path).map_err(io)
    }

    /// Writes a file of this run.
    pub(in crate::runtime) fn write_temporary(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)
    }
}

fn sum_path(code: &Path) -> PathBuf {
    code.with_extension("sum")
}

/// What the file system says of a file, which is another once somebody wrote it.
fn stamp_of(path: &Path) -> Option<Vec<u8>> {
    let found = std::fs::symlink_metadata(path).ok()?;
    let facts = [
        found.dev(),
        found.ino(),
        found.len(),
        found.mtime() as u64,
        found.mtime_nsec() as u64,
        found.ctime() as u64,
        found.ctime_nsec() as u64,
    ];
    Some(facts.iter().flat_map(|fact| fact.to_le_bytes()).collect())
}

/// Deletes a file of this run when it is dropped.
pub(in crate::runtime) struct Temporary(pub(in crate::runtime) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It is gone where it was renamed or never written.
        let _ = std::fs::remove_file(&self.0);
    }
}
