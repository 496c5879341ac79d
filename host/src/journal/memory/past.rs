//! What this store still holds of the past: what is open, and dead letters.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{MemoryJournal, in_order};
use crate::journal::forget::is_of;
use crate::journal::{
    DeadLetter, EventQuery, Forgotten, MAX_PAST_ACTIONS, MAX_PAST_DELIVERIES, Part, PartState,
    PastAction, PastDelivery, PastEvent, PastState,
};
use crate::model::Name;
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, View};
use crate::model::event::Event;

/// Events by number, and their deliveries.
type Found = BTreeMap<EventNumber, PastEvent>;

impl MemoryJournal {
    pub(super) fn past_events(&self, query: &EventQuery) -> Vec<PastEvent> {
        let mut found = Found::new();
        for delivery in self.waiting.in_order(0, usize::MAX) {
            let past = past_delivery(&delivery, PastState::Waiting);
            add(&mut found, &delivery.tenant, &delivery.event, past);
        }
        let dead: Vec<DeadLetter> = self.desk.lock().dead.iter().cloned().collect();
        for letter in dead {
            let past = PastDelivery {
                ended_at: Some(letter.at),
                reason: Some(letter.reason),
                detail: Some(letter.detail),
                ..past_delivery(&letter.delivery, PastState::Dead)
            };
            add(
                &mut found,
                &letter.delivery.tenant,
                &letter.delivery.event,
                past,
            );
        }
        for part in in_order(&self.open_parts, 0, usize::MAX) {
            add_part(&mut found, &part);
        }
        let meant = found.into_values().rev().filter(|it| is_meant(query, it));
        meant.take(query.limit).collect()
    }

    pub(super) fn put_dead_back(&self, number: DeliveryNumber) -> Option<Delivery> {
        let mut desk = self.desk.lock();
        let place = desk
            .dead
            .iter()
            .position(|it| it.delivery.number == number)?;
        let mut delivery = desk.dead.remove(place)?.delivery;
        drop(desk);
        delivery.attempt = 1;
        delivery.put_back = Some(self.clock.now());
        self.waiting.insert(delivery.clone());
        Some(delivery)
    }
}

impl MemoryJournal {
    pub(super) fn forget_user(&self, tenant: &str, user: &str) -> Forgotten {
        let mut all = Forgotten::default();
        let mut events = HashSet::new();
        let is_theirs = |of: &Name, event: &Event| **of == *tenant && is_of(event, user);
        for waiting in self.waiting.shards() {
            let theirs = |it: &Delivery| is_theirs(&it.tenant, &it.event);
            for delivery in waiting.lock().take(theirs) {
                events.insert(delivery.event.sequence);
                all.given_up += 1;
            }
        }
        for parts in &self.open_parts {
            let parts = parts.lock();
            let theirs = parts
                .values()
                .filter(|it| is_theirs(&it.tenant, &it.origin));
            all.actions += theirs.count() as u64;
        }
        let mut desk = self.desk.lock();
        desk.dead.retain(|it| {
            let goes = is_theirs(&it.delivery.tenant, &it.delivery.event);
            if goes {
                events.insert(it.delivery.event.sequence);
            }
            !goes
        });
        desk.unrouted.retain(|number, it| {
            let goes = is_theirs(&it.tenant, &it.event);
            if goes {
                events.insert(*number);
            }
            !goes
        });
        all.timers = desk.timers.forget(tenant, user);
        all.forms = desk.forget_in_forms(tenant, user);
        drop(desk);
        all.events = events.len() as u64;
        let (scope, now) = (format!("u{user}"), self.clock.now());
        for state in &self.state {
            let version = self.next_version.fetch_add(1, Ordering::Relaxed);
            all.values += state.lock().forget(tenant, &scope, version, now);
        }
        all
    }
}

fn past_delivery(delivery: &Delivery, state: PastState) -> PastDelivery {
    PastDelivery {
        number: delivery.number,
        plugin: Name::clone(&delivery.plugin),
        view: delivery.view.clone(),
        state,
        attempt: delivery.attempt,
        ended_at: None,
        took_us: None,
        reason: None,
        detail: None,
        put_back: delivery.put_back,
        actions: Vec::new(),
    }
}

fn event_of<'a>(found: &'a mut Found, tenant: &Name, event: &Arc<Event>) -> &'a mut PastEvent {
    found.entry(event.sequence).or_insert_with(|| PastEvent {
        number: event.sequence,
        tenant: Name::clone(tenant),
        stored_at: event.received_at,
        event: Arc::clone(event),
        deliveries: Vec::new(),
    })
}

fn add(found: &mut Found, tenant: &Name, event: &Arc<Event>, past: PastDelivery) {
    let deliveries = &mut event_of(found, tenant, event).deliveries;
    if deliveries.len() < MAX_PAST_DELIVERIES {
        deliveries.push(past);
    }
}

fn add_part(found: &mut Found, part: &Part) {
    let deliveries = &mut event_of(found, &part.tenant, &part.origin).deliveries;
    let place = deliveries.iter().position(|it| it.number == part.delivery);
    let place = place.unwrap_or_else(|| {
        deliveries.push(PastDelivery {
            number: part.delivery,
            plugin: Name::clone(&part.plugin),
            view: View::Whole,
            state: PastState::Done,
            attempt: 1,
            ended_at: None,
            took_us: None,
            reason: None,
            detail: None,
            put_back: None,
            actions: Vec::new(),
        });
        deliveries.len() - 1
    });
    let actions = &mut deliveries[place].actions;
    if actions.len() >= MAX_PAST_ACTIONS {
        return;
    }
    let state = match part.state {
        PartState::Sending => "sending",
        _ => "queued",
    };
    actions.push(PastAction {
        index: part.what.index,
        part: part.what.part,
        what: part.what.action.kind.name().to_owned(),
        bot: part.what.bot.to_string(),
        conversation: part.what.conversation.to_string(),
        state: state.to_owned(),
        attempts: part.attempts,
        message: None,
        detail: None,
        action: Some(Arc::clone(&part.what.action)),
    });
}

fn is_meant(query: &EventQuery, past: &PastEvent) -> bool {
    let event = &past.event;
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.is_none() || wanted.as_deref() == found
    };
    let conversation = event.conversation.as_ref();
    let deliveries = past.deliveries.iter();
    let mut of_plugin = deliveries.filter(|it| is(&query.plugin, Some(&it.plugin)));
    let picks = query.plugin.is_some() || query.dead;
    query.number.is_none_or(|number| number == past.number)
        && query.before.is_none_or(|before| past.number < before)
        && query.since.is_none_or(|since| past.stored_at >= since)
        && is(&query.bot, event.bot.as_ref().map(|bot| bot.name.as_str()))
        && is(&query.conversation, conversation.map(|it| it.id.as_str()))
        && is(&query.trace, Some(&event.trace_id))
        && (!picks || of_plugin.any(|it| !query.dead || it.reason.is_some()))
}
