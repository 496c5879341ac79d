//! Whom a plugin serves and what it hears, as the operator says.

use std::collections::BTreeMap;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::RouteError;
use crate::model::event::{Event, User};

/// The name in `allow` for every command that is not named.
const EVERY_COMMAND: &str = "*";

/// What a plugin hears of; empty is everything.
#[derive(Clone, Debug, Default)]
pub struct Only {
    bots: Vec<String>,
    conversations: Option<GlobSet>,
    external: Option<bool>,
}

impl Only {
    /// Compiles `only` of a plugin's settings.
    ///
    /// # Errors
    /// A glob that is none.
    pub fn new(
        bots: &[String],
        conversations: &[String],
        external: Option<bool>,
    ) -> Result<Self, RouteError> {
        Ok(Self {
            bots: bots.to_vec(),
            conversations: if conversations.is_empty() {
                None
            } else {
                Some(globs(conversations)?)
            },
            external,
        })
    }
}

/// What the operator lets a plugin hear, and whom it serves.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What it hears of.
    pub only: Only,
    /// Roles by command; `*` for every command that is not named.
    pub allow: BTreeMap<String, Vec<String>>,
}

impl Access {
    pub(super) fn hears(&self, event: &Event) -> bool {
        let only = &self.only;
        let bot_fits = only.bots.is_empty()
            || event
                .bot
                .as_ref()
                .is_some_and(|bot| only.bots.contains(&bot.name));
        let place_fits = match (&only.conversations, &event.conversation) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(globs), Some(place)) => {
                globs.is_match(&place.id)
                    || place.name.as_ref().is_some_and(|name| globs.is_match(name))
            }
        };
        let side_fits = match (only.external, &event.conversation) {
            (None, _) => true,
            (Some(wanted), Some(place)) => place.external == wanted,
            (Some(_), None) => false,
        };
        bot_fits && place_fits && side_fits
    }

    pub(super) fn roles_for(&self, command: &str) -> Option<&Vec<String>> {
        self.allow
            .get(command)
            .or_else(|| self.allow.get(EVERY_COMMAND))
    }
}

/// The operator's roles: globs over e-mail address, user name and id.
#[derive(Clone, Debug, Default)]
pub struct Roles(Vec<(String, GlobSet)>);

impl Roles {
    /// Compiles the `[roles]` of the settings.
    ///
    /// # Errors
    /// A glob that is none.
    pub fn new(roles: &BTreeMap<String, Vec<String>>) -> Result<Self, RouteError> {
        roles
            .iter()
            .map(|(role, members)| Ok((role.clone(), globs(members)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn of(&self, user: &User) -> Vec<String> {
        self.0
            .iter()
            .filter(|(_, globs)| {
                let email = user.email.as_deref().unwrap_or_default();
                let name = user.user_name.as_deref().unwrap_or_default();
                globs.is_match(&user.id)
                    || (!email.is_empty() && globs.is_match(email))
                    || (!name.is_empty() && globs.is_match(name))
            })
            .map(|(role, _)| role.clone())
            .collect()
    }
}

fn globs(texts: &[String]) -> Result<GlobSet, RouteError> {
    let wrong = |glob: &str, error: globset::Error| RouteError::Glob {
        glob: glob.to_owned(),
        error: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for text in texts {
        let glob: Glob = GlobBuilder::new(text)
            .case_insensitive(true)
            .build()
            .map_err(|error| wrong(text, error))?;
        set.add(glob);
    }
    set.build().map_err(|error| wrong("", error))
}
