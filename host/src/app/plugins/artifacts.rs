//! Builds that served, kept by their hash, so that one can be put back when its file is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::runtime::ArtifactHash;

/// Bytes that the folder may hold; a build above that is not kept.
const FOLDER_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// Bytes that are kept where there is no folder.
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// How long a build is kept that no plugin refers to: that of one which comes back.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// Builds by hash.
pub(super) struct Artifacts {
    place: Place,
    bytes: AtomicU64,
    most: u64,
}

enum Place {
    Folder(Arc<Path>),
    Memory(Mutex<BTreeMap<ArtifactHash, Arc<[u8]>>>),
}

/// Why a build is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    /// There is no room.
    #[error("{0} bytes of builds are kept already")]
    Full(u64),
    /// The folder's.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Artifacts {
    /// Keeps them in a folder, made when the first is kept; in memory where there is none.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let Some(folder) = folder else {
            return Self {
                place: Place::Memory(Mutex::default()),
                bytes: AtomicU64::new(0),
                most: MEMORY_BYTES,
            };
        };
        let bytes = files(&folder).map(|(_, found)| found.len()).sum();
        Self {
            place: Place::Folder(folder.into()),
            bytes: AtomicU64::new(bytes),
            most: FOLDER_BYTES,
        }
    }

    /// Keeps a build. It is on disk when this resolves.
    ///
    /// # Errors
    /// [`KeepError`]; it is not kept then.
    pub(super) async fn keep(&self, hash: ArtifactHash, wasm: &Arc<[u8]>) -> Result<(), KeepError> {
        if self.has(hash) {
            return Ok(());
        }
        let len = wasm.len() as u64;
        let before = self.bytes.fetch_add(len, Ordering::AcqRel);
        let kept = if before.saturating_add(len) > self.most {
            Err(KeepError::Full(before))
        } else {
            self.write(hash, wasm).await.map_err(KeepError::from)
        };
        if kept.is_err() {
            self.bytes.fetch_sub(len, Ordering::AcqRel);
        }
        kept
    }

    async fn write(&self, hash: ArtifactHash, wasm: &Arc<[u8]>) -> std::io::Result<()> {
        match &self.place {
            Place::Memory(builds) => {
                builds.lock().insert(hash, wasm.clone());
                Ok(())
            }
            Place::Folder(folder) => {
                let (folder, wasm) = (folder.clone(), wasm.clone());
                let written = tokio::task::spawn_blocking(move || write(&folder, hash, &wasm));
                written.await.map_err(std::io::Error::other)?
            }
        }
    }

    /// Tells whether a build is kept.
    pub(super) fn has(&self, hash: ArtifactHash) -> bool {
        match &self.place {
            Place::Memory(builds) => builds.lock().contains_key(&hash),
            Place::Folder(folder) => path_of(folder, hash).is_file(),
        }
    }

    /// Reads a build; none where there is none, or where it is not what was written.
    pub(super) async fn read(&self, hash: ArtifactHash) -> Option<Arc<[u8]>> {
        match &self.place {
            Place::Memory(builds) => builds.lock().get(&hash).cloned(),
            Place::Folder(folder) => {
                let path = path_of(folder, hash);
                let read = tokio::task::spawn_blocking(move || {
                    let bytes = std::fs::read(&path)?;
                    std::io::Result::Ok((ArtifactHash::of(&bytes), bytes))
                });
                let (found, bytes) = read.await.ok()?.ok()?;
                (found == hash).then(|| bytes.into())
            }
        }
    }

    /// Gives up a build.
    pub(super) fn discard(&self, hash: ArtifactHash) {
        let len = match &self.place {
            Place::Memory(builds) => {
                let build = builds.lock().remove(&hash);
                build.map(|wasm| wasm.len() as u64)
            }
            Place::Folder(folder) => remove(&path_of(folder, hash)),
        };
        self.bytes
            .fetch_sub(len.unwrap_or_default(), Ordering::AcqRel);
    }

    /// Gives up the builds that nobody has referred to for long.
    pub(super) fn prune(&self, used: &BTreeSet<ArtifactHash>) {
        let Place::Folder(folder) = &self.place else {
            return;
        };
        let names: BTreeSet<String> = used.iter().map(|hash| file_name(*hash)).collect();
        for (path, found) in files(folder) {
            let name = path.file_name().and_then(|name| name.to_str());
            let is_used = name.is_some_and(|name| names.contains(name));
            let age = found.modified().ok().and_then(|at| at.elapsed().ok());
            if !is_used && age.is_some_and(|age| age > UNUSED) {
                let len = remove(&path).unwrap_or_default();
                self.bytes.fetch_sub(len, Ordering::AcqRel);
            }
        }
    }
}

fn file_name(hash: ArtifactHash) -> String {
    format!("{hash}.wasm")
}

fn path_of(folder: &Path, hash: ArtifactHash) -> PathBuf {
    folder.join(file_name(hash))
}

fn files(folder: &Path) -> impl Iterator<Item = (PathBuf, std::fs::Metadata)> + use<> {
    // A folder that is not there yet holds nothing.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
}

/// Removes a file; its bytes, where it was there.
fn remove(path: &Path) -> Option<u64> {
    let len = std::fs::metadata(path).ok()?.len();
    std::fs::remove_file(path).ok().map(|()| len)
}

fn write(folder: &Path, hash: ArtifactHash, wasm: &[u8]) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // The host's lock is held: nobody else writes here, and one change is applied at a time.
    let temporary = folder.join(format!(".{hash}"));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(wasm)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path_of(folder, hash))?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn keeps_and_gives_up(artifacts: Artifacts) {
        let wasm: Arc<[u8]> = Arc::from(&b"a build"[..]);
        let hash = ArtifactHash::of(&wasm);
        assert_eq!(artifacts.read(hash).await, None);
        artifacts.keep(hash, &wasm).await.unwrap();
        artifacts.keep(hash, &wasm).await.unwrap();
        assert_eq!(artifacts.bytes.load(Ordering::Relaxed), 7);
        assert_eq!(artifacts.read(hash).await, Some(wasm));
        artifacts.prune(&BTreeSet::new());
        assert!(artifacts.has(hash), "it was used a moment ago");
        artifacts.discard(hash);
        artifacts.discard(hash);
        assert!(!artifacts.has(hash));
        assert_eq!(artifacts.bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_build_is_kept_until_it_is_given_up() {
        keeps_and_gives_up(Artifacts::new(None)).await;
        let folder = tempfile::tempdir().unwrap();
        keeps_and_gives_up(Artifacts::new(Some(folder.path().join("artifacts")))).await;
    }

    #[tokio::test]
    async fn a_build_that_was_tampered_with_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(Some(folder.path().to_owned()));
        let wasm: Arc<[u8]> = Arc::from(&b"a build"[..]);
        let hash = ArtifactHash::of(&wasm);
        artifacts.keep(hash, &wasm).await.unwrap();
        std::fs::write(path_of(folder.path(), hash), b"another").unwrap();
        assert_eq!(artifacts.read(hash).await, None);
        let later = Artifacts::new(Some(folder.path().to_owned()));
        assert_eq!(later.bytes.load(Ordering::Relaxed), 7);
    }

    #[tokio::test]
    async fn a_build_beyond_the_bound_is_not_kept() {
        let mut artifacts = Artifacts::new(None);
        artifacts.most = 10;
        let (first, second): (Arc<[u8]>, Arc<[u8]>) = (Arc::from([1; 8]), Arc::from([2; 8]));
        artifacts
            .keep(ArtifactHash::of(&first), &first)
            .await
            .unwrap();
        let full = artifacts.keep(ArtifactHash::of(&second), &second).await;
        assert!(matches!(full, Err(KeepError::Full(8))));
        artifacts.discard(ArtifactHash::of(&first));
        artifacts
            .keep(ArtifactHash::of(&second), &second)
            .await
            .unwrap();
    }
}
