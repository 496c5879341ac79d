//! Settings of Symphony's own clients become a `[[bot]]` section: `config.json` of the old clients,
//! `config.yaml` or `config.json` of the BDKs. Pure but for what the surroundings are asked.
//!
//! Both shapes are read into one draft, and `section` writes it. A key is carried over or named with
//! the reason why it is not; a secret is never written anywhere, only where it is to be put.

mod bdk;
mod credentials;
mod draft;
mod fields;
mod files;
mod json;
mod legacy;
mod section;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use super::names::is_name;
use super::problem::{Problem, Spot};
use super::secret::Environment;
use fields::Fields;
pub use files::{FileKind, look_at};
use tree::Value;

/// Bytes of a file that is imported.
pub const MAX_IMPORT_BYTES: u64 = 1024 * 1024;
/// What a bot is called whose account has no usable name.
const FALLBACK_NAME: &str = "symphony";

/// What an import asks of the machine it runs on.
pub struct Surroundings<'a> {
    /// The folder of the imported file, from the root: relative paths in the file start there.
    pub folder: &'a Path,
    /// Variables.
    pub environment: Environment<'a>,
    /// What lies at a path.
    pub look: &'a dyn Fn(&Path) -> FileKind,
}

/// A `[[bot]]` section and what is to be said about it.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// The bot's name in it.
    pub bot: String,
    /// The section, with the notes as comments, ready to be put at the end of parlor.toml.
    pub section: String,
    /// What the section does not say by itself.
    pub notes: Vec<Note>,
}

/// Something to know about an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its kind.
    pub kind: NoteKind,
    /// The line in the imported file, from 1; 0 where no line is meant.
    pub line: usize,
    /// The key in the imported file; empty where none is meant.
    pub key: String,
    /// What there is to say.
    pub text: String,
    /// What to run.
    pub commands: Vec<String>,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Somebody has to do something before the section works.
    ByHand,
    /// The file left a choice, and this was chosen.
    Chosen,
    /// A key that has nothing to become.
    LeftOut,
    /// A mistake in the file that was read as it was meant.
    Mended,
}

impl NoteKind {
    /// Its name before a note.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByHand => "by hand",
            Self::Chosen => "chosen",
            Self::LeftOut => "not carried over",
            Self::Mended => "mended",
        }
    }
}

impl Note {
    /// The note in one line, without its commands: ``line 24: `proxyPort`: …``.
    pub fn line_of_text(&self) -> String {
        let mut text = String::new();
        if self.line > 0 {
            text.push_str(&format!("line {}: ", self.line));
        }
        if !self.key.is_empty() {
            text.push_str(&format!("`{}`: ", self.key));
        }
        text.push_str(&self.text);
        text
    }
}

/// Turns a file into a section. `name` is the bot's; else it is made of the account's.
///
/// # Errors
/// What keeps the file from becoming a section, each with its line.
pub fn import_symphony(
    path: &Path,
    text: &str,
    name: Option<&str>,
    around: &Surroundings<'_>,
) -> Result<Imported, Vec<Problem>> {
    let mut import = Import {
        path,
        around,
        name,
        fills: false,
        notes: Vec::new(),
        problems: Vec::new(),
    };
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = if begins_as_json(plain) {
        json::read_json(path, plain, &mut import.notes)
    } else {
        yaml::read_yaml(path, plain)
    };
    let tree = parsed.map_err(|problem| vec![problem])?;
    let Value::Table(entries) = &tree.value else {
        let problem = import.spot(tree.line).problem("is no settings of a bot");
        return Err(vec![problem.expected(EXPECTED_FILE)]);
    };
    let has = |names: &[&str]| {
        let mut entries = entries.iter();
        entries.any(|entry| names.contains(&entry.name.as_str()))
    };
    let is_bdk = has(&bdk::MARKS);
    if !is_bdk && !has(&legacy::MARKS) {
        let problem = Problem::whole_file(path, "has none of the keys that name an account");
        return Err(vec![problem.expected(EXPECTED_FILE)]);
    }
    let fields = Fields::new(&mut import, "", entries);
    let draft = if is_bdk {
        import.fills = true;
        bdk::read_bdk(&mut import, fields)
    } else {
        legacy::read_legacy(&mut import, fields)
    };
    import.problems.sort_by_key(|problem| problem.line);
    match draft {
        Some(draft) if import.problems.is_empty() => {
            let mut notes = import.notes;
            notes.sort_by_key(|note| (note.kind, note.line));
            Ok(Imported {
                section: section::write(&draft, path, &notes),
                bot: draft.name,
                notes,
            })
        }
        _ => Err(import.problems),
    }
}

const EXPECTED_FILE: &str =
    "a config.json with `podHost` and `botUsername`, or a BDK's config.yaml with `bot`";

/// Tells JSON from YAML as the clients' own loaders do, who try JSON first.
fn begins_as_json(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("//") {
            rest.find('\n').map(|at| at + 1)
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|at| at + 2)
        } else {
            return rest.starts_with(['{', '[']);
        };
        rest = rest[end.unwrap_or(rest.len())..].trim_start();
    }
}

/// What is known while a file is imported.
struct Import<'a> {
    path: &'a Path,
    around: &'a Surroundings<'a>,
    name: Option<&'a str>,
    /// `${NAME}` in the file's texts stands for a variable, as in the BDKs.
    fills: bool,
    notes: Vec<Note>,
    problems: Vec<Problem>,
}

impl Import<'_> {
    fn note(&mut self, kind: NoteKind, line: usize, key: &str, text: impl Into<String>) {
        self.notes.push(Note {
            kind,
            line,
            key: key.to_owned(),
            text: text.into(),
            commands: Vec::new(),
        });
    }

    fn report(&mut self, line: usize, found: impl Into<String>, expected: impl Into<String>) {
        let problem = self.spot(line).problem(found).expected(expected);
        self.problems.push(problem);
    }

    fn spot(&self, line: usize) -> Spot {
        Spot {
            file: self.path.to_owned(),
            line,
            column: 0,
        }
    }

    /// The bot's name: what was asked for, else what the account's name allows.
    fn bot_name(&self, username: &str) -> String {
        if let Some(name) = self.name {
            return name.to_owned();
        }
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name: String = username
            .chars()
            .map(|c| if allowed(c) { c } else { '-' })
            .collect();
        let name = name.trim_matches(['-', '.']);
        match is_name(name) {
            true => name.to_owned(),
            false => FALLBACK_NAME.to_owned(),
        }
    }
}
