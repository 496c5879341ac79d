//! Tables as lines: aligned by what each sign takes on the screen.

use crate::model::content::{Alignment, Span, Table};

use super::layout::{Line, Look, Medium, line_width, piece, pieces, wrap};

/// The narrowest that a column becomes when a table is too wide.
const MIN_COLUMN: usize = 3;
/// The widest that a column of plain text is made by filling up with spaces. One long cell would else
/// make every row as long: a message of 64 KiB would become hundreds of megabytes.
const MAX_FILLED: usize = 100;

pub(super) fn lines(table: &Table, medium: Medium) -> Vec<Line> {
    let columns = table
        .rows
        .iter()
        .map(Vec::len)
        .chain([table.header.len()])
        .max()
        .unwrap_or(0);
    if columns == 0 {
        return Vec::new();
    }
    let bold = Look {
        bold: true,
        ..Look::default()
    };
    let header = (!table.header.is_empty()).then(|| cells(&table.header, bold, medium));
    let rows: Vec<_> = table
        .rows
        .iter()
        .map(|row| cells(row, Look::default(), medium))
        .collect();
    let mut widths = vec![1; columns];
    for row in header.iter().chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.iter().map(line_width).max().unwrap_or(0).max(*width);
        }
    }
    // A frame takes `│ ` before each column and ` │` at the end; plain text two spaces between.
    let extra = if medium.frames {
        3 * columns + 1
    } else {
        2 * (columns - 1)
    };
    match medium.width {
        Some(width) => shrink(&mut widths, width.saturating_sub(extra)),
        None => widths
            .iter_mut()
            .for_each(|width| *width = (*width).min(MAX_FILLED)),
    }
    let alignments: Vec<_> = (0..columns)
        .map(|column| {
            table
                .columns
                .get(column)
                .copied()
                .unwrap_or(Alignment::Left)
        })
        .collect();
    let frame = Frame {
        widths,
        alignments,
        frames: medium.frames,
        wraps: medium.frames || medium.width.is_some(),
    };
    frame.draw(header, rows)
}

// A cell of plain text is one line, so that a row is one too.
fn cells(row: &[Vec<Span>], look: Look, medium: Medium) -> Vec<Vec<Line>> {
    row.iter()
        .map(|spans| {
            let lines = pieces(spans, look);
            if medium.frames {
                return lines;
            }
            let mut joined = Line::new();
            for line in lines {
                if !joined.is_empty() && !line.is_empty() {
                    joined.push(piece(" ", look));
                }
                joined.extend(line);
            }
            vec![joined]
        })
        .collect()
}

fn shrink(widths: &mut [usize], room: usize) {
    for width in widths.iter_mut() {
        *width = (*width).min(room.max(MIN_COLUMN));
    }
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > MIN_COLUMN => *widest -= 1,
            _ => return,
        }
    }
}

struct Frame {
    widths: Vec<usize>,
    alignments: Vec<Alignment>,
    frames: bool,
    wraps: bool,
}

impl Frame {
    fn draw(&self, header: Option<Vec<Vec<Line>>>, rows: Vec<Vec<Vec<Line>>>) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.frames {
            lines.push(self.rule('┌', '┬', '┐'));
        }
        if let Some(header) = header {
            self.row(header, &mut lines);
            lines.push(if self.frames {
                self.rule('├', '┼', '┤')
            } else {
                self.dashes()
            });
        }
        for row in rows {
            self.row(row, &mut lines);
        }
        if self.frames {
            lines.push(self.rule('└', '┴', '┘'));
        }
        lines
    }

    fn row(&self, row: Vec<Vec<Line>>, lines: &mut Vec<Line>) {
        let mut cells: Vec<Vec<Line>> = row
            .into_iter()
            .zip(&self.widths)
            .map(|(cell, width)| {
                cell.into_iter()
                    .flat_map(|line| wrap(line, self.wraps.then_some(*width)))
                    .collect()
            })
            .collect();
        cells.resize(self.widths.len(), Vec::new());
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let dim = Look {
            dim: true,
            ..Look::default()
        };
        for number in 0..height {
            let mut whole = Line::new();
            for (column, cell) in cells.iter_mut().enumerate() {
                let between = match (self.frames, column) {
                    (true, 0) => "│ ",
                    (true, _) => " │ ",
                    (false, 0) => "",
                    (false, _) => "  ",
                };
                whole.push(piece(between, dim));
                let line = cell.get_mut(number).map(std::mem::take).unwrap_or_default();
                self.fill(column, trim_end(line), &mut whole);
            }
            if self.frames {
                whole.push(piece(" │", dim));
            } else {
                whole = trim_end(whole);
            }
            lines.push(whole);
        }
    }

    fn fill(&self, column: usize, line: Line, whole: &mut Line) {
        let width = self.widths.get(column).copied().unwrap_or(0);
        let free = width.saturating_sub(line_width(&line));
        let left = match self.alignments.get(column) {
            Some(Alignment::Right) => free,
            Some(Alignment::Center) => free / 2,
            Some(Alignment::Left) | None => 0,
        };
        let space = |count: usize| piece(&" ".repeat(count), Look::default());
        whole.push(space(left));
        whole.extend(line);
        whole.push(space(free - left));
    }

    fn rule(&self, left: char, middle: char, right: char) -> Line {
        let parts: Vec<String> = self
            .widths
            .iter()
            .map(|width| "─".repeat(width + 2))
            .collect();
        let text = format!("{left}{}{right}", parts.join(&middle.to_string()));
        vec![piece(
            &text,
            Look {
                dim: true,
                ..Look::default()
            },
        )]
    }

    fn dashes(&self) -> Line {
        let parts: Vec<String> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
        vec![piece(
            &parts.join("  "),
            Look {
                dim: true,
                ..Look::default()
            },
        )]
    }
}

fn trim_end(mut line: Line) -> Line {
    while let Some(last) = line.last_mut() {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if !last.text.is_empty() {
            break;
        }
        line.pop();
    }
    line
}
