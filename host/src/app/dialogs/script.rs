//! What a dialog file says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::said::ActionForm;
use crate::model::Timestamp;

/// A file of dialogs.
#[derive(Clone, Debug)]
pub struct DialogFile {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Its dialogs, in order.
    pub dialogs: Vec<Dialog>,
    /// What answers requests of all of them, by its line.
    pub shared: BTreeMap<usize, HttpRequest>,
}

/// One dialog: it has a host of its own.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Its name.
    pub name: String,
    /// The line that it begins with.
    pub line: usize,
    /// The plugin's settings.
    pub settings: Option<SettingsBlock>,
    /// Where chance begins.
    pub seed: u64,
    /// Where the clock begins.
    pub clock: Timestamp,
    /// Roles, and who holds them.
    pub roles: BTreeMap<String, Vec<String>>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A plugin's settings, as in its own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsBlock {
    /// The line of the word `settings`.
    pub line: usize,
    /// TOML, with as many empty lines before it as there are in the file: its lines are the file's.
    pub text: String,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its first line, from 1.
    pub line: usize,
    /// The line after its last one.
    pub end: usize,
    /// Its first line as it is written.
    pub source: String,
    /// What it is.
    pub kind: StepKind,
}

/// What a step is.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Answers requests from here on.
    Fixture(Fixture),
    /// Somebody else acts from here on.
    As(String),
    /// It goes on in this room.
    Room(String),
    /// It goes on alone with the bot.
    Direct,
    /// It goes on in the chat of this customer.
    Chat(String),
    /// Somebody comes in.
    Join(String),
    /// Somebody goes.
    Leave(String),
    /// A message.
    Say(String),
    /// The last message of who acts reads this from now on.
    Edit(String),
    /// The last message of who acts is taken away.
    Delete,
    /// An emoji on the newest message.
    React(String),
    /// A button is pressed.
    Click(String),
    /// A form is submitted.
    Submit(SubmitStep),
    /// The clock goes on by so many milliseconds.
    Advance(u64),
    /// A webhook of the plugin is called.
    Webhook {
        /// Its name in the settings.
        name: String,
        /// What it is called with.
        body: String,
    },
    /// Something is expected.
    Expect(Expectation),
}

impl StepKind {
    /// Tells whether it makes something happen.
    pub fn acts(&self) -> bool {
        match self {
            Self::Fixture(_)
            | Self::As(_)
            | Self::Room(_)
            | Self::Direct
            | Self::Chat(_)
            | Self::Expect(_) => false,
            Self::Join(_)
            | Self::Leave(_)
            | Self::Say(_)
            | Self::Edit(_)
            | Self::Delete
            | Self::React(_)
            | Self::Click(_)
            | Self::Submit(_)
            | Self::Advance(_)
            | Self::Webhook { .. } => true,
        }
    }
}

/// A form as it is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitStep {
    /// The form, by its id.
    pub form: String,
    /// The button; none is the form's first.
    pub button: Option<String>,
    /// What was typed, by field.
    pub values: BTreeMap<String, String>,
}

/// A request, by its method and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, in capitals.
    pub method: String,
    /// The address, as it is compared.
    pub url: String,
}

impl std::fmt::Display for HttpRequest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.method, self.url)
    }
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// Which one.
    pub request: HttpRequest,
    /// The answer.
    pub answer: FixtureAnswer,
    /// It stands before the file's first dialog, and holds for all of them.
    pub is_shared: bool,
}

/// How a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FixtureAnswer {
    /// With this.
    Response {
        /// The status.
        status: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Nobody answers in time.
    Timeout,
    /// Nobody is there.
    Refused,
}

/// What is expected, and where.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where.
    pub place: ExpectedPlace,
    /// What.
    pub what: What,
    /// The step up to its text: `expect agents`.
    pub head: String,
}

/// Where something is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedPlace {
    /// Where the dialog is.
    Here,
    /// In a room.
    Room(String),
    /// Alone with a person.
    Person(String),
}

/// What is expected.
#[derive(Clone, Debug)]
pub enum What {
    /// A message.
    Said {
        /// Only agents see it.
        agents: bool,
        /// What it reads.
        text: Matcher,
    },
    /// A message that was changed.
    Edited(Matcher),
    /// A message that was taken away.
    Deleted,
    /// Nothing more was said.
    Nothing,
    /// The bot came in.
    Joined,
    /// The bot went.
    Left,
    /// The bot did something that has no word of its own.
    Action {
        /// What.
        form: &'static ActionForm,
        /// It took something off, or ended it.
        off: bool,
        /// Whom or what it is about.
        about: Matcher,
    },
    /// The plugin made a request.
    Http {
        /// Which one.
        request: HttpRequest,
        /// Its body; none is any.
        body: Option<String>,
    },
    /// Something failed.
    Failed(Matcher),
    /// A line of the plugin's log.
    Log(Matcher),
}

/// What a text is to be.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Exactly this.
    Is(String),
    /// It has this in it.
    Contains(String),
    /// This expression is found in it.
    Finds(regex::Regex),
    /// Whatever it is.
    Any,
}

impl Matcher {
    /// Tells whether a text is what is expected.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Is(expected) => tidy(expected) == tidy(text),
            Self::Contains(part) => tidy(text).contains(&tidy(part)),
            Self::Finds(expression) => expression.is_match(text),
            Self::Any => true,
        }
    }

    /// Says what is expected, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Is(text) => format!("“{}”", tidy(text)),
            Self::Contains(part) => format!("a text that has “{}” in it", tidy(part)),
            Self::Finds(expression) => format!("a text in which `{expression}` is found"),
            Self::Any => "any text".to_owned(),
        }
    }
}

/// A text as it is compared: without the white space at the ends of its lines, and without empty lines
/// before and after it.
pub(super) fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| !line.is_empty());
    let last = lines.iter().rposition(|line| !line.is_empty());
    match (first, last) {
        (Some(first), Some(last)) => lines[first..=last].join("\n"),
        _ => String::new(),
    }
}

/// A text's first line.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
