//! Runs a dialog on a host of its own, and sees whether it goes as expected.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::answers::DialogAnswers;
use super::build::TestedBuild;
use super::checks::{Noted, lines_said};
use super::difference::DiffLine;
use super::heard::Heard;
use super::places::{Acting, Cast};
use super::report::{DialogFailure, DialogReport, Loss};
use super::said::Said;
use super::script::{Dialog, Step, StepKind};
use super::update::Change;
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
use crate::model::payload::PresenceStatus;
use crate::model::{Name, Timestamp};
use crate::outbox::PartEnd;
use crate::web::PanelSource as _;

/// The longest that a host may take to come to rest after a step.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for what is due by the clock.
const LOOK: Duration = Duration::from_millis(1);
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
    pub(super) failed: Vec<Noted>,
    pub(super) logged: Vec<Noted>,
    /// The last message of each person in each conversation.
    pub(super) messages: HashMap<(Name, String), String>,
    pub(super) changes: Vec<Change>,
    pub(super) webhooks: u64,
    pub(super) world: Arc<DialogWorld>,
    /// Parts that ended and were not looked at yet.
    pub(super) ends: Arc<Mutex<Vec<(Part, PartEnd)>>>,
    pub(super) said_here: SaidHere,
    pub(super) losses: Vec<Loss>,
    /// Dead letters, and requests, that were looked at.
    pub(super) letters: usize,
    pub(super) requests: usize,
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
            users: cast.people.iter().cloned().collect(),
            // A chat can be handed to those who hold a role.
            groups: dialog.roles.clone(),
            ..LocalConfig::default()
        };
        let hub = Hub::open_at(config, clock.clone()).map_err(|error| failed(error.into()))?;
        let come = |(name, person)| (person, Command::OpenRoom { name });
        let status = PresenceStatus::Available;
        let be_there = |person| (person, Command::SetPresence { status });
        let members = cast.members.into_iter().map(come);
        for (person, command) in members.chain(cast.people.into_iter().map(be_there)) {
            let done = hub.act(&person, command).await;
            done.map_err(|error| failed(error.into()))?;
        }
        let nowhere = path.parent().unwrap_or(Path::new("."));
        let mut settings = Settings::defaults(nowhere, nowhere);
        settings.roles.clone_from(&dialog.roles);
        settings.plugins.insert(build.name.clone(), plugin);
        // It names a trace id, and a dialog says itself what may fail.
        settings.sentences.failure.on_failure.clear();
        let world = Arc::new(DialogWorld::new(clock.clone(), dialog.seed));
        let answers = Arc::new(DialogAnswers::default());
        let ends: Arc<Mutex<Vec<(Part, PartEnd)>>> = Arc::default();
        let heard_ends = ends.clone();
        let stage = Stage {
            world: world.clone(),
            answers: answers.clone(),
            log: world.clone(),
            on_end: Arc::new(move |part, end| heard_ends.lock().push((part.clone(), end.clone()))),
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
        let calls = world.clone();
        host.lanes()
            .on_call(Box::new(move |note| calls.ended(note)));
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
        let beside = self.unexpected();
        let beside = beside.filter(|said| said.conversation == first.conversation);
        let beside: Vec<&Said> = beside.collect();
        let verb = match beside.iter().any(|said| said.what.is_message()) {
            true => "said",
            false => "done",
        };
        let place = first.conversation.as_deref();
        let place = place.map(|place| format!(" in {}", self.heard.place_name(place)));
        let difference = lines_said(beside.into_iter());
        let wrong = Wrong {
            message: format!("{verb}{}, but not expected", place.unwrap_or_default()),
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
            let Some(step) = self.step_of(said, here.as_ref()) else {
                continue;
            };
            lines.extend(step);
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

    async fn end(self, report: &mut DialogReport) {
        let called = self.world.called();
        report.used.commands = called.commands;
        report.used.forms = called.forms;
        report.used.buttons = called.buttons;
        self.heard.add_shown(&mut report.used);
        report.losses = self.losses;
        report.notes = self.heard.notes;
        report.shared_used = self.answers.shared_used();
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
