//! Records of the journal as rows. Texts are made in the caller's task, so that the writer only
//! binds them.

use std::sync::Arc;

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{journal_error, unreadable};
use crate::journal::blobs::named_by;
use crate::journal::shared::{event_with_roles, number_event, origin, token};
use crate::journal::{
    Broadcast, BroadcastNumber, DeadLetter, FiredTimer, FormChange, JournalError, JournalResult,
    NewBroadcast, NewPart, NewRequest, Part, PartState, RequestNumber, SentAs, SentMessage,
    StateDelta, Timer, TimerChange, TimerKey, TimerNote, Unrouted, Urgency,
};
use crate::model::Name;
use crate::model::action::Action;
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route, View};
use crate::model::event::{Event, Visibility};

/// A delivery to insert.
pub(super) struct RouteRow {
    pub(super) plugin: Name,
    pub(super) view: Option<String>,
    pub(super) roles: Option<String>,
}

/// An event to insert.
pub(super) struct ArrivalRow {
    pub(super) tenant: Name,
    pub(super) key: u128,
    pub(super) lane: Name,
    pub(super) event: String,
    pub(super) routes: Option<Vec<RouteRow>>,
    pub(super) timer: Option<FiredTimer>,
    pub(super) request: Option<RequestNumber>,
    pub(super) forms: Vec<FormChange>,
}

/// A turn to insert.
pub(super) struct TurnRow {
    pub(super) delivery: DeliveryNumber,
    pub(super) tenant: Name,
    pub(super) plugin: Name,
    pub(super) took_us: u64,
    pub(super) state: StateDelta,
    pub(super) parts: Vec<PartRow>,
    pub(super) broadcasts: Vec<BroadcastRow>,
    /// Files that the parts and broadcasts name.
    pub(super) files: Vec<String>,
    pub(super) timers: Vec<TimerRow>,
    /// What is noted of them with the delivery.
    pub(super) timer_notes: String,
    pub(super) requests: Vec<RequestRow>,
}

/// A part to insert.
pub(super) struct PartRow {
    pub(super) bot: Name,
    pub(super) conversation: Name,
    pub(super) place: u32,
    pub(super) part: u32,
    pub(super) urgency: Urgency,
    pub(super) sending: bool,
    pub(super) action: String,
}

/// A broadcast to insert.
pub(super) struct BroadcastRow {
    pub(super) bot: Name,
    pub(super) place: u32,
    pub(super) actions: String,
    pub(super) parts_each: u64,
    pub(super) targets: String,
    pub(super) target_count: u64,
}

/// A timer to set or to end.
pub(super) enum TimerRow {
    Set {
        key: TimerKey,
        due_at: u64,
        schedule: String,
        missed: String,
        payload: String,
        origin: String,
    },
    Cancel(TimerKey),
}

/// A request to insert.
pub(super) struct RequestRow {
    pub(super) key: String,
    pub(super) place: u32,
    pub(super) token: String,
    pub(super) roles: Option<String>,
    pub(super) bytes: u64,
    pub(super) request: String,
}

/// Writes a record as JSON.
pub(super) fn json<T: Serialize>(what: &T) -> JournalResult<String> {
    serde_json::to_string(what)
        .map_err(|error| JournalError::Failed(format!("record cannot be written as text: {error}")))
}

/// Reads a record written as JSON.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> JournalResult<T> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

pub(super) fn route_rows(routes: &[Route]) -> JournalResult<Vec<RouteRow>> {
    routes
        .iter()
        .map(|route| {
            let view = (route.view != View::Whole).then(|| json(&route.view));
            let roles = (!route.roles.is_empty()).then(|| json(&route.roles));
            Ok(RouteRow {
                plugin: Arc::clone(&route.plugin),
                view: view.transpose()?,
                roles: roles.transpose()?,
            })
        })
        .collect()
}

pub(super) fn part_row(part: &NewPart) -> JournalResult<PartRow> {
    Ok(PartRow {
        bot: Arc::clone(&part.bot),
        conversation: Arc::clone(&part.conversation),
        place: part.index,
        part: part.part,
        urgency: part.urgency,
        sending: part.sending,
        action: json(&*part.action)?,
    })
}

pub(super) fn broadcast_row(new: &NewBroadcast) -> JournalResult<BroadcastRow> {
    Ok(BroadcastRow {
        bot: Arc::clone(&new.bot),
        place: new.index,
        actions: json(&new.actions)?,
        parts_each: new.actions.len() as u64,
        targets: json(&new.targets)?,
        target_count: new.targets.len() as u64,
    })
}

/// The files that actions name.
pub(super) fn files<'a>(actions: impl Iterator<Item = &'a Arc<Action>>) -> Vec<String> {
    let named = actions.flat_map(|action| named_by(action));
    named.map(str::to_owned).collect()
}

/// Notes a turn's timers; nearly always there are none.
pub(super) fn timer_notes(changes: &[TimerChange]) -> JournalResult<String> {
    if changes.is_empty() {
        return Ok("[]".to_owned());
    }
    json(&changes.iter().map(TimerNote::of).collect::<Vec<_>>())
}

pub(super) fn timer_row(change: TimerChange) -> JournalResult<TimerRow> {
    Ok(match change {
        TimerChange::Set(timer) => TimerRow::Set {
            schedule: json(&timer.schedule)?,
            missed: json(&timer.missed)?,
            origin: json(&*timer.origin)?,
            key: timer.key,
            due_at: timer.due_at,
            payload: timer.payload,
        },
        TimerChange::Cancel(key) => TimerRow::Cancel(key),
    })
}

pub(super) fn request_row(request: NewRequest, event: &Event) -> JournalResult<RequestRow> {
    let roles = event.actor.as_ref().map(|actor| &actor.roles);
    let roles = roles.filter(|roles| !roles.is_empty());
    Ok(RequestRow {
        token: token()?,
        roles: roles.map(json).transpose()?,
        bytes: request.request.body.len() as u64,
        request: json(&request.request)?,
        key: request.key,
        place: request.index,
    })
}

pub(super) fn visibility_text(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::All => "all",
        Visibility::Agents => "agents",
    }
}

pub(super) fn urgency_text(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Answer => "answer",
        Urgency::Timer => "timer",
        Urgency::Broadcast => "broadcast",
    }
}

pub(super) fn word<T: DeserializeOwned>(what: &str, word: String) -> JournalResult<T> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|error| unreadable(what, &error))
}

pub(super) fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> JournalResult<T> {
    row.get(index).map_err(|error| journal_error(&error))
}

/// The event read last: rows that follow one another often share it.
#[derive(Default)]
pub(super) struct LastEvent(Option<Arc<Event>>);

impl LastEvent {
    fn read(&mut self, row: &Row<'_>, number: usize, text: usize) -> JournalResult<Arc<Event>> {
        let number: EventNumber = column(row, number)?;
        if let Some(event) = &self.0
            && event.sequence == number
        {
            return Ok(Arc::clone(event));
        }
        let text = row.get_ref(text).map_err(|error| journal_error(&error))?;
        let text = text
            .as_str()
            .map_err(|error| JournalError::Failed(format!("event {number}: {error}")))?;
        let mut event: Arc<Event> = Arc::new(from_json("event", text)?);
        number_event(&mut event, number);
        self.0 = Some(Arc::clone(&event));
        Ok(event)
    }
}

/// The columns that [`delivery`] reads.
pub(super) const DELIVERY_COLUMNS: &str = "d.number, e.tenant, d.plugin, e.lane, d.view, d.roles, \
     d.attempt, e.number, e.event, d.put_back";

pub(super) fn delivery(row: &Row<'_>, last: &mut LastEvent) -> JournalResult<Delivery> {
    let view: Option<String> = column(row, 4)?;
    let roles: Option<String> = column(row, 5)?;
    let event = last.read(row, 7, 8)?;
    let roles = roles.map_or(Ok(Vec::new()), |text| from_json("roles", &text))?;
    Ok(Delivery {
        number: column(row, 0)?,
        tenant: column(row, 1)?,
        plugin: column(row, 2)?,
        lane: column(row, 3)?,
        view: view.map_or(Ok(View::Whole), |text| from_json("view", &text))?,
        attempt: column(row, 6)?,
        event: event_with_roles(&event, roles),
        put_back: column(row, 9)?,
    })
}

pub(super) fn dead_letter(row: &Row<'_>, last: &mut LastEvent) -> JournalResult<DeadLetter> {
    let detail: Option<String> = column(row, 11)?;
    Ok(DeadLetter {
        delivery: delivery(row, last)?,
        reason: word("reason", column(row, 10)?)?,
        detail: detail.unwrap_or_default(),
        at: column(row, 12)?,
    })
}

/// The body of a broadcast read last: its parts follow one another.
#[derive(Default)]
pub(super) struct LastBody(Option<(BroadcastNumber, Vec<Arc<Action>>)>);

impl LastBody {
    fn read(
        &mut self,
        row: &Row<'_>,
        number: BroadcastNumber,
        part: u32,
    ) -> JournalResult<Arc<Action>> {
        if self.0.as_ref().is_none_or(|(last, _)| *last != number) {
            let text: Option<String> = column(row, 15)?;
            let actions = from_json("broadcast", &text.unwrap_or_default())?;
            self.0 = Some((number, actions));
        }
        let actions = self.0.as_ref().map(|(_, actions)| actions);
        let action = actions.and_then(|actions| actions.get(part as usize));
        action
            .map(Arc::clone)
            .ok_or_else(|| JournalError::Failed(format!("broadcast {number} has no part {part}")))
    }
}

/// The columns that [`sent_message`] reads; who sees a message that is not remembered is everybody.
pub(super) const SENT_COLUMNS: &str = "bot, conversation, message, visibility, thread";

pub(super) fn sent_message(row: &Row<'_>) -> rusqlite::Result<SentMessage> {
    let visibility: Option<String> = row.get(3)?;
    Ok(SentMessage {
        bot: row.get(0)?,
        conversation: row.get(1)?,
        message: row.get(2)?,
        how: SentAs {
            visibility: match visibility.as_deref() {
                Some("agents") => Visibility::Agents,
                _ => Visibility::All,
            },
            thread: row.get(4)?,
        },
    })
}

/// The columns that [`part`] reads.
pub(super) const PART_COLUMNS: &str = "p.number, p.tenant, p.plugin, p.delivery, p.bot, \
     p.conversation, p.place, p.part, p.urgency, p.state, p.attempts, p.action, e.number, e.event, \
     p.broadcast, b.actions";

pub(super) fn part(
    row: &Row<'_>,
    last: &mut LastEvent,
    body: &mut LastBody,
) -> JournalResult<Part> {
    let broadcast: Option<BroadcastNumber> = column(row, 14)?;
    let place: u32 = column(row, 7)?;
    let action = match broadcast {
        Some(number) => body.read(row, number, place)?,
        None => {
            let text: String = column(row, 11)?;
            Arc::new(from_json("action", &text)?)
        }
    };
    let state: PartState = word("state", column(row, 9)?)?;
    Ok(Part {
        number: column(row, 0)?,
        tenant: column(row, 1)?,
        plugin: column(row, 2)?,
        delivery: column(row, 3)?,
        origin: origin(&last.read(row, 12, 13)?),
        what: NewPart {
            bot: column(row, 4)?,
            conversation: column(row, 5)?,
            index: column(row, 6)?,
            part: place,
            urgency: word("urgency", column(row, 8)?)?,
            action,
            sending: state == PartState::Sending,
        },
        broadcast,
        state,
        attempts: column(row, 10)?,
    })
}

/// The columns that [`broadcast`] reads.
pub(super) const BROADCAST_COLUMNS: &str = "b.number, b.tenant, b.plugin, b.delivery, b.bot, \
     b.place, b.actions, b.targets, b.expanded, b.sent, b.failed, e.number, e.event";

pub(super) fn broadcast(row: &Row<'_>, last: &mut LastEvent) -> JournalResult<Broadcast> {
    let actions: String = column(row, 6)?;
    let targets: String = column(row, 7)?;
    Ok(Broadcast {
        number: column(row, 0)?,
        tenant: column(row, 1)?,
        plugin: column(row, 2)?,
        delivery: column(row, 3)?,
        origin: last.read(row, 11, 12)?,
        what: Arc::new(NewBroadcast {
            bot: column(row, 4)?,
            index: column(row, 5)?,
            actions: from_json("broadcast", &actions)?,
            targets: from_json("targets", &targets)?,
        }),
        expanded: column(row, 8)?,
        sent: column(row, 9)?,
        failed: column(row, 10)?,
    })
}

pub(super) fn unrouted(row: &Row<'_>, last: &mut LastEvent) -> JournalResult<Unrouted> {
    Ok(Unrouted {
        number: column(row, 0)?,
        tenant: column(row, 1)?,
        lane: column(row, 2)?,
        event: last.read(row, 0, 3)?,
    })
}

pub(super) fn timer(row: &Row<'_>) -> JournalResult<Timer> {
    let schedule: String = column(row, 5)?;
    let missed: String = column(row, 6)?;
    let origin: String = column(row, 8)?;
    Ok(Timer {
        key: TimerKey {
            tenant: column(row, 0)?,
            plugin: column(row, 1)?,
            conversation: column(row, 2)?,
            name: column(row, 3)?,
        },
        due_at: column(row, 4)?,
        schedule: from_json("schedule", &schedule)?,
        missed: from_json("missed", &missed)?,
        payload: column(row, 7)?,
        origin: Arc::new(from_json("origin", &origin)?),
    })
}
