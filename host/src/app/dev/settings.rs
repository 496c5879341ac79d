//! The settings of a plugin that is written: what holds here whatever they say, and when they are others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{LogConfig, LogLevel, Platform, ReloadMode, Settings};

/// How often the settings file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Settings as they are here: no outside platform is spoken to, whatever they say.
pub(super) fn for_development(mut settings: Settings) -> Settings {
    for bot in &mut settings.bots {
        bot.platform = Platform::Local(bot.platform.local());
    }
    // A change is made to be tried, and what it does wrong is for its author to see: the build before does
    // not step in.
    settings.reload.mode = ReloadMode::Watch;
    settings.reload.probation = Duration::ZERO;
    // The terminal is for talking.
    settings.log = LogConfig::at(LogLevel::Warn);
    settings
}

/// A settings file, there or not.
pub(super) struct SettingsWatch {
    pub(super) path: PathBuf,
    taken: Option<String>,
    seen: Option<String>,
}

impl SettingsWatch {
    /// What it says now is known.
    pub(super) fn new(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).ok();
        Self {
            path: path.to_owned(),
            taken: text.clone(),
            seen: text,
        }
    }

    /// Waits until it has another text. One that is gone leaves in force what it said.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = tokio::fs::read_to_string(&self.path).await.ok();
            // Half a file, while it is written, is not the same twice.
            let is_quiet = now == self.seen;
            self.seen = now;
            if is_quiet && self.seen.is_some() && self.seen != self.taken {
                self.taken.clone_from(&self.seen);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_text_is_told_once_and_a_file_that_goes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor.toml");
        let mut watch = SettingsWatch::new(&path);
        std::fs::write(&path, "one").unwrap();
        let patience = Duration::from_secs(20);
        let told = tokio::time::timeout(patience, watch.changed()).await;
        told.expect("a file that comes is told");
        std::fs::remove_file(&path).unwrap();
        let told = tokio::time::timeout(LOOK_EVERY * 4, watch.changed()).await;
        told.expect_err("what it said stays in force");
        std::fs::write(&path, "one").unwrap();
        let told = tokio::time::timeout(LOOK_EVERY * 4, watch.changed()).await;
        told.expect_err("it says what it said");
        std::fs::write(&path, "two").unwrap();
        let told = tokio::time::timeout(patience, watch.changed()).await;
        told.expect("another text is told");
    }
}
