//! The tests that every plugin gets without writing any: what is true of each plugin that people can rely
//! on. They run on hosts as dialogs do, with the plugin's settings where a dialog gives some.

mod kinds;
mod samples;
mod stage;

use std::path::Path;
use std::time::Instant;

use self::samples::{Asking, askings, hello, large, strange};
use self::stage::{Bench, Change, Seen};
use super::build::TestedBuild;
use super::report::{DialogFailure, DialogReport};
use super::script::Dialog;
use super::world::Most;
use crate::model::description::{Description, EventKind};
use crate::model::limits::Limits;

/// What names of these tests begin with.
const PREFIX: &str = "contract: ";
/// The tests, in their order.
const NAMES: [&str; 11] = [
    "describes itself",
    "/help names its commands",
    "a command written wrong is answered with how it is written",
    "an empty message",
    "the largest message",
    "every script, emoji and control character",
    "the same event twice is one answer",
    "an event of every kind that it subscribes to",
    "a call that is stopped leaves nothing behind",
    "another instance answers the same",
    "stays within the default limits",
];
/// Characters of a name.
const NAME_CHARS: usize = 64;
/// Characters of a line that says what a plugin or command does.
const LINE_CHARS: usize = 200;
/// Messages by which instances are compared.
const COMPARED: usize = 12;
const MIB: u64 = 1024 * 1024;

/// What a test found wrong; none where nothing is.
type Found = Result<(), Mistake>;

/// What is wrong, and what helps.
#[derive(Debug)]
struct Mistake {
    text: String,
    hint: Option<&'static str>,
}

impl Mistake {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// Where the tests get the plugin's settings from: the first dialog that gives some.
#[derive(Clone, Copy, Debug)]
pub struct ContractSettings<'a> {
    /// The dialog's file.
    pub path: &'a Path,
    /// The dialog; none is no settings.
    pub dialog: Option<&'a Dialog>,
}

impl TestedBuild {
    /// Runs the tests that every plugin gets; those that are wanted, by name.
    pub async fn contract(
        &self,
        settings: ContractSettings<'_>,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<DialogReport> {
        let mut tests = Tests {
            reports: Vec::new(),
            wanted,
            began: Instant::now(),
        };
        if !NAMES.iter().any(|name| tests.wants(name)) {
            return Vec::new();
        }
        tests.run(NAMES[0], describes(self.description()));
        let mut bench = match Bench::open(self, settings, Change::None).await {
            Ok(bench) => bench,
            Err(mistake) => {
                // It is all that can be said.
                tests.run(NAMES[1], Err(mistake));
                return tests.reports;
            }
        };
        let asked = askings(self.description(), bench.config());
        tests.run(NAMES[1], helps(&mut bench, &asked).await);
        tests.run(NAMES[2], usage(&mut bench, &asked).await);
        let empty = [String::new(), " \n ".to_owned()];
        tests.run(NAMES[3], survives(&mut bench, &empty).await);
        tests.run(NAMES[4], survives(&mut bench, &large(&asked)).await);
        tests.run(NAMES[5], survives(&mut bench, &strange(&asked)).await);
        tests.run(NAMES[6], twice(&mut bench, &asked).await);
        let kinds = &self.description().subscriptions.kinds;
        tests.run(NAMES[7], every_kind(&mut bench, kinds).await);
        let (stopped, compared) = tokio::join!(
            stopped(self, settings, &asked),
            instances(self, settings, &asked)
        );
        tests.run(NAMES[8], stopped);
        tests.run(NAMES[9], compared);
        let (within, note) = within_limits(&bench.used());
        tests.run(NAMES[10], within);
        tests.note(NAMES[10], note);
        bench.close().await;
        tests.reports
    }
}

/// Tells whether a test of this name is one that every plugin gets.
pub fn is_contract(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|name| NAMES.contains(&name))
}

/// The tests so far.
struct Tests<W> {
    reports: Vec<DialogReport>,
    wanted: W,
    /// When the one that comes next began.
    began: Instant,
}

impl<W: Fn(&str) -> bool> Tests<W> {
    fn wants(&self, name: &str) -> bool {
        (self.wanted)(&format!("{PREFIX}{name}"))
    }

    fn run(&mut self, name: &str, found: Found) {
        let took = self.began.elapsed();
        self.began = Instant::now();
        if !self.wants(name) {
            return;
        }
        self.reports.push(DialogReport {
            name: format!("{PREFIX}{name}"),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            failure: found.err().map(|mistake| DialogFailure {
                message: mistake.text,
                hint: mistake.hint.map(str::to_owned),
                ..DialogFailure::default()
            }),
            ..DialogReport::default()
        });
    }

    /// Says more of one.
    fn note(&mut self, name: &str, note: String) {
        let mut reports = self.reports.iter_mut();
        if let Some(report) = reports.find(|it| it.name.ends_with(name)) {
            report.note = Some(note);
        }
    }
}

/// It says who it is and what each of its commands does, each in a line.
fn describes(description: &Description) -> Found {
    let line = |what: &str, text: &str, most: usize| {
        let found = text.chars().count();
        if text.trim().is_empty() {
            return Err(Mistake::new(format!("{what} is empty")));
        }
        if text.contains('\n') {
            return Err(Mistake::new(format!("{what} has several lines")));
        }
        if found > most {
            let text = format!("{what} has {found} characters; at most {most} are read");
            return Err(Mistake::new(text));
        }
        Ok(())
    };
    line("its name", &description.name, NAME_CHARS)?;
    line("its version", &description.version, NAME_CHARS)?;
    line("its summary", &description.summary, LINE_CHARS)?;
    let shown = description.commands.iter().filter(|it| !it.hidden);
    for command in shown {
        let what = format!("the help of the command {}", command.name);
        line(&what, &command.help, LINE_CHARS).map_err(|mistake| {
            mistake.hint("people read it in the list that /help answers with")
        })?;
    }
    Ok(())
}

/// Whoever asks for help finds every command that is not hidden.
async fn helps(bench: &mut Bench<'_>, asked: &[Asking]) -> Found {
    let seen = bench.say("/help").await?;
    no_failure("/help", &seen)?;
    let said = seen.said.join("\n");
    let missing = asked.iter().filter(|it| !it.hidden);
    let missing: Vec<&str> = missing
        .filter(|it| !it.words.is_empty() && !said.contains(&it.words))
        .map(|it| it.words.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!(
        "/help does not name {}; it says: {said}",
        missing.join(", ")
    );
    Err(Mistake::new(text).hint("a command of its own that takes /help hides the host's list"))
}

/// What is written wrong is told how it is written: by the host, or by the plugin where that takes it.
async fn usage(bench: &mut Bench<'_>, asked: &[Asking]) -> Found {
    for asking in asked {
        for wrong in &asking.wrong {
            let seen = bench.say(wrong).await?;
            no_failure(wrong, &seen)?;
            // What the plugin got is the plugin's to answer.
            let is_answered = !seen.said.is_empty() || seen.calls > 0 || asking.hidden;
            if !is_answered {
                return Err(Mistake::new(format!("“{wrong}” is not answered")));
            }
        }
    }
    Ok(())
}

/// Nothing fails over these messages.
async fn survives(bench: &mut Bench<'_>, texts: &[String]) -> Found {
    for text in texts {
        let seen = bench.message(text).await?;
        no_failure(text, &seen)?;
    }
    Ok(())
}

/// A platform that sends an event again is answered once.
async fn twice(bench: &mut Bench<'_>, asked: &[Asking]) -> Found {
    for text in right(asked) {
        let seen = bench.message_twice(&text).await?;
        no_failure(&text, &seen)?;
        is_once(&text, &seen)?;
    }
    Ok(())
}

/// Whether an event that came twice was one call, and answered as one.
fn is_once(text: &str, seen: &Seen) -> Found {
    match seen.calls {
        0 | 1 => Ok(()),
        calls => Err(Mistake::new(format!(
            "“{text}” came twice as one event, and was handled {calls} times: {}",
            seen.said.join(" · ")
        ))),
    }
}

/// Nothing fails over an event of each kind that it asks for.
async fn every_kind(bench: &mut Bench<'_>, kinds: &[EventKind]) -> Found {
    for kind in kinds {
        let what = format!("an event {kind:?}");
        let seen = bench.event_of(*kind).await?;
        no_failure(&what, &seen)?;
    }
    Ok(())
}

/// A call that is stopped at its end, when it has done all its work, has said and kept nothing, and has
/// asked nobody outside to do anything.
async fn stopped(build: &TestedBuild, settings: ContractSettings<'_>, asked: &[Asking]) -> Found {
    // Its list of actions is refused as too long, which ends a call as a trap does.
    let mut bench = Bench::open(build, settings, Change::NoActions).await?;
    for text in right(asked) {
        let seen = bench.say(&text).await?;
        left_nothing(&text, &seen)?;
    }
    let bytes = bench.state_bytes().await;
    let asked = bench.changed_outside();
    bench.close().await;
    if let Some(request) = asked.first() {
        let text = format!(
            "{request} was made {} times by calls that came to nothing",
            asked.iter().filter(|it| *it == request).count()
        );
        return Err(Mistake::new(text).hint(
            "an event is handled again after a failure: have the host make the request with the action `request`",
        ));
    }
    match bytes? {
        0 => Ok(()),
        bytes => Err(Mistake::new(format!(
            "calls that came to nothing left {bytes} bytes of state behind"
        ))),
    }
}

/// Whether a call that was stopped said nothing.
fn left_nothing(text: &str, seen: &Seen) -> Found {
    match seen.failed.is_empty() || seen.said.is_empty() {
        true => Ok(()),
        false => Err(Mistake::new(format!(
            "“{text}” was stopped ({}), and it said: {}",
            seen.failed.join("; "),
            seen.said.join(" · ")
        ))),
    }
}

/// It answers the same whichever instance is called. What it answers by chance is compared by how much
/// it is.
async fn instances(build: &TestedBuild, settings: ContractSettings<'_>, asked: &[Asking]) -> Found {
    let texts: Vec<String> = right(asked).take(COMPARED).collect();
    let (fresh, chance, kept) = tokio::join!(
        answers(build, settings, Change::Fresh(1), &texts),
        answers(build, settings, Change::Fresh(2), &texts),
        answers(build, settings, Change::None, &texts)
    );
    let (fresh, chance, kept) = (fresh?, chance?, kept?);
    for (place, text) in texts.iter().enumerate() {
        is_alike(text, &fresh[place], &chance[place], &kept[place])?;
    }
    Ok(())
}

/// Whether two instances answered alike: `chance` is what the first would answer by another chance.
fn is_alike(text: &str, fresh: &[String], chance: &[String], kept: &[String]) -> Found {
    let is_by_chance = fresh != chance;
    if fresh == kept || (is_by_chance && fresh.len() == kept.len()) {
        return Ok(());
    }
    let said = |answers: &[String]| match answers {
        [] => "nothing".to_owned(),
        some => some.join(" · "),
    };
    let text = format!(
        "“{text}” is answered by an instance that was called before with: {}; by a new one with: {}",
        said(kept),
        said(fresh)
    );
    Err(Mistake::new(text).hint("an instance's memory is not shared and not kept: use `state`"))
}

/// What it answers to each of these, each twice.
async fn answers(
    build: &TestedBuild,
    settings: ContractSettings<'_>,
    change: Change,
    texts: &[String],
) -> Result<Vec<Vec<String>>, Mistake> {
    let mut bench = Bench::open(build, settings, change).await?;
    let mut answers = Vec::new();
    for text in texts {
        let mut said = bench.say(text).await?.said;
        said.extend(bench.say(text).await?.said);
        answers.push(said);
    }
    bench.close().await;
    Ok(answers)
}

/// The most that a call used, of what a plugin without settings may use.
fn within_limits(used: &Most) -> (Found, String) {
    let limits = Limits::DEFAULT;
    let cpu_us = used.cpu.as_micros();
    let took_ms = used.took.as_millis();
    let memory = used.memory_bytes;
    let note = format!(
        "at most {}.{} of {} ms processor time, {}.{} of {} MiB memory, {took_ms} of {} ms",
        cpu_us / 1_000,
        cpu_us % 1_000 / 100,
        limits.cpu_ms,
        memory / MIB,
        memory % MIB * 10 / MIB,
        limits.memory_bytes / MIB,
        limits.deadline_ms
    );
    let is_within = cpu_us <= u128::from(limits.cpu_ms) * 1_000
        && memory <= limits.memory_bytes
        && took_ms <= u128::from(limits.deadline_ms);
    let found = match is_within {
        true => Ok(()),
        false => Err(Mistake::new(note.clone()).hint(
            "whoever runs it has to raise its `limits`; what it needs is part of its settings",
        )),
    };
    (found, note)
}

fn no_failure(what: &str, seen: &Seen) -> Found {
    match seen.failed.first() {
        None => Ok(()),
        Some(failed) => Err(Mistake::new(format!("{} fails: {failed}", shown(what)))),
    }
}

/// A text as a line shows it.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    let first: String = text.chars().take(SHOWN).collect();
    match text.chars().count() {
        0 => "an empty message".to_owned(),
        count if count > SHOWN => format!("“{first}…” ({} bytes)", text.len()),
        _ => format!("“{first}”"),
    }
}

/// What it can be asked, as it is written right; something that anybody says where there is nothing.
fn right(asked: &[Asking]) -> impl Iterator<Item = String> + '_ {
    asked.iter().map(|it| it.right.clone()).chain(hello())
}

#[cfg(test)]
mod tests;
