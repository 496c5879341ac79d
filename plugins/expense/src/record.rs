//! An expense, and how it is kept: one text a record, its fields apart by a character nobody types.

use parlor_sdk::events::User;
use parlor_sdk::prelude::*;

const LAST: &str = "last";
const SEPARATOR: char = '\u{1f}';

/// Somebody, as the report names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Person {
    pub(crate) fn of(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            name: user.display_name.clone(),
        }
    }
}

/// What became of an expense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Approved,
    Rejected,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Open, Self::Approved, Self::Rejected];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// An expense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expense {
    pub(crate) number: u64,
    pub(crate) at: u64,
    pub(crate) requester: Person,
    pub(crate) approver: Person,
    pub(crate) cents: u64,
    pub(crate) currency: String,
    pub(crate) receipt: String,
    /// The message that carried the form.
    pub(crate) form: String,
    pub(crate) status: Status,
    pub(crate) decided_at: u64,
}

impl Expense {
    /// Gives the message that carried the form.
    pub(crate) fn form_message(&self) -> MessageRef {
        MessageRef::by_id(self.form.as_str())
    }

    /// Writes the amount with two decimals.
    pub(crate) fn amount(&self) -> String {
        let cents = self.cents % 100;
        let zero = if cents < 10 { "0" } else { "" };
        let whole = (self.cents / 100).to_string();
        [&whole, ".", zero, &cents.to_string()].concat()
    }

    /// Shows it, with how it stands.
    pub(crate) fn card(&self, standing: String) -> Card {
        let amount = [&self.amount(), " ", &self.currency].concat();
        Card::new(["Expense ", &self.number.to_string()].concat())
            .subtitle(standing)
            .fact("Amount", amount)
            .fact("Receipt", self.receipt.as_str())
    }

    /// Keeps it.
    pub(crate) fn save(&self) -> Result<(), Error> {
        let fields: [&str; 12] = [
            &self.number.to_string(),
            &self.at.to_string(),
            &self.requester.id,
            &self.requester.name,
            &self.approver.id,
            &self.approver.name,
            &self.cents.to_string(),
            &self.currency,
            &self.receipt,
            &self.form,
            self.status.name(),
            &self.decided_at.to_string(),
        ];
        let mut text = String::new();
        for field in fields {
            text.extend(field.chars().filter(|c| *c != SEPARATOR));
            text.push(SEPARATOR);
        }
        Ok(state::plugin().set(&key(self.number), text)?)
    }

    /// Finds one by its number.
    pub(crate) fn load(number: u64) -> Result<Option<Self>, Error> {
        let text = state::plugin().text(&key(number))?;
        Ok(text.and_then(|text| Self::read(&text)))
    }

    fn read(text: &str) -> Option<Self> {
        let mut fields = text.split(SEPARATOR);
        let mut next = || fields.next().map(str::to_owned);
        Some(Self {
            number: next()?.parse().ok()?,
            at: next()?.parse().ok()?,
            requester: Person {
                id: next()?,
                name: next()?,
            },
            approver: Person {
                id: next()?,
                name: next()?,
            },
            cents: next()?.parse().ok()?,
            currency: next()?,
            receipt: next()?,
            form: next()?,
            status: Status::of(&next()?)?,
            decided_at: next()?.parse().ok()?,
        })
    }
}

/// Counts on. Two who do so at once do not get the same: the host lets one of them run again.
pub(crate) fn next_number() -> Result<u64, Error> {
    let memory = state::plugin();
    let number = memory.number(LAST)?.unwrap_or(0) + 1;
    memory.set_number(LAST, number)?;
    Ok(number.unsigned_abs())
}

/// Lists all, oldest first.
pub(crate) fn all() -> Result<Vec<Expense>, Error> {
    let last = state::plugin().number(LAST)?.unwrap_or(0).unsigned_abs();
    let mut all = Vec::new();
    for number in 1..=last {
        all.extend(Expense::load(number)?);
    }
    Ok(all)
}

fn key(number: u64) -> String {
    ["expense/", &number.to_string()].concat()
}
