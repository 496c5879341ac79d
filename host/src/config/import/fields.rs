//! Reads a table key by key: what nobody asked for is not carried over, and is named.

use super::super::problem::nearest;
use super::tree::{Entry, Node, Value};
use super::{Import, NoteKind};

/// A table whose keys are asked for one by one. Keys that are empty count as not there, as in the
/// clients themselves.
pub(super) struct Fields<'n> {
    /// `agent.proxy.`, before a key in messages.
    prefix: String,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
}

/// A key that says something.
pub(super) struct Field<'n> {
    /// `agent.proxy.host`.
    pub(super) key: String,
    pub(super) line: usize,
    node: &'n Node,
}

/// What a text with `${…}` comes to.
enum Filled {
    Plain,
    /// Of these variables, or of what stands in for them.
    From(Vec<String>),
    Unset(String),
}

impl<'n> Fields<'n> {
    pub(super) fn new(import: &mut Import<'_>, prefix: &str, entries: &'n [Entry]) -> Self {
        for (index, entry) in entries.iter().enumerate() {
            if entries[..index]
                .iter()
                .any(|before| before.name == entry.name)
            {
                let text = "is there twice; the last one counts";
                let key = format!("{prefix}{}", entry.name);
                import.note(NoteKind::Mended, entry.line, &key, text);
            }
        }
        Self {
            prefix: prefix.to_owned(),
            entries,
            asked: Vec::new(),
        }
    }

    /// Asks for a key.
    pub(super) fn get(&mut self, name: &'static str) -> Option<Field<'n>> {
        self.asked.push(name);
        let entry = self.entries.iter().rev().find(|entry| entry.name == name)?;
        let says_nothing = match &entry.value.value {
            Value::Null => true,
            Value::Text(text) => text.trim().is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Table(entries) => entries.is_empty(),
        };
        (!says_nothing).then(|| Field {
            key: format!("{}{name}", self.prefix),
            line: entry.line,
            node: &entry.value,
        })
    }

    /// Asks for a text.
    pub(super) fn text(&mut self, import: &mut Import<'_>, name: &'static str) -> Option<String> {
        self.get(name)?.text(import)
    }

    /// Asks for a table.
    pub(super) fn table(
        &mut self,
        import: &mut Import<'_>,
        name: &'static str,
    ) -> Option<Fields<'n>> {
        self.get(name)?.table(import)
    }

    /// Names keys that have nothing to become.
    pub(super) fn leave(&mut self, import: &mut Import<'_>, names: &[&'static str], why: &str) {
        for name in names {
            if let Some(field) = self.get(name) {
                import.note(NoteKind::LeftOut, field.line, &field.key, why);
            }
        }
    }

    /// Names the keys that nobody asked for.
    pub(super) fn finish(self, import: &mut Import<'_>) {
        for entry in self.entries {
            let name = entry.name.as_str();
            if self.asked.contains(&name) {
                continue;
            }
            let mut text = "the clients know no such key".to_owned();
            if let Some(near) = nearest(name, self.asked.iter().copied()) {
                text = format!("{text}; did you mean `{near}`?");
            }
            let key = format!("{}{name}", self.prefix);
            import.note(NoteKind::LeftOut, entry.line, &key, text);
        }
    }
}

impl<'n> Field<'n> {
    /// The text as it stands, for what may be a secret. Reports what is none.
    pub(super) fn raw(&self, import: &mut Import<'_>) -> Option<&'n str> {
        let Value::Text(text) = &self.node.value else {
            self.wrong(import, "a text");
            return None;
        };
        Some(text.trim())
    }

    /// The text, with its variables filled in where the client does that.
    pub(super) fn text(&self, import: &mut Import<'_>) -> Option<String> {
        let raw = self.raw(import)?;
        if !import.fills {
            return Some(raw.to_owned());
        }
        let mut filled = String::new();
        match fill(raw, import.around.environment, &mut filled) {
            Filled::Plain => {}
            Filled::From(names) => {
                let names = names.join("`, `");
                let text = format!(
                    "is filled in now, of `{names}`: parlor reads variables for secrets only"
                );
                import.note(NoteKind::Chosen, self.line, &self.key, text);
            }
            Filled::Unset(name) => {
                let found = format!("`{}`: the variable `{name}` is not set", self.key);
                let expected = format!("it to be set for this command, or `${{{name}:-default}}`");
                import.report(self.line, found, expected);
                return None;
            }
        }
        Some(filled)
    }

    /// A whole number of a port.
    pub(super) fn port(&self, import: &mut Import<'_>) -> Option<u16> {
        let port = self.text(import)?.parse().ok().filter(|port| *port > 0);
        if port.is_none() {
            self.wrong(import, "a port, from 1 to 65535");
        }
        port
    }

    /// Yes or no, in quotes or not.
    pub(super) fn flag(&self, import: &mut Import<'_>) -> Option<bool> {
        let flag = match self.text(import)?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        };
        if flag.is_none() {
            self.wrong(import, "true or false");
        }
        flag
    }

    /// One of some words, whatever their case.
    pub(super) fn choice<T: Copy>(
        &self,
        import: &mut Import<'_>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(import)?;
        let mut known = choices.iter();
        if let Some((_, found)) = known.find(|(name, _)| name.eq_ignore_ascii_case(&text)) {
            return Some(*found);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.wrong(import, &format!("one of {}", names.join(", ")));
        None
    }

    pub(super) fn table(&self, import: &mut Import<'_>) -> Option<Fields<'n>> {
        let Value::Table(entries) = &self.node.value else {
            self.wrong(import, "a table");
            return None;
        };
        Some(Fields::new(import, &format!("{}.", self.key), entries))
    }

    /// The tables of a list.
    pub(super) fn tables(&self, import: &mut Import<'_>) -> Option<Vec<Fields<'n>>> {
        let Value::List(items) = &self.node.value else {
            self.wrong(import, "a list");
            return None;
        };
        let fields = items.iter().enumerate().map(|(index, node)| {
            let field = Field {
                key: format!("{}[{index}]", self.key),
                line: node.line,
                node,
            };
            field.table(import)
        });
        fields.collect()
    }

    /// The keys and texts of a table whose names are free.
    pub(super) fn pairs(&self, import: &mut Import<'_>) -> Vec<Field<'n>> {
        let Value::Table(entries) = &self.node.value else {
            self.wrong(import, "a table");
            return Vec::new();
        };
        let fields = entries.iter().map(|entry| Field {
            key: format!("{}.{}", self.key, entry.name),
            line: entry.line,
            node: &entry.value,
        });
        fields.collect()
    }

    /// The last part of its key.
    pub(super) fn name(&self) -> &str {
        self.key
            .rsplit_once('.')
            .map_or(&self.key, |(_, name)| name)
    }

    /// Reports that something else was expected. What is there is never quoted: it may be a secret
    /// that stands in the wrong line.
    pub(super) fn wrong(&self, import: &mut Import<'_>, expected: &str) {
        let found = format!("`{}` is {}", self.key, self.node.kind());
        import.report(self.line, found, expected);
    }
}

/// Fills in `${NAME}` and `${NAME:-default}`; `$${NAME}` is no variable.
fn fill(text: &str, environment: super::Environment<'_>, filled: &mut String) -> Filled {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else {
            break;
        };
        rest = behind;
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(&format!("{before}${{{inside}}}"));
            continue;
        }
        filled.push_str(before);
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        match environment(name).or_else(|| default.map(str::to_owned)) {
            Some(value) => filled.push_str(&value),
            None => return Filled::Unset(name.to_owned()),
        }
        names.push(name.to_owned());
    }
    filled.push_str(rest);
    match names.is_empty() {
        true => Filled::Plain,
        false => Filled::From(names),
    }
}

/// The variable that is all of a text: `${NAME}`, or `${NAME:-default}` with whether it has one.
pub(super) fn only_variable(text: &str) -> Option<(&str, bool)> {
    let inside = text.strip_prefix("${")?.strip_suffix('}')?;
    if inside.contains(['{', '}']) {
        return None;
    }
    Some(match inside.split_once(":-") {
        Some((name, _)) => (name, true),
        None => (inside, false),
    })
}
