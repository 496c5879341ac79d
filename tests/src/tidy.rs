//! What STYLE.md says of the shape of the repository, as checks over the text of its files.

mod names;

use std::fs;
use std::path::Path;

/// Lines that a source file may have.
const MAX_LINES: usize = 600;
/// What no person writes; a test holds it against what it is made of.
pub(crate) const GENERATED: &str = "plugin-sdk/src/bindings/generated.rs";
/// Bytes of a file that is looked into.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

const SIBLINGS: [&str; 5] = ["connectors", "router", "runtime", "outbox", "web"];
const MIDDLE: [&str; 4] = ["mailbox", "journal", "content", "net"];
const LOW: [&str; 2] = ["telemetry", "shutdown"];
const MODEL: &str = "model";

/// A file of the repository.
#[derive(Clone, Debug)]
pub struct RepoFile {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl RepoFile {
    /// Makes one of its parts.
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// Reads every text file below a folder, without build output, hidden folders of tools and data.
///
/// # Errors
/// The system's.
pub fn read_tree(root: &Path) -> std::io::Result<Vec<RepoFile>> {
    let mut files = Vec::new();
    read_folder(root, "", &mut files)?;
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<RepoFile>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let is_skipped = matches!(name.as_str(), "target" | ".git" | "data" | "node_modules");
            if !is_skipped {
                read_folder(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file()
            && name != ".git"
            && entry.metadata()?.len() <= MAX_BYTES
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            files.push(RepoFile { path, text });
        }
    }
    Ok(())
}

/// Checks everything; each complaint names its file.
pub fn complaints(files: &[RepoFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        check_shape(file, &mut found);
        check_direction(file, files, &mut found);
        check_manifest(file, &mut found);
        check_machine(file, &mut found);
    }
    check_lints(files, &mut found);
    names::check_names(files, &mut found);
    found
}

fn check_shape(file: &RepoFile, found: &mut Vec<String>) {
    if !file.path.ends_with(".rs") {
        return;
    }
    let lines = file.text.lines().count();
    if lines > MAX_LINES && file.path != GENERATED {
        found.push(format!(
            "{}: {lines} lines; the ceiling is {MAX_LINES}",
            file.path
        ));
    }
    if file.path.ends_with("/mod.rs") {
        found.push(format!(
            "{}: write foo.rs beside foo/, no mod.rs",
            file.path
        ));
    }
}

/// A path inside the host's crate that a line names.
struct Import {
    line: usize,
    /// From the crate's root, at most two names.
    names: Vec<String>,
}

fn check_direction(file: &RepoFile, files: &[RepoFile], found: &mut Vec<String>) {
    let Some(module) = module_of(&file.path) else {
        return;
    };
    let Some(top) = module.first() else {
        return;
    };
    let platforms = platforms(files);
    let own_platform = (top == "connectors").then(|| module.get(1)).flatten();
    for import in imports(&file.text, &module) {
        let Some(target) = import.names.first() else {
            continue;
        };
        if !may_import(top, target) {
            found.push(format!(
                "{}:{}: {top} imports {target}; imports go down only",
                file.path, import.line
            ));
        }
        let platform = import.names.get(1).filter(|_| target == "connectors");
        if let (Some(own), Some(other)) = (own_platform, platform)
            && own != other
            && platforms.contains(other)
        {
            found.push(format!(
                "{}:{}: connector {own} imports connector {other}; move what they share to net",
                file.path, import.line
            ));
        }
    }
}

/// `host/src/app/reload/scan.rs` is `[app, reload, scan]`.
fn module_of(path: &str) -> Option<Vec<String>> {
    let inside = path.strip_prefix("host/src/")?.strip_suffix(".rs")?;
    if inside == "lib" {
        return None;
    }
    Some(inside.split('/').map(str::to_owned).collect())
}

/// The platforms: what lies directly in `connectors`.
fn platforms(files: &[RepoFile]) -> Vec<String> {
    let mut names: Vec<String> = files
        .iter()
        .filter_map(|file| file.path.strip_prefix("host/src/connectors/"))
        .filter_map(|rest| rest.split('/').next())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn is_module(name: &str) -> bool {
    name == MODEL
        || ["bin", "cli", "app", "config"].contains(&name)
        || SIBLINGS.contains(&name)
        || MIDDLE.contains(&name)
        || LOW.contains(&name)
}

fn may_import(from: &str, to: &str) -> bool {
    if from == to || !is_module(to) {
        return true;
    }
    let below_siblings = MIDDLE.contains(&to) || LOW.contains(&to) || to == MODEL;
    match from {
        "bin" => true,
        "cli" => to != "bin",
        "app" => to != "bin" && to != "cli",
        // It may name every part's `Config`; a part never names it.
        "config" => below_siblings || SIBLINGS.contains(&to),
        MODEL => false,
        _ if SIBLINGS.contains(&from) => below_siblings,
        _ if MIDDLE.contains(&from) => below_siblings,
        _ if LOW.contains(&from) => LOW.contains(&to) || to == MODEL,
        _ => false,
    }
}

/// The paths of the crate that a file names, by `crate::`, `parlor_host::` or enough `super::`.
fn imports(text: &str, module: &[String]) -> Vec<Import> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for root in ["crate", "parlor_host"] {
        for (start, _) in code.match_indices(&format!("{root}::")) {
            if is_word_before(&code, start) {
                continue;
            }
            let rest = &code[start + root.len() + 2..];
            collect(rest, &[], line_of(&code, start), &mut found);
        }
    }
    for (start, _) in code.match_indices("super::") {
        if is_word_before(&code, start) || code[..start].ends_with("super::") {
            continue;
        }
        let mut rest = &code[start..];
        let mut climbed = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            climbed += 1;
            rest = after;
        }
        if climbed <= module.len() {
            let base = &module[..module.len() - climbed];
            collect(rest, base, line_of(&code, start), &mut found);
        }
    }
    found
}

/// Reads `a::b`, `a` and `{a, b::{c, d}}` to two names.
fn collect(rest: &str, base: &[String], line: usize, found: &mut Vec<Import>) {
    const WANTED: usize = 2;
    if base.len() >= WANTED {
        found.push(Import {
            line,
            names: base[..WANTED].to_vec(),
        });
        return;
    }
    let rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('{') {
        for part in split_group(inner) {
            collect(part, base, line, found);
        }
        return;
    }
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let mut names = base.to_vec();
    if !name.is_empty() && name != "self" {
        names.push(name.to_owned());
    }
    match after.strip_prefix("::") {
        Some(after) if !name.is_empty() => collect(after, &names, line, found),
        _ => found.push(Import { line, names }),
    }
}

/// The parts of a group up to its closing brace.
fn split_group(inner: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (index, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&inner[start..index]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn is_word_before(code: &str, start: usize) -> bool {
    code[..start]
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

fn line_of(code: &str, offset: usize) -> usize {
    code[..offset].matches('\n').count() + 1
}

/// The text with comments blanked; what follows `//` in a string goes too, which hides nothing.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let end = line.find("//").unwrap_or(line.len());
        code.push_str(&line[..end]);
        code.push('\n');
    }
    code
}

fn check_manifest(file: &RepoFile, found: &mut Vec<String>) {
    if !file.path.ends_with("Cargo.toml") || file.path == "Cargo.toml" {
        return;
    }
    let Ok(manifest) = file.text.parse::<toml::Table>() else {
        found.push(format!("{}: is not TOML", file.path));
        return;
    };
    let inherits = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool);
    if inherits != Some(true) {
        found.push(format!("{}: has no `[lints] workspace = true`", file.path));
    }
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let names = manifest.get(section).and_then(toml::Value::as_table);
        for name in names.into_iter().flat_map(toml::Table::keys) {
            let is_sdk = name.starts_with("parlor-sdk");
            if file.path.starts_with("plugins/")
                && section == "dependencies"
                && name != "parlor-sdk"
            {
                found.push(format!(
                    "{}: depends on {name}; a plugin imports parlor_sdk only",
                    file.path
                ));
            }
            if file.path == "host/Cargo.toml" && is_sdk {
                found.push(format!(
                    "{}: depends on {name}; the host never imports the SDK",
                    file.path
                ));
            }
        }
    }
}

/// Paths of one machine and registries other than the public one work nowhere else.
fn check_machine(file: &RepoFile, found: &mut Vec<String>) {
    // Written in halves, so that this file is no complaint about itself.
    let machine = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
        concat!("C:", "\\"),
    ];
    for (index, line) in file.text.lines().enumerate() {
        let place = format!("{}:{}", file.path, index + 1);
        if let Some(path) = machine.iter().find(|path| names_path(line, path)) {
            found.push(format!("{place}: names {path}, a path of one machine"));
        }
        let is_toml = file.path.ends_with(".toml") || file.path.ends_with("Cargo.lock");
        if !is_toml {
            continue;
        }
        let line = line.trim();
        let is_other_source = line.starts_with("source = ")
            && line
                != concat!(
                    "source = \"registry+https://github.com/rust-lang/",
                    "crates.io-index\""
                );
        let is_registry = [
            "[source.",
            "[registries",
            "[registry",
            "replace-with",
            "registry =",
        ]
        .iter()
        .any(|start| line.starts_with(start));
        if (file.path == "Cargo.lock" && is_other_source) || is_registry {
            found.push(format!("{place}: names a registry of its own"));
        }
    }
}

/// Tells whether a line has a path that begins with this one, and not one that has it inside.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, _)| {
        line[..start]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '}' | '*' | '/'))
    })
}

/// Documented public items are the compiler's to check; that it does is checked here.
fn check_lints(files: &[RepoFile], found: &mut Vec<String>) {
    let text = |path: &str| {
        files
            .iter()
            .find(|file| file.path == path)
            .map_or("", |file| file.text.as_str())
    };
    let manifest = text("Cargo.toml")
        .parse::<toml::Table>()
        .unwrap_or_default();
    let level = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("lints"))
        .and_then(|lints| lints.get("rust"))
        .and_then(|lints| lints.get("missing_docs"))
        .and_then(toml::Value::as_str);
    if !matches!(level, Some("warn" | "deny" | "forbid")) {
        found.push("Cargo.toml: the lint missing_docs is off".to_owned());
    }
    if !text(".ci/run").contains("-D warnings") {
        found.push(".ci/run: does not make warnings errors".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Vec<RepoFile> {
        vec![
            RepoFile::new("host/src/shutdown.rs", "fn stops() {}\n"),
            RepoFile::new(names::PAGE, &names::promises("shutdown.rs::stops")),
            RepoFile::new(
                "Cargo.toml",
                "[workspace.lints.rust]\nmissing_docs = \"warn\"\n",
            ),
            RepoFile::new(".ci/run", "cargo clippy -- -D warnings\n"),
            RepoFile::new("host/src/connectors/webex.rs", ""),
            RepoFile::new("host/src/connectors/local.rs", ""),
        ]
    }

    /// Checks that one file is complained of, by a part of the complaint; empty: not at all.
    #[track_caller]
    fn check(path: &str, text: &str, complaint: &str) {
        let mut files = good();
        files.retain(|file| file.path != path);
        files.push(RepoFile::new(path, text));
        let found = complaints(&files);
        if complaint.is_empty() {
            assert_eq!(found, Vec::<String>::new(), "{path}");
        } else {
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(complaint), "{found:?}");
        }
    }

    #[test]
    fn a_good_tree_passes() {
        assert_eq!(complaints(&good()), Vec::<String>::new());
    }

    #[test]
    fn imports_go_down_only() {
        let up = "imports go down only";
        check("host/src/model/event.rs", "use crate::journal::Part;\n", up);
        check("host/src/journal.rs", "use crate::runtime::guest;\n", up);
        check("host/src/router.rs", "use crate::outbox::Lane;\n", up);
        check(
            "host/src/router/table.rs",
            "use super::super::outbox::Lane;\n",
            up,
        );
        check("host/src/router.rs", "use super::web;\n", up);
        check("host/src/web.rs", "fn f() { crate::app::g(); }\n", up);
        check(
            "host/src/app/x.rs",
            "use crate::{\n    model::Name,\n    cli::run,\n};\n",
            up,
        );
        check("host/src/outbox.rs", "use crate::config::Settings;\n", up);
        check("host/src/telemetry.rs", "use crate::net::Client;\n", up);
        check("host/src/config.rs", "use crate::web::Config;\n", "");
        check("host/src/app.rs", "use crate::{web, runtime::guest};\n", "");
        check("host/src/cli/run.rs", "use crate::app::entry;\n", "");
        check("host/src/bin/parlor.rs", "use parlor_host::cli;\n", "");
        check(
            "host/src/journal.rs",
            "/// See [`crate::app`].\nuse crate::model::Name;\n",
            "",
        );
        check(
            "host/src/router/table.rs",
            "use super::web;\nmod tests {\n    use super::*;\n}\n",
            "",
        );
    }

    #[test]
    fn connectors_leave_each_other_alone() {
        let other = "imports connector webex";
        check(
            "host/src/connectors/local/send.rs",
            "use crate::connectors::webex::wire;\n",
            other,
        );
        check(
            "host/src/connectors/local/send.rs",
            "use super::super::webex::wire;\n",
            other,
        );
        check(
            "host/src/connectors/local.rs",
            "use crate::connectors::{self, webex};\n",
            other,
        );
        check(
            "host/src/connectors/local/send.rs",
            "use super::wire;\n",
            "",
        );
    }

    #[test]
    fn files_are_short_and_have_no_mod() {
        check("host/src/net/mod.rs", "", "no mod.rs");
        check("tests/src/sim.rs", &"\n".repeat(601), "601 lines");
        check("tests/src/sim.rs", &"\n".repeat(600), "");
    }

    #[test]
    fn plugins_know_the_sdk_and_the_host_does_not() {
        let manifest = |section: &str, name: &str| {
            format!("[lints]\nworkspace = true\n[{section}]\n{name} = \"1\"\n")
        };
        let plugin = "plugins/joke/Cargo.toml";
        check(plugin, &manifest("dependencies", "parlor-sdk"), "");
        check(
            plugin,
            &manifest("dependencies", "parlor-host"),
            "parlor_sdk only",
        );
        check(plugin, &manifest("dev-dependencies", "insta"), "");
        check(
            "host/Cargo.toml",
            &manifest("dev-dependencies", "parlor-sdk"),
            "never imports",
        );
        check(plugin, "[package]\nname = \"x\"\n", "no `[lints]");
    }

    #[test]
    fn nothing_is_of_one_machine() {
        let here = concat!("see /ho", "me/ann/x\n");
        check("README.md", here, "a path of one machine");
        check("README.md", concat!("https://a.example/ho", "me/ann\n"), "");
        check(
            ".cargo/config.toml",
            "[source.crates-io]\n",
            "a registry of its own",
        );
        check(
            "Cargo.lock",
            "source = \"sparse+https://mirror.example/index/\"\n",
            "a registry of its own",
        );
    }

    #[test]
    fn lints_stay_on() {
        check(
            "Cargo.toml",
            "[workspace.lints.rust]\n",
            "missing_docs is off",
        );
        check(".ci/run", "cargo test\n", "warnings errors");
    }
}
