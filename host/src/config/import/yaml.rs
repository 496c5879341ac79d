//! YAML, event by event, so that every value keeps its text and its line.

use std::collections::BTreeMap;
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::super::problem::{Problem, Spot};
use super::tree::{Entry, Node, Value};

/// Levels of lists and tables.
const MAX_DEPTH: usize = 32;
/// Values that anchors may be repeated to; a few lines can ask for as many as one likes.
const MAX_NODES: usize = 10_000;

/// Reads a whole file.
pub(super) fn read_yaml(path: &Path, text: &str) -> Result<Node, Problem> {
    let mut builder = Builder {
        path,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        document: None,
        nodes: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| builder.syntax(&error))?;
        builder.take(event, span.start.line())?;
    }
    let empty = || Problem::whole_file(path, "is empty");
    builder.document.ok_or_else(empty)
}

/// A list or a table that is not yet at its end.
struct Open {
    line: usize,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    /// Its entries, and the key whose value comes next.
    Table(Vec<Entry>, Option<(String, usize)>),
}

struct Builder<'a> {
    path: &'a Path,
    stack: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    document: Option<Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Problem> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => match self.document {
                None => Ok(()),
                Some(_) => Err(self.problem(line, "a second document begins", "one document")),
            },
            Event::SequenceStart(anchor, _) => self.open(line, anchor, Inside::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.open(line, anchor, Inside::Table(Vec::new(), None))
            }
            Event::Scalar(text, style, anchor, _) => {
                let is_null = style == ScalarStyle::Plain
                    && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let value = match is_null {
                    true => Value::Null,
                    false => Value::Text(text.into_owned()),
                };
                self.put(Node { line, value }, anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| {
                    self.problem(
                        line,
                        "an alias stands inside of what it repeats",
                        "an anchor before it",
                    )
                })?;
                self.put(node, 0)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else {
                    return Err(self.problem(
                        line,
                        "a list or table ends that did not begin",
                        "YAML",
                    ));
                };
                let value = match open.inside {
                    Inside::List(items) => Value::List(items),
                    Inside::Table(entries, _) => Value::Table(merged(entries)),
                };
                let node = Node {
                    line: open.line,
                    value,
                };
                self.put(node, open.anchor)
            }
        }
    }

    fn open(&mut self, line: usize, anchor: usize, inside: Inside) -> Result<(), Problem> {
        if self.stack.len() >= MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} levels");
            return Err(self.problem(
                line,
                "lists and tables lie too deep in each other",
                &expected,
            ));
        }
        self.stack.push(Open {
            line,
            anchor,
            inside,
        });
        Ok(())
    }

    /// Puts a value where it belongs: into its list, before or behind a colon, or at the top.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.nodes += count(&node);
        if self.nodes > MAX_NODES {
            let expected = format!("at most {MAX_NODES} values, with what anchors repeat");
            return Err(self.problem(node.line, "too many values", &expected));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.document = Some(node);
            return Ok(());
        };
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Table(entries, key) => match key.take() {
                Some((name, line)) => entries.push(Entry {
                    name,
                    line,
                    value: node,
                }),
                None => {
                    let Value::Text(name) = node.value else {
                        return Err(self.problem(node.line, "a key is no text", "a name"));
                    };
                    *key = Some((name, node.line));
                }
            },
        }
        Ok(())
    }

    fn problem(&self, line: usize, found: &str, expected: &str) -> Problem {
        let spot = Spot {
            file: self.path.to_owned(),
            line,
            column: 0,
        };
        spot.problem(found).expected(expected)
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        self.problem(error.marker().line(), error.info(), "YAML")
    }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::Null | Value::Text(_) => 1,
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Table(entries) => {
            1 + entries
                .iter()
                .map(|entry| count(&entry.value))
                .sum::<usize>()
        }
    }
}

/// `<<` brings in the entries of another table; what the table says itself stands above them.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    const MERGE: &str = "<<";
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.name == MERGE);
    let tables = merges
        .into_iter()
        .flat_map(|entry| match entry.value.value {
            Value::List(items) => items,
            _ => vec![entry.value],
        });
    for table in tables {
        let Value::Table(entries) = table.value else {
            continue;
        };
        for entry in entries {
            if !own.iter().any(|known| known.name == entry.name) {
                own.push(entry);
            }
        }
    }
    own
}
