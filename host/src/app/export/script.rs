//! The lines of the dialog.

use std::collections::{BTreeSet, HashMap};

use super::names::{BOT, Names};
use super::redact::Redact;
use super::{Exported, Recording};
use crate::app::dialogs::{Act, expect_lines};
use crate::app::events::kind;
use crate::config::PluginSettings;
use crate::connectors::local::render::render;
use crate::journal::{PastAction, PastDelivery, PastEvent, PastState};
use crate::model::action::{ActionKind, Target};
use crate::model::content::Content;
use crate::model::delivery::View;
use crate::model::event::{
    Addressing, Conversation, ConversationKind, Event, Message, User, Visibility,
};
use crate::model::payload::{
    EventPayload, FieldValue, FormCloseReason, FormSubmitted, MemberChange, MemberChanged,
    ResponseError, ResponseReceived,
};
use crate::model::{HOST_PLUGIN, Timestamp};

/// Characters of a text in a comment.
const COMMENT_CHARS: usize = 200;

/// Where somebody speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Room(String),
    Direct(String),
    Chat(String),
}

/// Writes the lines.
pub(super) struct Script<'r> {
    recording: &'r Recording,
    names: &'r Names,
    redact: &'r Redact<'r>,
    lines: Vec<String>,
    actor: Option<String>,
    place: Option<Where>,
    /// Whole seconds since the first event, rounded up: where the dialog's clock stands.
    clock: u64,
    began: Timestamp,
    /// Each person's last message in each conversation.
    last: HashMap<(String, String), String>,
    /// Customers in whose chats the bot is.
    inside: BTreeSet<String>,
    steps: usize,
    left_out: usize,
}

impl<'r> Script<'r> {
    pub(super) fn new(recording: &'r Recording, names: &'r Names, redact: &'r Redact<'r>) -> Self {
        let first = recording.events.first();
        Self {
            recording,
            names,
            redact,
            lines: Vec::new(),
            actor: None,
            place: None,
            clock: 0,
            began: first.map_or(0, |past| moment(&past.event)),
            last: HashMap::new(),
            inside: BTreeSet::new(),
            steps: 0,
            left_out: 0,
        }
    }

    /// Writes what the dialog begins with.
    pub(super) fn begin(&mut self, settings: &[String], own: &PluginSettings) {
        let plugin = &self.recording.plugin;
        self.comment(&format!(
            "What {plugin} was recorded to answer. Names are replaced; read it before"
        ));
        self.comment("you show it to anybody: what people say of themselves in their own words is not known.");
        let grants = &own.grants.http;
        if !grants.is_empty() {
            self.comment("What the plugin asked other servers for while it handled an event is not recorded: where");
            self.comment("it did, add the answers (`http GET https://… -> 200`). It may ask:");
            for grant in grants {
                self.comment(&format!("  {}", grant.allow));
            }
        }
        if !settings.is_empty() {
            self.line("settings");
            for line in settings {
                self.line(&format!("    {line}"));
            }
        }
        let began = i64::try_from(self.began / 1_000).unwrap_or_default();
        if let Ok(began) = jiff::Timestamp::from_second(began) {
            self.line(&format!("clock {began}"));
        }
    }

    /// Writes an event and what came of it.
    pub(super) fn event(&mut self, past: &'r PastEvent) {
        let event = &past.event;
        let deliveries = self.own(past);
        // What follows at once from another is written with it.
        if deliveries.is_empty() || (self.follows(past) && self.cause(past).is_some()) {
            return;
        }
        self.lines.push(String::new());
        self.fixtures(past);
        if !self.follows(past) {
            self.advance(moment(event));
        }
        if self.step(event) {
            self.steps += 1;
        } else if deliveries.iter().any(|it| !it.actions.is_empty()) {
            self.go(event);
        }
        self.outcome(past);
    }

    /// Writes what came of an event, and of what followed at once from it.
    fn outcome(&mut self, past: &'r PastEvent) {
        for delivery in self.own(past) {
            self.answers(delivery);
        }
        let recording = self.recording;
        for later in &recording.events {
            let is_of_it = later.event.cause.as_ref() == Some(&past.event.id);
            if is_of_it && later.number > past.number && self.follows(later) {
                self.outcome(later);
            }
        }
    }

    /// What the plugin, or the host to its event, did.
    fn own(&self, past: &'r PastEvent) -> Vec<&'r PastDelivery> {
        let plugin = self.recording.plugin.as_str();
        let deliveries = past.deliveries.iter().filter(|it| {
            let is_of = *it.plugin == *plugin || *it.plugin == *HOST_PLUGIN;
            // What an operator had the host do was no answer.
            is_of && !matches!(it.view, View::Act(_))
        });
        deliveries.collect()
    }

    /// Tells whether an event follows at once from what was before, with no step of anybody's.
    fn follows(&self, past: &PastEvent) -> bool {
        match &past.event.payload {
            EventPayload::ResponseReceived(_)
            | EventPayload::ActionDone(_)
            | EventPayload::ActionFailed(_)
            | EventPayload::Lifecycle(_) => true,
            EventPayload::FormClosed(closed) => closed.reason != FormCloseReason::Expired,
            _ => false,
        }
    }

    /// The event that one grew out of, where that is recorded.
    fn cause(&self, past: &PastEvent) -> Option<&'r PastEvent> {
        let cause = past.event.cause.as_ref()?;
        let mut events = self.recording.events.iter();
        events.find(|it| it.event.id == *cause)
    }

    /// The text of the file.
    pub(super) fn finish(self) -> Exported {
        let mut text = self.lines.join("\n");
        text.push('\n');
        Exported {
            text,
            plugin: self.recording.plugin.clone(),
            steps: self.steps,
            left_out: self.left_out,
        }
    }

    fn line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn comment(&mut self, text: &str) {
        let text = text.replace(['\n', '\r'], " ");
        let text: String = text.chars().take(COMMENT_CHARS).collect();
        self.lines.push(format!("# {text}"));
    }

    /// A step that there is no word for.
    fn leave_out(&mut self, what: &str) -> bool {
        self.left_out += 1;
        self.comment(&format!("left out: {what}"));
        false
    }

    /// A step with a text.
    fn with_text(&mut self, word: &str, text: &str) {
        let text = self.redact.text(text);
        let mut lines = text.lines().map(str::trim_end);
        let first = lines.next().unwrap_or_default();
        match first.starts_with(char::is_whitespace) || first.is_empty() {
            true => {
                self.line(word);
                self.line(&format!("    {first}"));
            }
            false => self.line(&format!("{word} {first}")),
        }
        let rest: Vec<&str> = lines.collect();
        for line in rest {
            self.lines.push(match line.is_empty() {
                true => String::new(),
                false => format!("    {line}"),
            });
        }
    }

    fn advance(&mut self, to: Timestamp) {
        let at = to.saturating_sub(self.began).div_ceil(1_000);
        let seconds = at.saturating_sub(self.clock);
        if seconds > 0 {
            self.clock = at;
            self.line(&format!("advance {}", duration(seconds)));
        }
    }

    fn step(&mut self, event: &'r Event) -> bool {
        match &event.payload {
            EventPayload::Message(message) => self.say(event, message, "say"),
            EventPayload::MessageEdited(edited) => {
                if !self.is_last(event, &edited.message.id) {
                    return self
                        .leave_out("a message was changed that was not the person's last one");
                }
                self.say(event, &edited.message, "edit")
            }
            EventPayload::MessageDeleted(deleted) => {
                if !self.is_last(event, &deleted.message_id) {
                    return self
                        .leave_out("a message was taken away that was not the person's last one");
                }
                self.go(event);
                self.line("delete");
                true
            }
            EventPayload::FormSubmitted(submitted) => {
                self.go(event);
                self.submit(submitted);
                true
            }
            EventPayload::ButtonPressed(pressed) => {
                self.go(event);
                self.line(&format!("click {}", pressed.button_id));
                true
            }
            EventPayload::MemberChanged(changed) => self.member(event, changed),
            EventPayload::Reaction(reaction) if reaction.added => {
                self.go(event);
                self.line(&format!("react :{}:", reaction.emoji));
                true
            }
            EventPayload::WebhookReceived(webhook) => {
                let body = String::from_utf8_lossy(&webhook.body).into_owned();
                self.with_text(&format!("webhook {}", webhook.name), &body);
                true
            }
            // These come by themselves: of the clock, of an answer, of the plugin's own life.
            EventPayload::TimerFired(_)
            | EventPayload::ResponseReceived(_)
            | EventPayload::ActionDone(_)
            | EventPayload::ActionFailed(_)
            | EventPayload::FormClosed(_)
            | EventPayload::Lifecycle(_) => false,
            payload => self.leave_out(&kind(payload)),
        }
    }

    fn say(&mut self, event: &Event, message: &Message, word: &str) -> bool {
        self.go(event);
        let key = self.key(event);
        self.last.insert(key, message.id.clone());
        if !message.attachments.is_empty() {
            self.comment("files came with this message, and are not recorded");
        }
        let text = match event.addressing {
            Addressing::Mention => format!("@{BOT} {}", message.text),
            _ => message.text.clone(),
        };
        if text.trim().is_empty() {
            return self.leave_out("a message without a text");
        }
        self.with_text(word, &text);
        true
    }

    fn member(&mut self, event: &Event, changed: &MemberChanged) -> bool {
        let word = match changed.change {
            MemberChange::Joined | MemberChange::Invited => "join",
            MemberChange::Left => "leave",
            _ => return self.leave_out("somebody's part in the conversation changed"),
        };
        if changed.is_self {
            return self.leave_out(&format!("the bot came or went ({word})"));
        }
        self.go(event);
        let who = self.names.alias(&changed.who.id).unwrap_or_default();
        self.lines.push(format!("{word} {who}"));
        true
    }

    fn submit(&mut self, submitted: &FormSubmitted) {
        let mut head = format!("submit {}", submitted.form_id);
        if !submitted.button.is_empty() {
            head.push_str(&format!(" {}", submitted.button));
        }
        self.line(&head);
        for field in &submitted.values {
            let value = match &field.value {
                FieldValue::Text(text) | FieldValue::Other(text) => self.redact.text(text),
                FieldValue::Number(number) => number.to_string(),
                FieldValue::Flag(flag) => flag.to_string(),
                FieldValue::Choices(choices) => self.redact.text(&choices.join(",")),
                FieldValue::Date(text) | FieldValue::Time(text) => text.clone(),
                FieldValue::Users(users) => self.people(users),
                FieldValue::Conversations(ids) => {
                    let rooms = ids.iter().map(|id| self.names.room_alias(id).unwrap_or(id));
                    rooms.collect::<Vec<_>>().join(",")
                }
            };
            // One line a field: what has several is told in one.
            let value = value.replace(['\n', '\r'], " ");
            self.lines.push(format!("    {}={value}", field.id));
        }
    }

    fn people(&self, users: &[User]) -> String {
        let users = users.iter();
        let users = users.map(|user| self.names.alias(&user.id).unwrap_or_default());
        users.collect::<Vec<_>>().join(",")
    }

    /// Writes who acts, and where, as far as it is another.
    fn go(&mut self, event: &Event) {
        let actor = event
            .actor
            .as_ref()
            .and_then(|actor| self.names.alias(&actor.id));
        let place = event
            .conversation
            .as_ref()
            .and_then(|place| self.place_of(place));
        let is_other = actor.is_some() && actor != self.actor.as_deref();
        if let Some(actor) = actor.filter(|_| is_other) {
            self.actor = Some(actor.to_owned());
            self.lines.push(format!("as {actor}"));
        }
        let Some(place) = place else { return };
        let is_direct = matches!(place, Where::Direct(_));
        if self.place.as_ref() == Some(&place) && !(is_direct && is_other) {
            return;
        }
        self.lines.push(match &place {
            Where::Room(name) => format!("room {name}"),
            Where::Direct(_) => "direct".to_owned(),
            Where::Chat(customer) => format!("chat {customer}"),
        });
        self.place = Some(place);
    }

    fn place_of(&self, place: &Conversation) -> Option<Where> {
        let of = |name: Option<&str>| name.map(str::to_owned);
        match place.kind {
            ConversationKind::Direct => of(self.names.direct(&place.id)).map(Where::Direct),
            ConversationKind::CustomerChat => of(self.names.customer(&place.id)).map(Where::Chat),
            _ => of(self.names.room_alias(&place.id)).map(Where::Room),
        }
    }

    fn key(&self, event: &Event) -> (String, String) {
        let place = event.conversation.as_ref().map(|place| place.id.clone());
        let actor = event.actor.as_ref().map(|actor| actor.id.clone());
        (place.unwrap_or_default(), actor.unwrap_or_default())
    }

    fn is_last(&self, event: &Event, message: &str) -> bool {
        self.last
            .get(&self.key(event))
            .is_some_and(|last| last == message)
    }

    /// Writes how other servers answer what is asked by the event: the answers came later.
    fn fixtures(&mut self, past: &PastEvent) {
        let recording = self.recording;
        let id = &past.event.id;
        let answers = recording.events.iter().filter_map(|later| {
            let EventPayload::ResponseReceived(received) = &later.event.payload else {
                return None;
            };
            let is_of_it = later.event.cause.as_ref() == Some(id);
            let request = recording
                .requests
                .get(&(id.clone(), received.key.clone()))?;
            is_of_it.then_some((request, received))
        });
        for (request, received) in answers.collect::<Vec<_>>() {
            let request = &request.request;
            let url = self.redact.text(&request.url);
            self.fixture(&format!("http {} {url}", request.method), received);
        }
    }

    fn fixture(&mut self, head: &str, received: &ResponseReceived) {
        match &received.outcome {
            Ok(response) => {
                let wanted = ["content-type", "retry-after", "location"];
                let headers = response.headers.iter();
                let headers = headers.filter(|it| wanted.contains(&it.name.as_str()));
                let headers = headers.filter(|it| !it.value.contains(','));
                let headers: Vec<String> = headers
                    .map(|it| format!("{}: {}", it.name, self.redact.text(&it.value)))
                    .collect();
                let line = format!("{head} -> {} {}", response.status, headers.join(", "));
                self.line(line.trim_end());
                let body = self.redact.text(&String::from_utf8_lossy(&response.body));
                for line in body.lines() {
                    self.line(format!("    {line}").trim_end());
                }
            }
            Err(ResponseError::TimedOut) => self.line(&format!("{head} -> timeout")),
            Err(ResponseError::Unreachable) => self.line(&format!("{head} -> refused")),
            Err(error) => self.comment(&format!("{head} came to nothing: {error:?}")),
        }
    }

    fn answers(&mut self, delivery: &PastDelivery) {
        if delivery.state == PastState::Dead {
            self.line("expect failed");
            return;
        }
        let mut actions = delivery.actions.iter().peekable();
        while let Some(action) = actions.next() {
            let mut parts = 1;
            while actions
                .next_if(|next| next.index == action.index && next.part > 0)
                .is_some()
            {
                parts += 1;
            }
            self.answer(action, parts);
        }
    }

    fn answer(&mut self, past: &PastAction, parts: usize) {
        let Some(action) = &past.action else {
            match past.what.as_str() {
                "request" => {}
                what => self.comment(&format!("{what}: what it said is not recorded here")),
            }
            return;
        };
        match &action.kind {
            ActionKind::Send(send) => {
                let place = self.expected_place(past, &send.target);
                let agents = match send.visibility {
                    Visibility::All => "",
                    Visibility::Agents => " agents",
                };
                self.expect(&format!("expect{place}{agents}"), &send.content, parts);
            }
            ActionKind::Edit(edit) => self.expect("expect edit", &edit.content, parts),
            ActionKind::Delete(_) => self.line("expect deleted"),
            ActionKind::Join(_) => {
                if self.comes_or_goes(past, |inside, chat| inside.insert(chat)) {
                    self.line("expect joined");
                }
            }
            ActionKind::Leave(_) => {
                if self.comes_or_goes(past, |inside, chat| inside.remove(&chat)) {
                    self.line("expect left");
                }
            }
            kind => self.expect_act(past, kind),
        }
    }

    /// Whether the bot comes or goes in the dialog too: it is in every room of one, and in no chat. A leave
    /// with a note took the bot out of nothing.
    fn comes_or_goes(
        &mut self,
        past: &PastAction,
        change: impl FnOnce(&mut BTreeSet<String>, String) -> bool,
    ) -> bool {
        let chat = self.names.customer(&past.conversation).map(str::to_owned);
        let chat = chat.filter(|_| past.detail.is_none());
        chat.is_some_and(|chat| change(&mut self.inside, chat))
    }

    /// An action that has no word of its own.
    fn expect_act(&mut self, past: &PastAction, kind: &ActionKind) {
        let names = self.names;
        let who = |id: &str| names.alias(id).unwrap_or(id).to_owned();
        let Some(act) = Act::of(kind, who) else {
            return;
        };
        let place = match act.form.is_placed {
            true => self.expected_place(past, &Target::Reply),
            false => String::new(),
        };
        let act = Act {
            about: self.redact.text(&act.about),
            ..act
        };
        let head = format!("expect{place} {}", Act::head(act.form, act.off));
        let lines = match act.about.is_empty() {
            true => vec![head],
            false => act.lines(&head),
        };
        self.lines.extend(lines);
    }

    /// ` in ROOM` or ` to PERSON` where it is said somewhere else than the dialog is.
    fn expected_place(&self, past: &PastAction, target: &Target) -> String {
        let person = match target {
            Target::User(user) => self.names.alias(user),
            Target::Email(email) => self.names.alias(email),
            _ => self.names.direct(&past.conversation),
        };
        match (
            person,
            self.names.room_alias(&past.conversation),
            &self.place,
        ) {
            (Some(person), _, Some(Where::Direct(here))) if here == person => String::new(),
            (Some(person), ..) => format!(" to {person}"),
            (None, Some(room), Some(Where::Room(here))) if here == room => String::new(),
            (None, Some(room), _) => format!(" in {room}"),
            (None, None, _) => String::new(),
        }
    }

    fn expect(&mut self, head: &str, content: &Content, parts: usize) {
        let Ok(rendered) = render(content, false) else {
            self.line(&format!("{head} any"));
            return;
        };
        let text = self.redact.text(&rendered.text);
        if parts > 1 {
            // Each platform cuts elsewhere.
            let first = text.lines().map(str::trim).find(|line| !line.is_empty());
            self.comment(&format!("its platform took it in {parts} parts"));
            self.line(&match first {
                Some(first) => format!("{head} * {first}"),
                None => format!("{head} any"),
            });
            return;
        }
        self.lines.extend(expect_lines(head, &text));
    }
}

/// When an event happened, as the host's clock said.
fn moment(event: &Event) -> Timestamp {
    event.received_at
}

/// `90s`, `5m`, `2h`, `1d`.
fn duration(seconds: u64) -> String {
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        if seconds.is_multiple_of(unit) {
            return format!("{}{name}", seconds / unit);
        }
    }
    format!("{seconds}s")
}
