//! What two calls with one event came to, compared: for replays, and for builds in the shadow.
//!
//! Compared is what reaches the world: each action as it is sent, requests, timers. What a call writes
//! into its state is not. Pure.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::guest::CallEnd;
use super::turn::TurnDraft;
use crate::journal::{NewBroadcast, NewPart, NewRequest, TimerNote};
use crate::model::action::{Action, ActionKind, MessageRef, OutgoingAttachment, Target};
use crate::model::content::Content;
use crate::model::event::Visibility;

/// Characters of a line that are shown.
const SHOWN_CHARS: usize = 200;
/// Characters of a value in which two lines differ.
const VALUE_CHARS: usize = 80;
/// Characters that are shown before the place where two values begin to differ.
const BEFORE_CHARS: usize = 20;
/// Fields of one action that are shown to differ.
const SHOWN_FIELDS: usize = 5;
/// Lines of each side that a difference holds.
const SHOWN_LINES: usize = 50;
/// What is said of a call that wants to be made once more.
const AGAIN: &str = "it asks to be called again";

/// What a call came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It asks for these, in order; none is nothing.
    Done(Vec<Effect>),
    /// The plugin refused the event.
    Refused(String),
    /// Its list of actions is refused, for want of a grant or for its size.
    Disallowed(String),
    /// It had a fault.
    Failed(String),
    /// It asks to be called again.
    Again,
}

/// One thing that a call asks for.
#[derive(Clone, Debug)]
pub struct Effect {
    what: Value,
    shown: String,
    /// Values of it are not shown.
    is_secret: bool,
    /// The timer, where it is one.
    timer: Option<TimerNote>,
}

/// In what two calls differ, line by line. A side is never without a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What the first came to and the second did not.
    pub was: Vec<String>,
    /// What the second came to and the first did not.
    pub now: Vec<String>,
    /// The fields in which lines differ that look alike.
    pub fields: Vec<String>,
}

impl Outcome {
    /// What a list of actions comes to.
    pub fn of_draft(draft: &TurnDraft) -> Self {
        let timers: Vec<TimerNote> = draft.timers.iter().map(TimerNote::of).collect();
        Self::of_turn(&draft.parts, &draft.broadcasts, &draft.requests, &timers)
    }

    /// What a turn comes to.
    pub fn of_turn(
        parts: &[NewPart],
        broadcasts: &[NewBroadcast],
        requests: &[NewRequest],
        timers: &[TimerNote],
    ) -> Self {
        let mut effects: Vec<((u32, u32), Effect)> = Vec::new();
        effects.extend(parts.iter().map(|it| ((it.index, it.part), of_part(it))));
        effects.extend(
            broadcasts
                .iter()
                .map(|it| ((it.index, 0), of_broadcast(it))),
        );
        effects.extend(requests.iter().map(|it| ((it.index, 0), of_request(it))));
        // Stable: parts of one action stay in their order.
        effects.sort_by_key(|(place, _)| *place);
        let mut effects: Vec<Effect> = effects.into_iter().map(|(_, effect)| effect).collect();
        // The journal does not tell where in the list a timer stood, and it does not matter.
        effects.extend(timers.iter().map(of_timer));
        Self::Done(effects)
    }

    /// What a call came to that returned no list; none where it did.
    pub fn of_end(end: &CallEnd) -> Option<Self> {
        match end {
            CallEnd::Done(_) => None,
            CallEnd::Refused(reason) => Some(Self::Refused(reason.clone())),
            CallEnd::Retry(_) => Some(Self::Again),
            CallEnd::Fault(fault) => Some(Self::Failed(fault.to_string())),
        }
    }

    /// The call failed, or asks to be made again.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Again => Some(AGAIN),
            _ => None,
        }
    }

    /// The fault that the call had, with the guest's backtrace where there is one.
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// The timers that it sets and ends.
    pub fn timers(&self) -> impl Iterator<Item = &TimerNote> {
        let effects = match self {
            Self::Done(effects) => effects.as_slice(),
            _ => &[],
        };
        effects.iter().filter_map(|effect| effect.timer.as_ref())
    }

    /// What it comes to, a line each, for people; never none.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Done(effects) if effects.is_empty() => vec!["nothing".to_owned()],
            Self::Done(effects) => effects.iter().map(|it| it.shown.clone()).collect(),
            Self::Refused(reason) => vec![format!("refused: {reason}")],
            Self::Disallowed(reason) => vec![format!("list of actions refused: {reason}")],
            Self::Failed(reason) => vec![format!("failed: {reason}")],
            Self::Again => vec![format!("failed: {AGAIN}")],
        }
    }
}

impl Difference {
    /// Compares; none where both came to the same. Failures are all the same: their texts hold addresses.
    pub fn between(was: &Outcome, now: &Outcome) -> Option<Self> {
        let difference = match (was, now) {
            (Outcome::Done(was), Outcome::Done(now)) => return Self::of_effects(was, now),
            (Outcome::Failed(_) | Outcome::Again, Outcome::Failed(_) | Outcome::Again) => {
                return None;
            }
            (Outcome::Refused(a), Outcome::Refused(b))
            | (Outcome::Disallowed(a), Outcome::Disallowed(b))
                if a == b =>
            {
                return None;
            }
            (was, now) => Self {
                was: was.lines(),
                now: now.lines(),
                fields: Vec::new(),
            },
        };
        Some(difference.bounded())
    }

    fn of_effects(was: &[Effect], now: &[Effect]) -> Option<Self> {
        let is_same = |(a, b): &(&Effect, &Effect)| a.what == b.what;
        let before = was.iter().zip(now).take_while(is_same).count();
        let (was, now) = (&was[before..], &now[before..]);
        let ends = was.iter().rev().zip(now.iter().rev());
        let after = ends.take_while(is_same).count();
        let (was, now) = (&was[..was.len() - after], &now[..now.len() - after]);
        if was.is_empty() && now.is_empty() {
            return None;
        }
        let fields = was.iter().zip(now).filter(|(a, b)| a.shown == b.shown);
        let fields = fields.flat_map(|(a, b)| fields_between(a, b)).collect();
        let lines = |effects: &[Effect]| match effects {
            [] => vec!["nothing".to_owned()],
            effects => effects.iter().map(|it| it.shown.clone()).collect(),
        };
        let difference = Self {
            was: lines(was),
            now: lines(now),
            fields,
        };
        Some(difference.bounded())
    }

    fn bounded(mut self) -> Self {
        for lines in [&mut self.was, &mut self.now, &mut self.fields] {
            let over = lines.len().saturating_sub(SHOWN_LINES);
            lines.truncate(SHOWN_LINES);
            for line in lines.iter_mut() {
                *line = cut(line, 5 * SHOWN_CHARS);
            }
            if over > 0 {
                lines.push(format!("… and {over} more"));
            }
        }
        self
    }
}

fn of_part(part: &NewPart) -> Effect {
    Effect {
        what: json!({
            "bot": &*part.bot,
            "conversation": &*part.conversation,
            "action": normal(&part.action),
        }),
        shown: shown_action(&part.conversation, &part.action),
        is_secret: false,
        timer: None,
    }
}

fn of_broadcast(broadcast: &NewBroadcast) -> Effect {
    let actions: Vec<Value> = broadcast.actions.iter().map(|it| normal(it)).collect();
    let targets: Vec<&str> = broadcast.targets.iter().map(|it| &**it).collect();
    let place = format!("{} conversations", targets.len());
    let shown = broadcast.actions.first();
    Effect {
        shown: shown.map_or_else(String::new, |action| shown_action(&place, action)),
        what: json!({"bot": &*broadcast.bot, "targets": targets, "actions": actions}),
        is_secret: false,
        timer: None,
    }
}

fn of_request(request: &NewRequest) -> Effect {
    let what = &request.request;
    // What stands behind `?` may be a secret of the plugin's.
    let url = what.url.split(['?', '#']).next().unwrap_or_default();
    Effect {
        shown: cut(
            &format!("request {}: {} {url}", request.key, what.method),
            SHOWN_CHARS,
        ),
        what: json!({"key": request.key, "request": what}),
        is_secret: true,
        timer: None,
    }
}

fn of_timer(timer: &TimerNote) -> Effect {
    let shown = match timer {
        TimerNote::Set { name, schedule, .. } => {
            format!("set-timer {name}: {}", compact(&json!(schedule)))
        }
        TimerNote::Cancel(name) => format!("cancel-timer {name}"),
    };
    Effect {
        what: json!(timer),
        shown: cut(&shown, SHOWN_CHARS),
        is_secret: false,
        timer: Some(timer.clone()),
    }
}

/// An action as it is compared: files by their hash, as the journal names them.
fn normal(action: &Action) -> Value {
    let mut action = action.clone();
    if let ActionKind::Send(send) = &mut action.kind {
        for attachment in &mut send.attachments {
            if let OutgoingAttachment::File(file) = attachment {
                *attachment = OutgoingAttachment::Kept(crate::model::action::KeptFile {
                    name: std::mem::take(&mut file.name),
                    media_type: std::mem::take(&mut file.media_type),
                    sha256: hex(&file.bytes),
                    size: file.bytes.len() as u64,
                });
            }
        }
    }
    json!(action)
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown_action(place: &str, action: &Action) -> String {
    let name = action.kind.name();
    let shown = match &action.kind {
        ActionKind::Send(send) => {
            let place = match &send.target {
                _ if !place.is_empty() => format!("in {place}"),
                Target::User(user) => format!("to user {user}"),
                Target::Users(users) => format!("to users {}", users.join(", ")),
                Target::Email(email) => format!("to {email}"),
                other => format!("to {}", compact(&json!(other))),
            };
            let agents = match send.visibility {
                Visibility::All => "",
                Visibility::Agents => " for agents",
            };
            let files = send.attachments.iter().map(|file| match file {
                OutgoingAttachment::File(file) => format!(" [{}]", file.name),
                OutgoingAttachment::Kept(file) => format!(" [{}]", file.name),
                OutgoingAttachment::Received(id) => format!(" [{id}]"),
            });
            let files: String = files.collect();
            format!("{name}{agents} {place}: {}{files}", text(&send.content))
        }
        ActionKind::Edit(edit) => {
            let (MessageRef::Id(message) | MessageRef::Key(message)) = &edit.message;
            format!("{name} of {message}: {}", text(&edit.content))
        }
        kind => {
            let value = match json!(kind) {
                Value::Object(cases) => cases.into_iter().next().map(|(_, value)| value),
                _ => None,
            };
            let value = value.as_ref().map(compact).unwrap_or_default();
            match place {
                "" => format!("{name} {value}"),
                place => format!("{name} in {place} {value}"),
            }
        }
    };
    cut(&shown.replace('\n', " "), SHOWN_CHARS)
}

fn text(content: &Content) -> String {
    match content {
        Content::Plain(text) | Content::Markdown(text) | Content::MessageMl(text) => text.clone(),
        Content::Blocks(blocks) => crate::content::text(blocks).0,
    }
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The fields in which two effects differ that look alike.
fn fields_between(was: &Effect, now: &Effect) -> Vec<String> {
    let mut found = Vec::new();
    walk("", &was.what, &now.what, &mut found);
    let fields = found.into_iter().map(|(path, values)| match was.is_secret {
        true => format!("{path} differs"),
        false => format!("{path}: {values}"),
    });
    fields.collect()
}

fn walk(path: &str, was: &Value, now: &Value, found: &mut Vec<(String, String)>) {
    if was == now || found.len() >= SHOWN_FIELDS {
        return;
    }
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (was, now) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let (a, b) = (a.get(key), b.get(key));
                let none = Value::Null;
                let (a, b) = (a.unwrap_or(&none), b.unwrap_or(&none));
                walk(&below(key), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let none = Value::Null;
                let (a, b) = (a.get(index), b.get(index));
                let (a, b) = (a.unwrap_or(&none), b.unwrap_or(&none));
                walk(&below(&index.to_string()), a, b, found);
            }
        }
        (was, now) => {
            let (was, now) = (value_text(was), value_text(now));
            let same = was.chars().zip(now.chars()).take_while(|(a, b)| a == b);
            let from = same.count().saturating_sub(BEFORE_CHARS);
            let values = format!("{} → {}", window(&was, from), window(&now, from));
            found.push((path.to_owned(), values));
        }
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        other => other.to_string(),
    }
}

/// What of a text is shown where it differs from another.
fn window(text: &str, from: usize) -> String {
    let begin = if from > 0 { "…" } else { "" };
    let rest: String = text.chars().skip(from).collect();
    format!("{begin}{}", cut(&rest, VALUE_CHARS))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::journal::Urgency;
    use crate::model::Name;
    use crate::model::action::{File, Request, Schedule};
    use crate::runtime::guest::{Fault, FaultKind};
    use crate::runtime::lanes::fakes::{reply, send_to};

    fn part(action: Action) -> NewPart {
        NewPart {
            bot: Name::from("desk"),
            conversation: Name::from("room:lobby"),
            index: 0,
            part: 0,
            urgency: Urgency::Answer,
            action: Arc::new(action),
            sending: false,
        }
    }

    fn of(parts: &[NewPart]) -> Outcome {
        Outcome::of_turn(parts, &[], &[], &[])
    }

    fn says(texts: &[&str]) -> Outcome {
        let parts: Vec<NewPart> = texts.iter().map(|text| part(reply(text))).collect();
        of(&parts)
    }

    fn lines(was: &Outcome, now: &Outcome) -> (Vec<String>, Vec<String>, Vec<String>) {
        let difference = Difference::between(was, now).expect("they differ");
        (difference.was, difference.now, difference.fields)
    }

    fn changed(action: Action, change: impl FnOnce(&mut crate::model::action::Send)) -> Action {
        let mut action = action;
        if let ActionKind::Send(send) = &mut action.kind {
            change(send);
        }
        action
    }

    #[test]
    fn only_what_differs_is_told() {
        let was = says(&["a", "b", "c"]);
        assert!(Difference::between(&was, &says(&["a", "b", "c"])).is_none());
        let (was, now, fields) = lines(&was, &says(&["a", "x", "c"]));
        assert_eq!(was, ["send in room:lobby: b"]);
        assert_eq!(now, ["send in room:lobby: x"]);
        assert!(fields.is_empty());
        let (was, now, _) = lines(&says(&["a"]), &says(&["a", "b"]));
        assert_eq!((was[0].as_str(), now.len()), ("nothing", 1));
        let (was, now, _) = lines(&says(&["a"]), &says(&[]));
        assert_eq!((was.len(), now[0].as_str()), (1, "nothing"));
    }

    #[test]
    fn lines_that_look_alike_tell_in_what_they_differ() {
        let long = "x".repeat(300);
        let quiet = changed(reply("a"), |send| send.quiet = true);
        let (was, now, fields) = lines(&says(&["a"]), &of(&[part(quiet)]));
        assert_eq!(was, now);
        assert_eq!(fields, ["action.kind.send.quiet: absent → true"]);
        let (_, _, fields) = lines(
            &says(&[&format!("{long}one")]),
            &says(&[&format!("{long}two")]),
        );
        assert_eq!(fields.len(), 1, "{fields:?}");
        assert!(
            fields[0].ends_with("xxone\" → …xxxxxxxxxxxxxxxxxxxxtwo\""),
            "{fields:?}"
        );
    }

    #[test]
    fn a_file_is_the_same_by_its_bytes() {
        let with = |bytes: &[u8]| {
            let file = File {
                name: "a.csv".to_owned(),
                media_type: "text/csv".to_owned(),
                bytes: bytes.to_vec(),
            };
            changed(reply("a"), |send| {
                send.attachments.push(OutgoingAttachment::File(file));
            })
        };
        let kept = changed(with(b"1"), |send| {
            let OutgoingAttachment::File(file) = &send.attachments[0] else {
                panic!("a file")
            };
            send.attachments[0] = OutgoingAttachment::Kept(crate::model::action::KeptFile {
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                sha256: hex(b"1"),
                size: 1,
            });
        });
        assert!(Difference::between(&of(&[part(kept)]), &of(&[part(with(b"1"))])).is_none());
        let (_, _, fields) = lines(&of(&[part(with(b"1"))]), &of(&[part(with(b"2"))]));
        assert!(fields[0].contains("sha256"), "{fields:?}");
    }

    #[test]
    fn other_ends_are_compared_by_what_they_say_but_for_failures() {
        let fault = |detail: &str| {
            Outcome::of_end(&CallEnd::Fault(Fault {
                kind: FaultKind::Trap,
                detail: detail.to_owned(),
            }))
            .unwrap()
        };
        assert!(Difference::between(&fault("at 1"), &fault("at 2")).is_none());
        let retry = Outcome::of_end(&CallEnd::Retry(None)).unwrap();
        assert!(Difference::between(&fault("at 1"), &retry).is_none());
        assert_eq!(fault("at 1").fault(), Some("Trap: at 1"));
        assert_eq!((retry.fault(), retry.failure().is_some()), (None, true));
        let (was, now, _) = lines(&says(&["a"]), &fault("at 1"));
        assert_eq!(was, ["send in room:lobby: a"]);
        assert_eq!(now, ["failed: Trap: at 1"]);
        let refused = |text: &str| Outcome::Refused(text.to_owned());
        assert!(Difference::between(&refused("no"), &refused("no")).is_none());
        assert!(Difference::between(&refused("no"), &refused("not now")).is_some());
        assert!(Difference::between(&refused("no"), &says(&[])).is_some());
    }

    #[test]
    fn requests_and_timers_are_compared_without_their_secrets() {
        let asks = |body: &str| {
            let request = NewRequest {
                key: "order".to_owned(),
                index: 0,
                request: Request {
                    method: "POST".to_owned(),
                    url: format!("https://a.example/v1?token={body}"),
                    headers: Vec::new(),
                    body: body.as_bytes().to_vec(),
                    timeout_ms: 1_000,
                    idempotency_header: None,
                },
            };
            Outcome::of_turn(&[], &[], &[request], &[])
        };
        let (was, _, fields) = lines(&asks("one"), &asks("two"));
        assert_eq!(was, ["request order: POST https://a.example/v1"]);
        assert_eq!(fields, ["request.body differs", "request.url differs"]);
        let timer = |schedule| TimerNote::Set {
            name: "standup".to_owned(),
            schedule,
            missed: crate::model::action::Missed::Once,
            payload: String::new(),
        };
        let sets = |schedule| Outcome::of_turn(&[], &[], &[], &[timer(schedule)]);
        let (was, now, _) = lines(&sets(Schedule::After(5)), &sets(Schedule::Every(1_000)));
        assert_eq!(was, [r#"set-timer standup: {"after":5}"#]);
        assert_eq!(now, [r#"set-timer standup: {"every":1000}"#]);
        assert_eq!(sets(Schedule::After(5)).timers().count(), 1);
        assert_eq!(asks("one").timers().count(), 0);
    }

    #[test]
    fn to_whom_is_told_where_the_conversation_is_not_known() {
        let to = |target| NewPart {
            conversation: Name::from(""),
            ..part(send_to(target, "a"))
        };
        let was = of(&[to(Target::User("u1".to_owned()))]);
        let now = of(&[to(Target::Email("ada@example.com".to_owned()))]);
        let (was, now, _) = lines(&was, &now);
        assert_eq!(was, ["send to user u1: a"]);
        assert_eq!(now, ["send to ada@example.com: a"]);
    }
}
