use proptest::prelude::*;

use super::super::json::read_json;
use super::super::tree::{Node, Value};
use super::super::yaml::read_yaml;
use super::*;

#[track_caller]
fn yaml(text: &str) -> Node {
    let read = read_yaml(Path::new("c.yaml"), text);
    read.unwrap_or_else(|problem| panic!("{problem}"))
}

fn yaml_fails(text: &str) -> String {
    let read = read_yaml(Path::new("c.yaml"), text);
    read.err()
        .map(|problem| problem.to_string())
        .unwrap_or_default()
}

/// `a: 1, b: [x, ?]` of a tree.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Null => "?".to_owned(),
        Value::Text(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|entry| format!("{}: {}", entry.name, shown(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[test]
fn yaml_keeps_texts_and_lines() {
    let tree = yaml("a: 007\nb:\n  - yes\n  - '~'\n  - ~\nc: |\n  two\n  lines\n");
    assert_eq!(shown(&tree), "{a: 007, b: [yes, ~, ?], c: two\nlines\n}");
    let Value::Table(entries) = &tree.value else {
        panic!("a table")
    };
    let lines: Vec<usize> = entries.iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [1, 2, 6]);
}

#[test]
fn yaml_repeats_what_is_anchored() {
    let text = "a: &a { x: 1, y: 2 }\nb: *a\nc: { <<: *a, y: 3 }\nd: { <<: [*a, { z: 4 }] }\n";
    let expected = "{a: {x: 1, y: 2}, b: {x: 1, y: 2}, c: {y: 3, x: 1}, d: {x: 1, y: 2, z: 4}}";
    assert_eq!(shown(&yaml(text)), expected);
}

#[test]
fn yaml_has_bounds() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        let all = [before.as_str(); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{all}]\n"));
    }
    assert!(yaml_fails(&bomb).contains("too many values; expected at most 10000 values"));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert!(yaml_fails(&deep).contains("c.yaml:1: lists and tables lie too deep"));
    assert!(yaml_fails("? [a]\n: b").contains("c.yaml:1: a key is no text"));
    assert!(yaml_fails("a: 1\n---\nb: 2").contains("c.yaml:2: a second document begins"));
    assert!(yaml_fails("a: 1\n b: 2").starts_with("c.yaml:2: "));
    assert!(yaml_fails("a: &a [*a]").contains("c.yaml:1:"));
}

#[test]
fn json_is_mended_where_people_slip() {
    let text = "{ // one\n \"a\": 1\n \"b\": 'x', c: [1 2,],\n /* two */ \"d\": {\"e\": null},\n}";
    let mut notes = Vec::new();
    let tree = read_json(Path::new("c.json"), text, &mut notes);
    let tree = tree.unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(shown(&tree), "{a: 1, b: x, c: [1, 2], d: {e: ?}}");
    let said: Vec<(usize, &str)> = notes
        .iter()
        .map(|note| (note.line, note.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (2, "a comma is missing at the end of the line"),
            (3, "a comma is missing at the end of the line"),
            (3, "the comma before the bracket is one too many"),
            (4, "the comma before the bracket is one too many"),
            (1, "JSON has no comments; they are skipped; also on line 4"),
            (3, "JSON has no single quotes; they are read as double ones"),
            (
                3,
                "in JSON a name stands in double quotes; it is read as if it did"
            ),
        ]
    );
    let mut notes = Vec::new();
    let right = read_json(Path::new("c.json"), "{\"a\": [1, \"//\", {}]}", &mut notes);
    assert!(right.is_ok() && notes.is_empty(), "{notes:?}");
}

#[test]
fn a_file_of_windows_is_read() {
    let text =
        "\u{feff}host: a.com\r\nbot:\r\n  username: x\r\n  privateKey: { path: /keys/k }\r\n";
    assert!(
        imported("c.yaml", text)
            .section
            .contains("host = \"a.com\"\n")
    );
}

#[test]
fn a_key_that_is_there_twice_counts_as_the_clients_count_it() {
    let text = "{\"host\": \"a.com\", \"host\": \"b.com\",\n\"bot\": {\"username\": \"x\", \"privateKey\": {\"path\": \"/keys/k\"}}}";
    let imported = imported("c.json", text);
    assert!(imported.section.contains("host = \"b.com\"\n"));
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.text.contains("is there twice"))
    );
}

#[test]
fn nothing_in_a_file_ends_a_comment_of_the_section() {
    let text = "{\"podHost\": \"a.com\", \"botUsername\": \"x\", \"botPrivateKeyName\": \"/keys/a\\n[evil]\\nb.jks\",\n\
                \"[[bot]]\\nname = 1\\r\\u2028[evil]\": 1}";
    let section = imported("c.json", text).section;
    let parsed: toml::Table = section.parse().unwrap();
    assert_eq!(parsed.keys().collect::<Vec<_>>(), ["bot"], "{section}");
    let bots = parsed["bot"].as_array().map(Vec::len);
    assert_eq!(bots, Some(1), "{section}");
    let names = parsed["bot"][0]
        .as_table()
        .map(|bot| bot.keys().cloned().collect());
    let expected = ["host", "name", "platform", "private-key", "username"];
    assert_eq!(
        names,
        Some(expected.map(str::to_owned).to_vec()),
        "{section}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = import("c.yaml", &text);
        let _ = import("c.json", &format!("{{{text}}}"));
    }

    #[test]
    fn any_value_makes_a_section_that_is_toml(
        host in "[a-z.:/\\[\\]]{0,12}", text in "\\PC{0,12}", path in "\\PC{1,12}", port in 0u32..70_000,
    ) {
        let value = |text: &str| serde_json::Value::from(text).to_string();
        let file = format!(
            "{{\"podHost\": {}, \"podPort\": {port}, \"botUsername\": {}, \"botPrivateKeyName\": {}, \
              \"proxyURL\": {}, \"proxyUsername\": {}, \"truststorePath\": {}, {}: 1}}",
            value(&host), value(&text), value(&path), value(&host), value(&text), value(&path), value(&text),
        );
        if let Ok(imported) = import("c.json", &file) {
            let parsed = imported.section.parse::<toml::Table>();
            prop_assert!(parsed.is_ok(), "{:?}\n{}", parsed, imported.section);
        }
    }
}
