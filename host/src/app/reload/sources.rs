//! Watches the sources of a plugin: says that something changed, once it is quiet. What is made by tools
//! is not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::file::Stamp;
use super::{Bell, make_watcher, wait_for_ring};
use crate::config::SETTINGS_FILE;

/// Files that are looked at; a project that has more is followed in these only.
const MAX_FILES: usize = 20_000;
/// Sources that nobody wrote for so long are built: editors and tools write several at once.
const QUIET: Duration = Duration::from_millis(60);
/// How often sources are looked through where no event comes.
const POLL: Duration = Duration::from_secs(1);
/// Folders that tools make.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];
/// Ends of files that no build reads.
const NOT_READ: [&str; 3] = ["wasm", "md", "dialog"];

/// Watches a folder with everything below it, from a thread of its own until it is dropped.
#[derive(Debug)]
pub struct SourceWatcher {
    changes: mpsc::Receiver<()>,
    bell: Bell,
}

impl SourceWatcher {
    /// Starts to watch; only what changes from now on counts.
    ///
    /// # Errors
    /// The system's, where no thread can be started.
    pub fn start(folder: &Path) -> std::io::Result<Self> {
        let (ring, rings) = sync_channel(1);
        let bell = Bell::new(ring);
        let (sender, changes) = mpsc::channel(1);
        let mut look = Look {
            watcher: make_watcher(bell.clone()),
            folder: folder.to_owned(),
            watched: BTreeSet::new(),
            bell: bell.clone(),
        };
        let seen = look.see();
        std::thread::Builder::new()
            .name("parlor-sources".to_owned())
            .spawn(move || look.run(seen, &rings, &sender))?;
        Ok(Self { changes, bell })
    }

    /// Waits until something has changed; false when nothing is watched any more.
    pub async fn changed(&mut self) -> bool {
        self.changes.recv().await.is_some()
    }
}

impl Drop for SourceWatcher {
    fn drop(&mut self) {
        self.bell.stop();
    }
}

/// The sources as they were seen.
#[derive(Default, PartialEq)]
struct Seen {
    files: BTreeMap<PathBuf, Stamp>,
    folders: BTreeSet<PathBuf>,
}

/// The thread's own things.
struct Look {
    watcher: Option<RecommendedWatcher>,
    folder: PathBuf,
    watched: BTreeSet<PathBuf>,
    bell: Bell,
}

impl Look {
    fn run(mut self, mut seen: Seen, rings: &Receiver<()>, sender: &mpsc::Sender<()>) {
        while wait_for_ring(rings, Some(POLL)) && !self.bell.is_stopping() {
            let mut now = self.see();
            if now.files == seen.files {
                continue;
            }
            loop {
                if !wait_for_ring(rings, Some(QUIET)) || self.bell.is_stopping() {
                    return;
                }
                let next = self.see();
                if next.files == now.files {
                    break;
                }
                now = next;
            }
            seen = now;
            // A change that waits to be heard stands for this one too.
            if let Err(mpsc::error::TrySendError::Closed(())) = sender.try_send(()) {
                return;
            }
        }
    }

    /// Looks through the sources; events of new folders are asked for before those are read.
    fn see(&mut self) -> Seen {
        let mut seen = Seen::default();
        let mut waiting = vec![self.folder.clone()];
        while let Some(folder) = waiting.pop() {
            self.watch(&folder);
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let path = entry.path();
                // Not followed: a link may lead round in a circle.
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if is_left_out(&path, kind.is_dir()) {
                    continue;
                }
                if kind.is_dir() {
                    waiting.push(path);
                } else if let Ok(metadata) = std::fs::metadata(&path)
                    && metadata.is_file()
                    && seen.files.len() < MAX_FILES
                {
                    seen.files.insert(path, Stamp::of(&metadata));
                }
            }
            seen.folders.insert(folder);
        }
        // One that comes again is another folder.
        self.watched.retain(|folder| seen.folders.contains(folder));
        seen
    }

    fn watch(&mut self, folder: &Path) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        if self.watched.insert(folder.to_owned())
            && let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
        {
            tracing::debug!(folder = %folder.display(), %error, "no events for folder, polling");
        }
    }
}

fn is_left_out(path: &Path, is_folder: bool) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return true;
    };
    if name.starts_with('.') || name.ends_with('~') {
        return true;
    }
    if is_folder {
        return MADE.contains(&name);
    }
    // What it says is for the host, not for a build.
    if name == SETTINGS_FILE {
        return true;
    }
    let extension = path.extension().and_then(|it| it.to_str());
    extension.is_some_and(|extension| NOT_READ.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    /// Long enough for what is left out to be seen, were it looked at.
    const NOTHING: Duration = Duration::from_millis(400);

    async fn changes(watcher: &mut SourceWatcher) {
        let changed = tokio::time::timeout(PATIENCE, watcher.changed()).await;
        assert!(changed.expect("a change is seen"));
    }

    async fn stays(watcher: &mut SourceWatcher) {
        let changed = tokio::time::timeout(NOTHING, watcher.changed()).await;
        assert!(changed.is_err(), "nothing changed");
    }

    #[tokio::test]
    async fn a_change_is_told_once_and_what_tools_make_never() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir_all(root.join("target/debug")).unwrap();
        std::fs::create_dir_all(root.join(".parlor/sdk")).unwrap();
        std::fs::write(root.join("src/lib.rs"), "one").unwrap();
        let mut watcher = SourceWatcher::start(root).unwrap();
        std::fs::write(root.join("src/lib.rs"), "two of them").unwrap();
        std::fs::write(root.join("src/more.rs"), "").unwrap();
        changes(&mut watcher).await;
        for made in [
            "target/debug/x.rs",
            ".parlor/sdk/lib.rs",
            "greeter.wasm",
            "README.md",
            "parlor.toml",
            "src/.lib.rs.swp",
        ] {
            std::fs::write(root.join(made), "").unwrap();
        }
        stays(&mut watcher).await;
        std::fs::create_dir(root.join("src/deep")).unwrap();
        std::fs::write(root.join("src/deep/mod.rs"), "").unwrap();
        changes(&mut watcher).await;
        std::fs::write(root.join("src/deep/mod.rs"), "other").unwrap();
        changes(&mut watcher).await;
        std::fs::remove_file(root.join("src/more.rs")).unwrap();
        changes(&mut watcher).await;
    }
}
