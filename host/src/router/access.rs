//! Who may use a plugin, and where: the operator's `only`, `allow` and roles.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::event::{Event, User, UserKind};

use super::Warning;

/// Where a plugin takes part. What is empty or absent does not narrow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Bots, by name.
    pub bots: Vec<String>,
    /// Conversations: globs over name and id.
    pub conversations: Vec<String>,
    /// Conversations with (true) or without (false) people of other companies.
    pub external: Option<bool>,
}

/// The operator's rules for one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Where it takes part.
    pub only: Only,
    /// Command name, or `*` for everything a person says, to the roles that may. A command's own
    /// line stands instead of `*`. Without a line everybody may.
    pub allow: BTreeMap<String, Vec<String>>,
}

/// The operator's roles: a name to globs over e-mail address, user name and user id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(pub BTreeMap<String, Vec<String>>);

#[derive(Clone, Debug)]
pub(super) struct CompiledOnly {
    bots: Vec<String>,
    conversations: Option<GlobSet>,
    external: Option<bool>,
}

impl CompiledOnly {
    pub(super) fn new(plugin: &str, only: &Only, warnings: &mut Vec<Warning>) -> Self {
        // An empty set matches nothing, so a list of broken globs lets nobody in.
        let conversations = (!only.conversations.is_empty()).then(|| {
            glob_set(
                &only.conversations,
                &format!("plugin.{plugin}.only.conversations"),
                warnings,
            )
        });
        Self {
            bots: only.bots.clone(),
            conversations,
            external: only.external,
        }
    }

    pub(super) fn covers_bot(&self, event: &Event) -> bool {
        self.bots.is_empty()
            || event
                .bot
                .as_ref()
                .is_some_and(|bot| self.bots.iter().any(|name| name == &bot.name))
    }

    /// As the other two, for an event whose plugin is known: it may have neither bot nor place.
    pub(super) fn covers_own(&self, event: &Event) -> bool {
        (event.bot.is_none() || self.covers_bot(event))
            && (event.conversation.is_none() || self.covers_conversation(event))
    }

    pub(super) fn covers_conversation(&self, event: &Event) -> bool {
        let place = event.conversation.as_ref();
        if let Some(external) = self.external
            && place.is_some_and(|place| place.external) != external
        {
            return false;
        }
        match (&self.conversations, place) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(globs), Some(place)) => {
                globs.is_match(&place.id)
                    || place.name.as_ref().is_some_and(|name| globs.is_match(name))
            }
        }
    }
}

/// The roles that may, as indexes into the table's roles; none: everybody.
pub(super) type Allowed = Option<Vec<u32>>;

#[derive(Clone, Debug, Default)]
pub(super) struct CompiledRoles {
    names: Vec<String>,
    globs: GlobSet,
    // The role of each glob.
    roles: Vec<u32>,
}

/// The roles of one actor, looked up at most once an event.
#[derive(Debug, Default)]
pub(super) struct Held {
    roles: Option<Vec<u32>>,
}

impl CompiledRoles {
    pub(super) fn new(roles: &Roles, warnings: &mut Vec<Warning>) -> Self {
        let mut compiled = Self::default();
        let mut builder = GlobSetBuilder::new();
        for (name, globs) in &roles.0 {
            let number = u32::try_from(compiled.names.len()).unwrap_or(u32::MAX);
            compiled.names.push(name.clone());
            for glob in globs {
                match build_glob(glob) {
                    Ok(built) => {
                        builder.add(built);
                        compiled.roles.push(number);
                    }
                    Err(error) => warnings.push(bad_glob(&format!("roles.{name}"), glob, &error)),
                }
            }
        }
        match builder.build() {
            Ok(globs) => compiled.globs = globs,
            Err(error) => {
                compiled.roles.clear();
                warnings.push(bad_glob("roles", "", &error));
            }
        }
        compiled
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.names
            .iter()
            .position(|known| known == name)
            .and_then(|place| u32::try_from(place).ok())
    }

    fn of<'h>(&self, actor: Option<&User>, held: &'h mut Held) -> &'h [u32] {
        held.roles
            .get_or_insert_with(|| actor.map_or_else(Vec::new, |actor| self.look_up(actor)))
    }

    pub(super) fn names_of(&self, actor: Option<&User>, held: &mut Held) -> Vec<String> {
        if self.roles.is_empty() {
            return Vec::new();
        }
        self.of(actor, held)
            .iter()
            .filter_map(|number| self.names.get(usize::try_from(*number).ok()?))
            .cloned()
            .collect()
    }

    pub(super) fn allow(&self, allowed: &Allowed, actor: Option<&User>, held: &mut Held) -> bool {
        let Some(allowed) = allowed else { return true };
        self.of(actor, held)
            .iter()
            .any(|role| allowed.contains(role))
    }

    // A customer types name and e-mail address into a chat window: only the id is the platform's word.
    fn look_up(&self, actor: &User) -> Vec<u32> {
        if self.roles.is_empty() {
            return Vec::new();
        }
        let known = actor.kind != UserKind::Customer;
        let mut held: Vec<u32> = [
            Some(actor.id.as_str()),
            actor.email.as_deref().filter(|_| known),
            actor.user_name.as_deref().filter(|_| known),
        ]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
        .flat_map(|name| self.globs.matches(name))
        .filter_map(|glob| self.roles.get(glob).copied())
        .collect();
        held.sort_unstable();
        held.dedup();
        held
    }
}

fn glob_set(globs: &[String], key: &str, warnings: &mut Vec<Warning>) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        match build_glob(glob) {
            Ok(built) => {
                builder.add(built);
            }
            Err(error) => warnings.push(bad_glob(key, glob, &error)),
        }
    }
    builder.build().unwrap_or_else(|error| {
        warnings.push(bad_glob(key, "", &error));
        GlobSet::empty()
    })
}

fn build_glob(glob: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(glob)
        .case_insensitive(true)
        .literal_separator(false)
        .build()
}

fn bad_glob(key: &str, glob: &str, error: &globset::Error) -> Warning {
    Warning::BadGlob {
        key: key.to_owned(),
        glob: glob.to_owned(),
        error: error.kind().to_string(),
    }
}
