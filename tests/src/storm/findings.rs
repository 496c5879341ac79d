//! What an audit finds wrong.

use std::fmt;

/// Findings that are told in words; the rest is counted.
const TOLD: usize = 20;

/// What went wrong over a whole storm.
#[derive(Debug, Default)]
pub struct Findings {
    /// Messages that were taken and never answered, or are gone.
    pub lost: u64,
    /// Answers too many.
    pub duplicated: u64,
    /// Answers that came before one of an earlier message in their conversation.
    pub inverted: u64,
    told: Vec<String>,
}

impl Findings {
    /// Tells whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.inverted == 0
    }

    pub(crate) fn lost(&mut self, count: u64, what: impl FnOnce() -> String) {
        self.lost += count;
        self.tell(count, "lost", what);
    }

    pub(crate) fn duplicated(&mut self, count: u64, what: impl FnOnce() -> String) {
        self.duplicated += count;
        self.tell(count, "duplicated", what);
    }

    pub(crate) fn inverted(&mut self, count: u64, what: impl FnOnce() -> String) {
        self.inverted += count;
        self.tell(count, "inverted", what);
    }

    fn tell(&mut self, count: u64, kind: &str, what: impl FnOnce() -> String) {
        if count > 0 && self.told.len() < TOLD {
            self.told.push(format!("{kind}: {}", what()));
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lost,
            duplicated,
            inverted,
            told,
        } = self;
        write!(
            f,
            "{lost} lost, {duplicated} twice, {inverted} out of order"
        )?;
        told.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}
