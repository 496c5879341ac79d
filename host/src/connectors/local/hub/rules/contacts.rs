//! Contacts between bots and people: who may ask, accept, reject and end.

use super::{Rules, USERS_MAX};
use crate::mailbox::rooms::{Change, RoomsError};
use crate::model::directory::ContactStatus;
use crate::model::event::UserKind;

impl Rules<'_> {
    /// Changes a contact. `status` is the bot's view: `Requested` asks the person, `Pending` the bot.
    pub(super) fn contact(
        &mut self,
        bot: &str,
        user: &str,
        status: ContactStatus,
    ) -> Result<(), RoomsError> {
        let bot = self.known_user(bot)?.clone();
        // Who asks may be new here.
        let is_self = super::id_from_name(user) == self.asked.by.id;
        let user = match is_self {
            true => self.asked.by.clone(),
            false => self.known_user(user)?.clone(),
        };
        if bot.kind != UserKind::Bot || user.kind == UserKind::Bot {
            return Err(RoomsError::Unsupported(
                "a contact is between a bot and a person".into(),
            ));
        }
        let by_bot = self.asked.by.id == bot.id;
        if !by_bot && self.asked.by.id != user.id {
            return Err(RoomsError::Denied(
                "nobody changes other people's contacts".into(),
            ));
        }
        let known = self.state.contacts.get(&(bot.id.clone(), user.id.clone()));
        let now = known.copied().unwrap_or(ContactStatus::None);
        // What the other side asked for, and what one asks for oneself.
        let (asked, asking) = match by_bot {
            true => (ContactStatus::Pending, ContactStatus::Requested),
            false => (ContactStatus::Requested, ContactStatus::Pending),
        };
        let not_found = |what: &str| Err(RoomsError::NotFound(format!("{what} of {}", user.name)));
        match status {
            ContactStatus::Accepted | ContactStatus::Rejected if now != asked => {
                return not_found("contact request");
            }
            ContactStatus::None if now == ContactStatus::None => return not_found("contact"),
            ContactStatus::Requested | ContactStatus::Pending if status != asking => {
                return Err(RoomsError::Denied("nobody asks oneself".into()));
            }
            // Asked for before, or a contact already: nothing changes.
            ContactStatus::Requested | ContactStatus::Pending
                if now == status || now == ContactStatus::Accepted =>
            {
                return Ok(());
            }
            _ => {}
        }
        if known.is_none() && self.state.contacts.len() >= USERS_MAX {
            return Err(RoomsError::TooLarge("there are too many contacts".into()));
        }
        // Two who ask each other agree.
        let status = match status {
            ContactStatus::Requested | ContactStatus::Pending if now == asked => {
                ContactStatus::Accepted
            }
            status => status,
        };
        self.push(Change::Contact {
            bot: bot.id.clone(),
            user: user.id.clone(),
            status,
        });
        Ok(())
    }
}
