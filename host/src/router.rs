//! Which plugins want an event. Pure: an event and a view of open forms go in, routes come out.
//!
//! A table is made once for each change of plugins or settings and never changed; the way of an
//! event looks things up in it and nothing else.

mod access;
mod help;
mod key_word;
mod pattern;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use access::{Access, Only, Roles};
pub use help::{HostSays, Sentences};
pub use key_word::KeyWordError;
pub use pattern::{Line, Match, Pattern, PatternError, Token};

use crate::model::Name;
use crate::model::config::ConfigValue;
use crate::model::delivery::{Route, View};
use crate::model::description::{CommandSpec, Description, EventKind, MentionRule};
use crate::model::event::{Addressing, ConversationKind, Event, Message, User, UserKind};
use crate::model::payload::EventPayload;
use key_word::Filter;

/// What the router may know of open forms and buttons.
pub trait FormsView {
    /// The plugin that sent the form or buttons under a bot's message.
    fn owner(&self, bot: &str, message_id: &str) -> Option<Name>;
}

/// One plugin, as the router sees it.
#[derive(Clone, Debug)]
pub struct PluginRoutes {
    /// Its name.
    pub plugin: Name,
    /// What it says of itself.
    pub description: Arc<Description>,
    /// Its settings, for `{=key}` in patterns and key words.
    pub config: BTreeMap<String, ConfigValue>,
    /// What the operator lets it hear and whom it serves.
    pub access: Access,
}

/// Why a plugin cannot be routed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// A command's pattern is wrong.
    #[error("command `{command}`: pattern `{pattern}`: {error}")]
    Pattern {
        /// The command.
        command: String,
        /// Its pattern.
        pattern: String,
        /// What is wrong.
        error: PatternError,
    },
    /// A key word is wrong.
    #[error("key word `{word}`: {error}")]
    KeyWord {
        /// The key word.
        word: String,
        /// What is wrong.
        error: KeyWordError,
    },
    /// A glob of the settings is wrong.
    #[error("`{glob}` is no pattern: {error}")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong.
        error: String,
    },
}

/// What an event comes to.
#[derive(Debug, Default)]
pub struct Routing {
    /// Who gets it.
    pub routes: Vec<Route>,
    /// What the host answers itself.
    pub host: Option<HostSays>,
}

struct Command {
    spec: CommandSpec,
    pattern: Pattern,
}

struct Entry {
    plugin: Name,
    access: Access,
    platforms: Vec<String>,
    commands: Vec<Command>,
    filters: Vec<Filter>,
    all_messages: bool,
    from_bots: bool,
}

/// The routes of one tenant.
pub struct Table {
    entries: Vec<Entry>,
    roles: Roles,
    sentences: Sentences,
    /// Entries with commands whose first word is this.
    by_word: HashMap<String, Vec<usize>>,
    /// Entries with commands that begin with an argument, or with filters.
    by_message: Vec<usize>,
    by_kind: HashMap<EventKind, Vec<usize>>,
}

impl Table {
    /// Checks what a plugin says of itself.
    ///
    /// # Errors
    /// The first pattern or key word that is wrong.
    pub fn check(
        description: &Description,
        config: &BTreeMap<String, ConfigValue>,
    ) -> Result<(), RouteError> {
        compile(&PluginRoutes {
            plugin: "".into(),
            description: Arc::new(description.clone()),
            config: config.clone(),
            access: Access::default(),
        })
        .map(|_| ())
    }

    /// Makes the table of a tenant's plugins, in the order of their names, with warnings for the operator.
    ///
    /// # Errors
    /// The first plugin that does not pass [`Table::check`].
    pub fn new(
        mut plugins: Vec<PluginRoutes>,
        roles: Roles,
        sentences: Sentences,
    ) -> Result<(Self, Vec<String>), RouteError> {
        plugins.sort_by(|a, b| a.plugin.cmp(&b.plugin));
        let mut table = Self {
            entries: Vec::new(),
            roles,
            sentences,
            by_word: HashMap::new(),
            by_message: Vec::new(),
            by_kind: HashMap::new(),
        };
        let mut seen: HashMap<String, Name> = HashMap::new();
        let mut warnings = Vec::new();
        for routes in &plugins {
            let index = table.entries.len();
            let entry = compile(routes)?;
            let mut any_word = !entry.filters.is_empty() || entry.all_messages;
            for command in &entry.commands {
                if let Some(other) = seen.insert(command.spec.pattern.clone(), entry.plugin.clone())
                    && other != entry.plugin
                {
                    warnings.push(format!(
                        "`{}` is a command of {other} and of {}: both will answer",
                        command.spec.pattern, entry.plugin
                    ));
                }
                match command.pattern.first_literal() {
                    Some(word) => {
                        let list = table.by_word.entry(word.to_owned()).or_default();
                        if list.last() != Some(&index) {
                            list.push(index);
                        }
                    }
                    None => any_word = true,
                }
            }
            if any_word {
                table.by_message.push(index);
            }
            for kind in &routes.description.subscriptions.kinds {
                table.by_kind.entry(*kind).or_default().push(index);
            }
            table.entries.push(entry);
        }
        Ok((table, warnings))
    }

    /// Decides who gets an event, at most one delivery a plugin.
    pub fn route(&self, event: &Event, forms: &dyn FormsView) -> Routing {
        if is_own(event) {
            return Routing::default();
        }
        match &event.payload {
            EventPayload::Message(message) => self.route_message(event, message),
            EventPayload::FormSubmitted(form) => self.route_owner(event, &form.message_id, forms),
            EventPayload::ButtonPressed(button) => {
                self.route_owner(event, &button.message_id, forms)
            }
            payload => kind_of(payload).map_or_else(Routing::default, |kind| {
                let routes = self
                    .by_kind
                    .get(&kind)
                    .into_iter()
                    .flatten()
                    .filter_map(|index| self.entries.get(*index))
                    .filter(|entry| entry.hears(event))
                    .map(|entry| self.to(entry, event, View::Whole))
                    .collect();
                Routing { routes, host: None }
            }),
        }
    }

    /// The roles that a person holds.
    pub fn roles_of(&self, user: &User) -> Vec<String> {
        self.roles.of(user)
    }

    fn route_owner(&self, event: &Event, message: &str, forms: &dyn FormsView) -> Routing {
        let owner = event
            .bot
            .as_ref()
            .and_then(|bot| forms.owner(&bot.name, message));
        let entry = owner.and_then(|name| self.entries.iter().find(|e| e.plugin == name));
        let routes = entry.map(|entry| self.to(entry, event, View::Whole));
        Routing {
            routes: routes.into_iter().collect(),
            host: None,
        }
    }

    fn route_message(&self, event: &Event, message: &Message) -> Routing {
        let line = Line::of(message);
        let from_bot = event
            .actor
            .as_ref()
            .is_some_and(|actor| actor.kind == UserKind::Bot);
        let mentioned = is_mentioned(event);
        let mut candidates: Vec<usize> = self.by_message.clone();
        if let Some(word) = line.first_word()
            && let Some(list) = self.by_word.get(word)
        {
            candidates.extend(list);
            candidates.sort_unstable();
            candidates.dedup();
        }
        let mut lower = None;
        let mut routing = Routing::default();
        let mut near = None;
        let mut refused = None;
        for index in candidates {
            let Some(entry) = self.entries.get(index) else {
                continue;
            };
            if !entry.hears(event) || (from_bot && !entry.from_bots) {
                continue;
            }
            let mut view = None;
            for command in &entry.commands {
                let rule_fits = match command.spec.mention {
                    MentionRule::Required => mentioned,
                    MentionRule::Optional => true,
                    MentionRule::Never => event.addressing != Addressing::Mention,
                };
                if !rule_fits {
                    continue;
                }
                match command.pattern.matches(&line) {
                    Match::Yes(arguments) => {
                        if self.may(entry, &command.spec.name, event) {
                            view = Some(View::Command {
                                name: command.spec.name.clone(),
                                arguments,
                            });
                        } else {
                            refused = Some(command.spec.pattern.clone());
                        }
                        break;
                    }
                    Match::Near => near = near.or(Some((&entry.access, &command.spec))),
                    Match::No => {}
                }
            }
            if view.is_none() {
                let lower = lower.get_or_insert_with(|| message.text.to_lowercase());
                view = entry.wants(message, lower, from_bot);
            }
            routing
                .routes
                .extend(view.map(|view| self.to(entry, event, view)));
        }
        if routing.routes.is_empty() && !from_bot {
            routing.host = self.host_says(event, message, &line, mentioned, near, refused);
        } else if let Some(pattern) = refused {
            routing.host = Some(HostSays::refused(&self.sentences, &pattern));
        }
        routing
    }

    fn host_says(
        &self,
        event: &Event,
        message: &Message,
        line: &Line,
        mentioned: bool,
        near: Option<(&Access, &CommandSpec)>,
        refused: Option<String>,
    ) -> Option<HostSays> {
        let bare_mention =
            event.addressing == Addressing::Mention && message.text.trim().is_empty();
        if bare_mention || (line.first_word() == Some("/help") && line.tokens.len() == 1) {
            return Some(HostSays::help(&self.sentences, &self.commands_for(event)));
        }
        if let Some(pattern) = refused {
            return Some(HostSays::refused(&self.sentences, &pattern));
        }
        let addressed = mentioned
            || event.addressing == Addressing::Prefix
            || line.first_word().is_some_and(|w| w.starts_with('/'));
        near.filter(|_| addressed)
            .map(|(_, spec)| HostSays::usage(&self.sentences, spec))
    }

    fn commands_for(&self, event: &Event) -> Vec<&CommandSpec> {
        self.entries
            .iter()
            .filter(|entry| entry.hears(event))
            .flat_map(|entry| entry.commands.iter().map(move |command| (entry, command)))
            .filter(|(entry, command)| {
                !command.spec.hidden && self.may(entry, &command.spec.name, event)
            })
            .map(|(_, command)| &command.spec)
            .collect()
    }

    fn may(&self, entry: &Entry, command: &str, event: &Event) -> bool {
        let Some(wanted) = entry.access.roles_for(command) else {
            return true;
        };
        let held = event
            .actor
            .as_ref()
            .map(|actor| self.roles.of(actor))
            .unwrap_or_default();
        wanted.iter().any(|role| held.contains(role))
    }

    fn to(&self, entry: &Entry, event: &Event, view: View) -> Route {
        Route {
            plugin: entry.plugin.clone(),
            view,
            roles: event
                .actor
                .as_ref()
                .map(|actor| self.roles.of(actor))
                .unwrap_or_default(),
        }
    }
}

impl Entry {
    fn hears(&self, event: &Event) -> bool {
        let platform_fits = self.platforms.is_empty()
            || event
                .bot
                .as_ref()
                .is_some_and(|bot| self.platforms.contains(&bot.platform));
        platform_fits && self.access.hears(event)
    }

    fn wants(&self, message: &Message, lower: &str, from_bot: bool) -> Option<View> {
        if self.all_messages && !from_bot {
            return Some(View::Whole);
        }
        let arguments = self
            .filters
            .iter()
            .filter(|filter| !from_bot || filter.from_bots)
            .find_map(|filter| filter.matches(message, lower))?;
        Some(if arguments.is_empty() {
            View::Whole
        } else {
            View::KeyWord { arguments }
        })
    }
}

fn compile(routes: &PluginRoutes) -> Result<Entry, RouteError> {
    let description = &routes.description;
    let fill = |text: &str| fill_config(text, &routes.config);
    let commands = description
        .commands
        .iter()
        .map(|spec| {
            let text = fill(&spec.pattern);
            let pattern = Pattern::parse(&text).map_err(|error| RouteError::Pattern {
                command: spec.name.clone(),
                pattern: text.clone(),
                error,
            })?;
            Ok(Command {
                spec: CommandSpec {
                    pattern: text,
                    ..spec.clone()
                },
                pattern,
            })
        })
        .collect::<Result<Vec<_>, RouteError>>()?;
    let subscriptions = &description.subscriptions;
    let filters = subscriptions
        .messages
        .iter()
        .map(|filter| {
            Filter::new(filter, &fill).map_err(|error| RouteError::KeyWord {
                word: filter
                    .key_words
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                error,
            })
        })
        .collect::<Result<Vec<_>, RouteError>>()?;
    let wants_messages = subscriptions.kinds.contains(&EventKind::Message);
    Ok(Entry {
        plugin: routes.plugin.clone(),
        access: routes.access.clone(),
        platforms: subscriptions.platforms.clone(),
        from_bots: filters.iter().any(|filter| filter.from_bots),
        all_messages: wants_messages && filters.is_empty(),
        filters: if wants_messages { filters } else { Vec::new() },
        commands,
    })
}

/// Puts config values in place of `{=key}`.
fn fill_config(text: &str, config: &BTreeMap<String, ConfigValue>) -> String {
    let mut filled = text.to_owned();
    for (key, value) in config {
        let mark = format!("{{={key}}}");
        if filled.contains(&mark) {
            let value = match value {
                ConfigValue::Text(text) => text.clone(),
                ConfigValue::Number(number) => number.to_string(),
                ConfigValue::Flag(flag) => flag.to_string(),
                ConfigValue::Duration(ms) => ms.to_string(),
                ConfigValue::Texts(texts) => texts.join(" "),
            };
            filled = filled.replace(&mark, &value);
        }
    }
    filled
}

fn is_own(event: &Event) -> bool {
    match (&event.actor, &event.bot, &event.payload) {
        // A bot hears of its own joining, not of its own words.
        (_, _, EventPayload::MemberChanged(change)) if change.is_self => false,
        (Some(actor), Some(bot), _) => actor.id == bot.user_id,
        _ => false,
    }
}

fn is_mentioned(event: &Event) -> bool {
    event.addressing == Addressing::Mention
        || event.bot.as_ref().is_some_and(|bot| {
            bot.platform != "symphony"
                && event
                    .conversation
                    .as_ref()
                    .is_some_and(|c| c.kind == ConversationKind::Direct)
        })
}

fn kind_of(payload: &EventPayload) -> Option<EventKind> {
    Some(match payload {
        EventPayload::Message(_) => EventKind::Message,
        EventPayload::MessageEdited(_) => EventKind::MessageEdited,
        EventPayload::MessageDeleted(_) => EventKind::MessageDeleted,
        EventPayload::FormSubmitted(_) => EventKind::FormSubmitted,
        EventPayload::FormClosed(_) => EventKind::FormClosed,
        EventPayload::ButtonPressed(_) => EventKind::ButtonPressed,
        EventPayload::MemberChanged(_) => EventKind::MemberChanged,
        EventPayload::ConversationChanged(_) => EventKind::ConversationChanged,
        EventPayload::ContactChanged(_) => EventKind::ContactChanged,
        EventPayload::Reaction(_) => EventKind::Reaction,
        EventPayload::Typing(_) => EventKind::Typing,
        EventPayload::Presence(_) => EventKind::Presence,
        EventPayload::ActionDone(_) => EventKind::ActionDone,
        EventPayload::ActionFailed(_) => EventKind::ActionFailed,
        EventPayload::Lifecycle(_) => EventKind::Lifecycle,
        EventPayload::Other(_) => EventKind::Other,
        // Their plugin is known; they do not come this way.
        EventPayload::TimerFired(_)
        | EventPayload::ResponseReceived(_)
        | EventPayload::WebhookReceived(_) => return None,
    })
}
