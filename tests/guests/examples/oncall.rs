//! On-call reminder: keeps a rota, tells on Monday morning whose week it is, and calls one after the
//! other until somebody takes an alert.

use std::time::Duration;

use parlor_sdk::events::ButtonPressed;
use parlor_sdk::prelude::*;

const ROTA: &str = "rota";
const TURN: &str = "turn";
const HANDOVER: &str = "handover";
const CALL: &str = "call:";
const ALERT: &str = "alert/";

/// The on-call bot.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "oncall", summary = "Calls whoever is on call")]
#[config(
    "handover",
    text,
    default = "0 9 * * mon",
    help = "When the week changes, as cron has it"
)]
#[config(
    "time-zone",
    text,
    default = "Europe/Zurich",
    help = "Where it is that time"
)]
#[config(
    "patience",
    duration,
    default = "5m",
    help = "How long somebody has to take an alert"
)]
impl Guest {
    #[command("/oncall", help = "Tells who is on call")]
    fn who(&mut self, cx: &Context) -> Result<Reply, Error> {
        Ok(match on_call(0)? {
            Some(person) => cx.reply(person.mention().text(" is on call.")),
            None => cx.reply("Nobody is on call. Add people with /oncall add @name"),
        })
    }

    #[command("/oncall add {@who}", help = "Puts somebody at the end of the rota")]
    fn add(&mut self, cx: &Context, who: Mention) -> Result<Reply, Error> {
        let mut rota = rota()?;
        let person = Person {
            id: who.user_id,
            name: who.text,
        };
        if rota.iter().all(|known| known.id != person.id) {
            rota.push(person);
        }
        keep(&rota)?;
        let text = |key: &str| config::text(key).unwrap_or_default();
        let handover = Timer::cron(HANDOVER, text("handover"), text("time-zone"));
        Ok(cx
            .reply(format!("{} in the rota.", rota.len()))
            .and(handover))
    }

    #[command("/oncall remove {@who}", help = "Takes somebody out of the rota")]
    fn remove(&mut self, cx: &Context, who: Mention) -> Result<Reply, Error> {
        let mut rota = rota()?;
        rota.retain(|person| person.id != who.user_id);
        keep(&rota)?;
        let answer = cx.reply(format!("{} in the rota.", rota.len()));
        Ok(match rota.is_empty() {
            true => answer.and(Action::cancel_timer(HANDOVER)),
            false => answer,
        })
    }

    #[timer("handover")]
    fn hand_over(&mut self, cx: &Context) -> Result<Reply, Error> {
        let turn = state::conversation().number(TURN)?.unwrap_or(0) + 1;
        state::conversation().set_number(TURN, turn)?;
        let next = on_call(0)?;
        Ok(next
            .map(|person| cx.reply(person.mention().text(" is on call this week.")))
            .into())
    }

    #[command("/alert {what...}", help = "Calls whoever is on call")]
    fn alert(&mut self, cx: &Context, what: String) -> Result<Reply, Error> {
        let number = state::conversation().number("alerts")?.unwrap_or(0) + 1;
        state::conversation().set_number("alerts", number)?;
        let number = number.to_string();
        state::conversation().set(&alert(&number), what)?;
        call(cx, &number, 0)
    }

    // Nobody took it in time. The timer's payload says how many were called.
    #[timer(prefix = CALL)]
    fn nobody(&mut self, cx: &Context, timer: &TimerFired) -> Result<Reply, Error> {
        let number = timer.name.trim_start_matches(CALL);
        let called: usize = timer.payload.parse().unwrap_or(0);
        call(cx, number, called)
    }

    #[button("take")]
    fn take(&mut self, cx: &Context, pressed: &ButtonPressed) -> Result<Reply, Error> {
        let number = pressed.value.as_str();
        let Some(what) = state::conversation().text(&alert(number))? else {
            return Ok(cx.reply("It is taken already."));
        };
        state::conversation().delete(&alert(number))?;
        let taken = format!("Alert {number}: {what}. {} has it.", cx.display_name());
        let message = MessageRef::by_id(pressed.message_id.as_str());
        let end = Action::cancel_timer(format!("{CALL}{number}"));
        Ok(Reply::from(Action::edit(message, taken)).and(end))
    }
}

/// Calls the next in the rota, and sets the timer that calls the one after.
fn call(cx: &Context, number: &str, called: usize) -> Result<Reply, Error> {
    let Some(what) = state::conversation().text(&alert(number))? else {
        return Ok(Reply::none());
    };
    let Some(person) = on_call(called)? else {
        return Ok(cx.reply("Nobody is on call."));
    };
    let line = person.mention().text(format!(": alert {number}: {what}"));
    let take = Button::action("I have it", "take", number).primary();
    let shown = Blocks::new()
        .paragraph(line)
        .buttons(Buttons::new().button(take));
    let patience = config::duration("patience").unwrap_or(Duration::from_secs(300));
    let next = Timer::after(format!("{CALL}{number}"), patience).payload((called + 1).to_string());
    Ok(cx.reply(shown).and(next))
}

/// Somebody in the rota.
struct Person {
    id: String,
    name: String,
}

impl Person {
    fn mention(&self) -> Line {
        Line::new().mention_user(&self.id, &self.name)
    }
}

/// Whose turn it is, or who comes so many after.
fn on_call(after: usize) -> Result<Option<Person>, Error> {
    let turn = state::conversation().number(TURN)?.unwrap_or(0);
    let mut rota = rota()?;
    if rota.is_empty() {
        return Ok(None);
    }
    let place = (usize::try_from(turn).unwrap_or(0) + after) % rota.len();
    Ok(Some(rota.swap_remove(place)))
}

fn rota() -> Result<Vec<Person>, Error> {
    let text = state::conversation().text(ROTA)?.unwrap_or_default();
    let people = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(people
        .map(|(id, name)| Person {
            id: id.into(),
            name: name.into(),
        })
        .collect())
}

fn keep(rota: &[Person]) -> Result<(), Error> {
    let lines: Vec<String> = rota
        .iter()
        .map(|person| format!("{}\t{}", person.id, person.name))
        .collect();
    Ok(state::conversation().set(ROTA, lines.join("\n"))?)
}

fn alert(number: &str) -> String {
    format!("{ALERT}{number}")
}
