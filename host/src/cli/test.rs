//! `parlor test`: the dialogs of a plugin, each on a host of its own.

mod junit;
mod lines;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use self::target::{Asked, Target, targets};
use super::interruptible;
use super::output::{Failure, print_json, print_line, say};
use super::start::Place;
use crate::app::dialogs::{
    Change, ContractSettings, Coverage, DialogFailure, DialogFile, DialogMode, DialogReport, Loss,
    RefusedBuild, TestedBuild, Used, apply_changes, parse_file,
};
use crate::config::{LogLevel, Problem};
use crate::runtime::CompilerProgram;
use crate::telemetry::strip_control;

/// Dialogs at one time, for each processor: they wait more than they compute.
const AT_ONCE: usize = 2;

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Projects, folders of dialogs, or single dialogs [default: the project in this folder]
    #[arg(value_name = "FOLDER|FILE.dialog")]
    what: Vec<PathBuf>,
    /// Test this component; no project is needed
    #[arg(long, value_name = "FILE.wasm")]
    wasm: Option<PathBuf>,
    /// Test what was built before
    #[arg(long, conflicts_with = "wasm")]
    no_build: bool,
    /// Run the dialogs in this folder instead of the project's: what `parlor events export` wrote
    #[arg(long, value_name = "FOLDER")]
    recorded: Option<PathBuf>,
    /// Leave out the tests that every plugin gets
    #[arg(long)]
    no_contract: bool,
    /// Run only dialogs that have this in their name
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Write what is said now into the dialogs, where they expect another text or none
    #[arg(long)]
    update: bool,
    /// Fail where less of a plugin's commands, forms and buttons is used
    #[arg(long, value_name = "PERCENT", conflicts_with = "filter", value_parser = clap::value_parser!(u32).range(0..=100))]
    min_coverage: Option<u32>,
    /// Write the results into this file too, for programs that read JUnit's
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON object per dialog
    #[arg(long)]
    json: bool,
    /// Say too what platforms would not show as it is meant
    #[arg(long, short)]
    verbose: bool,
}

impl TestArgs {
    /// What is recorded is run by itself.
    fn has_contract(&self) -> bool {
        !self.no_contract && self.recorded.is_none()
    }

    fn is_wanted(&self, name: &str) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| name.contains(filter.as_str()))
    }
}

/// A dialog that was run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Ran {
    plugin: String,
    file: PathBuf,
    line: usize,
    dialog: String,
    outcome: Outcome,
    took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<DialogFailure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    losses: Vec<Loss>,
}

/// How a dialog ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Ok,
    Failed,
}

/// A component with its dialogs, all of them read.
struct Tested {
    build: Arc<TestedBuild>,
    files: Vec<Arc<DialogFile>>,
}

/// Runs the verb: 0 where all goes as expected, 1 where something does not.
pub(super) fn run(place: &Place<'_>, args: TestArgs) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    // What a dialog makes fail is the dialog's to tell.
    super::logs(LogLevel::Error)?;
    let what = match args.what.is_empty() {
        true => vec![PathBuf::from(".")],
        false => args.what.clone(),
    };
    let targets = targets(&Asked {
        what: &what,
        wasm: args.wasm.as_deref(),
        recorded: args.recorded.as_deref(),
        is_built: !args.no_build,
        has_contract: args.has_contract(),
    })?;
    let (files, problems) = read(&targets);
    if !problems.is_empty() {
        return Err(usage(place, &problems));
    }
    interruptible(async {
        let tested = prepare(&targets, files).await?;
        let problems: Vec<Problem> = tested
            .iter()
            .flat_map(|it| it.files.iter().flat_map(|file| it.build.check(file)))
            .collect();
        if !problems.is_empty() {
            return Err(usage(place, &problems));
        }
        let mut session = Session::new(place, &args);
        for tested in tested {
            session.test(tested).await?;
        }
        session.end(began)
    })
}

fn usage(place: &Place<'_>, problems: &[Problem]) -> Failure {
    let lines = problems.iter().map(|problem| {
        let mut problem = problem.clone();
        problem.file = short(place.folder, &problem.file);
        problem.to_string()
    });
    Failure::Usage(lines.collect())
}

/// Writes changes into a file that is still as it was read.
fn write_changes(file: &DialogFile, changes: &[Change]) -> anyhow::Result<()> {
    if std::fs::read_to_string(&file.path)? != file.text {
        anyhow::bail!("has changed while it was tested; no answer was taken over");
    }
    std::fs::write(&file.path, apply_changes(&file.text, changes))?;
    Ok(())
}

/// A path as a person in this folder would write it.
fn short(folder: &Path, path: &Path) -> PathBuf {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.strip_prefix(folder).unwrap_or(path).to_owned()
}

/// Reads every file, or finds every mistake in them.
fn read(targets: &[Target]) -> (Vec<Vec<Arc<DialogFile>>>, Vec<Problem>) {
    let mut problems = Vec::new();
    let files = targets.iter().map(|target| {
        let mut files = Vec::new();
        for path in &target.files {
            match parse_file(path) {
                Ok(file) => files.push(Arc::new(file)),
                Err(found) => problems.extend(found),
            }
        }
        files
    });
    (files.collect(), problems)
}

/// Compiles every component. One that is named and refused is a mistake of whoever named it; one that was
/// built here is a build that failed.
async fn prepare(
    targets: &[Target],
    files: Vec<Vec<Arc<DialogFile>>>,
) -> Result<Vec<Tested>, Failure> {
    let compiler = CompilerProgram::Child(std::env::current_exe()?);
    let mut preparing: Vec<JoinHandle<anyhow::Result<TestedBuild>>> = Vec::new();
    for target in targets {
        let (name, path, compiler) = (target.name.clone(), target.wasm.clone(), compiler.clone());
        preparing.push(tokio::spawn(async move {
            let wasm = std::fs::read(&path);
            let wasm = wasm.with_context(|| format!("{} cannot be read", path.display()))?;
            let build = TestedBuild::prepare(&name, wasm, compiler).await;
            build.with_context(|| path.display().to_string())
        }));
    }
    let mut tested = Vec::new();
    for ((preparing, files), target) in preparing.into_iter().zip(files).zip(targets) {
        let build = preparing.await.map_err(anyhow::Error::from)?;
        let build = build.map_err(
            |error| match error.is::<RefusedBuild>() && target.is_named {
                true => Failure::usage(format!("{error:#}")),
                false => Failure::from(error),
            },
        )?;
        tested.push(Tested {
            build: Arc::new(build),
            files,
        });
    }
    Ok(tested)
}

/// What was tested so far.
struct Session<'a> {
    folder: &'a Path,
    args: &'a TestArgs,
    places: Arc<Semaphore>,
    ran: Vec<Ran>,
    /// What is said of each plugin at the end.
    coverage: Vec<String>,
    /// Plugins of which too little is used.
    uncovered: Vec<String>,
    taken_over: usize,
}

impl<'a> Session<'a> {
    fn new(place: &'a Place<'_>, args: &'a TestArgs) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            folder: place.folder,
            args,
            places: Arc::new(Semaphore::new(cores * AT_ONCE)),
            ran: Vec::new(),
            coverage: Vec::new(),
            uncovered: Vec::new(),
            taken_over: 0,
        }
    }

    /// Runs the dialogs of a component, several at a time, and tells of each in its order.
    async fn test(&mut self, tested: Tested) -> Result<(), Failure> {
        let mode = match self.args.update {
            true => DialogMode::Update,
            false => DialogMode::Check,
        };
        self.test_contract(&tested).await?;
        let mut running: Vec<Vec<JoinHandle<DialogReport>>> = Vec::new();
        for file in &tested.files {
            let wanted = (0..file.dialogs.len())
                .filter(|place| self.args.is_wanted(&file.dialogs[*place].name));
            let started = wanted.map(|place| {
                let (build, file) = (tested.build.clone(), file.clone());
                let places = self.places.clone();
                tokio::spawn(async move {
                    // Never closed.
                    let _place = places.acquire_owned().await;
                    build.run(&file.path, &file.dialogs[place], mode).await
                })
            });
            running.push(started.collect());
        }
        let mut used = Used::default();
        for (file, running) in tested.files.iter().zip(running) {
            let mut changes = Vec::new();
            for running in running {
                let mut report = running.await.map_err(anyhow::Error::from)?;
                used.add(&report.used);
                changes.append(&mut report.changes);
                self.tell(tested.build.name(), &file.path, report)?;
            }
            if !changes.is_empty() {
                write_changes(file, &changes).with_context(|| file.path.display().to_string())?;
                self.taken_over += changes.len();
                self.print(&format!(
                    "{}: answers taken over",
                    self.short(&file.path).display()
                ))?;
            }
        }
        self.cover(&tested.build, &used);
        Ok(())
    }

    /// Runs the tests that every plugin gets, with the settings of the first dialog that gives some.
    async fn test_contract(&mut self, tested: &Tested) -> Result<(), Failure> {
        if !self.args.has_contract() {
            return Ok(());
        }
        let all = tested.files.iter();
        let mut dialogs = all.flat_map(|file| file.dialogs.iter().map(move |it| (file, it)));
        let found = dialogs.find(|(_, dialog)| dialog.settings.is_some());
        let path = found.map_or(Path::new(""), |(file, _)| file.path.as_path());
        let settings = ContractSettings {
            path,
            dialog: found.map(|(_, dialog)| dialog),
        };
        let args = self.args;
        let wanted = |name: &str| args.is_wanted(name);
        for report in tested.build.contract(settings, wanted).await {
            self.tell(tested.build.name(), path, report)?;
        }
        Ok(())
    }

    fn short(&self, path: &Path) -> PathBuf {
        short(self.folder, path)
    }

    /// Prints a line for people.
    fn print(&self, line: &str) -> Result<(), Failure> {
        match self.args.json {
            true => Ok(()),
            false => print_line(&strip_control(line, true)),
        }
    }

    fn tell(&mut self, plugin: &str, path: &Path, report: DialogReport) -> Result<(), Failure> {
        let outcome = match report.failure {
            None => Outcome::Ok,
            Some(_) => Outcome::Failed,
        };
        let ran = Ran {
            plugin: plugin.to_owned(),
            file: self.short(path),
            line: report.line,
            dialog: report.name,
            outcome,
            took_ms: report.took_ms,
            note: report.note,
            failure: report.failure,
            losses: match self.args.verbose {
                true => report.losses,
                false => Vec::new(),
            },
        };
        if self.args.json {
            print_json(std::slice::from_ref(&ran))?;
        }
        for line in lines::of_dialog(&ran) {
            self.print(&line)?;
        }
        self.ran.push(ran);
        Ok(())
    }

    /// Compares what was used with what there is; some of the dialogs alone say nothing of that.
    fn cover(&mut self, build: &TestedBuild, used: &Used) {
        if self.args.filter.is_some() {
            return;
        }
        let coverage = Coverage::of(&build.description().commands, used);
        let name = build.name();
        self.coverage.extend(lines::of_coverage(name, &coverage));
        let percent = coverage.percent();
        if let Some(least) = self.args.min_coverage.filter(|least| percent < *least) {
            self.uncovered.push(format!(
                "{name}: {percent} % of its commands, forms and buttons are used; --min-coverage asks for {least} %"
            ));
        }
    }

    fn end(self, began: Instant) -> Result<ExitCode, Failure> {
        if self.ran.is_empty() {
            return Err(Failure::usage(match &self.args.filter {
                Some(filter) => format!("no dialog has “{filter}” in its name"),
                None => "there is no dialog to run".to_owned(),
            }));
        }
        if let Some(path) = &self.args.junit {
            let written = std::fs::write(path, junit::report(&self.ran));
            written.with_context(|| path.display().to_string())?;
        }
        for line in &self.coverage {
            self.print(line)?;
        }
        let took = began.elapsed().as_millis();
        self.print(&lines::total(&self.ran, self.taken_over, took))?;
        for line in &self.uncovered {
            say(line);
        }
        let failed = self.ran.iter().any(|ran| ran.outcome == Outcome::Failed);
        Ok(match failed || !self.uncovered.is_empty() {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }
}
