//! Which test shows what a platform's document says: tables in `tests/coverage`, one page made of
//! them, `tests/COVERAGE.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use crate::contract::test_functions;
use crate::tidy::RepoFile;

/// A line of a document with its tests.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What the document says.
    pub says: String,
    /// The tests that show it: a name, or `path::name` where several tests have it.
    pub tests: Vec<String>,
}

/// The table of one platform, in the order of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The platform.
    pub title: String,
    /// Sections with their rows, each with its id.
    pub sections: Vec<(String, Vec<(String, Row)>)>,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// What does not parse, with the line.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let whole: BTreeMap<String, toml::Spanned<toml::Value>> = toml::from_str(text)?;
        let mut title = None;
        let mut sections = Vec::new();
        for (name, value) in whole {
            let at = value.span().start;
            match value.into_inner() {
                toml::Value::String(text) if name == "title" => title = Some(text),
                toml::Value::Table(rows) => {
                    let mut section = Vec::new();
                    for (id, row) in rows {
                        let row: Row = row
                            .try_into()
                            .map_err(|error| anyhow::anyhow!("row {id} of [{name}]: {error}"))?;
                        section.push((id, row));
                    }
                    // Rows stand in the file's order, which is that of the document.
                    let below = text.get(at..).unwrap_or_default();
                    let position = |id: &str| below.find(&format!("\n\"{id}\" ="));
                    section.sort_by_key(|(id, _)| position(id));
                    sections.push((at, name, section));
                }
                _ => anyhow::bail!("`{name}` is neither the title nor a section"),
            }
        }
        sections.sort_by_key(|(at, ..)| *at);
        Ok(Self {
            title: title.ok_or_else(|| anyhow::anyhow!("there is no title"))?,
            sections: sections
                .into_iter()
                .map(|(_, name, rows)| (name, rows))
                .collect(),
        })
    }

    /// The rows of a section.
    pub fn section(&self, name: &str) -> &[(String, Row)] {
        let found = self.sections.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, rows)| rows)
    }
}

/// Where each test of the repository stands.
#[derive(Clone, Debug, Default)]
pub struct Tests(BTreeMap<String, Vec<String>>);

impl Tests {
    /// Finds the tests in the sources of a tree.
    pub fn of(files: &[RepoFile]) -> Self {
        let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in files {
            let is_source = Path::new(&file.path)
                .extension()
                .is_some_and(|end| end == "rs");
            if is_source {
                for name in test_functions(&file.text) {
                    tests.entry(name).or_default().push(file.path.clone());
                }
            }
        }
        Self(tests)
    }

    /// The file and the name of a test; a complaint where there is none, or more than one.
    ///
    /// # Errors
    /// The complaint.
    pub fn find(&self, named: &str) -> Result<(String, String), String> {
        let (path, name) = match named.rsplit_once("::") {
            Some((path, name)) => (Some(path), name),
            None => (None, named),
        };
        let found = self.0.get(name).map_or(&[][..], Vec::as_slice);
        let fits = |found: &&String| path.is_none_or(|path| path == found.as_str());
        let found: Vec<&String> = found.iter().filter(fits).collect();
        match found.as_slice() {
            [file] => Ok(((*file).clone(), name.to_owned())),
            [] => Err(format!("there is no test `{named}`")),
            files => {
                let files: Vec<String> =
                    files.iter().map(|file| format!("{file}::{name}")).collect();
                Err(format!("`{named}` is several tests: {}", files.join(", ")))
            }
        }
    }
}

/// What is wrong with a table, and the page that it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows without a test, and tests that are not there.
    pub complaints: Vec<String>,
    /// The page.
    pub page: String,
}

/// Looks for the tests of every row and writes the page.
pub fn check(tables: &[Table], tests: &Tests) -> Checked {
    let mut checked = Checked {
        complaints: Vec::new(),
        page: PREFACE.to_owned(),
    };
    for table in tables {
        for (section, rows) in &table.sections {
            let title = section.replace('-', ", ");
            // Writing into a string has no end that is wrong.
            let _ = write!(
                checked.page,
                "\n## {}: {title}\n\n| | What holds | Shown by |\n|---|---|---|\n",
                table.title
            );
            for (id, row) in rows {
                let mut shown = Vec::new();
                if row.tests.is_empty() {
                    checked
                        .complaints
                        .push(format!("[{section}] {id}: no test shows it: {}", row.says));
                }
                for test in &row.tests {
                    match tests.find(test) {
                        Ok((file, name)) => shown.push(format!("`{file}` `{name}`")),
                        Err(why) => checked.complaints.push(format!("[{section}] {id}: {why}")),
                    }
                }
                let says = row.says.replace('|', "\\|");
                let _ = writeln!(checked.page, "| {id} | {says} | {} |", shown.join("<br>"));
            }
        }
    }
    checked
}

const PREFACE: &str = "# Which test shows what\n\n\
    Made by `cargo test -p parlor-tests --test coverage` of the tables in [coverage](coverage); with \
    `INSTA_UPDATE=always` it is written anew. A row without a test, and a test that is not there, fail.\n";
