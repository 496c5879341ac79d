//! What a bot must know over restarts: its licences with their tokens, the secret of its webhooks, and
//! how far it has heard.
//!
//! The file is written whole, under another name, and can be read by its owner only.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Licences, tokens and secrets.
const FILE: &str = "licences.json";
/// The time of what was heard last.
const HEARD: &str = "last-event";
/// How much later the next event must be before it is written down again.
const STEP_MS: u64 = 1_000;
/// Bytes of the file that are read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// All of it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// What webhooks show.
    pub(super) hook_secret: Option<String>,
    /// Where the webhooks that show it were registered to come.
    pub(super) hook_url: Option<String>,
    /// By id.
    pub(super) licences: BTreeMap<String, KeptLicence>,
}

/// One licence.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeptLicence {
    /// Of whoever installed the bot; nothing with a personal token.
    pub(super) access_token: Option<String>,
    pub(super) refresh_token: Option<String>,
    /// When the access token ends.
    pub(super) until: Timestamp,
    /// The bot there.
    pub(super) bot: Option<String>,
    pub(super) bot_secret: Option<String>,
    /// The settings that it was made of.
    pub(super) made_of: Option<String>,
    /// What webhooks show, where each bot has a secret of its own.
    pub(super) hook_secret: Option<String>,
}

impl fmt::Debug for KeptLicence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeptLicence({:?}, …)", self.bot)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Kept({:?}, …)", self.licences.keys())
    }
}

/// Where it is kept.
#[derive(Debug)]
pub(super) struct Store {
    folder: Option<PathBuf>,
    kept: Mutex<Kept>,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    last: Option<Timestamp>,
    written: Timestamp,
    hooks: u64,
}

impl Store {
    /// Reads what the last run has left.
    ///
    /// # Errors
    /// When the file is there and cannot be read: the bot would be installed anew over it.
    pub(super) fn open(folder: Option<PathBuf>) -> io::Result<Self> {
        let mut store = Self {
            folder,
            kept: Mutex::default(),
            heard: Mutex::default(),
        };
        let Some(folder) = &store.folder else {
            return Ok(store);
        };
        std::fs::create_dir_all(folder)?;
        if let Some(text) = read(&folder.join(FILE))? {
            let kept = serde_json::from_str(&text).map_err(io::Error::other)?;
            store.kept = Mutex::new(kept);
        }
        // Nothing else is known of a mark that is damaged.
        let mark = read(&folder.join(HEARD)).ok().flatten();
        store.heard.get_mut().last = mark.and_then(|text| text.trim().parse().ok());
        Ok(store)
    }

    /// What is kept.
    pub(super) fn kept(&self) -> Kept {
        self.kept.lock().clone()
    }

    /// What is kept of a licence.
    pub(super) fn licence(&self, id: &str) -> KeptLicence {
        let kept = self.kept.lock();
        kept.licences.get(id).cloned().unwrap_or_default()
    }

    /// Changes what is kept, on disk before anything else.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub(super) fn change(&self, change: impl FnOnce(&mut Kept)) -> io::Result<()> {
        let mut kept = self.kept.lock();
        let mut changed = kept.clone();
        change(&mut changed);
        if let Some(folder) = &self.folder {
            let text = serde_json::to_vec_pretty(&changed).map_err(io::Error::other)?;
            write_whole(folder, FILE, &text)?;
        }
        *kept = changed;
        Ok(())
    }

    /// Changes what is kept of a licence.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub(super) fn change_licence(
        &self,
        id: &str,
        change: impl FnOnce(&mut KeptLicence),
    ) -> io::Result<()> {
        self.change(|kept| change(kept.licences.entry(id.to_owned()).or_default()))
    }

    /// The time of what was heard last.
    pub(super) fn heard_until(&self) -> Option<Timestamp> {
        self.heard.lock().last
    }

    /// Webhooks that the journal has.
    pub(super) fn hooks(&self) -> u64 {
        self.heard.lock().hooks
    }

    /// Notes that the journal has what was told until now.
    pub(super) fn heard(&self, now: Timestamp) {
        let mut heard = self.heard.lock();
        heard.hooks += 1;
        heard.last = heard.last.max(Some(now));
        if now < heard.written + STEP_MS {
            return;
        }
        heard.written = now;
        let Some(folder) = &self.folder else {
            return;
        };
        // A few bytes in place of a few: where that fails, more is read back.
        if let Err(error) = std::fs::write(folder.join(HEARD), now.to_string()) {
            tracing::warn!(%error, "how far the bot is, is not written down");
        }
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    use std::io::Read as _;

    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Writes a file that is there in whole or as it was, and that nobody else can read.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_kept_over_restarts_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(Some(folder.path().join("desk"))).unwrap();
        let first = open();
        let change = |licence: &mut KeptLicence| licence.refresh_token = Some("r1".to_owned());
        first.change_licence("org", change).unwrap();
        first.heard(5_000);
        let second = open();
        assert_eq!(second.licence("org").refresh_token.as_deref(), Some("r1"));
        assert_eq!(second.licence("other"), KeptLicence::default());
        assert_eq!(second.heard_until(), Some(5_000));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = folder.path().join("desk").join(FILE);
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!format!("{:?}", second.kept()).contains("r1"));
    }

    #[test]
    fn a_file_that_is_damaged_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{\"licences\":").unwrap();
        assert!(Store::open(Some(folder.path().to_owned())).is_err());
    }
}
