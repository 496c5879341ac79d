//! Decides which plugins get an event, and how they see it.
//!
//! Pure: an immutable [`Table`] is built from what the plugins say of themselves and what the
//! operator allows, and swapped whole. Everything that every message passes is an index over all
//! plugins, so that a message costs the same whether one plugin waits for it or a hundred do not.

mod access;
mod explain;
mod grammar;
mod key_words;
mod matching;
mod message;
mod own;
mod sentences;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Name;
use crate::model::delivery::{Route, View};
use crate::model::description::Description;
use crate::model::event::{Event, Message};

pub use access::{Access, Only, Roles};
pub use explain::Decision;
pub use grammar::{MAX_PATTERN_BYTES, Pattern, PatternError, fill};
pub use key_words::{KeyWordError, MAX_KEY_WORD_BYTES};
pub use sentences::{HostSays, Sentences};
pub use table::Table;

#[cfg(test)]
mod tests;

/// One plugin as the router knows it.
#[derive(Clone, Debug)]
pub struct PluginRoutes {
    /// Its name.
    pub plugin: Name,
    /// What it says of itself.
    pub description: Arc<Description>,
    /// The values of its settings, as text, for `{=key}`.
    pub config: BTreeMap<String, String>,
    /// The operator's rules.
    pub access: Access,
}

/// Who sent the forms and buttons that are open.
pub trait FormsView {
    /// Gives the plugin that sent the message of this id on the event's bot.
    fn owner(&self, event: &Event, message_id: &str) -> Option<Name>;
}

/// No form is open.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoForms;

impl FormsView for NoForms {
    fn owner(&self, _event: &Event, _message_id: &str) -> Option<Name> {
        None
    }
}

/// What becomes of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing {
    /// One delivery a plugin, by plugin name.
    pub routes: Vec<Route>,
    /// What the host itself answers.
    pub host: Option<HostSays>,
}

impl Routing {
    /// Tells whether a message was a command, even one that was refused or misspelt: it is no answer
    /// to a question then. A word of the language that only begins like a command is none.
    pub fn is_command(&self, message: &Message) -> bool {
        let is_signed = || {
            let first = message.text.trim_start().chars().next();
            first.is_some_and(|sign| !sign.is_alphanumeric())
        };
        let is_command = |route: &Route| matches!(route.view, View::Command { .. });
        self.routes.iter().any(is_command)
            || match &self.host {
                Some(HostSays::Help(_) | HostSays::Refused { .. }) => true,
                Some(HostSays::Usage(_)) => is_signed(),
                None => false,
            }
    }
}

/// Something the operator should know about a table that serves all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Two plugins have one command pattern; both run.
    #[error(
        "plugins `{first}` and `{second}` both declare the command `{pattern}`: both will answer"
    )]
    DuplicatePattern {
        /// The pattern.
        pattern: String,
        /// A plugin.
        first: Name,
        /// Another one.
        second: Name,
    },
    /// A command or key word is left out.
    #[error("plugin `{plugin}`: left out: {error}")]
    LeftOut {
        /// The plugin.
        plugin: Name,
        /// Why.
        error: DescriptionError,
    },
    /// `allow` names a role that is not declared: nobody holds it.
    #[error("plugin.{plugin}.allow.\"{command}\": no role `{role}` under [roles]")]
    UnknownRole {
        /// The plugin.
        plugin: Name,
        /// The command or `*`.
        command: String,
        /// The role.
        role: String,
    },
    /// `allow` names a command that the plugin does not have.
    #[error("plugin.{plugin}.allow: the plugin has no command `{command}`")]
    UnknownCommand {
        /// The plugin.
        plugin: Name,
        /// The command.
        command: String,
    },
    /// A glob cannot be read: it matches nobody.
    #[error("{key}: bad glob `{glob}`: {error}")]
    BadGlob {
        /// Where it stands in the settings.
        key: String,
        /// The glob; empty where all of them together are too large.
        glob: String,
        /// What is wrong.
        error: String,
    },
}

/// What is wrong with a plugin's description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// A command's pattern.
    #[error("command `{command}`, pattern `{pattern}`: {error}")]
    Command {
        /// The command.
        command: String,
        /// Its pattern.
        pattern: String,
        /// What was expected and found.
        error: PatternError,
    },
    /// Two commands have one name, or one has none.
    #[error("expected a name of its own for each command, found `{command}` twice or empty")]
    CommandName {
        /// The name.
        command: String,
    },
    /// A key word.
    #[error("message filter {filter}, key word `{text}`: {error}")]
    KeyWord {
        /// The filter's place in the list, from 1.
        filter: usize,
        /// The key word.
        text: String,
        /// What was expected and found.
        error: KeyWordError,
    },
    /// Too many of something.
    #[error("expected at most {limit} {what}, found {found}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
}
