mod back;
mod bdk;
mod legacy;
mod reading;
mod secrets;

use std::path::Path;

use super::*;

/// An import on a machine that is made up: `/etc/bots` is the folder of the file, everything in
/// `/keys` is there, and so are three variables.
fn import(file: &str, text: &str) -> Result<Imported, Vec<Problem>> {
    let environment = |name: &str| {
        let value = match name {
            "HOST" => "acme.symphony.com",
            "FOLDER" => "/keys",
            "PASSWORD" => "never-shown",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let look = |path: &Path| {
        let text = path.to_string_lossy();
        if !text.starts_with("/keys/") {
            return FileKind::Missing;
        }
        match path.extension().and_then(|end| end.to_str()) {
            Some("jks") => FileKind::Jks,
            Some("p12") => FileKind::Der,
            Some("locked") => FileKind::LockedPem,
            _ => FileKind::Pem,
        }
    };
    let around = Surroundings {
        folder: Path::new("/etc/bots"),
        environment: &environment,
        look: &look,
    };
    import_symphony(Path::new(file), text, None, &around)
}

#[track_caller]
fn imported(file: &str, text: &str) -> Imported {
    match import(file, text) {
        Ok(imported) => {
            let parsed = imported.section.parse::<toml::Table>();
            assert!(parsed.is_ok(), "{parsed:?}\n{}", imported.section);
            imported
        }
        Err(problems) => panic!("{}", lines(&problems)),
    }
}

#[track_caller]
fn refused(file: &str, text: &str) -> String {
    match import(file, text) {
        Err(problems) => lines(&problems),
        Ok(imported) => panic!("not refused:\n{}", imported.section),
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What becomes of a key.
enum Becomes {
    /// This stands in the section, apart from its comments.
    Setting(&'static str),
    /// It is named as not carried over, with this among the reasons.
    Left(&'static str),
    /// It has to be done by hand, as this says, and this stands in the section.
    ByHand(&'static str, &'static str),
}

use Becomes::{ByHand, Left, Setting};

/// Checks a row of the table of keys: the note is about the key, and about no other.
#[track_caller]
fn check_row(file: &str, text: &str, key: &str, becomes: &Becomes) {
    let imported = imported(file, text);
    let settings: Vec<&str> = imported
        .section
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let settings = settings.join("\n");
    let said = |kind: NoteKind, part: &str| {
        let mut notes = imported.notes.iter();
        notes.any(|note| note.kind == kind && note.key == key && note.text.contains(part))
    };
    let shown = || format!("{key} in\n{text}\n{}", imported.section);
    match becomes {
        Setting(part) => assert!(settings.contains(part), "{part}: {}", shown()),
        Left(part) => assert!(said(NoteKind::LeftOut, part), "{}", shown()),
        ByHand(part, setting) => {
            assert!(said(NoteKind::ByHand, part), "{}", shown());
            assert!(settings.contains(setting), "{setting}: {}", shown());
        }
    }
    let unknown = imported
        .notes
        .iter()
        .find(|note| note.text.contains("know no such key"));
    assert!(unknown.is_none(), "{}", shown());
}

#[test]
fn a_file_that_is_neither_is_refused() {
    for (file, text, expected) in [
        (
            "a.json",
            "{}",
            "a.json: has none of the keys that name an account; expected a config.json",
        ),
        (
            "a.json",
            "[1]",
            "a.json:1: is no settings of a bot; expected a config.json with `podHost`",
        ),
        ("a.yaml", "just words", "a.yaml:1: is no settings of a bot"),
        ("a.yaml", "", "a.yaml: is empty"),
        ("a.yaml", "# nothing\n", "a.yaml: is empty"),
        (
            "a.json",
            "// {\n{ \"x\": }",
            "a.json:2: unexpected close brace; expected JSON; comments and missing commas",
        ),
        ("a.json", "{ \"a\": 1", "unterminated object"),
        ("a.yaml", "a: [1\nb: 2", "a.yaml:2:"),
    ] {
        let found = refused(file, text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn a_name_that_is_given_is_the_bots() {
    let text = "host: a.com\nbot: { username: x, privateKey: { path: k } }";
    let around = Surroundings {
        folder: Path::new("/"),
        environment: &|_| None,
        look: &|_| FileKind::Pem,
    };
    let imported = import_symphony(Path::new("c.yaml"), text, Some("desk"), &around);
    assert_eq!(
        imported.map(|imported| imported.bot).ok().as_deref(),
        Some("desk")
    );
}

#[test]
fn a_bot_is_called_as_its_account_where_that_is_a_name() {
    for (username, expected) in [
        ("desk-bot", "desk-bot"),
        ("Desk Bot (EU)", "Desk-Bot--EU"),
        ("bot@acme.com", "bot-acme.com"),
        ("...", "symphony"),
        ("äöü", "äöü"),
    ] {
        let text = format!(
            "host: a.com\nbot: {{ username: '{username}', privateKey: {{ path: /keys/k }} }}"
        );
        assert_eq!(imported("c.yaml", &text).bot, expected);
    }
}

#[test]
fn an_imported_file_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, expected) in [
        (&b"-----BEGIN PRIVATE KEY-----\n"[..], FileKind::Pem),
        (
            b"Bag Attributes\n-----BEGIN CERTIFICATE-----\n",
            FileKind::Pem,
        ),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
            FileKind::LockedPem,
        ),
        (
            b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
            FileKind::LockedPem,
        ),
        (b"\xfe\xed\xfe\xed\x00\x00", FileKind::Jks),
        (b"\x30\x82\x01\x02", FileKind::Der),
        (b"hello", FileKind::Other),
        (b"", FileKind::Other),
    ] {
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(look_at(&path), expected, "{bytes:?}");
    }
    assert_eq!(look_at(&folder.path().join("none")), FileKind::Missing);
}
