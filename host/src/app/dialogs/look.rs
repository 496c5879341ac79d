//! What is looked at after every step: what was said, what failed, how other platforms would show it.

use std::collections::BTreeMap;

use super::checks::Noted;
use super::report::Loss;
use super::run::{Running, Wrong};
use super::script::first_line;
use super::world::Faulted;
use crate::journal::Part;
use crate::model::delivery::DeliveryNumber;
use crate::outbox::PartEnd;

/// Dead letters that are looked at.
const MAX_LETTERS: usize = 1_000;

impl Running<'_> {
    /// Hears what happened, and looks at what no step can expect.
    pub(super) async fn look_around(&mut self) -> Result<(), Wrong> {
        let asked = self
            .answers
            .with_made(|made| made[self.requests..].to_vec());
        self.requests += asked.len();
        let mut calls: Vec<String> = Vec::new();
        for made in &asked {
            let answer = made.answer.as_deref().unwrap_or("no answer in the dialog");
            calls.push(format!("http {} -> {answer}", made.request));
        }
        for line in self.world.take_lines() {
            calls.push(format!("log {}: {}", line.level.name(), line.text));
            self.logged.push(Noted::new(line.text));
        }
        let ended = std::mem::take(&mut *self.ends.lock());
        self.heard.hear(calls, &ended).map_err(Wrong::new)?;
        self.heard.note_timers(&self.world.take_timers());
        let mut failed = self.failed_deliveries().await?;
        failed.extend(
            ended
                .iter()
                .filter_map(|(part, end)| failed_part(part, end)),
        );
        for text in failed {
            let text = self.heard.readable(&text);
            self.heard.add_lines([vec![format!("failed: {text}")]]);
            self.failed.push(Noted::new(text));
        }
        if let Some(made) = asked.iter().find(|made| made.answer.is_none()) {
            let request = &made.request;
            let wrong = Wrong::new(format!(
                "the plugin asked for {request}, and the dialog has no answer for it"
            ));
            return Err(wrong.hint(format!(
                "add before this step: `http {request} -> 200`, the body in lines below"
            )));
        }
        self.look_elsewhere()
    }

    /// The deliveries that failed since the last look: for good, or so that another try hid it.
    async fn failed_deliveries(&mut self) -> Result<Vec<String>, Wrong> {
        let letters = self.host.journal().dead_letters(0, MAX_LETTERS).await;
        let letters = letters.map_err(|error| Wrong::new(error.to_string()))?;
        let new = letters.iter().skip(self.letters);
        let mut failed: Vec<String> = new.map(|it| self.without_path(&it.detail)).collect();
        self.letters = letters.len();
        let dead = letters.iter().map(|it| it.delivery.number);
        let dead: Vec<DeliveryNumber> = dead.collect();
        // A delivery that is dead is one failure, however often it was tried.
        let faults = self.world.take_faults();
        let (of_dead, hidden): (Vec<Faulted>, Vec<Faulted>) = faults
            .into_iter()
            .partition(|fault| dead.contains(&fault.delivery));
        for fault in of_dead {
            if !failed.iter().any(|text| text.contains(&fault.text)) {
                let line = format!("fault in try {}: {}", fault.attempt, fault.text);
                self.heard.add_lines([vec![line]]);
            }
        }
        failed.extend(hidden_faults(hidden));
        Ok(failed)
    }

    /// Shows each new message as every platform would get it.
    fn look_elsewhere(&mut self) -> Result<(), Wrong> {
        for message in std::mem::take(&mut self.heard.fresh) {
            let first = first_line(&message.text);
            for shown in self.said_here.elsewhere(&message.id).unwrap_or_default() {
                let refusal = format!("{} refuses it", shown.platform);
                let mut all = shown.notes.iter().chain(&shown.sent);
                if let Some(refused) = all.find(|text| text.starts_with(&refusal)) {
                    return Err(Wrong::new(format!("{refused} (“{first}”)")));
                }
                self.losses.extend(shown.notes.into_iter().map(|note| Loss {
                    platform: shown.platform.clone(),
                    message: first.to_owned(),
                    note,
                }));
            }
        }
        Ok(())
    }

    /// A line to add belongs into the dialog, which is where its settings are.
    fn without_path(&self, text: &str) -> String {
        let place = format!("at the top of {}", self.path.display());
        let text = text.replace(&place, "to the dialog's `settings`");
        match self.path.strip_prefix(".") {
            Ok(short) => {
                let place = format!(" of {}", self.path.display());
                text.replace(&place, &format!(" of {}", short.display()))
            }
            Err(_) => text,
        }
    }
}

/// The faults of deliveries that went through in the end, the same of one delivery once.
fn hidden_faults(faults: Vec<Faulted>) -> impl Iterator<Item = String> {
    let mut tries: BTreeMap<(DeliveryNumber, String), Vec<u32>> = BTreeMap::new();
    for fault in faults {
        let of = (fault.delivery, fault.text);
        tries.entry(of).or_default().push(fault.attempt);
    }
    tries.into_iter().map(|((_, text), tries)| {
        let all: Vec<String> = tries.iter().map(u32::to_string).collect();
        let word = if all.len() == 1 { "try" } else { "tries" };
        format!(
            "{text} ({word} {}; a later one went through)",
            all.join(" and ")
        )
    })
}

/// Why a part failed, where it did.
fn failed_part(part: &Part, end: &PartEnd) -> Option<String> {
    let PartEnd::Failed(class, detail) = end else {
        return None;
    };
    let what = part.what.action.kind.name();
    Some(format!("the action {what} failed: {detail} ({class:?})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_retry_hides_is_one_failure_a_delivery_and_text() {
        let fault = |delivery, attempt, text: &str| Faulted {
            delivery,
            attempt,
            text: text.to_owned(),
        };
        let faults = vec![
            fault(7, 1, "Trap: a"),
            fault(8, 1, "Trap: a"),
            fault(7, 2, "Trap: a"),
            fault(8, 2, "Cpu: b"),
        ];
        let told: Vec<String> = hidden_faults(faults).collect();
        assert_eq!(
            told,
            [
                "Trap: a (tries 1 and 2; a later one went through)",
                "Cpu: b (try 2; a later one went through)",
                "Trap: a (try 1; a later one went through)",
            ]
        );
    }
}
