//! All expenses as a CSV file (RFC 4180).

use crate::record::Expense;

const TITLES: [&str; 9] = [
    "number",
    "date",
    "requester",
    "approver",
    "amount",
    "currency",
    "receipt",
    "status",
    "decided",
];

/// Writes the file.
pub(crate) fn csv(expenses: &[Expense]) -> String {
    let mut file = String::new();
    line(&mut file, &TITLES);
    for expense in expenses {
        let decided = match expense.decided_at {
            0 => String::new(),
            at => date(at),
        };
        let cells = [
            &expense.number.to_string(),
            &date(expense.at),
            &expense.requester.name,
            &expense.approver.name,
            &expense.amount(),
            &expense.currency,
            &expense.receipt,
            expense.status.name(),
            &decided,
        ];
        line(&mut file, &cells);
    }
    file
}

fn line(file: &mut String, cells: &[&str]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            file.push(',');
        }
        push_cell(file, cell);
    }
    file.push_str("\r\n");
}

/// Spreadsheets take a cell that begins so for a formula, whoever wrote it.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn push_cell(file: &mut String, cell: &str) {
    let is_quoted = cell.contains(['"', ',', '\r', '\n']);
    if is_quoted {
        file.push('"');
    }
    if is_formula(cell) {
        file.push('\'');
    }
    for c in cell.chars() {
        if c == '"' {
            file.push(c);
        }
        file.push(c);
    }
    if is_quoted {
        file.push('"');
    }
}

/// Gives the day of a moment in UTC, `2026-11-20`, by the civil calendar (Hinnant's algorithm).
fn date(ms: u64) -> String {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    // Counted from 1 March of the year 0, so that a leap day is the last day of its year.
    let days = ms / DAY + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let two = |number: u64| [if number < 10 { "-0" } else { "-" }, &number.to_string()].concat();
    [&year.to_string(), two(month).as_str(), &two(day)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, day) in [
            (0, "1970-01-01"),
            (951_782_399_999, "2000-02-28"),
            (951_782_400_000, "2000-02-29"),
            (951_868_800_000, "2000-03-01"),
            (1_735_689_599_999, "2024-12-31"),
            (1_764_028_800_000, "2025-11-25"),
        ] {
            assert_eq!(date(ms), day);
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be_and_never_formulas() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
        ] {
            let mut file = String::new();
            push_cell(&mut file, cell);
            assert_eq!(file, written);
        }
    }
}
