//! Makes a turn out of a list of actions: targets resolved, limits and grants checked, messages split.
//!
//! Pure but for asking who the connectors are: nothing here reads or writes the journal.

pub mod cron;
pub mod policy;
pub mod schedule;

mod forms;
mod place;
mod request;
mod size;

#[cfg(test)]
mod grant_tests;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use self::place::{Place, Places};
pub(crate) use self::policy::named_messages;
pub use self::policy::{ActionGrants, HttpGrants, Policy};
pub use self::request::{
    REQUEST_BODY_BYTES, REQUEST_HEADERS, REQUEST_TIMEOUT_MS, REQUESTS_BYTES, REQUESTS_WAITING,
    REQUESTS_WAITING_BYTES,
};
use crate::journal::{
    DeadReason, NewBroadcast, NewPart, NewRequest, Timer, TimerChange, TimerKey, Urgency,
};
use crate::mailbox::Connectors;
use crate::model::action::{Action, ActionKind, OutgoingAttachment, Send, SetTimer, Target};
use crate::model::content::Content;
use crate::model::delivery::Delivery;
use crate::model::event::Event;
use crate::model::grants::AS_USER;
use crate::model::payload::{EventPayload, OtherEvent};
use crate::model::{Name, Timestamp};

/// Depth from which a list with actions is refused, because it grows out of itself.
pub const MAX_DEPTH: u32 = 8;
/// Rows of one turn.
pub const TURN_ROWS: usize = 2_000;
/// Bytes of text in one turn.
pub const TURN_BYTES: usize = 512 * 1024;
/// Bytes of a timer's payload.
pub const TIMER_PAYLOAD_BYTES: usize = 64 * 1024;
/// Bytes of a timer's name.
pub const TIMER_NAME_BYTES: usize = 64;

/// Checks what a message says, and parses it where the host must know its forms and buttons.
pub trait ContentCheck: std::marker::Send + Sync {
    /// Gives the content as it is kept: blocks where it has forms or buttons.
    ///
    /// # Errors
    /// A sentence that says what is wrong, for the author.
    fn check(&self, content: Content, attachments: usize) -> Result<Content, String>;
}

/// Takes all content as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyContent;

impl ContentCheck for AnyContent {
    fn check(&self, content: Content, _attachments: usize) -> Result<Content, String> {
        Ok(content)
    }
}

/// What a turn is made from, besides the actions.
#[derive(Clone, Copy)]
pub struct TurnContext<'a> {
    /// The delivery.
    pub delivery: &'a Delivery,
    /// What the plugin may do.
    pub policy: &'a Policy,
    /// Who splits messages.
    pub connectors: &'a dyn Connectors,
    /// Who checks content.
    pub contents: &'a dyn ContentCheck,
    /// Ids of messages among the list's that the plugin is known to have sent.
    pub own_messages: &'a HashSet<String>,
    /// The time.
    pub now: Timestamp,
}

/// What a list of actions comes to.
#[derive(Clone, Debug, Default)]
pub struct TurnDraft {
    /// Actions for platforms, in order.
    pub parts: Vec<NewPart>,
    /// Messages for many conversations.
    pub broadcasts: Vec<NewBroadcast>,
    /// Timers.
    pub timers: Vec<TimerChange>,
    /// Requests.
    pub requests: Vec<NewRequest>,
}

impl TurnDraft {
    /// What it comes to for platforms, each target of a broadcast counted.
    fn messages(&self) -> usize {
        let many = self.broadcasts.iter();
        let many = many.map(|one| one.targets.len().saturating_mul(one.actions.len()));
        self.parts.len().saturating_add(many.sum())
    }
}

/// An action of a list, as its author knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedAction {
    /// Its place in the list, from 0.
    place: usize,
    /// Its name in the contract.
    name: &'static str,
}

impl ListedAction {
    fn of(place: usize, action: &Action) -> Self {
        let name = action.kind.name();
        Self { place, name }
    }

    /// Its place, as it is stored.
    fn index(self) -> u32 {
        u32::try_from(self.place).unwrap_or(u32::MAX)
    }
}

impl std::fmt::Display for ListedAction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, name } = self;
        write!(out, "the action {name} (number {} of its list)", place + 1)
    }
}

/// Why a list of actions is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A grant is missing.
    #[error("{at} needs the grant \"{grant}\": write {line}")]
    NotGranted {
        /// The action.
        at: ListedAction,
        /// The grant's name.
        grant: &'static str,
        /// The line of the settings that is missing, and where.
        line: String,
    },
    /// The plugin takes part with other bots only.
    #[error("{at} is for the bot {bot:?}, which `only.bots` of plugin {plugin} leaves out")]
    OtherBots {
        /// The action.
        at: ListedAction,
        /// The bot.
        bot: Name,
        /// The plugin.
        plugin: Name,
    },
    /// A grant for a request is missing.
    #[error("{at} needs a grant: [plugin.{plugin}] grants.http = [\"{method} {url}\"]")]
    RequestNotGranted {
        /// The action.
        at: ListedAction,
        /// The plugin.
        plugin: Name,
        /// The method.
        method: String,
        /// The URL without its query.
        url: String,
    },
    /// More than a limit of the plugin's allows.
    #[error("{what}: {found}, at most {limit}: [plugin.{plugin}] limits.{setting}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        limit: usize,
        /// The plugin.
        plugin: Name,
        /// The setting's name.
        setting: &'static str,
    },
    /// More than the host takes.
    #[error("{what}: {found}, at most {limit}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// An action needs the event's conversation, and there is none.
    #[error("no-conversation: {0} needs a conversation and the event has none")]
    NoConversation(ListedAction),
    /// An action needs a bot, and none is named.
    #[error("{0} needs a bot: the event names none; set the action's bot")]
    NoBot(ListedAction),
    /// An action names a bot that is not there.
    #[error("{at} names the bot {bot:?}, which is not in the settings")]
    UnknownBot {
        /// The action.
        at: ListedAction,
        /// The bot's name.
        bot: String,
    },
    /// The content is wrong.
    #[error("{at}: {detail}")]
    Content {
        /// The action.
        at: ListedAction,
        /// What is wrong.
        detail: String,
    },
    /// A field is wrong.
    #[error("{at}: {detail}")]
    Invalid {
        /// The action.
        at: ListedAction,
        /// What is wrong.
        detail: String,
    },
    /// The event grew out of itself too often.
    #[error("loop: the event grew out of {0} others, and its list has actions")]
    Loop(u32),
}

impl Refusal {
    /// Why the delivery is a dead letter.
    pub fn reason(&self) -> DeadReason {
        match self {
            Self::Loop(_) => DeadReason::Loop,
            _ => DeadReason::Refused,
        }
    }
}

/// Makes a turn's effects out of a list of actions.
///
/// # Errors
/// The list as a whole is refused; nothing of it is to be kept.
pub fn build(actions: Vec<Action>, context: &TurnContext<'_>) -> Result<TurnDraft, Refusal> {
    let mut draft = TurnDraft::default();
    if actions.is_empty() {
        return Ok(draft);
    }
    if context.delivery.event.depth >= MAX_DEPTH {
        return Err(Refusal::Loop(context.delivery.event.depth));
    }
    let most = context.policy.limits.actions as usize;
    if actions.len() > most {
        return Err(limit(context, "actions", actions.len(), most, "actions"));
    }
    let mut builder = Builder {
        context,
        places: Places::new(context),
        urgency: match context.delivery.event.payload {
            EventPayload::TimerFired(_) => Urgency::Timer,
            _ => Urgency::Answer,
        },
        text: 0,
        files: 0,
        origin: None,
    };
    for (index, action) in actions.into_iter().enumerate() {
        let at = ListedAction::of(index, &action);
        builder.add(&mut draft, at, action)?;
    }
    let found = draft.messages();
    if found > TURN_ROWS {
        return Err(Refusal::TooMuch {
            what: "messages of one event",
            found,
            limit: TURN_ROWS,
        });
    }
    Ok(draft)
}

fn limit(
    context: &TurnContext<'_>,
    what: &'static str,
    found: usize,
    limit: usize,
    setting: &'static str,
) -> Refusal {
    Refusal::Limit {
        what,
        found,
        limit,
        plugin: Name::clone(&context.delivery.plugin),
        setting,
    }
}

struct Builder<'a> {
    context: &'a TurnContext<'a>,
    places: Places<'a>,
    urgency: Urgency,
    text: usize,
    files: usize,
    origin: Option<Arc<Event>>,
}

impl Builder<'_> {
    fn add(
        &mut self,
        draft: &mut TurnDraft,
        at: ListedAction,
        mut action: Action,
    ) -> Result<(), Refusal> {
        let context = self.context;
        let key_limit = context.policy.limits.action_key_bytes as usize;
        if let Some(key) = action.key.as_ref().filter(|key| key.len() > key_limit) {
            return Err(Refusal::TooMuch {
                what: "bytes of a key",
                found: key.len(),
                limit: key_limit,
            });
        }
        let event = &context.delivery.event;
        if let Some(grant) = policy::grant_for(&action, event, context.own_messages) {
            self.need(at, grant)?;
        }
        if action.as_user.is_some() {
            self.need(at, AS_USER)?;
        }
        match action.kind {
            ActionKind::Request(request) => {
                return self.add_request(draft, at, action.key, request);
            }
            ActionKind::SetTimer(timer) => {
                draft.timers.push(self.set_timer(at, timer)?);
                return Ok(());
            }
            ActionKind::CancelTimer(name) => {
                draft.timers.push(TimerChange::Cancel(self.timer_key(name)));
                return Ok(());
            }
            ActionKind::Send(send) => {
                action.kind = ActionKind::Send(self.check_send(at, send)?);
            }
            ActionKind::Edit(mut edit) => {
                edit.content = self.check_content(at, edit.content, 0)?;
                action.kind = ActionKind::Edit(edit);
            }
            other => action.kind = other,
        }
        let place = self.places.find(at, &mut action)?;
        if !context.policy.actions.covers_bot(&place.bot) {
            return Err(Refusal::OtherBots {
                at,
                bot: place.bot,
                plugin: Name::clone(&context.delivery.plugin),
            });
        }
        let actions = forms::one_each(action).map_err(|detail| Refusal::Content { at, detail })?;
        self.plan(draft, at, actions, place);
        Ok(())
    }

    fn need(&self, at: ListedAction, grant: &'static str) -> Result<(), Refusal> {
        match self.context.policy.actions.missing_action(grant) {
            None => Ok(()),
            Some(line) => Err(Refusal::NotGranted { at, grant, line }),
        }
    }

    fn check_send(&mut self, at: ListedAction, mut send: Send) -> Result<Send, Refusal> {
        let limits = &self.context.policy.limits;
        if let Target::Conversations(targets) = &send.target {
            let most = limits.broadcast as usize;
            if targets.len() > most {
                let found = targets.len();
                let what = "conversations of a broadcast";
                return Err(limit(self.context, what, found, most, "broadcast"));
            }
        }
        for attachment in &send.attachments {
            match attachment {
                OutgoingAttachment::File(file) => {
                    let most = limits.attachment_bytes as usize;
                    if file.bytes.len() > most {
                        let (what, found) = ("bytes of an attachment", file.bytes.len());
                        return Err(limit(self.context, what, found, most, "attachment-mib"));
                    }
                    self.files = self.files.saturating_add(file.bytes.len());
                }
                // The host makes these itself, of files that were counted before.
                OutgoingAttachment::Kept(_) => {}
                OutgoingAttachment::Received(id) => {
                    let event = &self.context.delivery.event;
                    // Its bytes are the platform's, which has a bound of its own for them.
                    if !policy::carries_attachment(event, id) {
                        let grant = policy::ATTACHMENT;
                        if let Some(line) = self.context.policy.actions.missing_read(grant) {
                            return Err(Refusal::NotGranted { at, grant, line });
                        }
                    }
                }
            }
        }
        let most = limits.attachments_bytes as usize;
        if self.files > most {
            return Err(Refusal::TooMuch {
                what: "bytes of all attachments",
                found: self.files,
                limit: most,
            });
        }
        send.content = self.check_content(at, send.content, send.attachments.len())?;
        Ok(send)
    }

    fn check_content(
        &mut self,
        at: ListedAction,
        content: Content,
        attachments: usize,
    ) -> Result<Content, Refusal> {
        let bytes = size::text_bytes(&content);
        let most = self.context.policy.limits.message_bytes as usize;
        if bytes > most {
            let what = "bytes of text in a message";
            return Err(limit(self.context, what, bytes, most, "message-kib"));
        }
        self.text += bytes;
        if self.text > TURN_BYTES {
            return Err(Refusal::TooMuch {
                what: "bytes of text of one event",
                found: self.text,
                limit: TURN_BYTES,
            });
        }
        let checked = self.context.contents.check(content, attachments);
        checked.map_err(|detail| Refusal::Content { at, detail })
    }

    fn timer_key(&self, name: String) -> TimerKey {
        TimerKey {
            tenant: Name::clone(&self.context.delivery.tenant),
            plugin: Name::clone(&self.context.delivery.plugin),
            conversation: self.places.event_conversation(),
            name,
        }
    }

    fn set_timer(&mut self, at: ListedAction, timer: SetTimer) -> Result<TimerChange, Refusal> {
        for (what, found, limit) in [
            (
                "bytes of a timer's name",
                timer.name.len(),
                TIMER_NAME_BYTES,
            ),
            (
                "bytes of a timer's payload",
                timer.payload.len(),
                TIMER_PAYLOAD_BYTES,
            ),
        ] {
            if found > limit {
                return Err(Refusal::TooMuch { what, found, limit });
            }
        }
        let due_at = schedule::first_due(&timer.schedule, self.context.now);
        let mut due_at = due_at.map_err(|error| Refusal::Invalid {
            at,
            detail: error.to_string(),
        })?;
        // Name and time are what makes a firing one and the same. Where the clock was set back, a
        // timer that sets itself anew must not come to the time at which it has just fired.
        if let EventPayload::TimerFired(fired) = &self.context.delivery.event.payload
            && fired.name == timer.name
        {
            due_at = due_at.max(fired.due_at.saturating_add(1));
        }
        let origin = Arc::clone(self.origin.get_or_insert_with(|| {
            Arc::new(Event {
                raw: None,
                payload: EventPayload::Other(OtherEvent {
                    kind: "origin".to_owned(),
                    json: String::new(),
                }),
                ..Event::clone(&self.context.delivery.event)
            })
        }));
        Ok(TimerChange::Set(Timer {
            key: self.timer_key(timer.name),
            due_at,
            schedule: timer.schedule,
            missed: timer.missed,
            payload: timer.payload,
            origin,
        }))
    }

    /// Splits an action into parts and gives each its place.
    fn plan(&self, draft: &mut TurnDraft, at: ListedAction, actions: Vec<Action>, place: Place) {
        let index = at.index();
        let parts = actions
            .into_iter()
            .flat_map(|action| place.connector.plan(action));
        let parts = parts.map(Arc::new);
        match place.conversations {
            place::Where::One(conversation) => {
                for (part, action) in (0u32..).zip(parts) {
                    draft.parts.push(NewPart {
                        bot: Name::clone(&place.bot),
                        conversation: Name::clone(&conversation),
                        index,
                        part,
                        urgency: self.urgency_of(&action),
                        action,
                        sending: false,
                    });
                }
            }
            place::Where::Many(targets) => {
                // One stored body stands for all: its target is the part's own conversation.
                let actions: Vec<Arc<Action>> = parts.collect();
                if !actions.is_empty() && !targets.is_empty() {
                    draft.broadcasts.push(NewBroadcast {
                        bot: place.bot,
                        index,
                        actions,
                        targets,
                    });
                }
            }
        }
    }

    /// Nobody waits for an edit as for an answer.
    fn urgency_of(&self, action: &Action) -> Urgency {
        match &action.kind {
            ActionKind::Edit(_) => Urgency::Timer,
            _ => self.urgency,
        }
    }
}
