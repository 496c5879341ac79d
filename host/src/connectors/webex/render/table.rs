//! Tables as columns of a card; those with more columns than a card shows side by side are aligned text.

use serde_json::{Value, json};

use super::card::text_block;
use crate::model::content::{Alignment, Table};

/// The most columns that stand side by side in a card.
const MAX_COLUMNS: usize = 5;
/// Signs of the widest cell that still make its column wider than others.
const MAX_WEIGHT: usize = 40;
/// What an empty cell says, so that its column is there.
const NOTHING: &str = "\u{a0}";

/// Tells whether a table is shown as columns of a card.
pub(super) fn is_narrow(table: &Table) -> bool {
    (1..=MAX_COLUMNS).contains(&width(table))
}

fn width(table: &Table) -> usize {
    let rows = table.rows.iter().map(Vec::len);
    rows.chain([table.header.len()]).max().unwrap_or(0)
}

/// The rows of a table, of the texts of its cells, each a set of columns: what a row's cells take of its
/// width is the same in all of them.
pub(super) fn rows(table: &Table, header: Vec<String>, rows: Vec<Vec<String>>) -> Vec<Value> {
    let count = width(table);
    let mut weights = vec![1; count];
    for row in rows.iter().chain([&header]) {
        for (weight, cell) in weights.iter_mut().zip(row) {
            *weight = (*weight).max(cell.chars().count().min(MAX_WEIGHT));
        }
    }
    let row = |cells: &[String], is_header: bool| {
        let columns: Vec<Value> = (0..count)
            .map(|place| {
                let text = cells.get(place).map(|text| text.trim()).unwrap_or_default();
                let text = if text.is_empty() { NOTHING } else { text };
                let mut more = Vec::new();
                match table.columns.get(place) {
                    Some(Alignment::Right) => more.push(("horizontalAlignment", "Right".into())),
                    Some(Alignment::Center) => more.push(("horizontalAlignment", "Center".into())),
                    Some(Alignment::Left) | None => {}
                }
                if is_header {
                    more.push(("weight", "Bolder".into()));
                }
                let text = text_block(text.to_owned(), &more);
                json!({"type": "Column", "width": weights[place], "items": [text]})
            })
            .collect();
        json!({"type": "ColumnSet", "spacing": "Small", "columns": columns})
    };
    let mut made = Vec::with_capacity(rows.len() + 1);
    if !header.is_empty() {
        made.push(row(&header, true));
    }
    for (place, cells) in rows.iter().enumerate() {
        let mut row = row(cells, false);
        if place == 0 && !header.is_empty() {
            row["separator"] = true.into();
        }
        made.push(row);
    }
    made
}
