//! `parlor events`: what came in, what each plugin did with it, how each action stands; dead letters
//! put back.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::ask::{Answer, Meant, PATIENCE, ago, count, now};
use super::export;
use super::output::Failure;
use super::start::Place;
use crate::app::rest;
use crate::config::parse_duration_ms;
use crate::journal::{EventQuery, PastState};
use crate::mailbox::control::{ActionLine, Ask, DeliveryLine, EventLine, Line, MAX_LINES};
use crate::model::Timestamp;

/// How long forgetting may take: every event that is kept is looked at.
const FORGET_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Events that are listed where nothing is said.
const LISTED: usize = 20;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct EventsArgs {
    #[command(subcommand)]
    change: Option<EventsVerb>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Which {
    /// Only this event, by number
    #[arg(value_name = "EVENT")]
    event: Option<u64>,
    #[command(flatten)]
    of: Of,
    /// Only events of this trace, as a person was told it
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// Only dead letters
    #[arg(long)]
    dead: bool,
    /// Only events before this number: the next page
    #[arg(long, value_name = "EVENT")]
    before: Option<u64>,
    /// At most so many, the newest
    #[arg(long, value_name = "COUNT", default_value_t = LISTED, value_parser = parse_count::<MAX_LINES>)]
    limit: usize,
    /// Print one JSON object per event
    #[arg(long)]
    json: bool,
}

/// Whose events, and since when: the same for a list and an export.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// Only events that this plugin got
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,
    /// Only events of this bot
    #[arg(long, value_name = "BOT")]
    bot: Option<String>,
    /// Only events of this conversation, by id
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Only events of this last time: 10m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub(super) since: Option<u64>,
}

impl Of {
    pub(super) fn query(&self, limit: usize, now: Timestamp) -> EventQuery {
        EventQuery {
            since: self.since.map(|since| now.saturating_sub(since)),
            bot: self.bot.clone(),
            plugin: self.plugin.clone(),
            conversation: self.conversation.clone(),
            limit,
            ..EventQuery::default()
        }
    }
}

#[derive(Debug, Subcommand)]
enum EventsVerb {
    /// Put a dead letter back: its plugin gets the event again, after what it got meanwhile
    Retry {
        /// The event, by number
        event: u64,
        /// Only for this plugin
        #[arg(long, value_name = "PLUGIN")]
        plugin: Option<String>,
        /// Print one JSON object per delivery
        #[arg(long)]
        json: bool,
    },
    /// Write what was recorded as a dialog for `parlor test`, with people and secrets replaced
    Export(export::ExportArgs),
    /// Take a person's content out of the journal, and the plugins' state of that user
    Forget {
        /// The user, by id, as `parlor events --json` tells it
        #[arg(long, value_name = "ID")]
        user: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn parse_since(text: &str) -> Result<u64, String> {
    parse_duration_ms(text).ok_or_else(|| "is no time such as 10m, 2h or 1d".to_owned())
}

/// A number of events, of which a command takes at most so many.
pub(super) fn parse_count<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=MOST).contains(&count) => Ok(count),
        _ => Err(format!("is not between 1 and {MOST}")),
    }
}

impl Which {
    fn query(&self, now: Timestamp) -> EventQuery {
        EventQuery {
            number: self.event,
            before: self.before,
            trace: self.trace.clone(),
            dead: self.dead,
            ..self.of.query(self.limit, now)
        }
    }
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: EventsArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    match args.change {
        None => {
            let query = args.which.query(now());
            let answer = match meant.ask(Ask::Events(query.clone()), PATIENCE)? {
                Some(answer) => answer,
                None => Answer::here(rest::events(&meant.data, query)?),
            };
            answer.print(args.which.json, |lines| list(lines, now()))
        }
        Some(EventsVerb::Retry {
            event,
            plugin,
            json,
        }) => {
            let answer = meant.require(Ask::RetryEvent { event, plugin }, PATIENCE)?;
            answer.print(json, put_back)
        }
        Some(EventsVerb::Export(args)) => export::run(&meant, args),
        Some(EventsVerb::Forget { user, json }) => {
            let answer = meant.require(Ask::Forget { user }, FORGET_PATIENCE)?;
            answer.print(json, forgot)
        }
    }
}

/// Events, the newest last, as a log is read.
pub(super) fn list(lines: &[Line], now: Timestamp) -> Vec<String> {
    let mut shown = Vec::new();
    for line in lines.iter().rev() {
        let Line::Event(event) = line else { continue };
        shown.push(headline(event, now));
        if event.deliveries.is_empty() {
            shown.push("  no plugin wanted it".to_owned());
        }
        for delivery in &event.deliveries {
            shown.push(format!("  {}", delivery_text(delivery)));
            let actions = delivery.actions.iter();
            shown.extend(actions.map(|action| format!("    {}", action_text(action))));
        }
    }
    if shown.is_empty() {
        shown.push("no such event is kept".to_owned());
    }
    shown
}

fn headline(event: &EventLine, now: Timestamp) -> String {
    let mut line = format!(
        "{} · {} ago · {}",
        event.event,
        ago(now, event.at),
        event.kind
    );
    if let Some(user) = event.user_name.as_ref().or(event.user.as_ref()) {
        line.push_str(&format!(" of {user}"));
    }
    let place = event.conversation_name.as_ref();
    if let Some(place) = place.or(event.conversation.as_ref()) {
        line.push_str(&format!(" in {place}"));
    }
    if let Some(bot) = &event.bot {
        line.push_str(&format!(" by {bot}"));
    }
    line.push_str(&format!(" · trace {}", event.trace));
    if let Some(text) = &event.text {
        let text: String = text
            .chars()
            .map(|c| if c == '\n' { ' ' } else { c })
            .collect();
        line.push_str(&format!(" · {text}"));
    }
    line
}

fn delivery_text(delivery: &DeliveryLine) -> String {
    let mut line = delivery.plugin.clone();
    if let Some(command) = &delivery.command {
        line.push_str(&format!(" /{}", command.trim_start_matches('/')));
    }
    let state = match (delivery.state, delivery.reason) {
        (PastState::Waiting, _) => "waiting".to_owned(),
        (PastState::Done, _) => "done".to_owned(),
        (PastState::Refused, _) => "refused".to_owned(),
        (PastState::Dead, Some(reason)) => format!("dead letter ({})", reason.name()),
        (PastState::Dead, None) => "dead letter".to_owned(),
    };
    line.push_str(&format!(": {state}"));
    if delivery.tries > 1 {
        line.push_str(&format!(", try {}", delivery.tries));
    }
    if let Some(took) = delivery.took_us {
        line.push_str(&format!(", took {}", milliseconds(took)));
    }
    if let Some(after) = delivery.after_ms {
        line.push_str(&format!(", {after} ms after it came"));
    }
    if delivery.put_back.is_some() {
        line.push_str(", put back outside of its order");
    }
    if let Some(detail) = &delivery.detail {
        // A stack has a line for each function.
        line.push_str(&format!(": {}", detail.trim_end().replace('\n', " < ")));
    }
    line
}

fn action_text(action: &ActionLine) -> String {
    let mut line = format!("{} {}: {}", action.index, action.action, action.state);
    if action.part > 0 {
        line = format!(
            "{}.{} {}: {}",
            action.index, action.part, action.action, action.state
        );
    }
    if !action.conversation.is_empty() {
        line.push_str(&format!(" in {}", action.conversation));
    }
    if action.tries > 1 {
        line.push_str(&format!(", try {}", action.tries));
    }
    if let Some(detail) = &action.detail {
        line.push_str(&format!(": {detail}"));
    }
    line
}

/// `1.3 ms`.
fn milliseconds(microseconds: u64) -> String {
    format!("{}.{} ms", microseconds / 1_000, microseconds % 1_000 / 100)
}

/// What was put back, for a person.
pub(super) fn put_back(lines: &[Line]) -> Vec<String> {
    let back = lines.iter().filter_map(|line| match line {
        Line::PutBack(line) => Some(format!(
            "event {} goes to {} again, outside of its order (it was {})",
            line.event,
            line.plugin,
            line.reason.name()
        )),
        _ => None,
    });
    back.collect()
}

/// What was forgotten, for a person.
pub(super) fn forgot(lines: &[Line]) -> Vec<String> {
    let mut shown = Vec::new();
    for line in lines {
        let Line::Forgot(line) = line else { continue };
        shown.push(format!(
            "forgot {}: {}, {}, {}, {}; {} given up",
            line.user,
            count(line.events, "event"),
            count(line.values, "value"),
            count(line.timers, "timer"),
            count(line.forms, "form"),
            line.given_up
        ));
        if line.copies > 0 {
            shown.push(format!(
                "removed {} of the journal",
                count(line.copies, "old version")
            ));
        }
        if line.actions > 0 {
            shown.push(format!(
                "{} of theirs are still performed; forget again after that",
                count(line.actions, "action")
            ));
        }
    }
    shown
}
