//! Where the files are that an imported file names, and what has to be done to them first.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{Import, Note, NoteKind};

/// Bytes of a file that are looked at: more than an encrypted key in PEM has.
const LOOKED_AT: u64 = 64 * 1024;

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Nothing that can be read.
    Missing,
    /// PEM.
    Pem,
    /// PEM with a key under a password.
    LockedPem,
    /// A Java key store.
    Jks,
    /// DER: PKCS#12, or a key or certificate by itself.
    Der,
    /// Something else.
    Other,
}

/// Looks at a file.
pub fn look_at(path: &Path) -> FileKind {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut bytes));
    if read.is_err() {
        return FileKind::Missing;
    }
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    match bytes.as_slice() {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => FileKind::Jks,
        [0x30, ..] => FileKind::Der,
        _ if has(b"-----BEGIN ENCRYPTED") || has(b"Proc-Type: 4,ENCRYPTED") => FileKind::LockedPem,
        _ if has(b"-----BEGIN") => FileKind::Pem,
        _ => FileKind::Other,
    }
}

/// A file that the imported one names.
pub(super) struct Located {
    pub(super) path: PathBuf,
    kind: FileKind,
    key: String,
    line: usize,
}

impl Import<'_> {
    /// Finds a file: the first of some paths where there is something, else the first.
    pub(super) fn locate(&mut self, key: &str, line: usize, paths: &[String]) -> Located {
        let full: Vec<PathBuf> = paths.iter().map(|path| self.whole_path(path)).collect();
        let found = full.iter().map(|path| (self.around.look)(path));
        let found: Vec<FileKind> = found.collect();
        let there = found.iter().position(|kind| *kind != FileKind::Missing);
        let index = there.unwrap_or_default();
        let path = full[index].clone();
        let mut kind = found[index];
        if there.is_none() {
            let mut text = format!("there is no file {}", path.display());
            if Path::new(&paths[index]).is_relative() {
                text.push_str(
                    "; a relative path is taken from the folder of the imported file, the old \
                     client took it from the folder it was started in",
                );
            }
            self.note(NoteKind::ByHand, line, key, text);
            if path
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("jks"))
            {
                kind = FileKind::Jks;
            }
        }
        Located {
            path,
            kind,
            key: key.to_owned(),
            line,
        }
    }

    /// A path from the root, without the steps that go nowhere.
    pub(super) fn whole_path(&self, path: &str) -> PathBuf {
        self.around.folder.join(path).components().collect()
    }

    /// The path of a private key that the host can read.
    pub(super) fn key_file(&mut self, file: &Located) -> PathBuf {
        match file.kind {
            FileKind::LockedPem | FileKind::Der => {
                let made = beside(&file.path, "-plain.pem");
                let why = "the key must be PEM without a password";
                self.convert(file, why, vec![plain_key(&file.path, &made)]);
                made
            }
            FileKind::Jks => {
                let store = beside(&file.path, ".p12");
                let made = beside(&file.path, "-plain.pem");
                let why = "the key must be PEM, not a Java key store";
                let commands = vec![
                    to_pkcs12(&file.path, &store),
                    format!(
                        "openssl pkcs12 -in {} -nocerts -nodes -out {}",
                        shell(&store),
                        shell(&made)
                    ),
                ];
                self.convert(file, why, commands);
                made
            }
            FileKind::Missing | FileKind::Pem | FileKind::Other => file.path.clone(),
        }
    }

    /// The path of a certificate with its key that the host can read.
    pub(super) fn certificate_file(&mut self, file: &Located) -> PathBuf {
        match file.kind {
            FileKind::LockedPem => {
                let made = beside(&file.path, "-plain.pem");
                let commands = vec![
                    plain_key(&file.path, &made),
                    format!("openssl x509 -in {} >> {}", shell(&file.path), shell(&made)),
                ];
                let why = "in PEM the key must be without a password; in PKCS#12 it may have one";
                self.convert(file, why, commands);
                made
            }
            FileKind::Jks => {
                let made = beside(&file.path, ".p12");
                let why = "a Java key store is not read, PKCS#12 is";
                self.convert(file, why, vec![to_pkcs12(&file.path, &made)]);
                made
            }
            _ => file.path.clone(),
        }
    }

    /// The path of certificates of authorities that the host can read.
    pub(super) fn authorities_file(&mut self, file: &Located) -> PathBuf {
        let made = beside(&file.path, ".pem");
        let to_pem = |store: &Path| {
            format!(
                "openssl pkcs12 -in {} -nokeys -out {}",
                shell(store),
                shell(&made)
            )
        };
        match file.kind {
            FileKind::Jks => {
                let store = beside(&file.path, ".p12");
                let commands = vec![to_pkcs12(&file.path, &store), to_pem(&store)];
                let why = "`ca-files` are PEM; a Java key store is not read. `keytool` and \
                           `openssl` ask for its password";
                self.convert(file, why, commands);
                made
            }
            FileKind::Der => {
                let why = "`ca-files` are PEM; PKCS#12 is not read here";
                self.convert(file, why, vec![to_pem(&file.path)]);
                made
            }
            _ => file.path.clone(),
        }
    }

    fn convert(&mut self, file: &Located, why: &str, commands: Vec<String>) {
        self.notes.push(Note {
            kind: NoteKind::ByHand,
            line: file.line,
            key: file.key.clone(),
            text: format!("{why}. Convert it before the section is used:"),
            commands,
        });
    }
}

fn plain_key(from: &Path, to: &Path) -> String {
    format!("openssl pkey -in {} -out {}", shell(from), shell(to))
}

fn to_pkcs12(from: &Path, to: &Path) -> String {
    format!(
        "keytool -importkeystore -srckeystore {} -destkeystore {} -deststoretype pkcs12",
        shell(from),
        shell(to)
    )
}

/// `bot.jks` with another end: `bot.p12`, `bot-plain.pem`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// A path as one word of a shell's line.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
