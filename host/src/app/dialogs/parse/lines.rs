//! Lines of a dialog file, as steps with what belongs to them.

use super::Mistake;

/// What lines that belong to a step begin with.
const INDENT: &str = "    ";

/// A step with the lines that belong to it.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Its first line, from 1.
    pub(super) line: usize,
    /// The line after its last one.
    pub(super) end: usize,
    /// Its first line as it is written.
    pub(super) source: &'a str,
    /// Its first word.
    pub(super) word: &'a str,
    /// What stands behind it.
    pub(super) rest: &'a str,
    /// The line where what stands below it begins.
    pub(super) body_line: usize,
    /// The lines below it, without what they are indented by.
    pub(super) body: Vec<&'a str>,
}

impl Block<'_> {
    /// What stands behind the word of a step that takes no free text: a comment may follow.
    pub(super) fn bare(&self) -> &str {
        if self.rest.starts_with('#') {
            return "";
        }
        let end = self.rest.find(" #").unwrap_or(self.rest.len());
        self.rest[..end].trim_end()
    }

    /// Makes sure that nothing stands behind the word.
    pub(super) fn nothing(&self) -> Result<(), Mistake> {
        if self.bare().is_empty() && self.body.is_empty() {
            return Ok(());
        }
        Err(Mistake::new(
            format!("text behind `{}`", self.word),
            format!("`{}` alone", self.word),
        ))
    }

    /// A single word.
    pub(super) fn only_word(&self, expected: &str) -> Result<String, Mistake> {
        let text = self.bare();
        if text.is_empty() || text.contains(' ') || !self.body.is_empty() {
            return Err(self.wrong(expected));
        }
        Ok(text.to_owned())
    }

    /// A name, which may have spaces in it.
    pub(super) fn name(&self, expected: &str) -> Result<String, Mistake> {
        let text = self.bare();
        if text.is_empty() || !self.body.is_empty() {
            return Err(self.wrong(expected));
        }
        Ok(text.to_owned())
    }

    /// A text of one line.
    pub(super) fn one_line(&self, expected: &str) -> Result<String, Mistake> {
        if self.rest.is_empty() || !self.body.is_empty() {
            return Err(self.wrong(expected));
        }
        Ok(self.rest.to_owned())
    }

    /// A text of several lines.
    pub(super) fn text(&self, expected: &str) -> Result<String, Mistake> {
        let text = self.text_after(self.rest);
        if text.is_empty() {
            return Err(self.wrong(expected));
        }
        Ok(text)
    }

    /// What is left of the first line, with the lines below it.
    pub(super) fn text_after(&self, rest: &str) -> String {
        let first = (!rest.is_empty()).then_some(rest);
        let lines = first.into_iter().chain(self.body.iter().copied());
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn wrong(&self, expected: &str) -> Mistake {
        let found = match (self.rest.is_empty(), self.body.is_empty()) {
            (_, false) => format!("text below `{}`", self.word),
            (true, true) => format!("nothing behind `{}`", self.word),
            (false, true) => format!("`{} {}`", self.word, self.rest),
        };
        Mistake::new(found, expected)
    }
}

/// Cuts a text into its steps; comments and empty lines are left out.
pub(super) fn blocks(text: &str) -> Vec<Result<Block<'_>, (usize, Mistake)>> {
    // What editors of another system put before a text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found: Vec<Result<Block<'_>, (usize, Mistake)>> = Vec::new();
    // Whether the line before belongs to a step, and how many empty ones came since.
    let mut is_open = false;
    let mut empty = 0;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        if line.trim().is_empty() {
            empty += 1;
            continue;
        }
        if let Some(inside) = line.strip_prefix(INDENT) {
            match found.last_mut().filter(|_| is_open) {
                Some(Ok(block)) => {
                    // Empty lines between two lines of a text belong to it.
                    if block.body.is_empty() && block.rest.is_empty() {
                        block.body_line = number;
                    } else {
                        block.body.extend(std::iter::repeat_n("", empty));
                    }
                    block.body.push(inside);
                    block.end = number + 1;
                }
                // The step was complained about.
                Some(Err(_)) => {}
                None => found.push(Err((
                    number,
                    Mistake::new(
                        "an indented line without a step above it",
                        "a step, or a `#` before a comment",
                    ),
                ))),
            }
            empty = 0;
            continue;
        }
        empty = 0;
        is_open = !line.starts_with('#');
        if !is_open {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            found.push(Err((
                number,
                Mistake::new(
                    "a line that begins with white space, but not with four spaces",
                    "four spaces before what belongs to the step above, none before a step",
                ),
            )));
            continue;
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        found.push(Ok(Block {
            line: number,
            end: number + 1,
            source: line,
            word,
            rest: rest.trim(),
            body_line: number + 1,
            body: Vec::new(),
        }));
    }
    found
}
