//! Approves expenses: a form, a card for whoever approves, an edited form, and a CSV file of them all.

mod record;
mod report;

use parlor_sdk::content::FieldKind;
use parlor_sdk::events::{ButtonPressed, FormSubmitted, User, UserKind};
use parlor_sdk::prelude::*;

use record::{Expense, Person, Status};

/// Who may have the report.
const CONTROLLERS: &str = "controllers";

/// The expense plugin.
#[derive(Debug, Default)]
pub struct Approval;

#[behaviour(name = "expense", summary = "Has expenses approved")]
#[config(
    "currency",
    text,
    default = "EUR",
    help = "What stands behind an amount"
)]
#[config("most", number, default = "10000", help = "The largest amount")]
#[capability(
    action = "send-user",
    reason = "Asks the approver, and tells the requester what became of it, in direct conversations"
)]
impl Approval {
    #[command("/expense", help = "Asks for an expense to be approved")]
    fn expense(&mut self, cx: &Context) -> Reply {
        cx.reply(form())
    }

    #[form("expense")]
    fn submitted(
        &mut self,
        cx: &Context,
        submitted: &FormSubmitted,
        amount: f64,
        receipt: String,
        approver: Vec<User>,
    ) -> Result<Reply, Error> {
        let (Some(requester), Some(approver)) = (cx.actor(), approver.first()) else {
            return Err(Error::failed("a form without a person"));
        };
        if approver.id == requester.id || approver.kind == UserKind::Bot {
            // A form that is answered is closed, so there is a new one.
            return Ok(cx
                .reply("Somebody else has to approve it. Once more, please:")
                .and(cx.reply(form())));
        }
        let expense = Expense {
            number: record::next_number()?,
            at: time::now(),
            requester: Person::of(requester),
            approver: Person::of(approver),
            cents: (amount * 100.0 + 0.5) as u64,
            currency: config::text("currency").unwrap_or_default(),
            receipt,
            form: submitted.message_id.clone(),
            status: Status::Open,
            decided_at: 0,
        };
        expense.save()?;
        let waiting = ["Waiting for ", &expense.approver.name].concat();
        let number = expense.number.to_string();
        let card = expense
            .card(["From ", &expense.requester.name].concat())
            .button(Button::action("Approve", "approve", &number).primary())
            .button(Button::action("Reject", "reject", &number).danger());
        Ok(Reply::none()
            .and(Action::edit(expense.form_message(), expense.card(waiting)))
            .and(Message::to_user(&expense.approver.id, card)))
    }

    #[button("approve")]
    fn approve(&mut self, cx: &Context, pressed: &ButtonPressed) -> Result<Reply, Error> {
        decide(cx, pressed, Status::Approved)
    }

    #[button("reject")]
    fn reject(&mut self, cx: &Context, pressed: &ButtonPressed) -> Result<Reply, Error> {
        decide(cx, pressed, Status::Rejected)
    }

    // `allow = { report = ["controllers"] }` in the settings also hides it from all others.
    #[command("/expense report", help = "Gives all expenses as a file")]
    fn report(&mut self, cx: &Context) -> Result<Reply, Error> {
        if !cx.has_role(CONTROLLERS) {
            return Ok(cx.reply("The report is for controllers."));
        }
        let expenses = record::all()?;
        let lines = [&expenses.len().to_string(), " expenses"].concat();
        let file = report::csv(&expenses);
        Ok(Message::reply(lines)
            .attach("expenses.csv", "text/csv", file)
            .into())
    }
}

fn form() -> Form {
    let most = config::number("most").unwrap_or(f64::MAX) as u64;
    Form::new("expense")
        .title("Expense")
        .field(
            Field::new("amount", "Amount", FieldKind::Number)
                .required()
                .min("0.01")
                .max(most.to_string()),
        )
        .field(
            Field::new("receipt", "Receipt", FieldKind::Text)
                .required()
                .max("200")
                .placeholder("Its number, or where it is"),
        )
        .field(Field::new("approver", "Who approves it", FieldKind::User).required())
        .submit("Ask for approval")
        .for_actor()
        .once()
}

/// Approves or rejects, once: buttons can be pressed again until the card has changed.
fn decide(cx: &Context, pressed: &ButtonPressed, status: Status) -> Result<Reply, Error> {
    let number = pressed.value.parse().unwrap_or(0);
    let Some(mut expense) = Expense::load(number)? else {
        return Ok(cx.reply("There is no such expense."));
    };
    if cx
        .actor()
        .is_none_or(|actor| actor.id != expense.approver.id)
    {
        return Ok(cx.reply(["Only ", &expense.approver.name, " decides this."].concat()));
    }
    if expense.status != Status::Open {
        return Ok(cx.reply(["It is ", expense.status.name(), " already."].concat()));
    }
    expense.status = status;
    expense.decided_at = time::now();
    expense.save()?;
    let decided = [status.title(), " by ", &expense.approver.name].concat();
    let told = [
        "Expense ",
        pressed.value.as_str(),
        " is ",
        status.name(),
        ".",
    ]
    .concat();
    let card = MessageRef::by_id(pressed.message_id.as_str());
    Ok(Reply::none()
        .and(Action::edit(card, expense.card(decided.clone())))
        .and(Action::edit(expense.form_message(), expense.card(decided)))
        .and(Message::to_user(&expense.requester.id, told)))
}

#[cfg(test)]
mod tests;
