//! What a page shows of the host's own words: held against the texts in the sources that say them.

use regex::Regex;

use super::{Block, shell};
use crate::guests::workspace;

/// Letters that a text must have to be told from any other.
const TELLING: usize = 4;

/// Every line must hold a text of the sources that the block's marks name. A line that goes on from the
/// one before begins with a space, a command with `$ `.
pub(super) fn check(block: &Block) -> Result<(), String> {
    let mut known = Vec::new();
    for source in &block.marks {
        let path = workspace().join(source);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{source}: {error}"))?;
        known.extend(texts(&text));
    }
    let is_known = |line: &str| known.iter().any(|it| it.is_match(line));
    for line in block.text.lines() {
        // Who speaks stands by itself, before what is said.
        let speaks = line.ends_with(':') && !line.contains(' ');
        if let Some(command) = line.strip_prefix("$ ") {
            shell::check_line(command)?;
        } else if !line.is_empty() && !line.starts_with(' ') && !speaks && !is_known(line) {
            return Err(format!(
                "nothing in {} says: {line}",
                block.marks.join(", ")
            ));
        }
    }
    match block.text.lines().any(is_known) {
        true => Ok(()),
        false => Err(format!("nothing of it is in {}", block.marks.join(", "))),
    }
}

/// The literals of a source in Rust, with holes for what is filled in.
fn texts(source: &str) -> Vec<Regex> {
    let mut found = Vec::new();
    for literal in literals(source) {
        let pieces: Vec<String> = pieces(&literal);
        let letters: usize = pieces
            .iter()
            .map(|it| it.chars().filter(|it| it.is_alphabetic()).count())
            .sum();
        if letters >= TELLING {
            let pieces: Vec<String> = pieces.iter().map(|it| regex::escape(it)).collect();
            found.extend(Regex::new(&pieces.join(".*")));
        }
    }
    found
}

fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut signs = source.chars();
    while let Some(sign) = signs.next() {
        if sign != '"' {
            continue;
        }
        let mut literal = String::new();
        while let Some(sign) = signs.next() {
            match sign {
                '"' => break,
                '\\' => match signs.next() {
                    Some('n') => literal.push('\n'),
                    Some(other) => literal.push(other),
                    None => {}
                },
                other => literal.push(other),
            }
        }
        found.push(literal);
    }
    found
}

/// The text around the holes of a format.
fn pieces(literal: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut is_hole = false;
    for sign in literal.chars() {
        match sign {
            '{' => is_hole = true,
            '}' => {
                is_hole = false;
                pieces.push(String::new());
            }
            _ if is_hole => {}
            other => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(other);
                }
            }
        }
    }
    pieces
}
