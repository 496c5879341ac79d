//! Forgets a person: in bounded turns, and so that nothing of it stays in the file.

use rusqlite::{Connection, OptionalExtension as _};

use super::SqliteJournal;
use super::apply::moment;
use super::error::Stop;
use super::mend::Mend;
use super::rows::{from_json, json};
use super::writer::{Command, Writer};
use crate::journal::forget::{Forgotten, forgotten};
use crate::journal::{JournalResult, OpenForm, StateChange, StateKey, StateScope};
use crate::model::Name;
use crate::model::delivery::{DeliveryNumber, EventNumber};
use crate::model::event::Event;

/// Events that one read looks through.
const STRETCH: u64 = 5_000;
/// Events that one turn forgets.
const TURN_EVENTS: usize = 50;
/// Values or timers that one turn forgets.
const TURN_ROWS: usize = 500;

/// One turn of forgetting.
pub(super) enum Forget {
    /// Begins: what is freed from now on is written over.
    Begin,
    /// These events, with what plugins did with them.
    Events(Vec<EventNumber>),
    /// Some of the user's state.
    State(Name, String),
    /// Some of the timers that the user's events set.
    Timers(Name, String),
    /// The user in forms that are open.
    Forms(Name, String),
    /// Ends: the log is emptied, which still holds what was.
    End,
}

/// What a turn came to.
#[derive(Clone, Copy, Default)]
struct Turned {
    rows: u64,
    given_up: u64,
    actions: u64,
}

impl Turned {
    /// Three counts in one number, each of 21 bits: a turn is far smaller.
    fn packed(self) -> u64 {
        self.rows | self.given_up << 21 | self.actions << 42
    }

    fn unpacked(number: u64) -> Self {
        let bits = (1 << 21) - 1;
        Self {
            rows: number & bits,
            given_up: number >> 21 & bits,
            actions: number >> 42,
        }
    }
}

impl SqliteJournal {
    pub(super) async fn forget_user(&self, tenant: &str, user: &str) -> JournalResult<Forgotten> {
        self.turn(Forget::Begin).await?;
        let forgot = self.forget_rows(tenant, user).await;
        // However far it came: what was forgotten must not stay in the log.
        let ended = self.turn(Forget::End).await;
        // The writer has emptied the log when it takes what comes after.
        self.query_rows(|_| Ok(())).await?;
        let copies = self.drop_copies(None).await;
        let forgot = ended.and(forgot)?;
        Ok(Forgotten {
            copies: copies?,
            ..forgot
        })
    }

    async fn forget_rows(&self, tenant: &str, user: &str) -> JournalResult<Forgotten> {
        let mut all = Forgotten::default();
        let name = || (Name::from(tenant), user.to_owned());
        let mut before = i64::MAX as u64;
        while before > 1 {
            let (tenant, user) = name();
            let read =
                move |connection: &mut Connection| stretch(connection, &tenant, &user, before);
            let (found, next) = self.readers.read(read).await?;
            before = next;
            for some in found.chunks(TURN_EVENTS) {
                let turned = self.turn(Forget::Events(some.to_vec())).await?;
                all.events += turned.rows;
                all.given_up += turned.given_up;
                all.actions += turned.actions;
            }
        }
        let (own, user_name) = name();
        all.forms = self.turn(Forget::Forms(own, user_name)).await?.rows;
        all.values = self.all_turns(Forget::State, tenant, user).await?;
        all.timers = self.all_turns(Forget::Timers, tenant, user).await?;
        Ok(all)
    }

    /// Takes turns of a kind until one finds less than it may.
    async fn all_turns(
        &self,
        kind: fn(Name, String) -> Forget,
        tenant: &str,
        user: &str,
    ) -> JournalResult<u64> {
        let mut rows = 0;
        loop {
            let turned = self.turn(kind(Name::from(tenant), user.to_owned())).await?;
            rows += turned.rows;
            if turned.rows < TURN_ROWS as u64 {
                return Ok(rows);
            }
        }
    }

    async fn turn(&self, turn: Forget) -> JournalResult<Turned> {
        let mended = self
            .write(|reply| Command::Mend(Mend::Forget(turn), reply))
            .await?;
        mended.durable.wait().await?;
        Ok(Turned::unpacked(mended.value))
    }
}

/// The events of a user in one stretch, and where the next one ends.
fn stretch(
    connection: &Connection,
    tenant: &str,
    user: &str,
    before: EventNumber,
) -> rusqlite::Result<(Vec<EventNumber>, EventNumber)> {
    let newest: Option<EventNumber> = connection
        .prepare_cached("SELECT max(number) FROM events WHERE number < ?1")?
        .query_row([moment(before)], |row| row.get(0))?;
    let Some(newest) = newest else {
        return Ok((Vec::new(), 0));
    };
    let from = (newest + 1).saturating_sub(STRETCH);
    let mut statement = connection.prepare_cached(
        "SELECT number FROM events WHERE number >= ?1 AND number <= ?2 AND tenant = ?3
         AND ?4 IN (json_extract(event, '$.actor.id'),
            json_extract(event, '$.payload.member-changed.who.id'),
            json_extract(event, '$.payload.form-closed.who.id'))",
    )?;
    let rows = statement.query_map((from, newest, tenant, user), |row| row.get(0))?;
    Ok((rows.collect::<rusqlite::Result<_>>()?, from))
}

impl Writer<'_> {
    /// Takes one turn.
    pub(super) fn forget(&mut self, turn: Forget) -> Result<u64, Stop> {
        let turned = match turn {
            Forget::Begin => {
                self.connection.pragma_update(None, "secure_delete", true)?;
                Turned::default()
            }
            Forget::Events(numbers) => {
                let mut turned = Turned::default();
                for number in numbers {
                    self.forget_event(number, &mut turned)?;
                }
                turned
            }
            Forget::State(tenant, user) => self.forget_state(&tenant, &user)?,
            Forget::Timers(tenant, user) => self.forget_timers(&tenant, &user)?,
            Forget::Forms(tenant, user) => self.forget_forms(&tenant, &user)?,
            Forget::End => {
                self.connection
                    .pragma_update(None, "secure_delete", "FAST")?;
                self.empties_log = true;
                Turned::default()
            }
        };
        Ok(turned.packed())
    }

    fn forget_event(&mut self, number: EventNumber, turned: &mut Turned) -> Result<(), Stop> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT event FROM events WHERE number = ?1")?
            .query_row([number], |row| row.get(0))
            .optional()?;
        let Some(text) = text else {
            return Ok(());
        };
        let event: Event = from_json("event", &text).map_err(Stop::Own)?;
        let left = json(&forgotten(&event)).map_err(Stop::Own)?;
        self.connection
            .prepare_cached("UPDATE events SET event = ?2, unrouted = NULL WHERE number = ?1")?
            .execute((number, left))?;
        self.index.unrouted.remove(&number);
        turned.rows += 1;
        let deliveries: Vec<(DeliveryNumber, bool)> = {
            let mut select = self.connection.prepare_cached(
                "SELECT number, reason IS NOT NULL FROM deliveries WHERE event = ?1",
            )?;
            let rows = select.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        for (delivery, is_dead) in deliveries {
            self.index.dead_letters -= u64::from(is_dead).min(self.index.dead_letters);
            turned.given_up += u64::from(self.index.deliveries.remove(delivery).is_some());
            self.forget_delivery(delivery, turned)?;
        }
        Ok(())
    }

    fn forget_delivery(
        &mut self,
        delivery: DeliveryNumber,
        turned: &mut Turned,
    ) -> rusqlite::Result<()> {
        let now = moment(self.now);
        let connection = self.connection;
        connection
            .prepare_cached(
                "UPDATE deliveries SET view = NULL, roles = NULL, reason = NULL, detail = NULL, timers = NULL,
                    ended_at = coalesce(ended_at, ?2),
                    ended = CASE ended WHEN 'done' THEN 'done' ELSE 'refused' END
                 WHERE number = ?1",
            )?
            .execute((delivery, now))?;
        connection
            .prepare_cached(
                "UPDATE parts SET action = '', detail = NULL
                 WHERE delivery = ?1 AND ended_at IS NOT NULL",
            )?
            .execute([delivery])?;
        connection
            .prepare_cached(
                "UPDATE broadcasts SET actions = '[]'
                 WHERE delivery = ?1 AND ended_at IS NOT NULL",
            )?
            .execute([delivery])?;
        connection
            .prepare_cached(
                "UPDATE requests SET request = '{}', key = ''
                 WHERE delivery = ?1 AND ended_at IS NOT NULL",
            )?
            .execute([delivery])?;
        turned.actions += connection
            .prepare_cached(
                "SELECT (SELECT count(*) FROM parts WHERE delivery = ?1 AND ended_at IS NULL)
                    + (SELECT count(*) FROM requests WHERE delivery = ?1 AND ended_at IS NULL)",
            )?
            .query_row([delivery], |row| row.get::<_, u64>(0))?;
        Ok(())
    }

    fn forget_state(&mut self, tenant: &Name, user: &str) -> rusqlite::Result<Turned> {
        self.flush_state()?;
        let scope = format!("u{user}");
        let keys = {
            let mut select = self.connection.prepare_cached(
                "SELECT c.plugin, s.key FROM scopes c JOIN state s ON s.scope = c.id
                 WHERE c.tenant = ?1 AND c.scope = ?2 LIMIT ?3",
            )?;
            let rows = select.query_map((tenant, &scope, TURN_ROWS), |row| {
                let key = StateKey {
                    scope: StateScope {
                        tenant: Name::clone(tenant),
                        plugin: row.get(0)?,
                        scope: Name::from(scope.as_str()),
                    },
                    key: row.get(1)?,
                };
                Ok((key, StateChange::Delete))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()?
        };
        let rows = keys.len() as u64;
        self.write_state(keys)?;
        self.flush_state()?;
        // The scopes bear the user's id.
        self.prune_scopes()?;
        Ok(Turned {
            rows,
            ..Turned::default()
        })
    }

    fn forget_timers(&mut self, tenant: &Name, user: &str) -> rusqlite::Result<Turned> {
        let mut delete = self.connection.prepare_cached(
            "DELETE FROM timers WHERE (tenant, plugin, conversation, name) IN
                (SELECT tenant, plugin, conversation, name FROM timers
                 WHERE tenant = ?1 AND json_extract(origin, '$.actor.id') = ?2 LIMIT ?3)",
        )?;
        Ok(Turned {
            rows: delete.execute((tenant, user, TURN_ROWS))? as u64,
            ..Turned::default()
        })
    }

    fn forget_forms(&mut self, tenant: &Name, user: &str) -> Result<Turned, Stop> {
        let texts: Vec<String> = {
            let mut select = self.connection.prepare_cached(
                "SELECT form FROM forms WHERE tenant = ?1 AND instr(form, ?2) > 0",
            )?;
            let rows = select.query_map((tenant, user), |row| row.get(0))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        let mut turned = Turned::default();
        for text in texts {
            let mut form: OpenForm = from_json("form", &text).map_err(Stop::Own)?;
            if !form.forget(user) {
                continue;
            }
            let text = json(&form).map_err(Stop::Own)?;
            let set = &mut self.statements.set_form;
            set.execute((&form.tenant, &form.bot, &form.message, text))?;
            turned.rows += 1;
        }
        Ok(turned)
    }
}
