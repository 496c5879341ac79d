//! What the layers over the contract offer, as pages: made of their own sources.

mod python;
mod rust;
mod typescript;

pub use python::reference as python_reference;
pub use rust::names as names_of_rust;
pub use typescript::reference as javascript_reference;

use std::fmt::Write as _;

/// A name that a layer offers: how it is written, and what it is for.
struct Row {
    written: String,
    told: String,
}

/// Rows as a table.
fn table(out: &mut String, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    out.push_str("\n| | |\n|---|---|\n");
    for row in rows {
        // A bar would begin a cell, in code as well.
        let written = row.written.replace('|', "\\|");
        let told = row.told.replace('|', "\\|");
        let _ = writeln!(out, "| `{written}` | {told} |");
    }
}

/// Several lines of code as one.
fn on_one_line(code: &str) -> String {
    let words: Vec<&str> = code.split_whitespace().collect();
    let line = words.join(" ");
    line.replace("( ", "(")
        .replace(", )", ")")
        .replace(" )", ")")
}

fn read(path: &str) -> String {
    let path = crate::guests::workspace().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
