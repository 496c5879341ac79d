//! Looks through the folder and compares it with what was last reported. No threads, no clocks of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256};

use super::file::{Content, Stamp, is_cut_short, read_whole};
use super::{
    FolderChange, FolderWatch, MAX_FILES, MAX_WASM_BYTES, PluginFile, Sha256Bytes, refuses_name,
};
use crate::config::{MAX_PLUGIN_FILE_BYTES, MAX_SETTINGS_BYTES};

/// A file that nobody wrote for so long is read.
const QUIET: Duration = Duration::from_millis(50);
/// A wasm file that ends in the middle is given so much longer.
const CUT_SHORT_WAIT: Duration = Duration::from_secs(1);
/// A file gone for so long is removed: editors delete and create.
const GONE: Duration = Duration::from_secs(2);
/// Settings are given so long until their wasm comes: files are copied one by one.
const ORPHAN_WAIT: Duration = Duration::from_millis(500);
/// Clocks of file systems are this coarse: a file read so soon after it was written is read again.
const COARSE: Duration = Duration::from_secs(2);

/// The moment of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) wall: SystemTime,
}

/// What a scan leaves to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// When the next scan can find something without any new event.
    pub(super) next: Option<Duration>,
    /// Files still being written, or gone for a moment only.
    pub(super) unsettled: bool,
}

impl Pending {
    fn after(&mut self, wait: Duration) {
        self.next = Some(self.next.map_or(wait, |next| next.min(wait)));
    }

    fn unsettled_for(&mut self, wait: Duration) {
        self.unsettled = true;
        self.after(wait);
    }
}

/// What is known of a file.
struct Seen {
    stamp: Stamp,
    /// When this stamp was first seen.
    since: Instant,
    /// Its content's hash, or why it cannot be read.
    read: Option<Result<Sha256Bytes, String>>,
    /// When to read it again although its stamp is the same.
    recheck: Option<Instant>,
    gone_since: Option<Instant>,
}

/// What was last reported of a plugin.
#[derive(PartialEq)]
enum Reported {
    Build(Sha256Bytes, Option<Sha256Bytes>),
    Refused(String),
}

/// The folder as it was last seen.
pub(super) struct Scanner {
    watch: FolderWatch,
    files: BTreeMap<PathBuf, Seen>,
    reported: BTreeMap<String, Reported>,
    orphans: BTreeMap<String, Instant>,
    settings_hash: Option<Sha256Bytes>,
}

/// A file's state for the decision about its plugin.
enum Now {
    Absent,
    Unsettled,
    Read(Sha256Bytes),
    Unreadable(String),
}

impl Scanner {
    pub(super) fn new(watch: FolderWatch) -> Self {
        let mut scanner = Self {
            watch,
            files: BTreeMap::new(),
            reported: BTreeMap::new(),
            orphans: BTreeMap::new(),
            settings_hash: None,
        };
        // The settings were read before; only another text is a change.
        if let Some(path) = &scanner.watch.settings_file {
            scanner.settings_hash = std::fs::read(path).ok().map(|bytes| hash(&bytes));
        }
        scanner
    }

    /// Looks through the folder once. `emit` takes each change, and answers false to stop.
    pub(super) fn scan(
        &mut self,
        moment: Moment,
        requested: bool,
        emit: &mut dyn FnMut(FolderChange) -> bool,
    ) -> Pending {
        let mut pending = Pending::default();
        let present = match self.list() {
            Ok(present) => present,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => {
                // Plugins that cannot be seen for the moment are not gone.
                tracing::warn!(folder = %self.watch.folder.display(), %error, "cannot read plugin folder");
                return pending;
            }
        };
        let mut stems: BTreeSet<String> = self.reported.keys().cloned().collect();
        stems.extend(self.orphans.keys().cloned());
        for path in present.iter().chain(self.files.keys()) {
            if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
                stems.insert(stem.to_owned());
            }
        }
        for stem in stems {
            if !self.look_at(&stem, moment, requested, &mut pending, emit) {
                return pending;
            }
        }
        self.look_at_settings(moment, &mut pending, emit);
        pending
    }

    /// The wasm and settings files that are there.
    fn list(&self) -> io::Result<BTreeSet<PathBuf>> {
        let mut present = BTreeSet::new();
        for entry in std::fs::read_dir(&self.watch.folder)? {
            let path = entry?.path();
            let is_ours = path
                .extension()
                .is_some_and(|extension| extension == "wasm" || extension == "toml");
            let is_hidden = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_none_or(|name| name.starts_with('.'));
            if !is_ours || is_hidden || Some(&path) == self.watch.settings_file.as_ref() {
                continue;
            }
            if present.len() == MAX_FILES {
                tracing::warn!(folder = %self.watch.folder.display(), most = MAX_FILES, "plugin folder has too many files");
                break;
            }
            present.insert(path);
        }
        Ok(present)
    }

    fn look_at(
        &mut self,
        stem: &str,
        moment: Moment,
        requested: bool,
        pending: &mut Pending,
        emit: &mut dyn FnMut(FolderChange) -> bool,
    ) -> bool {
        let wasm_path = self.watch.folder.join(format!("{stem}.wasm"));
        let settings_path = self.watch.folder.join(format!("{stem}.toml"));
        let wasm = self.settle(&wasm_path, MAX_WASM_BYTES, moment, pending);
        let is_host_settings = Some(&settings_path) == self.watch.settings_file.as_ref();
        let settings = if is_host_settings {
            Now::Absent
        } else {
            self.settle(&settings_path, MAX_PLUGIN_FILE_BYTES, moment, pending)
        };
        match (wasm, settings) {
            (Now::Unsettled, _) | (_, Now::Unsettled) => true,
            (Now::Absent, Now::Absent) => {
                self.orphans.remove(stem);
                self.remove(stem, emit)
            }
            (Now::Absent, _) => {
                if matches!(self.reported.get(stem), Some(Reported::Build(..)))
                    && !self.remove(stem, emit)
                {
                    return false;
                }
                let since = *self.orphans.entry(stem.to_owned()).or_insert(moment.now);
                let waited = moment.now.saturating_duration_since(since);
                if waited < ORPHAN_WAIT && !requested {
                    pending.after(ORPHAN_WAIT - waited);
                    return true;
                }
                let reason = format!("{stem}.toml is there and {stem}.wasm is not");
                self.refuse(stem, reason, emit)
            }
            (Now::Unreadable(reason), _) | (_, Now::Unreadable(reason)) => {
                self.refuse(stem, reason, emit)
            }
            (Now::Read(wasm), settings) => {
                if let Some(reason) = refuses_name(stem) {
                    return self.refuse(stem, reason, emit);
                }
                self.orphans.remove(stem);
                let settings = match settings {
                    Now::Read(hash) => Some(hash),
                    _ => None,
                };
                let build = Reported::Build(wasm, settings);
                if self.reported.get(stem) == Some(&build) {
                    return true;
                }
                let settings_path = settings.is_some().then_some(settings_path);
                self.report(stem, build, &wasm_path, settings_path, pending, emit)
            }
        }
    }

    /// Reports a build, reading it again: no content is kept between scans.
    fn report(
        &mut self,
        stem: &str,
        build: Reported,
        wasm_path: &Path,
        settings_path: Option<PathBuf>,
        pending: &mut Pending,
        emit: &mut dyn FnMut(FolderChange) -> bool,
    ) -> bool {
        let Reported::Build(wasm_hash, settings_hash) = &build else {
            return true;
        };
        let wasm = self.read_again(wasm_path, wasm_hash);
        let settings = settings_path.map(|path| {
            let hash = settings_hash.as_ref()?;
            let bytes = self.read_again(&path, hash)?;
            Some((path, bytes))
        });
        let settings = match settings {
            None => None,
            Some(Some((path, bytes))) => Some(PluginFile {
                path,
                text: String::from_utf8_lossy(&bytes).into(),
            }),
            Some(None) => {
                pending.unsettled_for(QUIET);
                return true;
            }
        };
        let Some(wasm) = wasm else {
            pending.unsettled_for(QUIET);
            return true;
        };
        let change = FolderChange::Upsert {
            name: stem.to_owned(),
            wasm: wasm.into(),
            sha256: *wasm_hash,
            settings,
        };
        self.reported.insert(stem.to_owned(), build);
        emit(change)
    }

    fn remove(&mut self, stem: &str, emit: &mut dyn FnMut(FolderChange) -> bool) -> bool {
        if self.reported.remove(stem).is_none() {
            return true;
        }
        emit(FolderChange::Removed {
            name: stem.to_owned(),
        })
    }

    fn refuse(
        &mut self,
        stem: &str,
        reason: String,
        emit: &mut dyn FnMut(FolderChange) -> bool,
    ) -> bool {
        let refused = Reported::Refused(reason.clone());
        if self.reported.get(stem) == Some(&refused) {
            return true;
        }
        self.reported.insert(stem.to_owned(), refused);
        emit(FolderChange::Refused {
            name: stem.to_owned(),
            reason,
        })
    }

    fn look_at_settings(
        &mut self,
        moment: Moment,
        pending: &mut Pending,
        emit: &mut dyn FnMut(FolderChange) -> bool,
    ) {
        let Some(path) = self.watch.settings_file.clone() else {
            return;
        };
        // A file that is gone or unreadable leaves the settings in force; there is nothing to read.
        if let Now::Read(hash) = self.settle(&path, MAX_SETTINGS_BYTES, moment, pending)
            && self.settings_hash != Some(hash)
        {
            self.settings_hash = Some(hash);
            emit(FolderChange::SettingsChanged);
        }
    }

    /// Follows a file until it is quiet and read.
    fn settle(&mut self, path: &Path, most: u64, moment: Moment, pending: &mut Pending) -> Now {
        // Links are followed: deployments put versions beside each other and move a link.
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.miss(path, moment, pending);
            }
            Err(error) => return Now::Unreadable(unreadable(path, &error)),
        };
        if !metadata.is_file() {
            return Now::Unreadable(format!("{} is not a file", name_of(path)));
        }
        let stamp = Stamp::of(&metadata);
        let seen = self.files.entry(path.to_owned()).or_insert(Seen {
            stamp,
            since: moment.now,
            read: None,
            recheck: None,
            gone_since: None,
        });
        seen.gone_since = None;
        if seen.stamp != stamp {
            seen.stamp = stamp;
            seen.since = moment.now;
            seen.read = None;
        }
        if let Some(recheck) = seen.recheck {
            if recheck > moment.now {
                pending.after(recheck.saturating_duration_since(moment.now));
            } else {
                seen.recheck = None;
                seen.read = None;
            }
        }
        if seen.read.is_none() {
            let quiet = seen.quiet_for(moment);
            if quiet < QUIET {
                pending.unsettled_for(QUIET - quiet);
                return Now::Unsettled;
            }
            match seen.read(path, most, quiet) {
                Ok(read) => seen.read = Some(read),
                Err(wait) => {
                    pending.unsettled_for(wait);
                    return Now::Unsettled;
                }
            }
            if seen.recheck.is_none() && stamp.age(moment.wall).is_none_or(|age| age < COARSE) {
                seen.recheck = Some(moment.now + COARSE);
                pending.after(COARSE);
            }
        }
        match &seen.read {
            Some(Ok(hash)) => Now::Read(*hash),
            Some(Err(reason)) => Now::Unreadable(reason.clone()),
            None => Now::Unsettled,
        }
    }

    /// A file that is not there: gone for good only after a while, if it was ever there.
    fn miss(&mut self, path: &Path, moment: Moment, pending: &mut Pending) -> Now {
        let Some(seen) = self.files.get_mut(path) else {
            return Now::Absent;
        };
        let since = *seen.gone_since.get_or_insert(moment.now);
        let gone = moment.now.saturating_duration_since(since);
        if gone < GONE {
            pending.unsettled_for(GONE - gone);
            return Now::Unsettled;
        }
        self.files.remove(path);
        Now::Absent
    }

    fn read_again(&mut self, path: &Path, hash_before: &Sha256Bytes) -> Option<Vec<u8>> {
        let seen = self.files.get_mut(path)?;
        let bytes = match read_whole(path, &seen.stamp) {
            Ok(Content::Whole(bytes)) if hash(&bytes) == *hash_before => Some(bytes),
            _ => None,
        };
        if bytes.is_none() {
            seen.read = None;
        }
        bytes
    }
}

impl Seen {
    /// How long nobody wrote the file.
    fn quiet_for(&self, moment: Moment) -> Duration {
        let seen = moment.now.saturating_duration_since(self.since);
        // A file moved into the folder was written long before it was seen.
        self.stamp
            .age(moment.wall)
            .map_or(seen, |age| age.max(seen))
    }

    /// Reads the file; the error is how long to wait.
    fn read(
        &mut self,
        path: &Path,
        most: u64,
        quiet: Duration,
    ) -> Result<Result<Sha256Bytes, String>, Duration> {
        if self.stamp.size() > most {
            return Ok(Err(format!(
                "{} has {} bytes; at most {most} are allowed",
                name_of(path),
                self.stamp.size()
            )));
        }
        match read_whole(path, &self.stamp) {
            Ok(Content::Moving) => Err(QUIET),
            Ok(Content::Whole(bytes)) => {
                let is_wasm = path.extension().is_some_and(|it| it == "wasm");
                if is_wasm && quiet < CUT_SHORT_WAIT && is_cut_short(&bytes) {
                    return Err(CUT_SHORT_WAIT - quiet);
                }
                if !is_wasm && std::str::from_utf8(&bytes).is_err() {
                    return Ok(Err(format!("{} is not text in UTF-8", name_of(path))));
                }
                Ok(Ok(hash(&bytes)))
            }
            // It went between the two calls; the next scan sees to it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(QUIET),
            Err(error) => Ok(Err(unreadable(path, &error))),
        }
    }
}

fn hash(bytes: &[u8]) -> Sha256Bytes {
    Sha256::digest(bytes).into()
}

fn name_of(path: &Path) -> Arc<str> {
    path.file_name()
        .map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy())
        .into()
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read: {error}", name_of(path))
}
