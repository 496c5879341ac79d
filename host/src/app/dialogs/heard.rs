//! What happens on the platform of a dialog: what the bot says, and all of it for people to read.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use super::report::Used;
use crate::connectors::local::Hub;
use crate::mailbox::rooms::{Change, RoomEvent, RoomMessage};
use crate::model::Name;
use crate::model::content::{Block, Button, ButtonKind};
use crate::model::event::{ConversationKind, Visibility};
use crate::model::payload::MemberChange;

/// Lines of what happened that are kept.
const MAX_LINES: usize = 200;

/// Something that the bot did.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Where.
    pub(super) conversation: Name,
    /// What.
    pub(super) what: SaidWhat,
    /// A step expects it.
    pub(super) is_expected: bool,
}

/// What the bot did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SaidWhat {
    Message { text: String, agents: bool },
    Edit { text: String },
    Deletion,
    Joined,
    Left,
}

impl SaidWhat {
    /// Tells whether people must have expected it: who comes and goes says nothing.
    pub(super) fn is_said(&self) -> bool {
        !matches!(self, Self::Joined | Self::Left)
    }

    /// What it is, for people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Message {
                text,
                agents: false,
            } => text.clone(),
            Self::Message { text, agents: true } => format!("(to agents) {text}"),
            Self::Edit { text } => format!("(an edit) {text}"),
            Self::Deletion => "(a message was deleted)".to_owned(),
            Self::Joined => "(joined)".to_owned(),
            Self::Left => "(left)".to_owned(),
        }
    }
}

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
    lines: Vec<Line>,
    forms: BTreeSet<String>,
    buttons: BTreeSet<String>,
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
            lines: Vec::new(),
            forms: BTreeSet::new(),
            buttons: BTreeSet::new(),
        }
    }

    /// Hears what happened since the last call. `calls` is what the plugin did meanwhile that nobody
    /// on the platform sees: it stands before what it said.
    ///
    /// # Errors
    /// More happened than is kept.
    pub(super) fn hear(&mut self, calls: Vec<String>) -> Result<(), String> {
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
        let found = self.hub.read(|state| {
            let room = state.rooms.get(conversation)?;
            let mut people = room.members.iter().filter(|it| *it.user.id != *self.bot);
            Some(match room.info.kind {
                ConversationKind::Direct => {
                    let who = people.next().map(|it| it.user.name.to_string());
                    format!("direct with {}", who.unwrap_or_default())
                }
                ConversationKind::CustomerChat => format!("chat {}", room.info.name),
                _ => room.info.name.to_string(),
            })
        });
        found.unwrap_or_else(|| conversation.to_owned())
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
            Change::Deleted { .. } => format!("{who} deletes a message"),
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
                    MemberChange::Left => format!("{subject} leaves"),
                    _ => String::new(),
                }
            }
            _ => String::new(),
        };
        if !words.is_empty() {
            self.push(place, words);
        }
        let Some(place) = place.cloned() else {
            return;
        };
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
            Change::Deleted { .. } if is_bots => SaidWhat::Deletion,
            Change::Member { user, change, .. } if *user == self.bot => match change {
                MemberChange::Joined => SaidWhat::Joined,
                MemberChange::Left => SaidWhat::Left,
                _ => return,
            },
            _ => return,
        };
        self.said.push(Said {
            conversation: place,
            what,
            is_expected: false,
        });
    }

    fn person(&self, id: &Name) -> String {
        let name = self
            .hub
            .read(|state| state.users.get(id).map(|user| user.name.to_string()));
        name.unwrap_or_else(|| id.to_string())
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
