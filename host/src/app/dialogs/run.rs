//! Runs a dialog on a host of its own, and sees whether it goes as expected.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::answers::DialogAnswers;
use super::build::TestedBuild;
use super::difference::DiffLine;
use super::heard::{Heard, Said, SaidWhat};
use super::places::{Acting, Cast};
use super::report::{DialogFailure, DialogReport, Loss};
use super::script::{Dialog, Step, StepKind};
use super::update::{Change, expect_lines};
use super::world::{DialogClock, DialogWorld};
use crate::app::host::{Host, HostParts};
use crate::app::platforms::BuiltIn;
use crate::app::preview::{Previewing, SaidHere};
use crate::app::reload::FolderChange;
use crate::app::stage::Stage;
use crate::config::{DEFAULT_BOT, PluginSettings, Problem, Settings};
use crate::connectors::local::hub::names;
use crate::connectors::local::{Hub, LocalConfig};
use crate::journal::Part;
use crate::journal::memory::MemoryJournal;
use crate::mailbox::Clock as _;
use crate::mailbox::rooms::{Command, Rooms as _};
use crate::model::{Name, Timestamp};
use crate::outbox::PartEnd;
use crate::runtime::LogLine;
use crate::web::PanelSource as _;

/// The longest that a host may take to come to rest after a step.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for what is due by the clock.
const LOOK: Duration = Duration::from_millis(1);
/// Dead letters that are looked at.
const MAX_LETTERS: usize = 1_000;
/// What happened before a failure, in lines.
const LINES_BEFORE: usize = 12;

/// What is done where another thing is said than was expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialogMode {
    /// The dialog fails.
    #[default]
    Check,
    /// The answers are taken over, as far as they can be.
    Update,
}

/// What is wrong, before it has its step and what happened before it.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) difference: Vec<DiffLine>,
    pub(super) hint: Option<String>,
    /// The line, where it is not that of the step.
    pub(super) line: Option<usize>,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Something that failed.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) text: String,
    pub(super) is_expected: bool,
}

/// A line of the plugin's log.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) text: String,
    pub(super) is_expected: bool,
}

/// A dialog under way.
pub(super) struct Running<'d> {
    pub(super) build: &'d TestedBuild,
    pub(super) path: &'d Path,
    pub(super) mode: DialogMode,
    pub(super) host: Host,
    pub(super) hub: Hub,
    pub(super) bot: Name,
    pub(super) clock: Arc<DialogClock>,
    pub(super) answers: Arc<DialogAnswers>,
    pub(super) acting: Acting,
    pub(super) heard: Heard,
    pub(super) failed: Vec<Failed>,
    pub(super) logged: Vec<Logged>,
    /// The last message of each person in each conversation.
    pub(super) messages: HashMap<(Name, String), String>,
    pub(super) changes: Vec<Change>,
    pub(super) webhooks: u64,
    world: Arc<DialogWorld>,
    ends: Arc<Mutex<Vec<String>>>,
    said_here: SaidHere,
    losses: Vec<Loss>,
    letters: usize,
    requests: usize,
    /// The step that made something happen last, by its place.
    acted: Option<usize>,
    /// The line before which answers are added that no step expects, and where the dialog is there.
    open: (usize, Option<Name>),
}

impl TestedBuild {
    /// Runs a dialog of a file on a host of its own.
    pub async fn run(&self, path: &Path, dialog: &Dialog, mode: DialogMode) -> DialogReport {
        let began = Instant::now();
        let mut report = DialogReport {
            name: dialog.name.clone(),
            line: dialog.line,
            ..DialogReport::default()
        };
        match Running::begin(self, path, dialog, mode).await {
            Ok(mut running) => {
                report.failure = running.run(dialog).await.err().map(|failure| *failure);
                running.end(&mut report).await;
            }
            Err(wrong) => {
                let settings = dialog.settings.as_ref().map(|it| it.line);
                report.failure = Some(DialogFailure {
                    line: wrong.line.or(settings).unwrap_or(dialog.line),
                    step: String::new(),
                    message: wrong.message,
                    hint: wrong.hint,
                    ..DialogFailure::default()
                });
            }
        }
        report.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
    }
}

impl<'d> Running<'d> {
    async fn begin(
        build: &'d TestedBuild,
        path: &'d Path,
        dialog: &Dialog,
        mode: DialogMode,
    ) -> Result<Self, Wrong> {
        Self::begin_with(build, path, dialog, mode, |_| {}).await
    }

    /// As a dialog begins, with other settings of the plugin's.
    pub(super) async fn begin_with(
        build: &'d TestedBuild,
        path: &'d Path,
        dialog: &Dialog,
        mode: DialogMode,
        change: impl FnOnce(&mut PluginSettings),
    ) -> Result<Self, Wrong> {
        let mut plugin = build.settings(path, dialog).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            Wrong::new(lines.join("\n"))
        })?;
        change(&mut plugin);
        let failed =
            |error: anyhow::Error| Wrong::new(format!("the host does not start: {error:#}"));
        let clock = DialogClock::at(dialog.clock);
        let cast = Cast::of(&dialog.steps);
        let config = LocalConfig {
            rooms: cast.rooms,
            users: cast.people.into_iter().collect(),
            ..LocalConfig::default()
        };
        let hub = Hub::open_at(config, clock.clone()).map_err(|error| failed(error.into()))?;
        for (name, person) in cast.members {
            let come = Command::OpenRoom { name };
            let came = hub.act(&person, come).await;
            came.map_err(|error| failed(error.into()))?;
        }
        let nowhere = path.parent().unwrap_or(Path::new("."));
        let mut settings = Settings::defaults(nowhere, nowhere);
        settings.roles.clone_from(&dialog.roles);
        settings.plugins.insert(build.name.clone(), plugin);
        // It names a trace id, and a dialog says itself what may fail.
        settings.sentences.failure.on_failure.clear();
        let world = Arc::new(DialogWorld::new(clock.clone(), dialog.seed));
        let answers = Arc::new(DialogAnswers::default());
        let ends: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard_ends = ends.clone();
        let stage = Stage {
            world: world.clone(),
            answers: answers.clone(),
            log: world.clone(),
            on_end: Arc::new(move |part, end| heard_ends.lock().extend(failed_part(part, end))),
        };
        let said_here = SaidHere::new(settings.sentences.hosted.clone());
        let bot = names::id_from_name(DEFAULT_BOT);
        let parts = HostParts {
            settings,
            journal: Arc::new(MemoryJournal::at(clock.clone())),
            platforms: Arc::new(Previewing::keeping(
                BuiltIn::new(hub.clone()),
                said_here.clone(),
            )),
            hub: hub.clone(),
            cache: build.cache.clone(),
            artifacts: None,
            compiler: build.compiler.clone(),
            clock: clock.clone(),
        };
        let host = Host::start_on(Some(stage), parts).await.map_err(failed)?;
        // The bot is in its rooms by now, which is no news.
        let heard = Heard::begin(&hub, &bot);
        let mut running = Self {
            build,
            path,
            mode,
            host,
            hub,
            bot,
            clock,
            answers,
            acting: Acting::first(),
            heard,
            failed: Vec::new(),
            logged: Vec::new(),
            messages: HashMap::new(),
            changes: Vec::new(),
            webhooks: 0,
            world,
            ends,
            said_here,
            losses: Vec::new(),
            letters: 0,
            requests: 0,
            acted: None,
            open: (first_line(dialog), None),
        };
        let opened = running.open().await;
        if let Err(wrong) = opened {
            running.host.stop().await;
            return Err(wrong);
        }
        Ok(running)
    }

    async fn open(&mut self) -> Result<(), Wrong> {
        let build = self.build;
        let plugins = self.host.plugins();
        let upsert = FolderChange::Upsert {
            name: build.name.clone(),
            wasm: build.wasm.clone(),
            sha256: build.sha256,
            settings: None,
        };
        plugins.apply(upsert).await;
        let rows = plugins.plugins();
        let row = rows.into_iter().find(|row| row.name == build.name);
        if let Some(reason) = row.and_then(|row| row.last_error) {
            return Err(Wrong::new(format!("the plugin is refused: {reason}")));
        }
        let opened = self.host.open().await;
        opened.map_err(|error| Wrong::new(format!("the host does not open: {error:#}")))?;
        self.settle().await
    }

    async fn run(&mut self, dialog: &Dialog) -> Result<(), Box<DialogFailure>> {
        for (place, step) in dialog.steps.iter().enumerate() {
            if step.kind.acts() {
                self.nothing_is_left(dialog)?;
            }
            let done = match &step.kind {
                StepKind::Fixture(fixture) => {
                    self.answers.place(fixture.clone(), step.line);
                    Ok(())
                }
                StepKind::Expect(expected) => self.expect(step, expected),
                kind => {
                    if kind.acts() {
                        self.acted = Some(place);
                    }
                    self.act(kind).await
                }
            };
            done.map_err(|wrong| self.failure(step, wrong))?;
            if step.kind.acts() || matches!(step.kind, StepKind::Expect(_)) {
                self.open = (step.end, self.here_now());
            }
        }
        self.nothing_is_left(dialog)?;
        if let Some((line, request)) = self.answers.unused() {
            let step = dialog.steps.iter().find(|step| step.line == line);
            let wrong = Wrong::new(format!("the plugin never asked for {request}"))
                .hint("take the line out, or say what makes the plugin ask");
            let nowhere = nowhere(dialog);
            return Err(self.failure(step.unwrap_or(&nowhere), wrong));
        }
        Ok(())
    }

    fn failure(&self, step: &Step, wrong: Wrong) -> Box<DialogFailure> {
        Box::new(DialogFailure {
            line: wrong.line.unwrap_or(step.line),
            step: step.source.trim_end().to_owned(),
            message: wrong.message,
            difference: wrong.difference,
            before: self.heard.last_lines(LINES_BEFORE),
            hint: wrong.hint,
        })
    }

    /// Makes sure that everything that was said, and failed, is expected.
    fn nothing_is_left(&mut self, dialog: &Dialog) -> Result<(), Box<DialogFailure>> {
        let nowhere = nowhere(dialog);
        let acted = self.acted.and_then(|place| dialog.steps.get(place));
        let step = acted.unwrap_or(&nowhere);
        if let Some(failed) = self.failed.iter().find(|failed| !failed.is_expected) {
            let wrong = Wrong::new(failed.text.clone())
                .hint("where it is to fail: `expect failed ~ …` below the step");
            return Err(self.failure(step, wrong));
        }
        self.take_over_answers();
        let Some(first) = self.unexpected().next() else {
            return Ok(());
        };
        let mut difference = Vec::new();
        for said in self.unexpected() {
            if said.conversation == first.conversation {
                let words = said.what.words();
                let lines = words.lines().map(str::to_owned);
                difference.extend(lines.map(DiffLine::Said));
            }
        }
        let place = self.heard.place_name(&first.conversation);
        let wrong = Wrong {
            message: format!("said in {place}, but not expected"),
            difference,
            hint: Some("add an `expect` below the step, or run with --update".to_owned()),
            line: None,
        };
        Err(self.failure(step, wrong))
    }

    /// What was said and no step expects, oldest first.
    pub(super) fn unexpected(&self) -> impl Iterator<Item = &Said> {
        let said = self.heard.said.iter();
        said.filter(|said| said.what.is_said() && !said.is_expected)
    }

    /// Where answers are taken over: writes down what was said and no step expects.
    fn take_over_answers(&mut self) {
        if self.mode != DialogMode::Update {
            return;
        }
        let (line, here) = self.open.clone();
        let mut lines = Vec::new();
        for place in 0..self.heard.said.len() {
            let said = &self.heard.said[place];
            if said.is_expected || !said.what.is_said() {
                continue;
            }
            let Some(head) = self.head_of(said, here.as_ref()) else {
                continue;
            };
            lines.extend(match &said.what {
                SaidWhat::Message { text, .. } | SaidWhat::Edit { text } => {
                    expect_lines(&head, text)
                }
                _ => vec![head],
            });
            self.heard.said[place].is_expected = true;
        }
        if !lines.is_empty() {
            self.changes.push(Change {
                line,
                end: line,
                lines,
            });
        }
    }

    /// Waits until everything is answered that is to be answered by now, and hears of it.
    pub(super) async fn settle(&mut self) -> Result<(), Wrong> {
        let rest = tokio::time::timeout(PATIENCE, self.come_to_rest()).await;
        rest.map_err(|_| {
            let secs = PATIENCE.as_secs();
            Wrong::new(format!(
                "the host did not come to rest within {secs} seconds"
            ))
        })??;
        self.look_around().await
    }

    async fn come_to_rest(&self) -> Result<(), Wrong> {
        loop {
            self.host.idle().await;
            let due = self.host.next_due().await;
            let due = due.map_err(|error| Wrong::new(error.to_string()))?;
            if due.is_none_or(|due| due > self.clock.now()) {
                return Ok(());
            }
            self.host.clock_was_set();
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Lets the clock go on, and everything happen at its time.
    pub(super) async fn advance(&mut self, ms: u64) -> Result<(), Wrong> {
        let until: Timestamp = self.clock.now().saturating_add(ms);
        loop {
            let due = self.host.next_due().await;
            let due = due.map_err(|error| Wrong::new(error.to_string()))?;
            let next = due.filter(|due| *due < until);
            let now = self.clock.now();
            self.clock.set(next.map_or(until, |due| due.max(now)));
            self.host.clock_was_set();
            self.settle().await?;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Hears what happened, and looks at what no step can expect.
    async fn look_around(&mut self) -> Result<(), Wrong> {
        let asked = self
            .answers
            .with_made(|made| made[self.requests..].to_vec());
        self.requests += asked.len();
        let mut calls: Vec<String> = Vec::new();
        for made in &asked {
            let answer = made.answer.as_deref().unwrap_or("no answer in the dialog");
            calls.push(format!("http {} -> {answer}", made.request));
        }
        let lines: Vec<LogLine> = self.world.take_lines();
        for line in lines {
            calls.push(format!("log {}: {}", line.level.name(), line.text));
            self.logged.push(Logged {
                text: line.text,
                is_expected: false,
            });
        }
        self.heard.hear(calls).map_err(Wrong::new)?;
        let letters = self.host.journal().dead_letters(0, MAX_LETTERS).await;
        let letters = letters.map_err(|error| Wrong::new(error.to_string()))?;
        let mut failed: Vec<String> = Vec::new();
        for letter in letters.iter().skip(self.letters) {
            failed.push(self.without_path(&letter.detail));
        }
        self.letters = letters.len();
        failed.append(&mut self.ends.lock());
        for text in failed {
            self.heard.add_lines([vec![format!("failed: {text}")]]);
            self.failed.push(Failed {
                text,
                is_expected: false,
            });
        }
        if let Some(made) = asked.iter().find(|made| made.answer.is_none()) {
            let request = &made.request;
            let wrong = Wrong::new(format!(
                "the plugin asked for {request}, and the dialog has no answer for it"
            ));
            return Err(wrong.hint(format!(
                "add before this step: `http {request} -> 200`, the body in lines below"
            )));
        }
        self.look_elsewhere()
    }

    /// Shows each new message as every platform would get it.
    fn look_elsewhere(&mut self) -> Result<(), Wrong> {
        for message in std::mem::take(&mut self.heard.fresh) {
            let first = message.text.lines().next().unwrap_or_default();
            for shown in self.said_here.elsewhere(&message.id).unwrap_or_default() {
                let refusal = format!("{} refuses it", shown.platform);
                let mut all = shown.notes.iter().chain(&shown.sent);
                if let Some(refused) = all.find(|text| text.starts_with(&refusal)) {
                    return Err(Wrong::new(format!("{refused} (“{first}”)")));
                }
                self.losses.extend(shown.notes.into_iter().map(|note| Loss {
                    platform: shown.platform.clone(),
                    message: first.to_owned(),
                    note,
                }));
            }
        }
        Ok(())
    }

    /// A line to add belongs into the dialog, which is where its settings are.
    fn without_path(&self, text: &str) -> String {
        let place = format!("at the top of {}", self.path.display());
        text.replace(&place, "to the dialog's `settings`")
    }

    async fn end(self, report: &mut DialogReport) {
        let called = self.world.called();
        report.used.commands = called.commands;
        report.used.forms = called.forms;
        report.used.buttons = called.buttons;
        self.heard.add_shown(&mut report.used);
        report.losses = self.losses;
        report.changes = self.changes;
        self.host.stop().await;
    }
}

/// The line before which something can be added that is said before any step.
fn first_line(dialog: &Dialog) -> usize {
    let mut lines = dialog.steps.iter().map(|step| step.line);
    // What the file begins with comes before the dialog.
    let first = lines.find(|line| *line >= dialog.line);
    first.unwrap_or(dialog.line + 1)
}

/// The dialog itself, where no step is at fault.
fn nowhere(dialog: &Dialog) -> Step {
    Step {
        line: dialog.line,
        end: dialog.line + 1,
        source: format!("dialog {}", dialog.name),
        kind: StepKind::Direct,
    }
}

/// Why a part failed, where it did.
fn failed_part(part: &Part, end: &PartEnd) -> Option<String> {
    let PartEnd::Failed(class, detail) = end else {
        return None;
    };
    let what = part.what.action.kind.name();
    Some(format!("the action {what} failed: {detail} ({class:?})"))
}
