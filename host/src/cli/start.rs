//! What `parlor` without a verb is: a host with settings, the demo, or a mistake.

use std::path::{Path, PathBuf};

use super::output::Failure;
use super::tree::SourceTree;
use crate::config::SETTINGS_FILE;

/// What to start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A host with this settings file.
    Run(PathBuf),
    /// The demo of this source tree.
    Demo(SourceTree),
}

/// Where the command was started.
pub(super) struct Place<'a> {
    /// `--settings`.
    pub(super) settings: Option<&'a Path>,
    /// The current folder.
    pub(super) folder: &'a Path,
    /// Whether a person is at the terminal.
    pub(super) is_terminal: bool,
    /// The tree that the program was built from.
    pub(super) built_from: Option<SourceTree>,
}

impl Place<'_> {
    /// Decides what `parlor` alone is.
    pub(super) fn decide(&self) -> Result<Start, Failure> {
        if let Some(path) = self.settings_file() {
            return Ok(Start::Run(path));
        }
        let around = SourceTree::around(self.folder);
        let tree = around.or_else(|| self.is_terminal.then(|| self.built_from.clone()).flatten());
        tree.map(Start::Demo).ok_or_else(|| self.missing())
    }

    /// Finds the settings of a command that is never a demo.
    pub(super) fn require_settings(&self) -> Result<PathBuf, Failure> {
        self.settings_file().ok_or_else(|| self.missing())
    }

    /// The file of `--settings`, or the one in the current folder where there is one.
    fn settings_file(&self) -> Option<PathBuf> {
        if let Some(path) = self.settings {
            return Some(path.to_owned());
        }
        let here = self.folder.join(SETTINGS_FILE);
        // A link that leads nowhere is a mistake to name, not a reason for a demo.
        here.symlink_metadata().is_ok().then_some(here)
    }

    fn missing(&self) -> Failure {
        Failure::usage(format!(
            "no settings: {} does not exist; write one, or name another with --settings FILE",
            self.folder.join(SETTINGS_FILE).display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> Place<'_> {
        Place {
            settings: None,
            folder,
            is_terminal: false,
            built_from: SourceTree::of_this_program(),
        }
    }

    #[test]
    fn decides_by_settings_terminal_and_tree() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path();
        let tree = SourceTree::of_this_program().unwrap();

        let Err(Failure::Usage(lines)) = place(empty).decide() else {
            panic!("a folder without settings is no place for a service")
        };
        assert!(lines[0].contains(&empty.join("parlor.toml").display().to_string()));
        assert!(place(empty).require_settings().is_err());

        let mut terminal = place(empty);
        terminal.is_terminal = true;
        assert_eq!(terminal.decide().unwrap(), Start::Demo(tree.clone()));
        assert!(terminal.require_settings().is_err());
        terminal.built_from = None;
        assert!(terminal.decide().is_err());

        let inside = tree.root.join("host/src");
        assert_eq!(place(&inside).decide().unwrap(), Start::Demo(tree));

        let mut named = place(&inside);
        named.settings = Some(Path::new("/x/y.toml"));
        assert_eq!(named.decide().unwrap(), Start::Run("/x/y.toml".into()));

        let file = empty.join("parlor.toml");
        std::fs::write(&file, "").unwrap();
        assert_eq!(place(empty).decide().unwrap(), Start::Run(file));
    }
}
