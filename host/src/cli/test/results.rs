//! What came of a run: a line or an object for each dialog as it ends, and the file as JUnit writes it.
//! Programs get both of them too where nothing could be run.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{TestArgs, junit, lines};
use crate::app::dialogs::{ActionNote, DialogFailure, DialogReport, Loss, is_contract};
use crate::cli::output::{Failure, print_json, print_line, say};
use crate::config::Problem;
use crate::telemetry::strip_control;

/// The case in which a component is loaded.
const LOADS: &str = "the component loads";
/// The case in which enough of a plugin is used.
const COVERAGE: &str = "coverage";
/// What a case is of that is of no plugin.
const NO_PLUGIN: &str = "parlor";
/// The case of a run that ended before anything was run.
const RUN: &str = "parlor test";

/// A dialog that was run, or what stands in the place of some.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Ran {
    pub(super) plugin: String,
    pub(super) file: PathBuf,
    pub(super) line: usize,
    pub(super) dialog: String,
    pub(super) outcome: Outcome,
    pub(super) took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<DialogFailure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) losses: Vec<Loss>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<ActionNote>,
    #[serde(skip)]
    pub(super) sort: Sort,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// As expected.
    Ok,
    /// Otherwise.
    Failed,
    /// It could not be run.
    Error,
}

/// What a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A dialog of the plugin's.
    Dialog,
    /// A test that every plugin gets.
    Contract,
    /// It is about the whole run.
    Run,
}

/// What was run so far.
pub(super) struct Results<'a> {
    folder: &'a Path,
    args: &'a TestArgs,
    junit: Option<File>,
    ran: Vec<Ran>,
}

impl<'a> Results<'a> {
    /// Begins without any. A file that cannot be written is told before anything is run; what it held is
    /// gone then, so that nobody takes the results of another run for those of this one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn begin(folder: &'a Path, args: &'a TestArgs) -> Result<Self, Failure> {
        let junit = match &args.junit {
            Some(path) => Some(File::create(path).map_err(|error| {
                Failure::usage(format!(
                    "--junit {}: the file cannot be written: {error}",
                    path.display()
                ))
            })?),
            None => None,
        };
        Ok(Self {
            folder,
            args,
            junit,
            ran: Vec::new(),
        })
    }

    /// Everything that was run.
    pub(super) fn ran(&self) -> &[Ran] {
        &self.ran
    }

    /// Tells whether something is not as it should be.
    pub(super) fn has_failed(&self) -> bool {
        self.ran.iter().any(|ran| ran.outcome != Outcome::Ok)
    }

    /// A path as a person in this folder would write it.
    pub(super) fn short(&self, path: &Path) -> PathBuf {
        let path = path.strip_prefix(".").unwrap_or(path);
        path.strip_prefix(self.folder).unwrap_or(path).to_owned()
    }

    /// Prints a line for people.
    pub(super) fn print(&self, line: &str) -> Result<(), Failure> {
        match self.args.json {
            true => Ok(()),
            false => print_line(&strip_control(line, true)),
        }
    }

    /// Tells of a dialog that was run.
    pub(super) fn tell(
        &mut self,
        plugin: &str,
        path: &Path,
        report: DialogReport,
    ) -> Result<(), Failure> {
        let is_verbose = self.args.verbose;
        let ran = Ran {
            plugin: plugin.to_owned(),
            file: self.short(path),
            line: report.line,
            outcome: match report.failure {
                None => Outcome::Ok,
                Some(_) => Outcome::Failed,
            },
            sort: match is_contract(&report.name) {
                true => Sort::Contract,
                false => Sort::Dialog,
            },
            dialog: report.name,
            took_ms: report.took_ms,
            note: report.note,
            failure: report.failure,
            losses: report.losses.into_iter().filter(|_| is_verbose).collect(),
            notes: report.notes.into_iter().filter(|_| is_verbose).collect(),
        };
        for line in lines::of_dialog(&ran) {
            self.print(&line)?;
        }
        self.keep(ran)
    }

    /// Tells whether enough of a plugin is used; `wrong` says why not.
    pub(super) fn tell_coverage(
        &mut self,
        plugin: &str,
        wrong: Option<String>,
    ) -> Result<(), Failure> {
        if let Some(wrong) = &wrong {
            say(wrong);
        }
        let outcome = match wrong {
            None => Outcome::Ok,
            Some(_) => Outcome::Failed,
        };
        self.keep(case(plugin, COVERAGE, outcome, wrong))
    }

    /// Keeps the mistakes of a plugin's files, as they are written; they are told as the run ends.
    pub(super) fn keep_mistakes(
        &mut self,
        plugin: &str,
        problems: &[Problem],
    ) -> Result<(), Failure> {
        for problem in problems {
            let name = match problem.line {
                0 => "its file".to_owned(),
                line => format!("line {line} of its file"),
            };
            let wrong = Some(problem.to_string());
            let case = case(plugin, &name, Outcome::Error, wrong);
            self.keep(Ran {
                file: problem.file.clone(),
                line: problem.line,
                ..case
            })?;
        }
        Ok(())
    }

    /// Keeps why a component is refused.
    pub(super) fn keep_refused(
        &mut self,
        plugin: &str,
        wasm: &Path,
        why: &anyhow::Error,
    ) -> Result<(), Failure> {
        let case = case(plugin, LOADS, Outcome::Error, Some(format!("{why:#}")));
        let file = self.short(wasm);
        self.keep(Ran { file, ..case })
    }

    fn keep(&mut self, ran: Ran) -> Result<(), Failure> {
        if self.args.json {
            print_json(std::slice::from_ref(&ran))?;
        }
        self.ran.push(ran);
        Ok(())
    }

    /// Writes the file, also where the run ended before its end.
    pub(super) fn end<T>(mut self, ended: Result<T, Failure>) -> Result<T, Failure> {
        let why = match &ended {
            Err(Failure::Usage(lines)) => Some(lines.join("\n")),
            Err(Failure::Failed(error) | Failure::Interrupted(error)) => Some(format!("{error:#}")),
            Ok(_) | Err(Failure::BrokenPipe) => None,
        };
        let is_told = self.ran.iter().any(|ran| ran.outcome == Outcome::Error);
        if let Some(why) = why.filter(|_| !is_told) {
            // What ended the run matters more than that nobody reads of it.
            let _ = self.keep(case(NO_PLUGIN, RUN, Outcome::Error, Some(why)));
        }
        if let (Some(mut file), Some(path)) = (self.junit.take(), &self.args.junit) {
            let written = file.write_all(junit::report(&self.ran).as_bytes());
            if let Err(error) = written {
                let error = anyhow::Error::from(error).context(path.display().to_string());
                return ended.and(Err(error.into()));
            }
        }
        ended
    }
}

/// A case that is no dialog.
fn case(plugin: &str, name: &str, outcome: Outcome, wrong: Option<String>) -> Ran {
    Ran {
        plugin: plugin.to_owned(),
        file: PathBuf::new(),
        line: 0,
        dialog: name.to_owned(),
        outcome,
        took_ms: 0,
        note: None,
        failure: wrong.map(|message| DialogFailure {
            message,
            ..DialogFailure::default()
        }),
        losses: Vec::new(),
        notes: Vec::new(),
        sort: Sort::Run,
    }
}
