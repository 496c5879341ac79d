//! From the text of a dialog file to its dialogs. Pure.

mod expect;
mod http;
mod lines;
mod submit;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use self::lines::{Block, blocks};
use super::script::{Dialog, DialogFile, SettingsBlock, Step, StepKind};
use crate::config::{Problem, is_name, parse_duration_ms};
use crate::model::Timestamp;

/// Bytes of a dialog file.
pub const MAX_DIALOG_BYTES: u64 = 4 * 1024 * 1024;
/// Where the clock begins: 2026-01-05T09:00:00Z, a Monday.
pub(super) const CLOCK: Timestamp = 1_767_603_600_000;
/// Where chance begins.
const SEED: u64 = 1;
/// The longest step of the clock.
const MAX_ADVANCE_MS: u64 = 366 * 24 * 60 * 60 * 1_000;

/// The words that a step can begin with.
const WORDS: [&str; 21] = [
    "advance", "as", "chat", "click", "clock", "delete", "dialog", "direct", "edit", "expect",
    "http", "join", "leave", "react", "role", "room", "say", "seed", "settings", "submit",
    "webhook",
];

/// What is wrong in a block: what was found, what was expected, what helps.
#[derive(Debug)]
struct Mistake {
    /// Lines below the block's first one.
    below: usize,
    found: String,
    expected: String,
    hint: Option<String>,
}

impl Mistake {
    fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            below: 0,
            found: found.into(),
            expected: expected.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn below(mut self, lines: usize) -> Self {
        self.below = lines;
        self
    }
}

/// Reads and parses a file.
///
/// # Errors
/// Every mistake in it, or why it cannot be read.
pub fn parse_file(path: &Path) -> Result<DialogFile, Vec<Problem>> {
    let whole = |found: String| vec![Problem::whole_file(path, found)];
    let size =
        std::fs::metadata(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
    if size.len() > MAX_DIALOG_BYTES {
        return Err(whole(format!(
            "has {} bytes; at most {MAX_DIALOG_BYTES} are read",
            size.len()
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| whole("is not text in UTF-8".to_owned()))?;
    parse(path, &text)
}

/// Parses the text of a file.
///
/// # Errors
/// Every mistake in it, with its line.
pub fn parse(path: &Path, text: &str) -> Result<DialogFile, Vec<Problem>> {
    let mut parser = Parser {
        path,
        text,
        problems: Vec::new(),
        shared: Draft::default(),
        dialogs: Vec::new(),
        open: None,
    };
    for block in blocks(text) {
        match block {
            Ok(block) => {
                let line = block.line;
                if let Err(mistake) = parser.block(block) {
                    parser.report(line, mistake);
                }
            }
            Err((line, mistake)) => parser.report(line, mistake),
        }
    }
    parser.finish()
}

/// A dialog, or what stands before the first, as far as it was read.
#[derive(Clone, Debug, Default)]
struct Draft {
    name: String,
    line: usize,
    settings: Option<SettingsBlock>,
    seed: Option<u64>,
    clock: Option<Timestamp>,
    roles: BTreeMap<String, Vec<String>>,
    steps: Vec<Step>,
}

impl Draft {
    /// Tells whether something happens or is expected in it.
    fn is_dialog(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| !matches!(step.kind, StepKind::Fixture(_)))
    }

    fn dialog(self, shared: &Self) -> Dialog {
        let mut roles = shared.roles.clone();
        roles.extend(self.roles);
        let requests = self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Fixture(fixture) => Some(fixture.request.clone()),
            _ => None,
        });
        let own: Vec<_> = requests.collect();
        let mut steps = shared.steps.clone();
        steps.retain_mut(|step| match &mut step.kind {
            StepKind::Fixture(fixture) => {
                fixture.is_shared = true;
                // The dialog's own answer stands in the place of the file's.
                !own.contains(&fixture.request)
            }
            _ => true,
        });
        steps.extend(self.steps);
        Dialog {
            name: self.name,
            line: self.line,
            settings: self.settings.or_else(|| shared.settings.clone()),
            seed: self.seed.or(shared.seed).unwrap_or(SEED),
            clock: self.clock.or(shared.clock).unwrap_or(CLOCK),
            roles,
            steps,
        }
    }
}

struct Parser<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
    /// What stands before the first `dialog`.
    shared: Draft,
    dialogs: Vec<Draft>,
    open: Option<Draft>,
}

impl Parser<'_> {
    fn report(&mut self, line: usize, mistake: Mistake) {
        self.problems.push(Problem {
            line: line + mistake.below,
            expected: mistake.expected,
            hint: mistake.hint,
            ..Problem::whole_file(self.path, mistake.found)
        });
    }

    fn finish(mut self) -> Result<DialogFile, Vec<Problem>> {
        self.dialogs.extend(self.open.take());
        let mut shared = std::mem::take(&mut self.shared);
        if shared.is_dialog() {
            let stem = self.path.file_stem().map(|stem| stem.to_string_lossy());
            shared.name = stem.unwrap_or_default().into_owned();
            shared.line = shared.steps.first().map_or(1, |step| step.line);
            let own = std::mem::take(&mut shared);
            self.dialogs.insert(0, own);
        }
        if self.dialogs.is_empty() && self.problems.is_empty() {
            self.problems.push(
                Problem::whole_file(self.path, "has no dialog")
                    .expected("a step such as `say hello`"),
            );
        }
        for empty in self.dialogs.iter().filter(|dialog| !dialog.is_dialog()) {
            self.problems.push(Problem {
                line: empty.line,
                ..Problem::whole_file(self.path, format!("nothing happens in `{}`", empty.name))
                    .expected("a step such as `say hello`")
            });
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let fixtures = shared.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Fixture(fixture) => Some((step.line, fixture.request.clone())),
            _ => None,
        });
        let fixtures = fixtures.collect();
        let dialogs = self.dialogs.into_iter();
        Ok(DialogFile {
            path: self.path.to_owned(),
            text: self.text.to_owned(),
            dialogs: dialogs.map(|draft| draft.dialog(&shared)).collect(),
            shared: fixtures,
        })
    }

    fn draft(&mut self) -> &mut Draft {
        self.open.as_mut().unwrap_or(&mut self.shared)
    }

    fn block(&mut self, block: Block<'_>) -> Result<(), Mistake> {
        match block.word {
            "dialog" => self.begin(&block),
            "settings" | "seed" | "clock" | "role" => self.begin_with(&block),
            _ => {
                let kind = step(&block)?;
                let step = Step {
                    line: block.line,
                    end: block.end,
                    source: block.source.to_owned(),
                    kind,
                };
                self.draft().steps.push(step);
                Ok(())
            }
        }
    }

    fn begin(&mut self, block: &Block<'_>) -> Result<(), Mistake> {
        let name = block.one_line("the dialog's name")?;
        let mut before = self.open.iter().chain(&self.dialogs);
        let taken = before.find(|it| it.name == name).map(|it| it.line);
        self.dialogs.extend(self.open.replace(Draft {
            name: name.clone(),
            line: block.line,
            ..Draft::default()
        }));
        match taken {
            Some(line) => Err(Mistake::new(
                format!("a second dialog is called `{name}`; the first is in line {line}"),
                "names that are all different",
            )),
            None => Ok(()),
        }
    }

    /// What a dialog begins with: it is known before anything happens.
    fn begin_with(&mut self, block: &Block<'_>) -> Result<(), Mistake> {
        let word = block.word;
        let draft = self.draft();
        if let Some(first) = draft.steps.first() {
            return Err(Mistake::new(
                format!(
                    "`{word}` stands after the first step, which is in line {}",
                    first.line
                ),
                format!("`{word}` at the beginning of the dialog"),
            ));
        }
        let is_second = match word {
            "settings" => draft.settings.is_some(),
            "seed" => draft.seed.is_some(),
            "clock" => draft.clock.is_some(),
            _ => false,
        };
        if is_second {
            return Err(Mistake::new(
                format!("a second `{word}` of this dialog"),
                "one of them",
            ));
        }
        match word {
            "settings" => draft.settings = Some(settings(block)?),
            "seed" => draft.seed = Some(seed(block)?),
            "clock" => draft.clock = Some(clock(block)?),
            _ => {
                let (role, people) = role(block)?;
                draft.roles.entry(role).or_default().extend(people);
            }
        }
        Ok(())
    }
}

fn settings(block: &Block<'_>) -> Result<SettingsBlock, Mistake> {
    if !block.bare().is_empty() || block.body.is_empty() {
        return Err(Mistake::new(
            format!("`{}`", block.source.trim_end()),
            "`settings` alone, and the plugin's settings (TOML) in lines below it, four spaces to the right",
        ));
    }
    Ok(SettingsBlock {
        line: block.line,
        // So many empty lines that a complaint about the text names the line of the file.
        text: format!(
            "{}{}\n",
            "\n".repeat(block.body_line - 1),
            block.body.join("\n")
        ),
    })
}

fn seed(block: &Block<'_>) -> Result<u64, Mistake> {
    let text = block.only_word("a whole number: `seed 7`")?;
    text.parse()
        .map_err(|_| Mistake::new(format!("`seed {text}`"), "a whole number: `seed 7`"))
}

fn clock(block: &Block<'_>) -> Result<Timestamp, Mistake> {
    const EXPECTED: &str = "a moment such as `2026-01-05T09:00:00Z`";
    let text = block.only_word(EXPECTED)?;
    let moment: Result<jiff::Timestamp, _> = text.parse();
    let ms = moment.ok().map(jiff::Timestamp::as_millisecond);
    ms.and_then(|ms| u64::try_from(ms).ok())
        .ok_or_else(|| Mistake::new(format!("`clock {text}`"), EXPECTED))
}

fn role(block: &Block<'_>) -> Result<(String, Vec<String>), Mistake> {
    const EXPECTED: &str = "a role and who holds it: `role controllers ada grace`";
    let line = block.one_line(EXPECTED)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let name = words.next().filter(|name| is_name(name));
    let people: Vec<String> = words.collect();
    match name {
        Some(name) if !people.is_empty() => Ok((name, people)),
        _ => Err(Mistake::new(format!("`role {line}`"), EXPECTED)),
    }
}

fn step(block: &Block<'_>) -> Result<StepKind, Mistake> {
    Ok(match block.word {
        "http" => StepKind::Fixture(http::fixture(block)?),
        "as" => StepKind::As(block.name("who acts: `as grace`")?),
        "room" => StepKind::Room(block.name("a room: `room lobby`")?),
        "direct" => {
            block.nothing()?;
            StepKind::Direct
        }
        "chat" => StepKind::Chat(block.name("a customer: `chat carl`")?),
        "join" => StepKind::Join(block.name("who comes in: `join grace`")?),
        "leave" => StepKind::Leave(block.name("who goes: `leave grace`")?),
        "say" => StepKind::Say(block.text("what is said: `say hello`")?),
        "edit" => StepKind::Edit(block.text("what the message reads from now on")?),
        "delete" => {
            block.nothing()?;
            StepKind::Delete
        }
        "react" => {
            let emoji = block.name("an emoji: `react :thumbsup:`")?;
            StepKind::React(emoji.trim_matches(':').to_owned())
        }
        "click" => StepKind::Click(block.one_line("a button's label: `click Yes`")?),
        "submit" => StepKind::Submit(submit::submit(block)?),
        "advance" => StepKind::Advance(advance(block)?),
        "expect" => StepKind::Expect(expect::expectation(block)?),
        "webhook" => {
            const EXPECTED: &str = "a webhook's name and its body: `webhook deploy {\"ok\": true}`";
            let text = block.text(EXPECTED)?;
            let (name, body) = text.split_once([' ', '\n']).unwrap_or((&text, ""));
            if !is_name(name) {
                return Err(Mistake::new(format!("`webhook {name}`"), EXPECTED));
            }
            StepKind::Webhook {
                name: name.to_owned(),
                body: body.trim().to_owned(),
            }
        }
        word => return Err(unknown(word)),
    })
}

fn advance(block: &Block<'_>) -> Result<u64, Mistake> {
    const EXPECTED: &str =
        "a time of at most 366 days: `advance 5m`, `advance 1h30m`, `advance 2d`";
    let text = block.bare();
    if !block.body.is_empty() {
        return Err(Mistake::new("text below `advance`", EXPECTED));
    }
    match parse_duration_ms(text) {
        Some(ms @ 1..=MAX_ADVANCE_MS) => Ok(ms),
        _ => Err(Mistake::new(format!("`advance {text}`"), EXPECTED)),
    }
}

fn unknown(word: &str) -> Mistake {
    let mistake = Mistake::new(
        format!("no step begins with `{word}`"),
        format!("one of {}", WORDS.join(", ")),
    );
    let near = WORDS
        .iter()
        .min_by_key(|known| strsim::osa_distance(word, known));
    let near = near.filter(|near| strsim::osa_distance(word, near) <= 2);
    match near {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake.hint("lines below a step that belong to it begin with four spaces"),
    }
}
