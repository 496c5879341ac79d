//! How a dialog went.

use std::collections::BTreeSet;

use serde::Serialize;

use super::difference::DiffLine;
use super::update::Change;
use crate::model::description::CommandSpec;

/// How a dialog went.
#[derive(Clone, Debug, Default)]
pub struct DialogReport {
    /// Its name.
    pub name: String,
    /// The line that it begins with.
    pub line: usize,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Why it failed; none where it went as expected.
    pub failure: Option<DialogFailure>,
    /// What of the plugin was used.
    pub used: Used,
    /// What platforms would not show as it was meant.
    pub losses: Vec<Loss>,
    /// What is to be known of actions that were performed.
    pub notes: Vec<ActionNote>,
    /// Lines of fixtures for all of the file that answered.
    pub shared_used: BTreeSet<usize>,
    /// What else is to be said of it.
    pub note: Option<String>,
    /// What is to be changed in its file, where answers are taken over.
    pub changes: Vec<Change>,
}

/// Why a dialog failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DialogFailure {
    /// The line of the step.
    pub line: usize,
    /// The step as it is written.
    pub step: String,
    /// What is wrong.
    pub message: String,
    /// Where a text is another than was expected: in what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub difference: Vec<DiffLine>,
    /// What happened before it, the newest last.
    pub before: Vec<String>,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What of a plugin was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Commands, by name.
    pub commands: BTreeSet<String>,
    /// Forms that were shown, by id.
    pub forms_shown: BTreeSet<String>,
    /// Forms that were submitted.
    pub forms: BTreeSet<String>,
    /// Buttons that were shown, by id.
    pub buttons_shown: BTreeSet<String>,
    /// Buttons that were pressed.
    pub buttons: BTreeSet<String>,
}

impl Used {
    /// Adds what another dialog used.
    pub fn add(&mut self, other: &Self) {
        self.commands.extend(other.commands.iter().cloned());
        self.forms_shown.extend(other.forms_shown.iter().cloned());
        self.forms.extend(other.forms.iter().cloned());
        self.buttons_shown
            .extend(other.buttons_shown.iter().cloned());
        self.buttons.extend(other.buttons.iter().cloned());
    }
}

/// What a platform would not show as it was meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Loss {
    /// The platform's name for people.
    pub platform: String,
    /// The first line of the message.
    pub message: String,
    /// What.
    pub note: String,
}

/// What is to be known of an action that did nothing, or less than was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionNote {
    /// The action, by its name in the contract.
    pub action: String,
    /// Where, as people call it.
    pub place: String,
    /// What.
    pub note: String,
    /// Something came of it all the same.
    pub changed: bool,
}

impl std::fmt::Display for ActionNote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            action,
            place,
            note,
            ..
        } = self;
        match place.is_empty() {
            true => write!(out, "{action}: {note}"),
            false => write!(out, "{action} in {place}: {note}"),
        }
    }
}

/// How much of a plugin its dialogs use: the commands that it declares, the forms and buttons that it
/// has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Coverage {
    /// Commands that were used, as they are typed.
    pub commands_used: Vec<String>,
    /// Commands that were not.
    pub commands_never: Vec<String>,
    /// Forms that were submitted, by id.
    pub forms_used: Vec<String>,
    /// Forms that were shown and not submitted.
    pub forms_never: Vec<String>,
    /// Buttons that were pressed, by id.
    pub buttons_used: Vec<String>,
    /// Buttons that were shown and not pressed.
    pub buttons_never: Vec<String>,
}

impl Coverage {
    /// Compares what a plugin declares, and has shown, with what was used.
    pub fn of(commands: &[CommandSpec], used: &Used) -> Self {
        let mut coverage = Self::default();
        for command in commands {
            let list = match used.commands.contains(&command.name) {
                true => &mut coverage.commands_used,
                false => &mut coverage.commands_never,
            };
            list.push(command.pattern.clone());
        }
        let sort = |shown: &BTreeSet<String>, done: &BTreeSet<String>| {
            let all: BTreeSet<&String> = shown.union(done).collect();
            all.into_iter()
                .cloned()
                .partition::<Vec<String>, _>(|id| done.contains(id))
        };
        (coverage.forms_used, coverage.forms_never) = sort(&used.forms_shown, &used.forms);
        (coverage.buttons_used, coverage.buttons_never) = sort(&used.buttons_shown, &used.buttons);
        coverage
    }

    /// What was used of all that there is, in whole per cent; 100 where there is nothing.
    pub fn percent(&self) -> u32 {
        let used = self.commands_used.len() + self.forms_used.len() + self.buttons_used.len();
        let never = self.commands_never.len() + self.forms_never.len() + self.buttons_never.len();
        match used + never {
            0 => 100,
            all => u32::try_from(used * 100 / all).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_counts_what_was_never_used() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let used = Used {
            forms_shown: set(&["a", "b"]),
            forms: set(&["a"]),
            buttons: set(&["yes"]),
            ..Used::default()
        };
        let mut coverage = Coverage::of(&[], &used);
        assert_eq!(coverage.forms_never, ["b"]);
        assert_eq!(coverage.buttons_used, ["yes"]);
        assert_eq!(coverage.percent(), 66);
        coverage.commands_never.push("/x".to_owned());
        assert_eq!(coverage.percent(), 50);
        assert_eq!(Coverage::default().percent(), 100);
    }
}
