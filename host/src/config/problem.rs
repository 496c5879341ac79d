//! What is wrong with a settings file, and where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A mistake in a settings file: what was expected, what was found, and the line to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// The column, from 1; 0 where the whole file is meant.
    pub column: usize,
    /// What would be right; may be empty.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem of a whole file.
    pub fn whole_file(file: &Path, found: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            expected: String::new(),
            found: found.into(),
            hint: None,
        }
    }

    /// Says what would be right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file.display())?;
        if self.line > 0 {
            write!(out, ":{}", self.line)?;
        }
        write!(out, ": {}", self.found)?;
        if !self.expected.is_empty() {
            write!(out, "; expected {}", self.expected)?;
        }
        if let Some(hint) = &self.hint {
            write!(out, "; {hint}")?;
        }
        Ok(())
    }
}

/// The last column that is counted in characters, not in bytes.
const MAX_COLUMN: usize = 1_000;

/// A settings file's text, for turning offsets into lines.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Where each line begins: every key has a spot, and files may be large.
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(path: &Path, text: &str) -> Arc<Self> {
        Arc::new(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            lines: std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
        })
    }

    /// The folder that relative paths in the file start from.
    pub(super) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Tells how the key at an offset is written.
    pub(super) fn written_at(&self, offset: usize) -> Written {
        let (_, before) = self.line_before(offset);
        match before
            .trim_end_matches([' ', '\t', '"', '\''])
            .chars()
            .next_back()
        {
            None => Written::Alone,
            Some('.' | '[') if before.trim_start().starts_with('[') => Written::Header,
            Some('.') => Written::Dotted,
            Some(_) => Written::Inline,
        }
    }

    /// The number of the line at an offset, and what stands before the offset in it.
    fn line_before(&self, offset: usize) -> (usize, &str) {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied();
        let before = self.text.get(start.unwrap_or_default()..offset);
        (line, before.unwrap_or_default())
    }

    pub(super) fn spot(&self, offset: usize) -> Spot {
        let (line, before) = self.line_before(offset);
        Spot {
            file: self.path.clone(),
            line,
            column: match before.len() > MAX_COLUMN {
                // Nobody counts so far, and counting for each key of one long line has no end.
                true => before.len(),
                false => before.chars().count(),
            } + 1,
        }
    }
}

/// A place in a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// The column, from 1; 0 where the whole file is meant.
    pub column: usize,
}

impl Spot {
    /// Makes a problem of what stands here.
    pub fn problem(&self, found: impl Into<String>) -> Problem {
        Problem {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            expected: String::new(),
            found: found.into(),
            hint: None,
        }
    }
}

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// At the beginning of a line.
    Alone,
    /// Behind others, `grants.actions`.
    Dotted,
    /// In brackets at the head of a table, `[plugin.joke.grants]`.
    Header,
    /// In braces.
    Inline,
}

/// Where the keys of a file stand. Two of these are always equal: moving a line changes no setting.
#[derive(Clone, Debug, Default)]
pub struct Spots(std::collections::BTreeMap<String, (Spot, Written)>);

impl Spots {
    pub(super) fn put(&mut self, key: String, spot: Spot, written: Written) {
        self.0.insert(key, (spot, written));
    }

    /// Finds where and how a key is written, if it is.
    pub(super) fn get(&self, key: &str) -> Option<&(Spot, Written)> {
        self.0.get(key)
    }

    /// The spots of a table and of what is in it.
    pub(super) fn below(&self, table: &str) -> Self {
        let inside = format!("{table}.");
        let found = self.0.range(table.to_owned()..);
        let found = found.take_while(|(key, _)| key.starts_with(table));
        let own = found.filter(|(key, _)| *key == table || key.starts_with(&inside));
        Self(own.map(|(key, spot)| (key.clone(), spot.clone())).collect())
    }

    /// Finds where a key stands, `local.listen`; the nearest table above it where it is not set.
    pub fn find(&self, key: &str) -> Option<&Spot> {
        let mut key = key;
        loop {
            if let Some((spot, _)) = self.0.get(key) {
                return Some(spot);
            }
            key = key.rsplit_once('.')?.0;
        }
    }
}

impl PartialEq for Spots {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The nearest of some names to one that is not among them.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spots_below_a_table_are_its_own() {
        let spot = Source::new(Path::new("a.toml"), "").spot(0);
        let mut spots = Spots::default();
        for key in [
            "plugin",
            "plugin.a",
            "plugin.a-b.x",
            "plugin.a.x",
            "plugin.ab",
            "plugin.b",
        ] {
            spots.put(key.to_owned(), spot.clone(), Written::Alone);
        }
        let below: Vec<String> = spots.below("plugin.a").0.into_keys().collect();
        assert_eq!(below, ["plugin.a", "plugin.a.x"]);
    }

    #[test]
    fn nearest_name_allows_a_slip() {
        for (wrong, right) in [
            ("prot", Some("port")),
            ("lisen", Some("listen")),
            ("publicurl", Some("public-url")),
            ("colour", None),
        ] {
            assert_eq!(
                nearest(wrong, ["listen", "public-url", "port"]),
                right,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_key_is_written_in_four_ways() {
        let text =
            "grants.actions = 1\n  alone = 2\n[plugin.joke.head]\nat = { here = 3, \"there\" = 4 }";
        let source = Source::new(Path::new("a.toml"), text);
        for (key, wanted) in [
            ("grants", Written::Alone),
            ("actions", Written::Dotted),
            ("alone", Written::Alone),
            ("head", Written::Header),
            ("here", Written::Inline),
            ("there", Written::Inline),
        ] {
            let at = text.find(key).unwrap_or_default();
            assert_eq!(source.written_at(at), wanted, "{key}");
        }
    }

    #[test]
    fn spot_counts_lines_and_characters() {
        let source = Source::new(Path::new("a.toml"), "a = 1\nü = 2\n");
        let spot = source.spot(source.text.find('2').unwrap_or_default());
        assert_eq!((spot.line, spot.column), (2, 5));
        let past = source.spot(10_000);
        assert_eq!((past.line, past.column), (3, 1));
    }
}
