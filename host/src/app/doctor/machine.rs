//! What a host needs of its machine: folders, room on the disk and in the journal, open files, the page's
//! port.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::config::{Settings, bind, unreadable_plugins};
use crate::journal::sqlite::JOURNAL_FILE;
use crate::mailbox::doctor::Checks;

const MIB: u64 = 1024 * 1024;
/// Free room without which nothing works for long.
const LEAST_FREE: u64 = 256 * MIB;
/// The share of its largest size at which the journal is nearly full, in percent.
const NEARLY_FULL: u64 = 90;
/// Files and connections that a busy host has open.
const OPEN_FILES: u64 = 2_048;
/// What is written into the data folder, to see that it can be, and taken away.
const PROBE_FILE: &str = ".parlor-doctor";

/// Looks at the machine. What a running host holds is left alone.
pub(super) fn examine(settings: &Settings, is_served: bool, checks: &mut Checks) {
    check_plugins(settings, checks);
    check_data(&settings.data, checks);
    check_room(settings, checks);
    check_open_files(checks);
    if settings.local.enabled && !is_served {
        check_page(settings, checks);
    }
}

fn check_plugins(settings: &Settings, checks: &mut Checks) {
    const EXPECTED: &str = "a folder of plugins that can be read";

    let folder = &settings.plugins_folder;
    match std::fs::read_dir(folder) {
        Ok(_) => checks.ok("plugins folder", EXPECTED, folder.display().to_string()),
        Err(error) => {
            let problem = unreadable_plugins(settings, &error);
            let change = "`plugins`, the folder of *.wasm files";
            checks.wrong("plugins folder", EXPECTED, problem.found, change);
        }
    }
}

fn check_data(data: &Path, checks: &mut Checks) {
    const EXPECTED: &str = "a data folder that the host may write and others may not read";
    const MINE: &str = "`data`, or whose folder it is: the user whom the host runs as must own it";

    let metadata = match std::fs::metadata(data) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let found = format!("{} is not there yet", data.display());
            checks.note("data folder", EXPECTED, found, "nothing: the host makes it");
            return;
        }
        Err(error) => {
            let found = format!("{}: {error}", data.display());
            checks.wrong("data folder", EXPECTED, found, MINE);
            return;
        }
    };
    let probe = data.join(PROBE_FILE);
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        let found = format!("{} cannot be written: {error}", data.display());
        checks.wrong("data folder", EXPECTED, found, MINE);
        return;
    }
    let mode = metadata.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => checks.ok("data folder", EXPECTED, data.display().to_string()),
        _ => {
            let found = format!("{} has mode {mode:o}", data.display());
            let change = format!("chmod 700 {}", data.display());
            checks.note("data folder", EXPECTED, found, &change);
        }
    }
}

fn check_room(settings: &Settings, checks: &mut Checks) {
    let most = settings.journal.max_bytes;
    let has = journal_bytes(&settings.data);
    let expected = format!("a journal below {NEARLY_FULL} % of {} MiB", most / MIB);
    let found = format!("{} MiB", has / MIB);
    if has.saturating_mul(100) >= most.saturating_mul(NEARLY_FULL) {
        let change =
            "`max-size-mib` in [journal], or a shorter `keep`: a full journal takes no events";
        checks.wrong("journal", &expected, found, change);
    } else {
        checks.ok("journal", &expected, found);
    }
    let to_come = most.saturating_sub(has).max(LEAST_FREE);
    let expected = format!(
        "{} MiB free, as large as the journal may become",
        to_come / MIB
    );
    match free_bytes(&settings.data) {
        Err(error) => checks.skip("disk", &expected, error.to_string()),
        Ok(free) => {
            let found = format!("{} MiB are free", free / MIB);
            let change = "make room, or a smaller `max-size-mib` in [journal]: a full disk takes no \
                          events";
            match free {
                free if free < LEAST_FREE => checks.wrong("disk", &expected, found, change),
                free if free < to_come => checks.note("disk", &expected, found, change),
                _ => checks.ok("disk", &expected, found),
            }
        }
    }
}

/// Bytes of the journal with what is not in its file yet.
fn journal_bytes(data: &Path) -> u64 {
    let names = [JOURNAL_FILE.to_owned(), format!("{JOURNAL_FILE}-wal")];
    let files = names.iter().map(|name| std::fs::metadata(data.join(name)));
    files.filter_map(Result::ok).map(|it| it.len()).sum()
}

/// Bytes that are free for us where a folder is, or is to be.
fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let there = folder.ancestors().find(|folder| folder.is_dir());
    let there = there.unwrap_or(Path::new("/"));
    let path = CString::new(there.as_os_str().as_bytes())?;
    let mut room = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends with a zero, and the call writes the one structure that it is given.
    let answer = unsafe { libc::statvfs(path.as_ptr(), room.as_mut_ptr()) };
    if answer != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, and with that has written it.
    let room = unsafe { room.assume_init() };
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

fn check_open_files(checks: &mut Checks) {
    let expected = format!("{OPEN_FILES} files and connections may be open");
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the call writes the one structure that it is given.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if answer != 0 {
        checks.skip("open files", &expected, "the system does not say");
        return;
    }
    let found = format!("{} may, as this command is started", limit.rlim_cur);
    if limit.rlim_cur < OPEN_FILES {
        let change = "`LimitNOFILE=` of the service, or `ulimit -n` before the host";
        checks.note("open files", &expected, found, change);
    } else {
        checks.ok("open files", &expected, found);
    }
}

fn check_page(settings: &Settings, checks: &mut Checks) {
    let address = settings.local.listen;
    let expected = format!("the page may listen on {address}");
    match bind(settings, "local.listen", address) {
        Ok(_) => checks.ok("page", &expected, "it may"),
        Err(problem) => {
            let change = "`listen` in [local], or `enabled = false` there";
            checks.wrong("page", &expected, problem.found, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::doctor::{Check, Finding};

    fn looked_at(folder: &Path, text: &str) -> Vec<Check> {
        let text = format!("[local]\nlisten = \"127.0.0.1:0\"\n{text}");
        let path = folder.join("parlor.toml");
        let settings = Settings::parse(&path, &text, &|_| None).unwrap();
        let mut checks = Checks::default();
        examine(&settings, false, &mut checks);
        checks.into_all()
    }

    fn of<'a>(checks: &'a [Check], name: &str) -> &'a Check {
        checks.iter().find(|check| check.check == name).unwrap()
    }

    #[test]
    fn folders_are_named_that_are_missing_or_open_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let checks = looked_at(folder.path(), "");
        assert_eq!(of(&checks, "plugins folder").finding, Finding::Wrong);
        assert_eq!(of(&checks, "data folder").finding, Finding::Note);
        assert!(!folder.path().join("data").exists(), "nothing is made");

        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        let checks = looked_at(folder.path(), "");
        assert_eq!(of(&checks, "plugins folder").finding, Finding::Ok);
        let open = of(&checks, "data folder");
        assert_eq!(open.finding, Finding::Note);
        assert!(open.found.ends_with("has mode 755"), "{open:?}");

        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        let checks = looked_at(folder.path(), "");
        assert_eq!(of(&checks, "data folder").finding, Finding::Ok);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
    }

    #[test]
    fn a_journal_that_is_nearly_full_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let journal = std::fs::File::create(data.join(JOURNAL_FILE)).unwrap();
        for (mib, finding) in [(14, Finding::Ok), (15, Finding::Wrong)] {
            journal.set_len(mib * MIB).unwrap();
            let checks = looked_at(folder.path(), "[journal]\nmax-size-mib = 16\n");
            let found = of(&checks, "journal");
            assert_eq!(found.finding, finding, "{found:?}");
        }
    }

    #[test]
    fn a_port_of_the_page_that_is_in_use_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let path = folder.path().join("parlor.toml");
        let text = format!("[local]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
        let settings = Settings::parse(&path, &text, &|_| None).unwrap();
        let mut checks = Checks::default();
        check_page(&settings, &mut checks);
        let all = checks.into_all();
        assert_eq!(all[0].finding, Finding::Wrong);
        assert!(all[0].found.contains("is in use"), "{all:?}");
    }

    #[test]
    fn a_disk_has_room_or_says_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let there = free_bytes(folder.path()).unwrap();
        let to_be = free_bytes(&folder.path().join("a/b")).unwrap();
        assert!(there > 0 && to_be > 0);
    }
}
