//! What each command does inside the open transaction.
//!
//! A command that is refused for its own sake is refused before its first statement, so that
//! nothing has to be taken back; every error after that fails the batch.

use rusqlite::OptionalExtension as _;

use super::error::Stop;
use super::rows::{
    ArrivalRow, PartRow, RouteRow, TurnRow, from_json, json, urgency_text, visibility_text,
};
use super::writer::Writer;
use crate::journal::forms::take_place;
use crate::journal::{
    DeliveryEnd, FormChange, JournalError, OpenForm, PartNumber, PartUpdate, PluginKey, Sent,
    SentAs,
};
use crate::model::delivery::{DeliveryNumber, EventNumber};
use crate::model::payload::ActionError;
use crate::model::{Name, Timestamp};

/// What became of an arrival: its number and its first delivery's; none for a duplicate.
pub(super) type Accepted = Option<(EventNumber, DeliveryNumber)>;

/// What became of a turn.
pub(super) enum Turned {
    /// It is kept; the number of its first part.
    Done(PartNumber),
    /// Its delivery was done before.
    Again,
    Conflict,
}

impl Writer<'_> {
    pub(super) fn accept(&mut self, arrivals: Vec<ArrivalRow>) -> Result<Vec<Accepted>, Stop> {
        if self.intake_is_full {
            return Err(Stop::Own(JournalError::Full(
                "the journal's share of the disk is used up".to_owned(),
            )));
        }
        let accepted = arrivals.into_iter().map(|arrival| self.accept_one(arrival));
        Ok(accepted.collect::<rusqlite::Result<_>>()?)
    }

    fn accept_one(&mut self, arrival: ArrivalRow) -> rusqlite::Result<Accepted> {
        if let Some(request) = arrival.request
            && !self.end_request(request)?
        {
            return Ok(None);
        }
        let is_new = self.keys.insert(arrival.key)?;
        if let Some(timer) = &arrival.timer {
            self.fire_timer(timer)?;
        }
        if !is_new {
            return Ok(None);
        }
        for change in arrival.forms {
            self.change_form(&arrival.tenant, change)?;
        }
        let number = self.index.next_event;
        self.index.next_event += 1;
        self.index.events += 1;
        let unrouted = arrival.routes.is_none().then_some(1);
        self.statements.add_event.execute((
            number,
            &arrival.tenant,
            &arrival.lane,
            self.now,
            unrouted,
            &arrival.event,
        ))?;
        if unrouted.is_some() {
            let place = (Name::clone(&arrival.tenant), arrival.lane);
            self.index.unrouted.insert(number, place);
        }
        let bytes = arrival.event.len() as u64;
        let routes = arrival.routes.unwrap_or_default();
        let first = self.add_deliveries(number, &arrival.tenant, bytes, routes)?;
        Ok(Some((number, first)))
    }

    pub(super) fn route(
        &mut self,
        number: EventNumber,
        event: &str,
        routes: Vec<RouteRow>,
    ) -> Result<Option<(Name, Name, DeliveryNumber)>, Stop> {
        let Some((tenant, lane)) = self.index.unrouted.remove(&number) else {
            return Ok(None);
        };
        self.statements.route_event.execute((number, event))?;
        let bytes = event.len() as u64;
        let first = self.add_deliveries(number, &tenant, bytes, routes)?;
        Ok(Some((tenant, lane, first)))
    }

    fn add_deliveries(
        &mut self,
        event: EventNumber,
        tenant: &Name,
        bytes: u64,
        routes: Vec<RouteRow>,
    ) -> rusqlite::Result<DeliveryNumber> {
        let first = self.index.next_delivery;
        for route in routes {
            let number = self.index.next_delivery;
            self.index.next_delivery += 1;
            self.statements.add_delivery.execute((
                number,
                event,
                &route.plugin,
                &route.view,
                &route.roles,
            ))?;
            let deliveries = &mut self.index.deliveries;
            deliveries.insert(number, (tenant, &route.plugin), bytes, event);
        }
        Ok(first)
    }

    pub(super) fn commit(&mut self, turn: TurnRow) -> Result<Turned, Stop> {
        let Some(event) = self.index.deliveries.get(turn.delivery).copied() else {
            return self.check_known(turn.delivery).map(|()| Turned::Again);
        };
        if !self.is_unchanged(&turn.state)? {
            return Ok(Turned::Conflict);
        }
        self.write_state(turn.state.writes)?;
        self.index.deliveries.remove(turn.delivery);
        self.statements.finish_delivery.execute((
            turn.delivery,
            self.now,
            moment(turn.took_us),
            &turn.timer_notes,
        ))?;
        let first = self.index.next_part;
        for part in turn.parts {
            self.add_part(event, turn.delivery, &turn.tenant, &turn.plugin, &part)?;
        }
        for broadcast in turn.broadcasts {
            self.add_broadcast(event, turn.delivery, &turn.tenant, &turn.plugin, broadcast)?;
        }
        for file in turn.files {
            let name = &mut self.statements.name_file;
            name.execute((turn.delivery, file))?;
        }
        for timer in turn.timers {
            self.change_timer(timer)?;
        }
        for request in turn.requests {
            let plugin = PluginKey {
                tenant: Name::clone(&turn.tenant),
                plugin: Name::clone(&turn.plugin),
            };
            self.add_request(event, turn.delivery, plugin, &request)?;
        }
        Ok(Turned::Done(first))
    }

    /// Tells deliveries that are done from those that never were.
    fn check_known(&self, delivery: DeliveryNumber) -> Result<(), Stop> {
        let is_known = delivery > 0 && delivery < self.index.next_delivery;
        if is_known && !self.index.is_lost(delivery) {
            return Ok(());
        }
        Err(Stop::Own(JournalError::NoDelivery(delivery)))
    }

    fn add_part(
        &mut self,
        event: EventNumber,
        delivery: DeliveryNumber,
        tenant: &Name,
        plugin: &Name,
        part: &PartRow,
    ) -> rusqlite::Result<()> {
        let number = self.index.next_part;
        self.index.next_part += 1;
        let state = if part.sending { "sending" } else { "queued" };
        self.statements.add_part.execute((
            number,
            event,
            delivery,
            tenant,
            plugin,
            &part.bot,
            &part.conversation,
            part.place,
            part.part,
            urgency_text(part.urgency),
            state,
            u32::from(part.sending),
            &part.action,
        ))?;
        self.index.parts.insert(number, event);
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        delivery: DeliveryNumber,
        end: DeliveryEnd,
    ) -> Result<(), Stop> {
        if !self.index.deliveries.contains(delivery) {
            return self.check_known(delivery);
        }
        match end {
            DeliveryEnd::Again(attempt) => {
                self.statements.set_attempt.execute((delivery, attempt))?;
            }
            DeliveryEnd::Refused(detail) => {
                let end = &mut self.statements.end_delivery;
                end.execute((delivery, "refused", self.now, None::<&str>, detail))?;
                self.index.deliveries.remove(delivery);
            }
            DeliveryEnd::Dead(reason, detail) => self.bury(delivery, reason, detail)?,
        }
        Ok(())
    }

    pub(super) fn record(&mut self, updates: Vec<PartUpdate>) -> Result<(), Stop> {
        for update in updates {
            match update {
                PartUpdate::Sending(part) if self.index.parts.contains_key(&part) => {
                    self.statements.send_part.execute([part])?;
                }
                PartUpdate::Queued(part) if self.index.parts.contains_key(&part) => {
                    self.statements.queue_part.execute([part])?;
                }
                // A part that ended stays as it is.
                PartUpdate::Sending(_) | PartUpdate::Queued(_) => {}
                PartUpdate::Sent {
                    part,
                    sent,
                    forms,
                    key,
                    how,
                    joins,
                } => self.record_sent(part, sent, forms, (key, how), joins)?,
                PartUpdate::Failed(part, error, detail) => {
                    let detail = format!("{}: {detail}", error_text(error));
                    self.end_part(part, "failed", None, Some(&detail))?;
                }
                PartUpdate::Skipped(part) => {
                    self.end_part(part, "skipped", None, None)?;
                }
            }
        }
        Ok(())
    }

    fn end_part(
        &mut self,
        part: PartNumber,
        state: &str,
        message: Option<&str>,
        detail: Option<&str>,
    ) -> rusqlite::Result<bool> {
        if self.index.parts.remove(&part).is_none() {
            return Ok(false);
        }
        let end = &mut self.statements.end_part;
        end.execute((part, state, self.now, message, detail))?;
        self.count_broadcast(part, state == "sent")?;
        Ok(true)
    }

    fn record_sent(
        &mut self,
        part: PartNumber,
        sent: Sent,
        forms: Vec<OpenForm>,
        (key, how): (Option<String>, Option<SentAs>),
        joins: i64,
    ) -> Result<(), Stop> {
        let notes = (!sent.notes.is_empty()).then(|| sent.notes.join("; "));
        if !self.end_part(part, "sent", sent.message.as_deref(), notes.as_deref())? {
            return Ok(());
        }
        for form in forms {
            self.open_form(form)?;
        }
        if key.is_none() && how.is_none() && joins == 0 {
            return Ok(());
        }
        let (tenant, plugin, bot, own): (Name, Name, Name, Name) =
            self.statements.part_owner.query_row([part], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
        let conversation = sent.conversation.map_or(own, Name::from);
        if let (Some(how), Some(message)) = (how, &sent.message) {
            self.statements.remember_message.execute((
                &tenant,
                &plugin,
                &bot,
                message,
                &conversation,
                visibility_text(how.visibility),
                how.thread,
                self.now,
            ))?;
        }
        if let (Some(key), Some(message)) = (key, sent.message) {
            self.statements.name_message.execute((
                &tenant,
                &plugin,
                key,
                &bot,
                &conversation,
                message,
                self.now,
            ))?;
        }
        if joins != 0 {
            let place = (&tenant, &plugin, &bot, &conversation);
            self.statements
                .join
                .execute((place.0, place.1, place.2, place.3, joins))?;
            if joins < 0 {
                self.statements.end_joins.execute(place)?;
            }
        }
        Ok(())
    }

    /// Opens what a message that was sent or changed has, in the place of what it had.
    fn open_form(&mut self, form: OpenForm) -> rusqlite::Result<()> {
        let place = (
            Name::clone(&form.tenant),
            Name::clone(&form.bot),
            form.message.clone(),
        );
        let old = self.read_form(&place.0, &place.1, &place.2)?;
        let had_one = old.is_some();
        let Some(form) = take_place(old, form) else {
            if had_one {
                self.statements.close_form.execute(place)?;
            }
            return Ok(());
        };
        let text = match json(&form) {
            Ok(text) => text,
            Err(error) => {
                // The message is out; that its form cannot be kept must not make it unsent.
                tracing::error!(%error, "journal could not keep an open form");
                return Ok(());
            }
        };
        let ends_at = moment(form.ends_at);
        let open = &mut self.statements.open_form;
        open.execute((place.0, place.1, place.2, ends_at, text))?;
        Ok(())
    }

    fn change_form(&mut self, tenant: &Name, change: FormChange) -> rusqlite::Result<()> {
        let FormChange { bot, message, what } = change;
        let Some(mut form) = self.read_form(tenant, &bot, &message)? else {
            return Ok(());
        };
        if !form.apply(what) {
            self.statements.close_form.execute((tenant, bot, message))?;
        } else if let Ok(text) = json(&form) {
            let set = &mut self.statements.set_form;
            set.execute((tenant, bot, message, text))?;
        }
        Ok(())
    }

    fn read_form(
        &mut self,
        tenant: &Name,
        bot: &Name,
        message: &str,
    ) -> rusqlite::Result<Option<OpenForm>> {
        let get = &mut self.statements.get_form;
        let text: Option<String> = get
            .query_row((tenant, bot, message), |row| row.get(0))
            .optional()?;
        // A form that cannot be read back is no reason to lose the event.
        Ok(text.and_then(|text| from_json::<OpenForm>("form", &text).ok()))
    }
}

/// A number as SQLite keeps it; what is beyond its range is as good as never.
pub(super) fn moment(at: Timestamp) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

fn error_text(error: ActionError) -> String {
    serde_json::to_value(error)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| "failed".to_owned())
}
