//! What a bot must know over restarts: its licences with their tokens, and the secret of its webhooks.
//!
//! The file is written whole, under another name, and can be read by its owner only. Two connectors of
//! one bot may be there for a moment, where its settings change: each reads the file before it changes
//! it, and one alone exchanges tokens at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Licences, tokens and secrets.
const FILE: &str = "licences.json";
/// Whoever has it locked exchanges tokens.
const EXCHANGE: &str = "exchange.lock";
/// How often it is looked whether the exchange is over, and how long.
const LOOK: Duration = Duration::from_millis(20);
const EXCHANGE_WAIT: Duration = Duration::from_secs(30);
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
    /// Where others were registered to come before, which may not be taken away yet; the newest last.
    pub(super) old_hook_urls: Vec<String>,
    /// What they showed before, and until when some still may.
    pub(super) old_hook_secret: Option<String>,
    pub(super) old_until: Timestamp,
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
    /// When somebody agreed last.
    pub(super) installed_at: Timestamp,
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
}

/// Nobody else exchanges tokens while it is there.
#[derive(Debug)]
pub(super) struct Exchange {
    _locked: Option<File>,
}

impl Store {
    /// Reads what the last run has left.
    ///
    /// # Errors
    /// When the file is there and cannot be read: the bot would be installed anew over it.
    pub(super) fn open(folder: Option<PathBuf>) -> io::Result<Self> {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
        }
        let store = Self {
            folder,
            kept: Mutex::default(),
        };
        store.reread()?;
        Ok(store)
    }

    /// Reads the file again: another connector of the bot may have written it.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(super) fn reread(&self) -> io::Result<()> {
        let mut kept = self.kept.lock();
        if let Some(read) = self.on_disk()? {
            *kept = read;
        }
        Ok(())
    }

    fn on_disk(&self) -> io::Result<Option<Kept>> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let Some(text) = read(&folder.join(FILE))? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(io::Error::other)
    }

    /// What is kept.
    pub(super) fn kept(&self) -> Kept {
        self.kept.lock().clone()
    }

    /// Looks at what is kept.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.kept.lock())
    }

    /// What is kept of a licence.
    pub(super) fn licence(&self, id: &str) -> KeptLicence {
        self.with(|kept| kept.licences.get(id).cloned().unwrap_or_default())
    }

    /// Changes what is kept, on disk before anything else.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub(super) fn change(&self, change: impl FnOnce(&mut Kept)) -> io::Result<()> {
        let mut kept = self.kept.lock();
        let mut changed = match self.on_disk()? {
            Some(read) => read,
            None => kept.clone(),
        };
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

    /// Waits until nobody else exchanges tokens, and reads what they have left.
    ///
    /// # Errors
    /// When the folder cannot be used, or another takes too long.
    pub(super) async fn exchange(&self) -> io::Result<Exchange> {
        let Some(folder) = &self.folder else {
            return Ok(Exchange { _locked: None });
        };
        let file = File::create(folder.join(EXCHANGE))?;
        let locked = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
        };
        let locked = tokio::time::timeout(EXCHANGE_WAIT, locked).await;
        locked.map_err(|_| io::Error::other("another exchange does not end"))??;
        self.reread()?;
        Ok(Exchange {
            _locked: Some(file),
        })
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    use std::io::Read as _;

    let file = match File::open(path) {
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
        let second = open();
        assert_eq!(second.licence("org").refresh_token.as_deref(), Some("r1"));
        assert_eq!(second.licence("other"), KeptLicence::default());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = folder.path().join("desk").join(FILE);
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!second.with(|kept| format!("{kept:?}")).contains("r1"));
    }

    #[test]
    fn a_file_that_is_damaged_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{\"licences\":").unwrap();
        assert!(Store::open(Some(folder.path().to_owned())).is_err());
    }

    #[tokio::test]
    async fn two_of_one_bot_write_nothing_old_over_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(Some(folder.path().to_owned())).unwrap();
        let (old, new) = (open(), open());
        let exchange = old.exchange().await.unwrap();
        let waiting = tokio::spawn(async move {
            let _exchange = new.exchange().await.unwrap();
            let token = new.licence("org").refresh_token;
            new.change_licence("org", |kept| kept.bot = Some("b".to_owned()))
                .unwrap();
            token
        });
        old.change_licence("org", |kept| kept.refresh_token = Some("r2".to_owned()))
            .unwrap();
        drop(exchange);
        assert_eq!(waiting.await.unwrap().as_deref(), Some("r2"));
        let kept = open().licence("org");
        assert_eq!(kept.refresh_token.as_deref(), Some("r2"));
        assert_eq!(kept.bot.as_deref(), Some("b"));
    }
}
