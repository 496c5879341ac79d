//! Reads a TOML file key by key: what is not asked for is unknown, and every complaint has its line.

use std::fmt::Display;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Source, Spot, Spots, Written, nearest};
use super::secret::{Environment, Secret, is_reference, resolve};
use crate::net::Account;

/// Problems reported of one file; a file that has more is wrong enough.
const MAX_PROBLEMS: usize = 50;

const EXPECTED_SECRET: &str = "`${NAME}` for a variable of the environment, or `file:PATH`";

/// What is known while a file is read.
pub(super) struct Reader<'e> {
    pub(super) source: Arc<Source>,
    pub(super) environment: Environment<'e>,
    pub(super) problems: Vec<Problem>,
    pub(super) spots: Spots,
}

impl<'e> Reader<'e> {
    pub(super) fn new(source: Arc<Source>, environment: Environment<'e>) -> Self {
        Self {
            source,
            environment,
            problems: Vec::new(),
            spots: Spots::default(),
        }
    }

    pub(super) fn report(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Reports a syntax error.
    pub(super) fn report_syntax(&mut self, error: &toml::de::Error) {
        let offset = error.span().map_or(0, |span| span.start);
        let problem = self.source.spot(offset).problem(error.message().trim());
        self.report(problem);
    }
}

/// A table whose keys are asked for one by one.
pub(super) struct Table<'t> {
    /// `plugin.joke`; empty at the top of the file.
    pub(super) path: String,
    /// ` in [plugin.joke]`, for messages.
    place: String,
    pub(super) spot: Spot,
    entries: &'t DeTable<'t>,
    asked: Vec<&'static str>,
}

/// A value with its name.
#[derive(Clone)]
pub(super) struct Item<'t> {
    /// `plugin.joke.only`.
    pub(super) path: String,
    /// `` `only` in [plugin.joke] ``, for messages.
    pub(super) title: String,
    pub(super) name: String,
    pub(super) spot: Spot,
    value: &'t DeValue<'t>,
}

impl<'t> Table<'t> {
    pub(super) fn top(
        reader: &mut Reader<'_>,
        document: &'t Spanned<DeTable<'t>>,
        path: &str,
    ) -> Self {
        let spot = Spot {
            file: reader.source.path.clone(),
            line: 0,
            column: 0,
        };
        reader
            .spots
            .put(path.to_owned(), spot.clone(), Written::Alone);
        Self {
            path: path.to_owned(),
            place: String::new(),
            spot,
            entries: document.get_ref(),
            asked: Vec::new(),
        }
    }

    /// Asks for a key.
    pub(super) fn get(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Option<Item<'t>> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        let entries = self.entries;
        let (key, value) = entries
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == name)?;
        Some(self.item(reader, key.get_ref(), key.span().start, value))
    }

    /// Asks for a key that must be there.
    pub(super) fn require(
        &mut self,
        reader: &mut Reader<'_>,
        name: &'static str,
    ) -> Option<Item<'t>> {
        let item = self.get(reader, name);
        if item.is_none() {
            let problem = self
                .spot
                .problem(format!("`{name}` is missing{}", self.place));
            reader.report(problem);
        }
        item
    }

    /// All keys, where their names are free.
    pub(super) fn items(&self, reader: &mut Reader<'_>) -> Vec<Item<'t>> {
        let mut items: Vec<(usize, Item<'t>)> = self
            .entries
            .iter()
            .map(|(key, value)| {
                let start = key.span().start;
                (start, self.item(reader, key.get_ref(), start, value))
            })
            .collect();
        items.sort_by_key(|(start, _)| *start);
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for item in self.items(reader) {
            if self.asked.contains(&item.name.as_str()) {
                continue;
            }
            let mut problem = item
                .spot
                .problem(format!("unknown key `{}`{}", item.name, self.place))
                .expected(one_of(self.asked.iter().copied()));
            if let Some(name) = nearest(&item.name, self.asked.iter().copied()) {
                problem = problem.hint(format!("did you mean `{name}`?"));
            }
            reader.report(problem);
        }
    }

    fn item(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        start: usize,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Item<'t> {
        let spot = reader.source.spot(start);
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        let written = reader.source.written_at(start);
        reader.spots.put(path.clone(), spot.clone(), written);
        Item {
            path,
            title: format!("`{name}`{}", self.place),
            name: name.to_owned(),
            spot,
            value: value.get_ref(),
        }
    }
}

impl<'t> Item<'t> {
    /// Reports what was found here.
    pub(super) fn problem(&self, found: impl Display) -> Problem {
        self.spot.problem(format!("{} {found}", self.title))
    }

    pub(super) fn wrong(&self, reader: &mut Reader<'_>, expected: &str) {
        let problem = self
            .problem(format!("is {}", describe(self.value)))
            .expected(expected);
        reader.report(problem);
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// The value as it stands, for a plugin's own settings.
    pub(super) fn value(&self) -> &'t DeValue<'t> {
        self.value
    }

    pub(super) fn text(&self, reader: &mut Reader<'_>) -> Option<&'t str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong(reader, "text in quotes");
        }
        text
    }

    pub(super) fn flag(&self, reader: &mut Reader<'_>) -> Option<bool> {
        let flag = self.value.as_bool();
        if flag.is_none() {
            self.wrong(reader, "true or false");
        }
        flag
    }

    /// A whole number within its bounds.
    pub(super) fn integer(
        &self,
        reader: &mut Reader<'_>,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let number = integer(self.value)
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| range.contains(number));
        if number.is_none() {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            self.wrong(reader, &expected);
        }
        number
    }

    /// Text with a meaning: an address, a URL.
    pub(super) fn parse<T: FromStr>(&self, reader: &mut Reader<'_>, expected: &str) -> Option<T> {
        let parsed = self.text(reader)?.parse().ok();
        if parsed.is_none() {
            self.wrong(reader, expected);
        }
        parsed
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &self,
        reader: &mut Reader<'_>,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(reader)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names = choices.iter().map(|(name, _)| *name);
        let mut problem = self
            .problem(format!("is {}", describe(self.value)))
            .expected(one_of(names.clone()));
        if let Some(name) = nearest(text, names) {
            problem = problem.hint(format!("did you mean `{name}`?"));
        }
        reader.report(problem);
        None
    }

    /// A path; a relative one starts from the file's folder.
    pub(super) fn path(&self, reader: &mut Reader<'_>) -> Option<PathBuf> {
        let text = self.text(reader)?;
        if text.is_empty() {
            self.wrong(reader, "a path");
            return None;
        }
        Some(reader.source.folder().join(text))
    }

    /// A secret: `${NAME}` or `file:PATH`. One that is written out is refused, and never quoted.
    pub(super) fn secret(&self, reader: &mut Reader<'_>) -> Option<Secret> {
        let written = self.value.as_str();
        let Some(text) = written.filter(|text| is_reference(text)) else {
            let found = match written {
                Some(_) => "is written out",
                None => "is not text",
            };
            let problem = self.problem(found).expected(EXPECTED_SECRET);
            reader.report(problem);
            return None;
        };
        match resolve(text, reader.source.folder(), reader.environment) {
            Ok(secret) => Some(secret),
            Err(reason) => {
                let problem = self.problem(format!("cannot be read: {reason}"));
                reader.report(problem);
                None
            }
        }
    }

    /// A user name or a client's id: as it is, or a secret.
    pub(super) fn account(&self, reader: &mut Reader<'_>) -> Option<Account> {
        if self.value.as_str().is_some_and(is_reference) {
            return self.secret(reader).map(Account::Hidden);
        }
        self.text(reader).map(|text| Account::Open(text.to_owned()))
    }

    pub(super) fn table(&self, reader: &mut Reader<'_>) -> Option<Table<'t>> {
        let Some(entries) = self.value.as_table() else {
            self.wrong(reader, "a table");
            return None;
        };
        let place = if self.name.starts_with('#') {
            format!(" in {}", self.title)
        } else {
            format!(" in [{}]", self.path)
        };
        Some(Table {
            path: self.path.clone(),
            place,
            spot: self.spot.clone(),
            entries,
            asked: Vec::new(),
        })
    }

    /// The elements of a list of at most `most`.
    pub(super) fn list(&self, reader: &mut Reader<'_>, most: usize) -> Option<Vec<Item<'t>>> {
        let Some(list) = self.value.as_array() else {
            self.wrong(reader, "a list");
            return None;
        };
        if list.len() > most {
            let problem = self
                .problem(format!("has {} entries", list.len()))
                .expected(format!("at most {most}"));
            reader.report(problem);
            return None;
        }
        let items = list.iter().enumerate().map(|(index, value)| Item {
            path: format!("{}.{}", self.path, index + 1),
            title: format!("entry {} of {}", index + 1, self.title),
            name: format!("#{}", index + 1),
            spot: reader.source.spot(value.span().start),
            value: value.get_ref(),
        });
        Some(items.collect())
    }

    /// A list of texts.
    pub(super) fn texts(&self, reader: &mut Reader<'_>, most: usize) -> Option<Vec<String>> {
        let items = self.list(reader, most)?;
        let texts: Vec<String> = items
            .iter()
            .filter_map(|item| item.text(reader).map(str::to_owned))
            .collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// Reports `${…}` and `file:`, which a plugin could read.
    pub(super) fn report_references(&self, reader: &mut Reader<'_>, text: &str) -> bool {
        let found = is_reference(text);
        if found {
            let problem = self
                .problem("holds `${…}` or `file:`, and the plugin can read it")
                .hint("a secret goes into `bearer`, `basic`, `header` or `oauth2` of a `grants.http` entry");
            reader.report(problem);
        }
        found
    }
}

/// Reads a file that the settings name, up to so many bytes.
pub(super) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(format!("{} is larger than {most} bytes", path.display()));
    }
    Ok(bytes)
}

/// A whole number, whatever its radix.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// `one of a, b`; `a` alone where there is one.
pub(super) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => name.clone(),
        names => format!("one of {}", names.join(", ")),
    }
}

/// What a value is, for a person; long text is cut.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => {
            let short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            let dots = if short.len() < text.len() { "…" } else { "" };
            format!("\"{short}{dots}\"")
        }
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
