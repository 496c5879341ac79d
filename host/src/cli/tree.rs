//! parlor's own source tree: where it is, where the demo lives in it, what is stale.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders looked into for sources; a tree that has more is not ours.
const MAX_FOLDERS: usize = 2_000;

/// parlor's source tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceTree {
    pub(super) root: PathBuf,
}

impl SourceTree {
    /// The tree that a folder is in.
    pub(super) fn around(folder: &Path) -> Option<Self> {
        folder.ancestors().find_map(Self::at)
    }

    /// The tree that this program was built from, where it is still there.
    pub(super) fn of_this_program() -> Option<Self> {
        Self::at(Path::new(env!("CARGO_MANIFEST_DIR")).parent()?)
    }

    fn at(root: &Path) -> Option<Self> {
        let marks = [
            "Cargo.toml",
            "host/Cargo.toml",
            "plugin-sdk/Cargo.toml",
            "wit/world.wit",
        ];
        let is_ours =
            marks.iter().all(|mark| root.join(mark).is_file()) && root.join("plugins").is_dir();
        is_ours.then(|| Self {
            root: root.to_owned(),
        })
    }

    /// The demo's settings file.
    pub(super) fn demo_file(&self) -> PathBuf {
        self.root.join("plugins/demo.toml")
    }

    /// The demo's plugin folder.
    pub(super) fn demo_plugins(&self) -> PathBuf {
        self.root.join("target/demo/plugins")
    }

    /// The demo's data folder.
    pub(super) fn demo_data(&self) -> PathBuf {
        self.root.join("target/demo/data")
    }

    /// The names of the demo plugins, as their files are called.
    pub(super) fn demo_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join("plugins"));
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().join("Cargo.toml").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Tells whether a demo plugin is missing or older than what it is made of.
    pub(super) fn is_demo_stale(&self) -> bool {
        let sources = ["plugins", "plugin-sdk", "wit", "Cargo.toml", "Cargo.lock"]
            .map(|name| newest(&self.root.join(name), &mut 0))
            .into_iter()
            .max()
            .flatten();
        self.demo_names().iter().any(|name| {
            let built = modified(&self.demo_plugins().join(format!("{name}.wasm")));
            built.is_none() || built < sources
        })
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// The newest file in a folder, build output and hidden things left out.
fn newest(path: &Path, folders: &mut usize) -> Option<SystemTime> {
    if path.is_file() {
        return modified(path);
    }
    *folders += 1;
    if *folders > MAX_FOLDERS {
        return None;
    }
    let entries = std::fs::read_dir(path).ok()?;
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Prose does not make a plugin stale.
            !name.starts_with('.') && name != "target" && !name.ends_with(".md")
        })
        .filter_map(|entry| newest(&entry.path(), folders))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn finds_the_tree_and_what_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(SourceTree::around(root), None);
        for file in [
            "Cargo.toml",
            "Cargo.lock",
            "host/Cargo.toml",
            "plugin-sdk/Cargo.toml",
            "wit/world.wit",
            "plugins/joke/Cargo.toml",
            "plugins/joke/src/lib.rs",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let tree = SourceTree::around(&root.join("plugins/joke")).unwrap();
        assert_eq!(tree.root, root);
        assert_eq!(tree.demo_names(), ["joke"]);
        assert!(tree.is_demo_stale());
        fs::create_dir_all(tree.demo_plugins()).unwrap();
        let built = tree.demo_plugins().join("joke.wasm");
        fs::write(&built, "").unwrap();
        let later = SystemTime::now() + Duration::from_secs(60);
        let date = |path: &Path, time| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(time).unwrap();
        };
        date(&built, later);
        assert!(!tree.is_demo_stale());
        date(
            &root.join("plugins/joke/src/lib.rs"),
            later + Duration::from_secs(1),
        );
        assert!(tree.is_demo_stale());
    }

    #[test]
    fn this_program_knows_its_tree() {
        let tree = SourceTree::of_this_program().unwrap();
        assert!(tree.demo_names().contains(&"joke".to_owned()));
    }
}
