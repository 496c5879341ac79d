//! `parlor test`: the dialogs of a plugin, each on a host of its own.

mod junit;
mod lines;
mod results;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use self::results::{Outcome, Ran, Results, Sort};
use self::target::{Asked, Target, targets};
use super::interruptible;
use super::output::{Failure, say};
use super::start::Place;
use crate::app::dialogs::{
    Change, ContractSettings, Coverage, DialogFile, DialogMode, DialogReport, RefusedBuild,
    TestedBuild, Used, apply_changes, parse_file,
};
use crate::config::{LogLevel, Problem};
use crate::runtime::CompilerProgram;

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
    /// Say too what platforms would not show as it is meant, and which actions did nothing
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

/// A component with its dialogs, all of them read.
struct Tested {
    build: Arc<TestedBuild>,
    files: Vec<Arc<DialogFile>>,
    /// They are all that its project has.
    is_whole: bool,
}

/// Runs the verb: 0 where all goes as expected, 1 where something does not.
pub(super) fn run(place: &Place<'_>, args: TestArgs) -> Result<ExitCode, Failure> {
    // What a dialog makes fail is the dialog's to tell.
    super::logs(LogLevel::Error)?;
    let mut results = Results::begin(place.folder, &args)?;
    let ended = test(&args, &mut results);
    results.end(ended)
}

fn test(args: &TestArgs, results: &mut Results<'_>) -> Result<ExitCode, Failure> {
    let began = Instant::now();
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
    let files = read(&targets, results)?;
    interruptible(async {
        let tested = prepare(&targets, files, results).await?;
        let mistakes = tested.iter().map(|it| {
            let problems = it.files.iter().flat_map(|file| it.build.check(file));
            let problems: Vec<Problem> = problems.collect();
            (it.build.name(), problems)
        });
        refuse(mistakes.collect(), results)?;
        let mut session = Session::new(args, results);
        for tested in tested {
            session.test(tested).await?;
        }
        session.end(began)
    })
}

/// Ends the run where there are mistakes, by the plugin whose file they are in.
fn refuse(mistakes: Vec<(&str, Vec<Problem>)>, results: &mut Results<'_>) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for (plugin, mut problems) in mistakes {
        for problem in &mut problems {
            problem.file = results.short(&problem.file);
        }
        lines.extend(problems.iter().map(Problem::to_string));
        results.keep_mistakes(plugin, &problems)?;
    }
    match lines.is_empty() {
        true => Ok(()),
        false => Err(Failure::Usage(lines)),
    }
}

/// Writes changes into a file that is still as it was read.
fn write_changes(file: &DialogFile, changes: &[Change]) -> anyhow::Result<()> {
    if std::fs::read_to_string(&file.path)? != file.text {
        anyhow::bail!("has changed while it was tested; no answer was taken over");
    }
    std::fs::write(&file.path, apply_changes(&file.text, changes))?;
    Ok(())
}

/// Reads every file, or finds every mistake in them.
fn read(
    targets: &[Target],
    results: &mut Results<'_>,
) -> Result<Vec<Vec<Arc<DialogFile>>>, Failure> {
    let mut all = Vec::new();
    let mut mistakes = Vec::new();
    for target in targets {
        let mut files = Vec::new();
        for path in &target.files {
            match parse_file(path) {
                Ok(file) => files.push(Arc::new(file)),
                Err(problems) => mistakes.push((target.name.as_str(), problems)),
            }
        }
        all.push(files);
    }
    refuse(mistakes, results)?;
    Ok(all)
}

/// Compiles every component. One that is named and refused is a mistake of whoever named it; one that was
/// built here is a build that failed.
async fn prepare(
    targets: &[Target],
    files: Vec<Vec<Arc<DialogFile>>>,
    results: &mut Results<'_>,
) -> Result<Vec<Tested>, Failure> {
    let compiler = CompilerProgram::Quick(std::env::current_exe()?);
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
    let mut refused: Vec<(anyhow::Error, bool)> = Vec::new();
    for ((preparing, target), files) in preparing.into_iter().zip(targets).zip(files) {
        match preparing.await.map_err(anyhow::Error::from)? {
            Ok(build) => tested.push(Tested {
                build: Arc::new(build),
                files,
                is_whole: target.is_whole,
            }),
            Err(error) => {
                results.keep_refused(&target.name, &target.wasm, &error)?;
                let is_mistake = target.is_named && error.is::<RefusedBuild>();
                refused.push((error, is_mistake));
            }
        }
    }
    if refused.len() > 1 {
        let lines: Vec<String> = refused.iter().map(|(it, _)| format!("{it:#}")).collect();
        return Err(Failure::Failed(anyhow::anyhow!(lines.join("\n"))));
    }
    match refused.pop() {
        None => Ok(tested),
        Some((error, true)) => Err(Failure::usage(format!("{error:#}"))),
        Some((error, false)) => Err(error.into()),
    }
}

/// What was tested so far.
struct Session<'a, 'r> {
    args: &'a TestArgs,
    results: &'a mut Results<'r>,
    places: Arc<Semaphore>,
    /// What is said of each plugin at the end.
    coverage: Vec<String>,
    taken_over: usize,
}

impl<'a, 'r> Session<'a, 'r> {
    fn new(args: &'a TestArgs, results: &'a mut Results<'r>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            args,
            results,
            places: Arc::new(Semaphore::new(cores * AT_ONCE)),
            coverage: Vec::new(),
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
            let mut unused = file.shared.clone();
            let mut is_ok = true;
            for running in running {
                let mut report = running.await.map_err(anyhow::Error::from)?;
                used.add(&report.used);
                changes.append(&mut report.changes);
                unused.retain(|line, _| !report.shared_used.contains(line));
                is_ok &= report.failure.is_none();
                self.results.tell(tested.build.name(), &file.path, report)?;
            }
            // A dialog that failed, or was left out, might have asked for it.
            if is_ok && self.args.filter.is_none() {
                for (line, request) in &unused {
                    let path = self.results.short(&file.path);
                    say(&format!(
                        "warning: {}:{line}: no dialog of this file asks for {request}",
                        path.display()
                    ));
                }
            }
            if !changes.is_empty() {
                write_changes(file, &changes).with_context(|| file.path.display().to_string())?;
                self.taken_over += changes.len();
                let path = self.results.short(&file.path);
                self.results
                    .print(&format!("{}: answers taken over", path.display()))?;
            }
        }
        self.cover(&tested, &used)
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
            self.results.tell(tested.build.name(), path, report)?;
        }
        Ok(())
    }

    /// Compares what was used with what there is; some of the dialogs alone say nothing of that.
    fn cover(&mut self, tested: &Tested, used: &Used) -> Result<(), Failure> {
        let least = self.args.min_coverage;
        if self.args.filter.is_some() || (!tested.is_whole && least.is_none()) {
            return Ok(());
        }
        let build = &tested.build;
        let coverage = Coverage::of(&build.description().commands, used);
        let name = build.name();
        self.coverage.extend(lines::of_coverage(name, &coverage));
        let Some(least) = least else {
            return Ok(());
        };
        let percent = coverage.percent();
        let wrong = (percent < least).then(|| {
            format!(
                "{name}: {percent} % of its commands, forms and buttons are used; --min-coverage asks for {least} %"
            )
        });
        self.results.tell_coverage(name, wrong)
    }

    fn end(self, began: Instant) -> Result<ExitCode, Failure> {
        let mut dialogs = self
            .results
            .ran()
            .iter()
            .filter(|ran| ran.sort != Sort::Run);
        if dialogs.next().is_none() {
            return Err(Failure::usage(match &self.args.filter {
                Some(filter) => format!("no dialog has “{filter}” in its name"),
                None => "there is no dialog to run".to_owned(),
            }));
        }
        for line in &self.coverage {
            self.results.print(line)?;
        }
        let took = began.elapsed().as_millis();
        let total = lines::total(self.results.ran(), self.taken_over, took);
        self.results.print(&total)?;
        Ok(match self.results.has_failed() {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }
}
