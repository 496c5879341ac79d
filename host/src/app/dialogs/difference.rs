//! In what two texts differ, line by line. Pure.

use serde::Serialize;

/// Lines of either side that are compared one by one; of longer texts the rest is shown as it is.
const MAX_LINES: usize = 200;

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiffLine {
    /// In both.
    Both(String),
    /// Expected, and not said.
    Expected(String),
    /// Said, and not expected.
    Said(String),
}

/// The lines of what was said, where nothing is compared.
pub(super) fn all_said(text: &str) -> impl Iterator<Item = DiffLine> {
    text.lines().map(|line| DiffLine::Said(line.to_owned()))
}

/// Compares what was expected with what was said.
pub fn difference(expected: &str, said: &str) -> Vec<DiffLine> {
    let left: Vec<&str> = expected.lines().collect();
    let right: Vec<&str> = said.lines().collect();
    if left.len() > MAX_LINES || right.len() > MAX_LINES {
        let left = left.iter().map(|&line| DiffLine::Expected(line.to_owned()));
        let right = right.iter().map(|&line| DiffLine::Said(line.to_owned()));
        return left.chain(right).collect();
    }
    // The longest run of lines that both have, counted from each place on.
    let mut common = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for at in (0..left.len()).rev() {
        for to in (0..right.len()).rev() {
            common[at][to] = match left[at] == right[to] {
                true => common[at + 1][to + 1] + 1,
                false => common[at + 1][to].max(common[at][to + 1]),
            };
        }
    }
    let (mut at, mut to) = (0, 0);
    let mut lines = Vec::new();
    while at < left.len() || to < right.len() {
        if at < left.len() && to < right.len() && left[at] == right[to] {
            lines.push(DiffLine::Both(left[at].to_owned()));
            (at, to) = (at + 1, to + 1);
        } else if at < left.len() && (to == right.len() || common[at + 1][to] >= common[at][to + 1])
        {
            lines.push(DiffLine::Expected(left[at].to_owned()));
            at += 1;
        } else {
            lines.push(DiffLine::Said(right[to].to_owned()));
            to += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, said: &str, wanted: &str) {
        let lines: Vec<String> = difference(expected, said)
            .into_iter()
            .map(|line| match line {
                DiffLine::Both(line) => format!(" {line}"),
                DiffLine::Expected(line) => format!("-{line}"),
                DiffLine::Said(line) => format!("+{line}"),
            })
            .collect();
        assert_eq!(lines.join("\n"), wanted);
    }

    #[test]
    fn lines_that_both_have_stand_once() {
        check("a\nb\nc", "a\nx\nc", " a\n-b\n+x\n c");
        check("a", "a\nb", " a\n+b");
        check("a\nb", "b", "-a\n b");
        check("", "a", "+a");
        check("a", "", "-a");
        check("a\nb", "c\nd", "-a\n-b\n+c\n+d");
    }
}
