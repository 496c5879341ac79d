//! Small records for the cases, and what they do over and over.

use std::sync::Arc;

use crate::journal::{
    Accepted, Arrival, Committed, EventKey, Journal, NewPart, Part, StateChange, StateDelta,
    StateKey, StateScope, Timer, TimerKey, Turn, Urgency,
};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Fallback, KeptFile, Missed, OutgoingAttachment, Schedule, Send, Target,
};
use crate::model::content::Content;
use crate::model::delivery::{Delivery, Route, View};
use crate::model::event::{
    Addressing, Bot, ConversationRole, Event, Message, User, UserKind, Visibility,
};
use crate::model::payload::EventPayload;

pub(crate) const TENANT: &str = "default";
pub(crate) const PLUGIN: &str = "joke";

pub(crate) fn message(text: &str) -> EventPayload {
    EventPayload::Message(Message::of_text(&format!("m-{text}"), text))
}

pub(crate) fn event(id: &str) -> Event {
    Event {
        id: id.to_owned(),
        sequence: 0,
        attempt: 1,
        occurred_at: 1_700_000_000_000,
        received_at: 1_700_000_000_001,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "b1".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: None,
        actor: Some(User {
            id: "u1".to_owned(),
            display_name: "Ann \"the\" O'Neil".to_owned(),
            user_name: None,
            first_name: None,
            last_name: None,
            email: None,
            time_zone: None,
            locale: None,
            kind: UserKind::Human,
            role_here: ConversationRole::Member,
            roles: Vec::new(),
        }),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "t1".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: message(id),
    }
}

pub(crate) fn route(plugin: &str) -> Route {
    Route {
        plugin: Name::from(plugin),
        view: View::Whole,
        roles: Vec::new(),
    }
}

pub(crate) fn arrival(id: &str, plugins: &[&str]) -> Arrival {
    Arrival {
        tenant: Name::from(TENANT),
        key: EventKey::new(&[id]),
        event: Arc::new(event(id)),
        lane: Name::from("room"),
        routes: Some(plugins.iter().map(|plugin| route(plugin)).collect()),
        timer: None,
        request: None,
        forms: Vec::new(),
    }
}

/// Accepts an arrival that must be new.
pub(crate) async fn accept(journal: &dyn Journal, arrival: Arrival) -> Vec<Delivery> {
    let ordered = journal.accept(arrival).await.expect("accepted");
    ordered.durable.wait().await.expect("on disk");
    match ordered.value {
        Accepted::New { deliveries, .. } => deliveries,
        Accepted::Duplicate => panic!("duplicate"),
    }
}

/// Accepts an event for one plugin.
pub(crate) async fn deliver(journal: &dyn Journal, id: &str) -> Delivery {
    accept(journal, arrival(id, &[PLUGIN])).await.remove(0)
}

pub(crate) fn turn(delivery: &Delivery) -> Turn {
    Turn {
        delivery: delivery.number,
        tenant: Arc::clone(&delivery.tenant),
        plugin: Arc::clone(&delivery.plugin),
        event: Arc::clone(&delivery.event),
        state: StateDelta::default(),
        parts: Vec::new(),
        broadcasts: Vec::new(),
        timers: Vec::new(),
        requests: Vec::new(),
        number: delivery.event.sequence,
        took_us: 17,
    }
}

pub(crate) fn new_part(index: u32, sending: bool) -> NewPart {
    NewPart {
        bot: Name::from("desk"),
        conversation: Name::from("room"),
        index,
        part: 0,
        urgency: Urgency::Answer,
        action: action(&format!("k{index}")),
        sending,
    }
}

/// An action that is told from others by its key.
pub(crate) fn action(key: &str) -> Arc<Action> {
    Arc::new(Action {
        key: Some(key.to_owned()),
        bot: None,
        as_user: None,
        kind: ActionKind::Typing(true),
    })
}

/// An action that sends a file which lies beside the journal.
pub(crate) fn sends_file(key: Option<&str>, file: KeptFile) -> Arc<Action> {
    let send = Send {
        target: Target::Reply,
        content: Content::Plain("look".to_owned()),
        attachments: vec![OutgoingAttachment::Kept(file)],
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    };
    Arc::new(Action {
        key: key.map(str::to_owned),
        bot: None,
        as_user: None,
        kind: ActionKind::Send(send),
    })
}

pub(crate) async fn commit(journal: &dyn Journal, turn: Turn) -> Committed {
    let ordered = journal.commit(turn).await.expect("ordered");
    ordered.durable.wait().await.expect("on disk");
    ordered.value
}

/// Commits a turn that must be kept.
pub(crate) async fn keep(journal: &dyn Journal, turn: Turn) -> Vec<Part> {
    match commit(journal, turn).await {
        Committed::Done(parts) => parts,
        Committed::Conflict => panic!("conflict"),
    }
}

/// Commits nothing but state, as a delivery of its own.
pub(crate) async fn commit_state(journal: &dyn Journal, id: &str, state: StateDelta) -> Committed {
    let delivery = deliver(journal, id).await;
    let turn = Turn {
        state,
        ..turn(&delivery)
    };
    commit(journal, turn).await
}

pub(crate) fn scope(name: &str) -> StateScope {
    StateScope {
        tenant: Name::from(TENANT),
        plugin: Name::from(PLUGIN),
        scope: Name::from(name),
    }
}

pub(crate) fn key(key: &str) -> StateKey {
    StateKey {
        scope: scope("p"),
        key: key.to_owned(),
    }
}

pub(crate) fn set(value: &str) -> StateChange {
    StateChange::Set(value.as_bytes().to_vec(), None)
}

pub(crate) fn writes(writes: Vec<(StateKey, StateChange)>) -> StateDelta {
    StateDelta {
        writes,
        ..StateDelta::default()
    }
}

/// Writes one value, whatever was there.
pub(crate) async fn write(journal: &dyn Journal, id: &str, name: &str, change: StateChange) {
    let end = commit_state(journal, id, writes(vec![(key(name), change)])).await;
    assert!(matches!(end, Committed::Done(_)), "{id}");
}

pub(crate) async fn read(journal: &dyn Journal, name: &str) -> (Option<String>, u64) {
    let (value, version) = journal.state_get(&key(name)).await.expect("read");
    (
        value.map(|bytes| String::from_utf8(bytes).expect("text")),
        version,
    )
}

pub(crate) fn timer_key(plugin: &str, name: &str) -> TimerKey {
    TimerKey {
        tenant: Name::from(TENANT),
        plugin: Name::from(plugin),
        conversation: Name::from("room"),
        name: name.to_owned(),
    }
}

pub(crate) fn timer(name: &str, due_at: u64, payload: &str) -> Timer {
    Timer {
        key: timer_key(PLUGIN, name),
        due_at,
        schedule: Schedule::Every(5_000),
        missed: Missed::Once,
        payload: payload.to_owned(),
        origin: Arc::new(event("origin")),
    }
}
