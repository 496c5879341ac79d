//! Writes a draft as a `[[bot]]` section, with the notes as comments behind it.

use std::path::Path;

use toml_edit::{Array, InlineTable, Value};

use super::credentials::Credential;
use super::draft::{Draft, Ports, Proxy, Server};
use super::{Note, NoteKind};
use crate::telemetry::strip_control;

/// Columns of a comment.
const WIDTH: usize = 100;

/// Writes the section; each line of it ends with a line break.
pub(super) fn write(draft: &Draft, source: &Path, notes: &[Note]) -> String {
    let mut section = Section(String::new());
    let name = source
        .file_name()
        .unwrap_or(source.as_os_str())
        .to_string_lossy();
    section.comment(
        &format!("Made of {name} by `parlor import symphony`."),
        "# ",
        "# ",
    );
    section.0.push_str("[[bot]]\n");
    section.put("name", draft.name.as_str());
    section.put("platform", "symphony");
    section.put("host", draft.common.address.written(Ports::Unusual));
    section.put("username", draft.username.as_str());
    for (key, value) in credential(&draft.credential) {
        section.put(key, value);
    }
    let own = |server: &Server, ports: Ports| endpoint(server, &draft.common, ports);
    if let Some(pod) = own(&draft.pod, Ports::Unusual) {
        section.put("pod", pod);
    }
    match draft.agents.as_slice() {
        [agent] => {
            if let Some(agent) = own(agent, Ports::Unusual) {
                section.put("agent", agent);
            }
        }
        agents => {
            let mut agents: Array = agents
                .iter()
                .map(|agent| {
                    let address = || agent.address.written(Ports::Unusual).into();
                    own(agent, Ports::Unusual).unwrap_or_else(address)
                })
                .collect();
            if agents.iter().any(Value::is_inline_table) {
                // Tables are long: each has a line of its own.
                for agent in agents.iter_mut() {
                    agent.decor_mut().set_prefix("\n    ");
                }
                agents.set_trailing_comma(true);
                agents.set_trailing("\n");
            }
            section.put("agents", agents);
        }
    }
    if let Some(balancing) = draft.balancing {
        section.put("balancing", balancing);
    }
    // Where certificates are shown is another port by itself, so that each is written out.
    let shows_certificate =
        Credential::any_certificate(Some(&draft.credential), draft.app.as_ref());
    let ports = match shows_certificate {
        true => Ports::All,
        false => Ports::Unusual,
    };
    if let Some(server) = own(&draft.key_manager, ports) {
        section.put("key-manager", server);
    }
    if shows_certificate && let Some(server) = own(&draft.session_auth, ports) {
        section.put("session-auth", server);
    }
    if let Some(proxy) = &draft.common.proxy {
        section.put("proxy", write_proxy(proxy));
    }
    if !draft.common.headers.is_empty() {
        section.put("headers", headers(&draft.common.headers));
    }
    if !draft.ca_files.is_empty() {
        section.put("ca-files", draft.ca_files.iter().collect::<Array>());
    }
    if let Some((id, shown)) = &draft.app {
        let mut app = InlineTable::new();
        app.insert("id", id.as_str().into());
        for (key, value) in credential(shown) {
            app.insert(key, value.into());
        }
        section.put("app", app);
    }
    let mut feed = InlineTable::new();
    let version = draft.feed.version.map(Value::from);
    let tag = draft.feed.tag.as_deref().map(Value::from);
    let reuse = draft.feed.reuse.map(Value::from);
    let id_file = draft.feed.id_file.as_deref().map(Value::from);
    for (key, value) in [
        ("version", version),
        ("tag", tag),
        ("reuse", reuse),
        ("id-file", id_file),
    ] {
        if let Some(value) = value {
            feed.insert(key, value);
        }
    }
    if !feed.is_empty() {
        section.put("datafeed", feed);
    }
    if draft.common_jwt {
        section.put("common-jwt", true);
    }
    section.notes(notes);
    section.0
}

fn credential(credential: &Credential) -> Vec<(&'static str, &str)> {
    match credential {
        Credential::Key(key) => vec![("private-key", key)],
        Credential::Certificate { file, password } => {
            let password = password
                .as_deref()
                .map(|text| ("certificate-password", text));
            let file = ("certificate", file.as_str());
            std::iter::once(file).chain(password).collect()
        }
    }
}

/// What an endpoint says of itself; nothing where it is as the bot's own keys say.
fn endpoint(server: &Server, common: &Server, ports: Ports) -> Option<Value> {
    let proxy = server.proxy.as_ref();
    let proxy = proxy.filter(|proxy| common.proxy.as_ref() != Some(*proxy));
    let is_common = server.address == common.address && ports == Ports::Unusual;
    let address = server.address.written(ports);
    if proxy.is_none() && server.headers.is_empty() {
        return (!is_common).then(|| address.into());
    }
    let mut table = InlineTable::new();
    table.insert("host", address.into());
    if let Some(proxy) = proxy {
        table.insert("proxy", write_proxy(proxy));
    }
    if !server.headers.is_empty() {
        table.insert("headers", headers(&server.headers));
    }
    Some(table.into())
}

fn write_proxy(proxy: &Proxy) -> Value {
    let Some((username, password)) = &proxy.login else {
        return proxy.url.as_str().into();
    };
    let mut table = InlineTable::new();
    table.insert("url", proxy.url.as_str().into());
    table.insert("username", username.as_str().into());
    table.insert("password", password.as_str().into());
    table.into()
}

fn headers(headers: &[(String, String)]) -> Value {
    let mut table = InlineTable::new();
    for (name, value) in headers {
        table.insert(name, value.as_str().into());
    }
    table.into()
}

struct Section(String);

impl Section {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        self.0.push_str(&format!("{key} = {value}\n"));
    }

    fn notes(&mut self, notes: &[Note]) {
        for (kind, title) in [
            (NoteKind::ByHand, "To be done by hand:"),
            (NoteKind::Chosen, "Chosen where there was a choice:"),
            (NoteKind::LeftOut, "Not carried over:"),
            (NoteKind::Mended, "Mended:"),
        ] {
            let mut notes = notes.iter().filter(|note| note.kind == kind).peekable();
            if notes.peek().is_none() {
                continue;
            }
            self.0.push_str("#\n");
            self.comment(title, "# ", "# ");
            for group in grouped(notes) {
                self.comment(&group.text, "# - ", "#   ");
                for command in group.commands {
                    // A command stays in one line, or it is another one.
                    let command = strip_control(command, false);
                    self.0.push_str(&format!("#     {command}\n"));
                }
            }
        }
    }

    /// Writes words in lines of [`WIDTH`] columns. Nothing in a file's name or key ends the comment.
    fn comment(&mut self, text: &str, first: &str, next: &str) {
        let text = strip_control(text, false);
        let mut line = first.to_owned();
        let mut is_begun = false;
        for word in text.split_whitespace() {
            if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.0.push_str(&line);
                self.0.push('\n');
                next.clone_into(&mut line);
                is_begun = false;
            }
            if is_begun {
                line.push(' ');
            }
            line.push_str(word);
            is_begun = true;
        }
        self.0.push_str(&line);
        self.0.push('\n');
    }
}

/// Notes that say the same of several keys.
struct Group<'n> {
    text: String,
    commands: &'n [String],
}

fn grouped<'n>(notes: impl Iterator<Item = &'n Note>) -> Vec<Group<'n>> {
    let mut groups: Vec<(&Note, Vec<&Note>)> = Vec::new();
    for note in notes {
        let is_same = |first: &Note| first.text == note.text && first.commands.is_empty();
        match groups.iter_mut().find(|(first, _)| is_same(first)) {
            Some((_, others)) if note.commands.is_empty() => others.push(note),
            _ => groups.push((note, Vec::new())),
        }
    }
    let groups = groups.into_iter().map(|(first, others)| {
        let text = match others.as_slice() {
            [] => first.line_of_text(),
            others => {
                let all = std::iter::once(first).chain(others.iter().copied());
                let places: Vec<String> = all.map(place).collect();
                format!("{}: {}", places.join(", "), first.text)
            }
        };
        Group {
            text,
            commands: &first.commands,
        }
    });
    groups.collect()
}

fn place(note: &Note) -> String {
    match note.line {
        0 => format!("`{}`", note.key),
        line => format!("`{}` (line {line})", note.key),
    }
}
