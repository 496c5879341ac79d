//! What the SDK for Rust offers, by name: its page is cargo's, and ours names the way there.

use super::read;

/// The modules, the names of the prelude and the attributes.
pub fn names() -> Vec<String> {
    let lib = read("plugin-sdk/src/lib.rs");
    let mut names = Vec::new();
    for line in lib.lines() {
        let module = line
            .strip_prefix("pub mod ")
            .and_then(|rest| rest.split([';', ' ']).next());
        names.extend(
            module
                .filter(|it| *it != "prelude" && !it.starts_with('_'))
                .map(str::to_owned),
        );
    }
    let prelude = lib
        .split_once("pub mod prelude {")
        .map_or("", |(_, rest)| rest);
    let prelude = prelude.split_once("\n}").map_or("", |(prelude, _)| prelude);
    for uses in prelude.split("pub use ").skip(1) {
        let uses = uses.split(';').next().unwrap_or_default();
        let list = uses.split_once('{').map_or(uses, |(_, list)| list);
        let words = list
            .split([',', '}'])
            .map(|word| word.rsplit("::").next().unwrap_or(word).trim());
        names.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
    }
    let macros = read("plugin-sdk/macros/src/lib.rs");
    let attributes = macros
        .lines()
        .filter_map(|line| line.split_once("`#["))
        .map(|(_, rest)| rest);
    for attribute in attributes {
        let name = attribute.split(['(', ']']).next().unwrap_or_default();
        names.push(format!("#[{name}"));
    }
    names.sort();
    names.dedup();
    names
}
