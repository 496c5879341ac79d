//! The forms and buttons that may still be used: a view of the journal's, kept in memory for the router.

use std::collections::HashMap;

use parking_lot::RwLock;

use crate::journal::{FormChange, Journal, JournalResult, OpenForm};
use crate::model::Timestamp;
use crate::model::content::FormAnswers;

/// Open forms kept in memory. Beyond this the oldest to end is forgotten first: its buttons are
/// answered with "no longer open".
const MAX_OPEN: usize = 100_000;

/// The open forms of all bots.
#[derive(Debug, Default)]
pub struct Forms {
    open: RwLock<HashMap<(String, String), OpenForm>>,
}

impl Forms {
    /// Loads what the journal holds.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn load(journal: &dyn Journal) -> JournalResult<Self> {
        let forms = Self::default();
        for form in journal.open_forms().await? {
            forms.opened(form);
        }
        Ok(forms)
    }

    /// Adds a form that was just sent.
    pub fn opened(&self, form: OpenForm) {
        let mut open = self.open.write();
        if open.len() >= MAX_OPEN
            && let Some(first) = open
                .iter()
                .min_by_key(|(_, form)| form.ends_at)
                .map(|(key, _)| key.clone())
        {
            open.remove(&first);
        }
        open.insert((form.bot.to_string(), form.message.clone()), form);
    }

    /// The form or buttons under a message, while they may be used.
    pub fn get(&self, bot: &str, message: &str, now: Timestamp) -> Option<OpenForm> {
        let key = (bot.to_owned(), message.to_owned());
        let form = self.open.read().get(&key).cloned()?;
        (now < form.ends_at).then_some(form)
    }

    /// Tells which plugin sent the form or buttons under a message.
    pub fn owner(&self, bot: &str, message: &str, now: Timestamp) -> Option<crate::model::Name> {
        self.get(bot, message, now).map(|form| form.plugin)
    }

    /// Applies what an event changed, once its place in the journal is fixed.
    pub fn apply(&self, change: &FormChange) {
        let mut open = self.open.write();
        match change {
            FormChange::Closed { bot, message } => {
                open.remove(&(bot.to_string(), message.clone()));
            }
            FormChange::Answered { bot, message, user } => {
                let key = (bot.to_string(), message.clone());
                let Some(form) = open.get_mut(&key) else {
                    return;
                };
                form.answered.push(user.clone());
                let once = form
                    .form
                    .as_ref()
                    .is_some_and(|form| form.answers == FormAnswers::Once);
                if once {
                    open.remove(&key);
                }
            }
        }
    }
}
