//! What happens to an event on its way, for whoever wants to see it: `parlor chat --trace`. It hears what
//! the way in, the lanes and the bots of the local platform know anyway, and keeps it until it is taken.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::events::{kind, text};
use super::preview::SaidHere;
use crate::journal::Part;
use crate::mailbox::rooms::Elsewhere;
use crate::model::HOST_PLUGIN;
use crate::model::delivery::Route;
use crate::model::event::Event;
use crate::model::limits::Limits;
use crate::outbox::HostedSentences;
pub use crate::router::Decision;
pub use crate::runtime::guest::Spent;
use crate::runtime::lanes::CallNote;
pub use crate::runtime::{HttpNote, LogLevel};

/// Entries that wait to be taken; of more, the oldest go.
const MOST_ENTRIES: usize = 2_000;
/// Decisions that wait for their event to be accepted: one whose event is refused stays behind.
const MOST_DECIDED: usize = 1_000;

/// One step of an event's way.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The event's id.
    pub event: String,
    /// What happened.
    pub step: Step,
}

/// What happened to an event.
#[derive(Clone, Debug)]
pub enum Step {
    /// It came, and this is who gets it.
    Came(Box<Came>),
    /// It had come before.
    CameAgain,
    /// A plugin was called with it.
    Called(Box<Call>),
    /// A message that grew out of it was sent or changed, and this is how other platforms would get it.
    Rendered(Rendered),
}

/// An event that came, with the router's decision.
#[derive(Clone, Debug)]
pub struct Came {
    /// What it is: `message`, `form-submitted`, …
    pub kind: String,
    /// Who did it: id and name.
    pub actor: Option<(String, String)>,
    /// Where: id, and its name where it has one.
    pub conversation: Option<(String, Option<String>)>,
    /// The bot.
    pub bot: Option<String>,
    /// The event that it grew out of.
    pub cause: Option<String>,
    /// Its trace id.
    pub trace: String,
    /// The beginning of what it says.
    pub text: Option<String>,
    /// Who gets it and who does not.
    pub decisions: Vec<Decision>,
}

/// A call of a plugin.
#[derive(Clone, Debug)]
pub struct Call {
    /// The plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Which try of the delivery it was.
    pub attempt: u32,
    /// How long it took.
    pub took: Duration,
    /// What it used.
    pub spent: Spent,
    /// What it may use.
    pub limits: Limits,
    /// Its HTTP requests.
    pub http: Vec<HttpNote>,
    /// What it wrote into its log.
    pub log: Vec<(LogLevel, String)>,
    /// Values of its state that it wrote.
    pub writes: usize,
    /// What it came to: an action each, or why there is none.
    pub outcome: Vec<String>,
}

/// A message as other platforms would get it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The message, by its id here.
    pub message: String,
    /// The plugin that said it.
    pub plugin: String,
    /// What the host changed in it before it was sent here.
    pub notes: Vec<String>,
    /// Each platform.
    pub elsewhere: Vec<Elsewhere>,
}

/// Keeps what happens until it is taken.
pub struct Trace {
    said: SaidHere,
    kept: Mutex<VecDeque<Traced>>,
    /// Decisions of events that are not accepted yet, by event.
    decided: Mutex<HashMap<String, Vec<Decision>>>,
    more: Notify,
}

impl Trace {
    /// Begins without anything. The sentences are those of the host where it runs a form itself.
    pub fn new(sentences: HostedSentences) -> Self {
        Self {
            said: SaidHere::new(sentences),
            kept: Mutex::default(),
            decided: Mutex::default(),
            more: Notify::new(),
        }
    }

    /// The messages that are kept to be shown.
    pub(super) fn said(&self) -> &SaidHere {
        &self.said
    }

    /// Takes what has happened since the last time: what belongs to one event stands together, in the
    /// order in which the events came.
    pub fn take(&self) -> Vec<Traced> {
        let kept: Vec<Traced> = self.kept.lock().drain(..).collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        for traced in &kept {
            let next = places.len();
            places.entry(traced.event.clone()).or_insert(next);
        }
        let mut sorted = kept;
        // Stable: the steps of one event stay in their order.
        sorted.sort_by_key(|traced| places.get(&traced.event).copied());
        sorted
    }

    /// Resolves when something has happened.
    pub async fn changed(&self) {
        if self.kept.lock().is_empty() {
            self.more.notified().await;
        }
    }

    fn keep(&self, event: &str, step: Step) {
        let mut kept = self.kept.lock();
        if kept.len() >= MOST_ENTRIES {
            kept.pop_front();
        }
        kept.push_back(Traced {
            event: event.to_owned(),
            step,
        });
        drop(kept);
        self.more.notify_one();
    }

    /// Notes what the router decided over an event that is on its way into the journal.
    pub(super) fn decided(&self, event: &Event, decisions: Vec<Decision>) {
        let mut decided = self.decided.lock();
        if decided.len() >= MOST_DECIDED {
            decided.clear();
        }
        decided.insert(event.id.clone(), decisions);
    }

    /// Notes that an event came. Where no router was asked, its way says itself who gets it.
    pub(super) fn came(&self, event: &Event, routes: &[Route]) {
        let decided = self.decided.lock().remove(&event.id);
        let own = || routes.iter().map(|route| own(event, route)).collect();
        let came = Came {
            kind: kind(&event.payload),
            actor: (event.actor.as_ref()).map(|it| (it.id.clone(), it.display_name.clone())),
            conversation: (event.conversation.as_ref()).map(|it| (it.id.clone(), it.name.clone())),
            bot: event.bot.as_ref().map(|bot| bot.name.clone()),
            cause: event.cause.clone(),
            trace: event.trace_id.clone(),
            text: text(event),
            decisions: decided.unwrap_or_else(own),
        };
        self.keep(&event.id, Step::Came(Box::new(came)));
    }

    /// Notes that an event had come before.
    pub(super) fn came_again(&self, event: &Event) {
        self.decided.lock().remove(&event.id);
        self.keep(&event.id, Step::CameAgain);
    }

    /// Notes a call.
    pub(super) fn called(&self, note: &CallNote<'_>) {
        // What the host says itself is seen, and its decision was told.
        if *note.delivery.plugin == *HOST_PLUGIN {
            return;
        }
        let call = Call {
            plugin: note.delivery.plugin.to_string(),
            version: note.version.to_owned(),
            attempt: note.delivery.attempt,
            took: note.took,
            spent: note.spent,
            limits: note.limits.clone(),
            http: note.notes.http(),
            log: note.notes.lines(),
            writes: note.writes,
            outcome: note.outcome.lines(),
        };
        self.keep(&note.delivery.event.id, Step::Called(Box::new(call)));
    }

    /// Notes a message that was sent or changed.
    pub(super) fn rendered(&self, part: &Part, message: &str, notes: &[String]) {
        let rendered = Rendered {
            message: message.to_owned(),
            plugin: part.plugin.to_string(),
            notes: notes.to_vec(),
            elsewhere: self.said.elsewhere(message).unwrap_or_default(),
        };
        self.keep(&part.origin.id, Step::Rendered(rendered));
    }
}

/// Why a plugin gets an event that is meant for it alone.
fn own(event: &Event, route: &Route) -> Decision {
    let is_host = *route.plugin == *HOST_PLUGIN;
    Decision {
        plugin: (!is_host).then(|| route.plugin.clone()),
        gets: true,
        why: match is_host {
            true => "answers or acts itself".to_owned(),
            false => format!("its own {}", kind(&event.payload)),
        },
    }
}
