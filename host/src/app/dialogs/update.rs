//! Golden answers: a dialog file is changed where another thing was said, and nowhere else. Pure.

use super::script::tidy;

/// Words that mean something behind `expect`.
const KEYWORDS: [&str; 16] = [
    "*", "=", "action", "agents", "any", "deleted", "edit", "failed", "http", "in", "joined",
    "left", "log", "none", "to", "~",
];

/// Tells whether a word means something behind `expect`.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// A change of a file: these lines stand where those stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first line that goes, from 1.
    pub line: usize,
    /// The line after the last one that goes; where it is `line`, none goes.
    pub end: usize,
    /// What comes.
    pub lines: Vec<String>,
}

/// The lines of a step that expects a text; `head` is the step up to it: `expect agents`.
pub fn expect_lines(head: &str, text: &str) -> Vec<String> {
    let text = tidy(text);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    if first.is_empty() {
        // Only files, or nothing.
        return vec![format!("{head} any")];
    }
    let word = first.split_whitespace().next().unwrap_or_default();
    let mut written = if first.starts_with(char::is_whitespace) {
        vec![head.to_owned(), format!("    {first}")]
    } else if is_keyword(word) {
        vec![format!("{head} = {first}")]
    } else {
        vec![format!("{head} {first}")]
    };
    written.extend(lines.map(|line| match line.is_empty() {
        true => String::new(),
        false => format!("    {line}"),
    }));
    written
}

/// Changes a text. Changes of the same place are made in their order; lines that no change names stay
/// as they are, byte by byte.
pub fn apply_changes(text: &str, changes: &[Change]) -> String {
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut ordered: Vec<&Change> = changes.iter().collect();
    ordered.sort_by_key(|change| (change.line, change.end));
    let mut ordered = ordered.into_iter().peekable();
    let mut written = String::with_capacity(text.len());
    let mut gone_until = 0;
    let put = |written: &mut String, change: &Change| {
        if !written.is_empty() && !written.ends_with('\n') {
            written.push_str(ending);
        }
        for line in &change.lines {
            written.push_str(line);
            written.push_str(ending);
        }
    };
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let number = at + 1;
        while let Some(change) = ordered.next_if(|change| change.line <= number) {
            put(&mut written, change);
            gone_until = gone_until.max(change.end);
        }
        if number >= gone_until {
            written.push_str(line);
        }
    }
    for change in ordered {
        put(&mut written, change);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(line: usize, end: usize, lines: &[&str]) -> Change {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Change { line, end, lines }
    }

    #[test]
    fn what_no_change_names_stays_byte_by_byte() {
        let text = "# a\t \nsay x\nexpect y\n    z\n\nsay w";
        for (changes, written) in [
            (vec![], text.to_owned()),
            (
                vec![change(3, 5, &["expect new"])],
                "# a\t \nsay x\nexpect new\n\nsay w".to_owned(),
            ),
            (
                vec![change(3, 3, &["expect before"])],
                text.replace("expect y", "expect before\nexpect y"),
            ),
            (
                vec![change(7, 7, &["expect q"]), change(7, 7, &["expect r"])],
                format!("{text}\nexpect q\nexpect r\n"),
            ),
        ] {
            assert_eq!(apply_changes(text, &changes), written);
        }
        let windows = apply_changes("say x\r\nexpect y\r\n", &[change(2, 3, &["expect z"])]);
        assert_eq!(windows, "say x\r\nexpect z\r\n");
    }

    #[test]
    fn a_text_is_written_so_that_it_is_read_the_same() {
        for text in [
            "Hello",
            "any questions?",
            "left",
            "* starred",
            "~",
            "# a heading",
            "two\nlines",
            "with\n\nan empty one",
            "  indented\nand not",
            "left\n    deep",
            "a  b",
            "action needed",
        ] {
            let file = format!("say x\n{}\n", expect_lines("expect", text).join("\n"));
            let parsed = crate::app::dialogs::parse(std::path::Path::new("x.dialog"), &file);
            let parsed = parsed.unwrap_or_else(|problems| panic!("{file}: {problems:?}"));
            let crate::app::dialogs::StepKind::Expect(expected) = &parsed.dialogs[0].steps[1].kind
            else {
                panic!("{file}");
            };
            let crate::app::dialogs::What::Said { text: matcher, .. } = &expected.what else {
                panic!("{file}");
            };
            let crate::app::dialogs::Matcher::Is(read) = matcher else {
                panic!("{file}");
            };
            assert_eq!(tidy(read), tidy(text), "{file}");
            assert_eq!(expected.head, "expect", "{file}");
        }
    }
}
