//! JSON as people wrote it: with comments, without a comma here and there. What is mended is said.

use std::path::Path;

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::super::problem::{Problem, Source};
use super::tree::{Entry, Node, Value};
use super::{Note, NoteKind};

/// Reads a whole file.
pub(super) fn read_json(path: &Path, text: &str, notes: &mut Vec<Note>) -> Result<Node, Problem> {
    let source = Source::new(path, text);
    let line = |offset: usize| source.spot(offset).line;
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::AsTokens,
        tokens: true,
    };
    let parsed = parse_to_ast(text, &collect, &ParseOptions::default()).map_err(|error| {
        let mut found = error.kind().to_string();
        if let Some(first) = found.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        source
            .spot(error.range().start)
            .problem(found)
            .expected("JSON; comments and missing commas are mended, this is not")
    })?;
    let tokens = parsed.tokens.unwrap_or_default();
    note_mended(text, &tokens, &line, notes);
    let value = parsed
        .value
        .ok_or_else(|| Problem::whole_file(path, "is empty"))?;
    Ok(node(value, &line))
}

fn node(value: Ast<'_>, line: &dyn Fn(usize) -> usize) -> Node {
    let start = line(value.start());
    let value = match value {
        Ast::NullKeyword(_) => Value::Null,
        Ast::StringLit(text) => Value::Text(text.value.into_owned()),
        Ast::NumberLit(number) => Value::Text(number.value.to_owned()),
        Ast::BooleanLit(flag) => Value::Text(flag.value.to_string()),
        Ast::Array(array) => {
            let items = array.elements.into_iter();
            Value::List(items.map(|item| node(item, line)).collect())
        }
        Ast::Object(object) => {
            let entries = object.properties.into_iter().map(|property| Entry {
                line: line(property.start()),
                name: match property.name {
                    ObjectPropName::String(name) => name.value.into_owned(),
                    ObjectPropName::Word(name) => name.value.to_owned(),
                },
                value: node(property.value, line),
            });
            Value::Table(entries.collect())
        }
    };
    Node { line: start, value }
}

/// Says what no other reader of JSON would have taken.
fn note_mended(
    text: &str,
    tokens: &[TokenAndRange<'_>],
    line: &dyn Fn(usize) -> usize,
    notes: &mut Vec<Note>,
) {
    let mut mend = |line: usize, text: String| {
        notes.push(Note {
            kind: NoteKind::Mended,
            line,
            key: String::new(),
            text,
            commands: Vec::new(),
        });
    };
    let mut comments = Vec::new();
    let mut quotes = Vec::new();
    let mut bare = Vec::new();
    let mut before: Option<&TokenAndRange<'_>> = None;
    for token in tokens {
        let range = token.range;
        match &token.token {
            Token::CommentLine(_) | Token::CommentBlock(_) => {
                comments.push(line(range.start));
                continue;
            }
            Token::String(_) if text[range.start..].starts_with('\'') => {
                quotes.push(line(range.start));
            }
            Token::Word(_) => bare.push(line(range.start)),
            _ => {}
        }
        if let Some(before) = before {
            if ends_value(&before.token) && begins_value(&token.token) {
                let at = line(before.range.end);
                mend(at, "a comma is missing at the end of the line".to_owned());
            }
            if before.token == Token::Comma
                && matches!(token.token, Token::CloseBrace | Token::CloseBracket)
            {
                let at = line(before.range.start);
                mend(
                    at,
                    "the comma before the bracket is one too many".to_owned(),
                );
            }
        }
        before = Some(token);
    }
    for (lines, what) in [
        (comments, "JSON has no comments; they are skipped"),
        (
            quotes,
            "JSON has no single quotes; they are read as double ones",
        ),
        (
            bare,
            "in JSON a name stands in double quotes; it is read as if it did",
        ),
    ] {
        if let Some(first) = lines.first() {
            mend(*first, with_lines(what, &lines));
        }
    }
}

/// `…; also on lines 11, 24` behind the first.
fn with_lines(what: &str, lines: &[usize]) -> String {
    let mut others: Vec<usize> = lines[1..].to_vec();
    others.dedup();
    others.retain(|line| *line != lines[0]);
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    match others.as_slice() {
        [] => what.to_owned(),
        [line] => format!("{what}; also on line {line}"),
        lines => format!("{what}; also on lines {}", lines.join(", ")),
    }
}

fn ends_value(token: &Token<'_>) -> bool {
    begins_value(token) && !matches!(token, Token::OpenBrace | Token::OpenBracket)
        || matches!(token, Token::CloseBrace | Token::CloseBracket)
}

fn begins_value(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::String(_)
            | Token::Word(_)
            | Token::Number(_)
            | Token::Boolean(_)
            | Token::Null
            | Token::OpenBrace
            | Token::OpenBracket
    )
}
