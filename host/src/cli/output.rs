//! Lines for people and JSON for programs. A reader that went away ends the command quietly.

use std::io::{self, Write};

use serde::Serialize;

/// Why a command ended before its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody reads what is written.
    BrokenPipe,
    /// Code 64: each is a line.
    Usage(Vec<String>),
    /// Code 1.
    Failed(anyhow::Error),
    /// Code 130.
    Interrupted(anyhow::Error),
}

/// A person, or the system, ended the command.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

impl Failure {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(vec![message.into()])
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::Failed(error.into())
        }
    }
}

impl From<Interrupted> for Failure {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        if error.downcast_ref::<Interrupted>().is_some() {
            return Self::Interrupted(error);
        }
        let is_usage = error.downcast_ref::<crate::config::Problem>().is_some()
            || error
                .downcast_ref::<crate::app::entry::UsageError>()
                .is_some();
        if is_usage {
            return Self::usage(format!("{error:#}"));
        }
        // Only looked at: taken out, it would lose what it was about.
        match error.downcast_ref::<io::Error>() {
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Failed(error),
        }
    }
}

/// Writes a line to standard output.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Writes one JSON object for each item.
pub(super) fn print_json<T: Serialize>(items: &[T]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for item in items {
        serde_json::to_writer(&mut out, item).map_err(io::Error::from)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

/// Writes a line to standard error; that nobody reads it is no reason to stop.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a command says how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// It does.
    Aloud,
    /// It says only what is wrong.
    Quiet,
}

impl Voice {
    /// Says how far it is.
    pub(super) fn say(self, text: &str) {
        if self == Self::Aloud {
            say(text);
        }
    }
}

/// How large something is: bytes, KiB or MiB, as it is read best.
pub(super) fn size_text(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        1024..10_485_760 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1024 * 1024)),
    }
}

/// Lines up columns; the last is as long as it is.
pub(super) fn table(rows: &[Vec<String>]) -> Vec<String> {
    use unicode_width::UnicodeWidthStr as _;
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or_default()
        })
        .collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width + 2 - cell.width()));
            }
            line.trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_columns_up() {
        let rows = [
            vec!["a".to_owned(), "b".to_owned()],
            vec!["ccc".to_owned(), String::new()],
        ];
        assert_eq!(table(&rows), ["a    b", "ccc"]);
    }

    #[test]
    fn a_size_is_told_in_what_it_is_read_best_in() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (129_000, "126 KiB"),
            (10 << 20, "10 MiB"),
        ] {
            assert_eq!(size_text(bytes), told);
        }
    }

    #[test]
    fn failures_have_their_class() {
        let pipe: Failure = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).into();
        assert!(matches!(pipe, Failure::BrokenPipe));
        let problem =
            crate::config::Problem::whole_file(std::path::Path::new("parlor.toml"), "is wrong");
        let usage: Failure = anyhow::Error::from(problem).into();
        assert!(matches!(usage, Failure::Usage(_)));
        let interrupted = anyhow::Error::from(Interrupted).context("while it was built");
        assert!(matches!(interrupted.into(), Failure::Interrupted(_)));
        let other: Failure = anyhow::anyhow!("x").into();
        assert!(matches!(other, Failure::Failed(_)));
        let missing = anyhow::Error::from(io::Error::from(io::ErrorKind::NotFound));
        let Failure::Failed(error) = missing.context("cannot start cargo").into() else {
            panic!("a failure with what it is about")
        };
        assert!(format!("{error:#}").starts_with("cannot start cargo: "));
    }
}
