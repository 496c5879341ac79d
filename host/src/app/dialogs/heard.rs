//! What happens on the platform of a dialog: what the bot says, and all of it for people to read.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use super::report::{ActionNote, Used};
use super::said::{Act, Said, SaidWhat};
use super::script::first_line;
use crate::connectors::local::Hub;
use crate::connectors::local::hub::names;
use crate::connectors::local::hub::state::State;
use crate::connectors::local::send::part_id;
use crate::journal::{Part, TimerNote};
use crate::mailbox::rooms::{Change, RoomEvent, RoomMessage};
use crate::model::Name;
use crate::model::action::ActionKind;
use crate::model::content::{Block, Button, ButtonKind};
use crate::model::event::{ConversationKind, Visibility};
use crate::model::payload::MemberChange;
use crate::outbox::PartEnd;

/// Lines of what happened that are kept.
const MAX_LINES: usize = 200;
/// What is said of an action that changed nothing, where nothing is noted.
const NOTHING: &str = "there was nothing to do";
/// What is said of one that was not tried.
const SKIPPED: &str = "not tried, because one before it in its list failed";

/// A line of what happened.
struct Line {
    conversation: Option<Name>,
    text: String,
}

/// Hears everything that happens.
pub(super) struct Heard {
    hub: Hub,
    bot: Name,
    receiver: Receiver<Arc<RoomEvent>>,
    /// What the bot did, oldest first.
    pub(super) said: Vec<Said>,
    /// Its messages that were not looked at yet.
    pub(super) fresh: Vec<Arc<RoomMessage>>,
    /// What is to be known of actions that were performed: those that did nothing, or less.
    pub(super) notes: Vec<ActionNote>,
    lines: Vec<Line>,
    forms: BTreeSet<String>,
    buttons: BTreeSet<String>,
    /// Actions that were performed and have no word of their own, by what the platform calls them.
    acts: HashMap<Name, Act>,
    /// What changed something on the platform.
    changed: HashSet<Name>,
    /// How messages began, also those that are gone, by their ids.
    messages: HashMap<Name, String>,
}

impl Heard {
    /// Begins to hear.
    pub(super) fn begin(hub: &Hub, bot: &Name) -> Self {
        Self {
            hub: hub.clone(),
            bot: bot.clone(),
            receiver: hub.hear_all(),
            said: Vec::new(),
            fresh: Vec::new(),
            notes: Vec::new(),
            lines: Vec::new(),
            forms: BTreeSet::new(),
            buttons: BTreeSet::new(),
            acts: HashMap::new(),
            changed: HashSet::new(),
            messages: HashMap::new(),
        }
    }

    /// Hears what happened since the last call. `calls` is what the plugin did meanwhile that nobody
    /// on the platform sees: it stands before what it said. `ended` are the parts that ended meanwhile.
    ///
    /// # Errors
    /// More happened than is kept.
    pub(super) fn hear(
        &mut self,
        calls: Vec<String>,
        ended: &[(Part, PartEnd)],
    ) -> Result<(), String> {
        for (part, _) in ended {
            let act = Act::of(&part.what.action.kind, |id| self.person(id));
            self.acts.extend(act.map(|act| (part_id(part), act)));
        }
        self.hear_all(calls)?;
        for (part, end) in ended {
            self.note_end(part, end);
        }
        Ok(())
    }

    fn hear_all(&mut self, calls: Vec<String>) -> Result<(), String> {
        let mut calls = Some(calls);
        loop {
            match self.receiver.try_recv() {
                Ok(event) => {
                    if event.by == self.bot {
                        self.add_lines(calls.take());
                    }
                    self.note(&event);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => {
                    self.add_lines(calls.take());
                    return Ok(());
                }
                Err(TryRecvError::Lagged(missed)) => {
                    return Err(format!(
                        "so much happened at once that {missed} changes were not seen"
                    ));
                }
            }
        }
    }

    /// Adds lines that are not the platform's.
    pub(super) fn add_lines(&mut self, lines: impl IntoIterator<Item = Vec<String>>) {
        for line in lines.into_iter().flatten() {
            self.push(None, line);
        }
    }

    /// Notes timers that were set or ended.
    pub(super) fn note_timers(&mut self, timers: &[TimerNote]) {
        let acts = timers.iter().filter_map(Act::of_timer);
        self.said.extend(acts.map(|act| Said {
            conversation: None,
            what: SaidWhat::Action(act),
            is_expected: false,
        }));
    }

    /// Notes of an action that it did nothing, or less than was asked for.
    fn note_end(&mut self, part: &Part, end: &PartEnd) {
        let kind = &part.what.action.kind;
        let changed = self.changed.contains(&part_id(part));
        let note = match end {
            PartEnd::Sent(sent) if !sent.notes.is_empty() => sent.notes.join("; "),
            PartEnd::Sent(_) if changed => return,
            PartEnd::Sent(sent) => match kind {
                ActionKind::Join(_) | ActionKind::Invite(_) if sent.was_member => {
                    "was already in".to_owned()
                }
                _ => NOTHING.to_owned(),
            },
            PartEnd::Skipped => SKIPPED.to_owned(),
            PartEnd::Retrying(_, detail) => format!("is tried again: {detail}"),
            // It is a failure, and told as one.
            PartEnd::Failed(..) => return,
        };
        let place = &part.what.conversation;
        let action = kind.name().to_owned();
        let shown = Some(place).filter(|place| !place.is_empty());
        self.push(shown, format!("note: {action}: {note}"));
        self.notes.push(ActionNote {
            action,
            place: self.place_name(place),
            note,
            changed,
        });
    }

    /// A text that people can read: names and beginnings of messages where ids of the platform stand.
    pub(super) fn readable(&self, text: &str) -> String {
        let mut names: Vec<(String, String)> = self
            .messages
            .iter()
            .map(|(id, first)| (id.to_string(), format!("“{first}”")))
            .collect();
        self.hub.read(|state| {
            let rooms = state
                .rooms
                .keys()
                .map(|id| (id.to_string(), self.place_of(state, id)));
            names.extend(rooms);
        });
        // The longest first: one id may be the beginning of another.
        names.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
        names
            .iter()
            .fold(text.to_owned(), |text, (id, name)| match id == name {
                true => text,
                false => text.replace(id.as_str(), name),
            })
    }

    /// The last lines of what happened.
    pub(super) fn last_lines(&self, count: usize) -> Vec<String> {
        let lines = &self.lines[self.lines.len().saturating_sub(count)..];
        let mut places: Vec<&Name> = lines
            .iter()
            .filter_map(|it| it.conversation.as_ref())
            .collect();
        places.sort();
        places.dedup();
        let is_several = places.len() > 1;
        let show = |line: &Line| match &line.conversation {
            Some(place) if is_several => format!("[{}] {}", self.place_name(place), line.text),
            _ => line.text.clone(),
        };
        lines.iter().map(show).collect()
    }

    /// What a conversation is called, for people.
    pub(super) fn place_name(&self, conversation: &str) -> String {
        self.hub.read(|state| self.place_of(state, conversation))
    }

    fn place_of(&self, state: &State, conversation: &str) -> String {
        let Some(room) = state.rooms.get(conversation) else {
            return conversation.to_owned();
        };
        let mut people = room.members.iter().filter(|it| *it.user.id != *self.bot);
        match room.info.kind {
            ConversationKind::Direct => {
                let who = people.next().map(|it| it.user.name.to_string());
                format!("direct with {}", who.unwrap_or_default())
            }
            ConversationKind::CustomerChat => format!("chat {}", room.info.name),
            _ => room.info.name.to_string(),
        }
    }

    /// Adds the forms and buttons that were shown.
    pub(super) fn add_shown(&self, used: &mut Used) {
        used.forms_shown.extend(self.forms.iter().cloned());
        used.buttons_shown.extend(self.buttons.iter().cloned());
    }

    fn push(&mut self, conversation: Option<&Name>, text: String) {
        if self.lines.len() >= MAX_LINES {
            self.lines.remove(0);
        }
        self.lines.push(Line {
            conversation: conversation.cloned(),
            text,
        });
    }

    fn note(&mut self, event: &RoomEvent) {
        let is_bots = event.by == self.bot;
        let who = match is_bots {
            true => "bot".to_owned(),
            false => self.person(&event.by),
        };
        let change = &event.change;
        let place = change.conversation();
        let part = event.part.as_ref().filter(|_| is_bots);
        self.changed.extend(part.cloned());
        let act = part.and_then(|part| self.acts.get(part)).cloned();
        if let Change::Posted(message) | Change::Edited(message) = change {
            let first = first_line(&message.text).to_owned();
            self.messages.insert(message.id.clone(), first);
        }
        let words = match change {
            Change::Posted(message) => {
                let to = match message.visibility {
                    Visibility::Agents => " (to agents)",
                    _ => "",
                };
                let files: Vec<&str> = message.attachments.iter().map(|it| &*it.name).collect();
                let files = match files.is_empty() {
                    true => String::new(),
                    false => format!(" [{}]", files.join(", ")),
                };
                format!("{who}{to}: {}{files}", message.text)
            }
            Change::Edited(message) => format!("{who} edits: {}", message.text),
            Change::Deleted { message, .. } => format!("{who} deletes {}", self.began(message)),
            Change::Reacted { emoji, added, .. } => {
                let how = if *added { "puts" } else { "takes off" };
                format!("{who} {how} :{emoji}:")
            }
            Change::Submitted { form, .. } => format!("{who} submits {form}"),
            Change::Pressed { button, .. } => format!("{who} presses {button}"),
            Change::Member { user, change, .. } => {
                let subject = match *user == self.bot {
                    true => "bot".to_owned(),
                    false => self.person(user),
                };
                match change {
                    MemberChange::Joined => format!("{subject} joins"),
                    MemberChange::Left if event.by == *user => format!("{subject} leaves"),
                    _ => String::new(),
                }
            }
            _ => String::new(),
        };
        let words = match &act {
            Some(act) if words.is_empty() => format!("bot: (action) {}", act.words()),
            _ => words,
        };
        if !words.is_empty() {
            self.push(place, words);
        }
        let what = match change {
            Change::Posted(message) if is_bots => {
                self.look_at(message);
                SaidWhat::Message {
                    text: message.text.clone(),
                    agents: message.visibility == Visibility::Agents,
                }
            }
            Change::Edited(message) if is_bots => {
                self.look_at(message);
                SaidWhat::Edit {
                    text: message.text.clone(),
                }
            }
            Change::Deleted { message, .. } if is_bots => SaidWhat::Deletion {
                of: self.began(message),
            },
            Change::Member {
                user,
                change: MemberChange::Joined,
                ..
            } if is_bots && *user == self.bot => SaidWhat::Joined,
            Change::Member {
                user,
                change: MemberChange::Left,
                ..
            } if is_bots && *user == self.bot => SaidWhat::Left,
            // What comes with an action, such as the agent whom a chat is handed to, is not one itself.
            _ => match act {
                Some(act) => SaidWhat::Action(act),
                None => return,
            },
        };
        let is_placed = match &what {
            SaidWhat::Action(act) => act.form.is_placed,
            _ => true,
        };
        self.said.push(Said {
            conversation: place.filter(|_| is_placed).cloned(),
            what,
            is_expected: false,
        });
    }

    /// How a message began, for people.
    fn began(&self, message: &Name) -> String {
        match self.messages.get(message) {
            Some(first) => format!("“{first}”"),
            None => "a message".to_owned(),
        }
    }

    /// A person's name, of an id or a name.
    fn person(&self, who: &str) -> String {
        let name = self
            .hub
            .read(|state| names::find_user(state, who).map(|user| user.name.to_string()));
        name.unwrap_or_else(|| who.to_owned())
    }

    fn look_at(&mut self, message: &Arc<RoomMessage>) {
        self.fresh.push(message.clone());
        for block in &message.content {
            let buttons: &[Button] = match block {
                Block::Form(form) => {
                    self.forms.insert(form.id.clone());
                    // They submit the form, which counts itself.
                    &[]
                }
                Block::Buttons(buttons) => buttons,
                Block::Card(card) => &card.buttons,
                _ => &[],
            };
            let ids = buttons.iter().filter_map(|button| match &button.kind {
                ButtonKind::Action(action) => Some(action.id.clone()),
                ButtonKind::Link(_) | ButtonKind::Reply(_) => None,
            });
            self.buttons.extend(ids);
        }
    }
}
