//! The audit: who changed what, and when. One line of JSON each in `audit.log`, appended, on disk
//! before what follows from it is told to anybody.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Serialize, Serializer};

/// The name of the file in the data folder.
pub const AUDIT_FILE: &str = "audit.log";
/// Bytes of one reason; a longer one is cut.
const MAX_REASON_BYTES: usize = 4 * 1024;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The host itself.
    Host,
    /// Whoever changed a file that the host follows.
    Files,
    /// Whoever sent the process this signal, `SIGTERM`.
    Signal(&'static str),
    /// A user of the system, through the control socket.
    User(u32),
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => out.write_str("host"),
            Self::Files => out.write_str("files"),
            Self::Signal(name) => out.write_str(name),
            Self::User(uid) => write!(out, "uid {uid}"),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What was done. Hashes are SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the keys of the line")]
pub enum What {
    /// The host began to serve.
    Start {
        version: String,
        pid: u32,
        settings: String,
    },
    /// The host stopped.
    Stop,
    /// Other settings are in force.
    SettingsChanged { before: String, after: String },
    /// Changed settings were not taken.
    SettingsRefused { reason: String },
    /// A plugin serves that did not.
    PluginAdded {
        tenant: String,
        plugin: String,
        version: String,
        artifact: String,
    },
    /// Another build of a plugin serves, or the same with other settings: then the hashes are equal.
    PluginSwapped {
        tenant: String,
        plugin: String,
        version: String,
        before: String,
        after: String,
    },
    /// A plugin, or a change of it, was refused. What served before goes on.
    PluginRefused {
        tenant: String,
        plugin: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        artifact: Option<String>,
        reason: String,
    },
    /// A plugin serves no more.
    PluginRemoved {
        tenant: String,
        plugin: String,
        artifact: String,
    },
    /// A bot, a plugin or a part of the outbox was paused.
    Paused { tenant: String, name: String },
    /// … and goes on.
    Resumed { tenant: String, name: String },
    /// Actions that waited were dropped.
    Dropped {
        tenant: String,
        name: String,
        parts: u64,
        in_doubt: u64,
    },
    /// Events or dead letters were handed out again.
    Replayed {
        tenant: String,
        plugin: String,
        events: u64,
    },
    /// What was kept of somebody was deleted.
    Forgotten { tenant: String, subject: String },
    /// A person sent a message as a bot.
    Sent {
        tenant: String,
        bot: String,
        conversation: String,
    },
    /// Settings were read again, and changes that waited in manual mode were let through: all, or
    /// those of one plugin.
    Released {
        #[serde(skip_serializing_if = "Option::is_none")]
        plugin: Option<String>,
    },
    /// Anything else.
    Other { name: String, detail: String },
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    who: &'a Who,
    #[serde(flatten)]
    what: &'a What,
}

/// The audit's file; clones write to the same one. The default writes nowhere: for hosts that keep
/// nothing, as `parlor chat`.
#[derive(Clone, Debug, Default)]
pub struct Audit(Option<Arc<Mutex<File>>>);

impl Audit {
    /// Opens the audit of a data folder, and makes it, readable by its owner only, where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // A link here would let somebody else choose the file that is written.
            options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
        }
        let mut file = options.open(folder.join(AUDIT_FILE))?;
        end_torn_line(&mut file)?;
        Ok(Self(Some(Arc::new(Mutex::new(file)))))
    }

    /// Writes a line and waits until it is on disk. A failure is logged as an error: it never undoes
    /// what was done.
    pub async fn record(&self, who: Who, what: What) {
        let audit = self.clone();
        let written = tokio::task::spawn_blocking(move || audit.record_now(&who, &what)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "audit line not written"),
            // The runtime ends, and with it the host.
            Err(error) => tracing::error!(%error, "audit line not written"),
        }
    }

    /// As [`Audit::record`], for threads that may block.
    ///
    /// # Errors
    /// What the system says.
    pub fn record_now(&self, who: &Who, what: &What) -> io::Result<()> {
        let Some(file) = &self.0 else {
            return Ok(());
        };
        let line = Line {
            at: jiff::Timestamp::now().to_string(),
            who,
            what,
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let mut file = file.lock();
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

/// Cuts a reason to what a line may hold.
pub fn short_reason(reason: &str) -> String {
    reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].to_owned()
}

/// A crash may have cut the last line: the next one must not be glued to it.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(folder: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(folder.join(AUDIT_FILE)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn lines_say_who_did_what_and_when_and_are_only_added() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path()).unwrap();
        let swap = What::PluginSwapped {
            tenant: "default".to_owned(),
            plugin: "joke".to_owned(),
            version: "1.1.0".to_owned(),
            before: "aa".to_owned(),
            after: "bb".to_owned(),
        };
        audit.record(Who::Files, swap).await;
        drop(audit);
        let audit = Audit::open(folder.path()).unwrap();
        audit.record(Who::User(1000), What::Stop).await;
        let lines = lines(folder.path());
        assert_eq!(lines.len(), 2);
        let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(first["who"], "files");
        assert_eq!(first["what"], "plugin-swapped");
        assert_eq!(
            (&first["before"], &first["after"]),
            (&"aa".into(), &"bb".into())
        );
        assert!(
            first["at"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .is_ok()
        );
        let second: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!(
            (&second["who"], &second["what"]),
            (&"uid 1000".into(), &"stop".into())
        );
    }

    #[test]
    fn a_line_that_a_crash_cut_stays_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(AUDIT_FILE), "{\"at\":\"20").unwrap();
        let audit = Audit::open(folder.path()).unwrap();
        audit.record_now(&Who::Host, &What::Stop).unwrap();
        let lines = lines(folder.path());
        assert_eq!(lines[0], "{\"at\":\"20");
        assert!(lines[1].contains("\"what\":\"stop\""));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_and_no_link_is_followed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Audit::open(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join(AUDIT_FILE)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        let target = folder.path().join("elsewhere");
        std::os::unix::fs::symlink(target, other.path().join(AUDIT_FILE)).unwrap();
        assert!(Audit::open(other.path()).is_err());
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let reason = "é".repeat(MAX_REASON_BYTES);
        assert_eq!(short_reason(&reason).len(), MAX_REASON_BYTES);
    }
}
