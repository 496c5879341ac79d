//! Rules that both stores keep alike.

use std::sync::Arc;

use super::{
    Broadcast, EventKey, JournalError, JournalResult, NewBroadcast, NewPart, Part, PartNumber,
    PartState, Turn, Urgency,
};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};

/// How long finished events, deliveries, parts and requests are kept where the settings say nothing.
pub(super) const KEEP_FINISHED_MS: u64 = 24 * 60 * 60 * 1000;
/// How long dead letters are kept, with their events, where the settings say nothing.
pub(super) const KEEP_DEAD_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How long the key of a message is kept, and whose message it is.
pub(super) const KEEP_MESSAGE_KEYS_MS: u64 = 90 * 24 * 60 * 60 * 1000;
/// How long a form is kept after its end, for the host to say that it closed.
pub(super) const KEEP_ENDED_FORMS_MS: u64 = 24 * 60 * 60 * 1000;

/// Tells the time.
pub(super) fn now() -> Timestamp {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// Makes what names a request outside: 32 hexadecimal digits of chance.
pub(super) fn token() -> JournalResult<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| JournalError::Failed(format!("no randomness: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Tells whether a value's time is over.
pub(super) fn is_over(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|at| at <= now)
}

/// Makes one key of a tenant and its event key.
pub(super) fn tenant_key(tenant: &str, key: EventKey) -> u128 {
    // FNV-1a. Event keys are cut from SHA-256, so tenants cannot aim at one another's.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in tenant.bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash ^ u128::from_be_bytes(key.0)
}

/// Adds to a decimal number; what is no number counts as 0.
pub(super) fn add(value: Option<&[u8]>, delta: i64) -> Vec<u8> {
    let before: i64 = value
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    before.saturating_add(delta).to_string().into_bytes()
}

/// Gives the event the number it has in the journal.
pub(super) fn number_event(event: &mut Arc<Event>, number: EventNumber) {
    if event.sequence != number {
        Arc::make_mut(event).sequence = number;
    }
}

/// Makes the event as one plugin sees it: with the roles that its settings give the actor.
pub(super) fn event_with_roles(event: &Arc<Event>, roles: Vec<String>) -> Arc<Event> {
    match &event.actor {
        Some(actor) if actor.roles != roles => {
            let mut own = Event::clone(event);
            if let Some(actor) = &mut own.actor {
                actor.roles = roles;
            }
            Arc::new(own)
        }
        _ => Arc::clone(event),
    }
}

/// Makes the deliveries of an event whose first has the number `first`.
pub(super) fn deliveries(
    first: DeliveryNumber,
    tenant: &Name,
    lane: &Name,
    event: &Arc<Event>,
    routes: Vec<Route>,
) -> Vec<Delivery> {
    (first..)
        .zip(routes)
        .map(|(number, route)| delivery(number, tenant, lane, event, route))
        .collect()
}

fn delivery(
    number: DeliveryNumber,
    tenant: &Name,
    lane: &Name,
    event: &Arc<Event>,
    route: Route,
) -> Delivery {
    Delivery {
        number,
        tenant: Arc::clone(tenant),
        plugin: route.plugin,
        lane: Arc::clone(lane),
        event: event_with_roles(event, route.roles),
        view: route.view,
        attempt: 1,
        put_back: None,
    }
}

/// The event that a part grew out of, without its body: parts wait for long, and nobody reads it.
pub(super) fn origin(event: &Arc<Event>) -> Arc<Event> {
    if event.payload.body_bytes() == 0 {
        return Arc::clone(event);
    }
    let mut origin = Event::clone(event);
    origin.payload.drop_body();
    Arc::new(origin)
}

/// Makes the parts of a turn whose first has the number `first`.
pub(super) fn parts(
    first: PartNumber,
    delivery: DeliveryNumber,
    tenant: &Name,
    plugin: &Name,
    event: &Arc<Event>,
    new: Vec<NewPart>,
) -> Vec<Part> {
    let origin = origin(event);
    (first..)
        .zip(new)
        .map(|(number, what)| Part {
            number,
            tenant: Arc::clone(tenant),
            plugin: Arc::clone(plugin),
            delivery,
            origin: Arc::clone(&origin),
            broadcast: None,
            state: if what.sending {
                PartState::Sending
            } else {
                PartState::Queued
            },
            attempts: u32::from(what.sending),
            what,
        })
        .collect()
}

/// Tells how many targets of a broadcast so many rows serve.
pub(super) fn targets_in(broadcast: &Broadcast, rows: usize) -> usize {
    let each = broadcast.what.actions.len().max(1);
    (rows / each).max(1).min(broadcast.targets_left())
}

/// Makes the parts of a broadcast's next targets; the first has the number `first`.
pub(super) fn broadcast_parts(
    first: PartNumber,
    broadcast: &Broadcast,
    targets: usize,
) -> Vec<Part> {
    let what = &broadcast.what;
    let next = what.targets.iter().skip(broadcast.expanded).take(targets);
    let new = next.flat_map(|conversation| {
        (0u32..).zip(&what.actions).map(|(part, action)| NewPart {
            bot: Arc::clone(&what.bot),
            conversation: Arc::clone(conversation),
            index: what.index,
            part,
            urgency: Urgency::Broadcast,
            action: Arc::clone(action),
            sending: false,
        })
    });
    let mut parts = parts(
        first,
        broadcast.delivery,
        &broadcast.tenant,
        &broadcast.plugin,
        &broadcast.origin,
        new.collect(),
    );
    for part in &mut parts {
        part.broadcast = Some(broadcast.number);
    }
    parts
}

/// A broadcast of which so many targets are kept beside those whose parts are made.
pub(super) fn retargeted(broadcast: &Broadcast, kept: Vec<Name>) -> Arc<NewBroadcast> {
    let mut what = NewBroadcast::clone(&broadcast.what);
    what.targets.truncate(broadcast.expanded);
    what.targets.extend(kept);
    Arc::new(what)
}

/// Tells whether a turn keeps to its own plugin's state, as the locks of the stores assume.
pub(super) fn keeps_to_itself(turn: &Turn) -> bool {
    let own = |tenant: &str, plugin: &str| *tenant == *turn.tenant && *plugin == *turn.plugin;
    turn.state
        .reads
        .iter()
        .map(|(key, _)| &key.scope)
        .chain(turn.state.lists.iter().map(|(scope, _)| scope))
        .chain(turn.state.writes.iter().map(|(key, _)| &key.scope))
        .all(|scope| own(&scope.tenant, &scope.plugin))
}
