//! The contract's table: every case of `wit/` that must have a test of its name.
//!
//! A case `send` of the variant `action-kind` wants a test `action_send`, and so on for events,
//! reads, blocks, spans, field kinds and limits. A case that waits for a later issue stands in
//! `pending.toml`; one that stands there and has its test is an error too.

use std::collections::BTreeMap;
use std::path::Path;

use wit_parser::{Resolve, TypeDefKind};

/// The names of the tests that the contract wants, by the kind of thing.
///
/// # Errors
/// When `wit/` does not parse or lacks one of the tables.
pub fn wanted(wit: &Path) -> anyhow::Result<Vec<String>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let mut names = Vec::new();
    for (interface, type_name, prefix) in [
        ("events", "event-payload", "event"),
        ("events", "lifecycle", "lifecycle"),
        ("actions", "action-kind", "action"),
        ("actions", "target", "target"),
        ("content", "block", "block"),
        ("content", "span", "span"),
        ("content", "field-kind", "field"),
        ("content", "content", "content"),
        ("behaviour", "handle-error", "error"),
        ("config", "limits", "limit"),
    ] {
        let id = resolve.packages[package]
            .interfaces
            .get(interface)
            .ok_or_else(|| anyhow::anyhow!("wit/ has no interface {interface}"))?;
        let ty = resolve.interfaces[*id]
            .types
            .get(type_name)
            .ok_or_else(|| anyhow::anyhow!("{interface} has no type {type_name}"))?;
        let cases: Vec<&str> = match &resolve.types[*ty].kind {
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().map(|c| c.name.as_str()).collect()
            }
            TypeDefKind::Enum(cases) => cases.cases.iter().map(|c| c.name.as_str()).collect(),
            TypeDefKind::Record(record) => record.fields.iter().map(|f| f.name.as_str()).collect(),
            other => anyhow::bail!("{type_name} is a {}", other.as_str()),
        };
        names.extend(cases.iter().map(|case| test_name(prefix, case)));
    }
    for (interface, prefix) in [("directory", "read"), ("state", "state"), ("log", "log")] {
        let id = resolve.packages[package]
            .interfaces
            .get(interface)
            .ok_or_else(|| anyhow::anyhow!("wit/ has no interface {interface}"))?;
        let functions = resolve.interfaces[*id].functions.keys();
        names.extend(functions.map(|name| test_name(prefix, name)));
    }
    Ok(names)
}

/// The names in `pending.toml` with the number of the issue that each waits for.
///
/// # Errors
/// When the file cannot be read or is not a table of numbers.
pub fn pending(file: &Path) -> anyhow::Result<BTreeMap<String, u32>> {
    Ok(toml::from_str(&std::fs::read_to_string(file)?)?)
}

/// The test functions in the sources of a folder.
///
/// # Errors
/// When a source cannot be read.
pub fn tests_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            names.extend(tests_in(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            names.extend(test_functions(&std::fs::read_to_string(&path)?));
        }
    }
    Ok(names)
}

/// The functions in a source that carry a test attribute.
pub fn test_functions(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut attribute = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            attribute = true;
        } else if attribute && !line.starts_with("#[") {
            let signature = line.trim_start_matches("pub ").trim_start_matches("async ");
            if let Some(rest) = signature.strip_prefix("fn ") {
                names.extend(rest.split('(').next().map(str::to_owned));
            }
            attribute = false;
        }
    }
    names
}

fn test_name(prefix: &str, case: &str) -> String {
    format!("{prefix}_{}", case.replace('-', "_"))
}
