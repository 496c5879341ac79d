use super::{Alignment, Block, Line, Span, raw};

/// A table.
///
/// ```
/// use parlor_sdk::prelude::*;
/// use parlor_sdk::content::Alignment;
///
/// let table = Table::new()
///     .header(["What", "Price"])
///     .align([Alignment::Left, Alignment::Right])
///     .row([Line::new().bold("Soup"), "4.50".into()]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table(raw::Table);

impl Table {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self(raw::Table {
            header: Vec::new(),
            rows: Vec::new(),
            columns: Vec::new(),
        })
    }

    /// Sets the titles of the columns.
    #[must_use]
    pub fn header<C: Into<Line>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        self.0.header = spans(cells);
        self
    }

    /// Adds a row; one shorter than the header is filled with empty cells.
    #[must_use]
    pub fn row<C: Into<Line>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        self.0.rows.push(spans(cells));
        self
    }

    /// Says where the columns' text stands; columns without a word are `left`.
    #[must_use]
    pub fn align(mut self, columns: impl IntoIterator<Item = Alignment>) -> Self {
        self.0.columns = columns.into_iter().collect();
        self
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Table> for Block {
    fn from(Table(table): Table) -> Self {
        Self::Table(table)
    }
}

fn spans<C: Into<Line>>(cells: impl IntoIterator<Item = C>) -> Vec<Vec<Span>> {
    cells.into_iter().map(|cell| cell.into().into()).collect()
}
