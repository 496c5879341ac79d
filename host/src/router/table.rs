//! The table: the indexes over all plugins of a tenant, and the kinds of events that need no text.

use std::collections::HashMap;

use crate::model::Name;
use crate::model::delivery::{Route, View};
use crate::model::description::{
    CommandSpec, Description, EventKind, KeyWord, KeyWordMatch, MentionRule, MessageFilter,
    MessageHas,
};
use crate::model::event::{Event, User, UserKind};
use crate::model::payload::EventPayload;

use super::access::{Allowed, CompiledOnly, CompiledRoles, Held};
use super::grammar::{PatternToken, config_value, fill_with};
use super::key_words::{self, KeyWords};
use super::{
    DescriptionError, FormsView, KeyWordError, Pattern, PatternError, PluginRoutes, Roles, Routing,
    Sentences, Warning,
};

/// The most commands of one plugin.
const MAX_COMMANDS: usize = 200;
/// The most key words of one plugin.
const MAX_KEY_WORDS: usize = 256;

/// The number of event kinds that can be subscribed to.
const KINDS: usize = EventKind::Other as usize + 1;
/// The number of sets that [`MessageHas`] can make.
const HAS_SETS: usize = 16;

pub(super) struct Plugin {
    pub(super) name: Name,
    pub(super) only: CompiledOnly,
    pub(super) platforms: Vec<String>,
    // Everything a person says, where no command's own line stands instead.
    pub(super) allowed: Allowed,
    pub(super) from_bots: bool,
    pub(super) kinds: Vec<EventKind>,
}

pub(super) struct Command {
    pub(super) plugin: u32,
    pub(super) name: String,
    pub(super) pattern: Pattern,
    pub(super) mention: MentionRule,
    pub(super) help: String,
    pub(super) hidden: bool,
    pub(super) allowed: Allowed,
    // `*` or the name: the line of the settings that `allowed` came from.
    pub(super) allow_key: String,
}

pub(super) struct Filter {
    pub(super) plugin: u32,
    pub(super) has: u8,
    pub(super) from_bots: bool,
    pub(super) words: bool,
}

/// All plugins of one tenant, indexed by what they wait for. Immutable; a reload makes a new one.
pub struct Table {
    pub(super) plugins: Vec<Plugin>,
    pub(super) commands: Vec<Command>,
    pub(super) filters: Vec<Filter>,
    pub(super) roles: CompiledRoles,
    pub(super) sentences: Sentences,
    pub(super) by_word: HashMap<Box<str>, Vec<u32>>,
    // Commands that begin with an argument, or with nothing.
    pub(super) loose: Vec<u32>,
    pub(super) key_words: KeyWords,
    // Filters without key words, by what they want the message to carry.
    pub(super) open_filters: [Vec<u32>; HAS_SETS],
    kinds: [Vec<u32>; KINDS],
}

impl std::fmt::Debug for Table {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Table")
            .field("plugins", &self.plugins.len())
            .field("commands", &self.commands.len())
            .field("filters", &self.filters.len())
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Builds the table. What cannot be used is left out with a warning: `check` refuses it earlier,
    /// but a setting may still give a pattern a wrong value.
    pub fn new(mut plugins: Vec<PluginRoutes>, roles: &Roles) -> (Self, Vec<Warning>) {
        plugins.sort_by(|one, other| one.plugin.cmp(&other.plugin));
        let mut warnings = Vec::new();
        let roles = CompiledRoles::new(roles, &mut warnings);
        let mut build = Build {
            table: Self {
                plugins: Vec::with_capacity(plugins.len()),
                commands: Vec::new(),
                filters: Vec::new(),
                roles,
                sentences: Sentences::default(),
                by_word: HashMap::new(),
                loose: Vec::new(),
                key_words: key_words::Builder::default().build(),
                open_filters: Default::default(),
                kinds: Default::default(),
            },
            key_words: key_words::Builder::default(),
            warnings,
        };
        for plugin in &plugins {
            build.add(plugin);
        }
        build.warn_of_duplicates(&plugins);
        let mut table = build.table;
        table.key_words = build.key_words.build();
        (table, build.warnings)
    }

    /// Makes the host say other sentences.
    pub fn with_sentences(mut self, sentences: Sentences) -> Self {
        self.sentences = sentences;
        self
    }

    /// Checks the patterns and key words of a description, before any setting is known.
    ///
    /// # Errors
    /// Fails on the first command or key word that cannot be used, naming it, with what was
    /// expected and found.
    pub fn check(description: &Description) -> Result<(), DescriptionError> {
        at_most("commands", MAX_COMMANDS, description.commands.len())?;
        let words = description
            .subscriptions
            .messages
            .iter()
            .map(|filter| filter.key_words.len())
            .sum();
        at_most("key words", MAX_KEY_WORDS, words)?;
        // A key's value is not known yet; any word does.
        let stand_in = |key: &str| {
            let known = description.config.iter().any(|known| known.name == key);
            known
                .then(|| "x".to_owned())
                .ok_or_else(|| PatternError::ConfigKey {
                    key: key.to_owned(),
                })
        };
        for (place, command) in description.commands.iter().enumerate() {
            let before = &description.commands[..place];
            if command.name.is_empty() || before.iter().any(|other| other.name == command.name) {
                return Err(DescriptionError::CommandName {
                    command: command.name.clone(),
                });
            }
            fill_with(&command.pattern, stand_in)
                .and_then(|pattern| Pattern::parse(&pattern))
                .map_err(|error| command_error(command, error))?;
        }
        for (place, filter) in description.subscriptions.messages.iter().enumerate() {
            for word in &filter.key_words {
                fill_with(&word.text, stand_in)
                    .map_err(KeyWordError::from)
                    .and_then(|text| {
                        key_words::check(&KeyWord {
                            r#match: word.r#match,
                            text,
                        })
                    })
                    .map_err(|error| key_word_error(place, word, error))?;
            }
        }
        Ok(())
    }

    /// Decides who gets an event of a platform. Events whose plugin the caller knows (timers,
    /// responses, webhooks, outcomes of actions, the plugin's own life) go through
    /// [`Table::route_to`] instead and are for nobody here.
    pub fn route(&self, event: &Event, open_forms: &dyn FormsView) -> Routing {
        if is_own(event) && !matches!(event.payload, EventPayload::FormClosed(_)) {
            return Routing::default();
        }
        match &event.payload {
            EventPayload::Message(message) => self.route_message(event, message),
            EventPayload::FormSubmitted(form) => {
                self.route_to_owner(event, open_forms, &form.message_id)
            }
            EventPayload::ButtonPressed(button) => {
                self.route_to_owner(event, open_forms, &button.message_id)
            }
            EventPayload::FormClosed(form) => {
                self.route_to_owner(event, open_forms, &form.message_id)
            }
            EventPayload::MessageEdited(_) => self.route_kind(event, EventKind::MessageEdited),
            EventPayload::MessageDeleted(_) => self.route_kind(event, EventKind::MessageDeleted),
            EventPayload::MemberChanged(_) => self.route_kind(event, EventKind::MemberChanged),
            EventPayload::ConversationChanged(_) => {
                self.route_kind(event, EventKind::ConversationChanged)
            }
            EventPayload::ContactChanged(_) => self.route_kind(event, EventKind::ContactChanged),
            EventPayload::Reaction(_) => self.route_kind(event, EventKind::Reaction),
            EventPayload::Typing(_) => self.route_kind(event, EventKind::Typing),
            EventPayload::Presence(_) => self.route_kind(event, EventKind::Presence),
            EventPayload::Other(_) => self.route_kind(event, EventKind::Other),
            EventPayload::TimerFired(_)
            | EventPayload::ResponseReceived(_)
            | EventPayload::WebhookReceived(_)
            | EventPayload::ActionDone(_)
            | EventPayload::ActionFailed(_)
            | EventPayload::Lifecycle(_) => Routing::default(),
        }
    }

    pub(super) fn make_route(
        &self,
        plugin: &Plugin,
        view: View,
        event: &Event,
        held: &mut Held,
    ) -> Route {
        Route {
            plugin: plugin.name.clone(),
            view,
            roles: self.roles.names_of(event.actor.as_ref(), held),
        }
    }

    /// The operator's roles that a user holds.
    pub fn roles_of(&self, user: &User) -> Vec<String> {
        self.roles.names_of(Some(user), &mut Held::default())
    }

    pub(super) fn plugin(&self, name: &str) -> Option<&Plugin> {
        let place = self
            .plugins
            .binary_search_by(|plugin| (*plugin.name).cmp(name))
            .ok()?;
        self.plugins.get(place)
    }

    fn route_kind(&self, event: &Event, kind: EventKind) -> Routing {
        let mut held = Held::default();
        let of_message = matches!(kind, EventKind::MessageEdited | EventKind::MessageDeleted);
        let from_bot = is_bot(event);
        let actor = event.actor.as_ref();
        let mut routes = Vec::new();
        let plugins = self.kinds[kind as usize].iter();
        for plugin in plugins.filter_map(|number| self.plugins.get(index(*number))) {
            if !plugin.covers(event)
                || !plugin.only.covers_conversation(event)
                || (of_message && from_bot && !plugin.from_bots)
            {
                continue;
            }
            // What somebody may not say to a plugin, nobody changes a message into.
            if kind == EventKind::MessageEdited
                && !self.roles.allow(&plugin.allowed, actor, &mut held)
            {
                continue;
            }
            routes.push(self.make_route(plugin, View::Whole, event, &mut held));
        }
        Routing { routes, host: None }
    }
}

impl Plugin {
    /// Whether the plugin takes part on the event's platform and bot.
    pub(super) fn covers(&self, event: &Event) -> bool {
        let platform = event.bot.as_ref().map(|bot| &bot.platform);
        (self.platforms.is_empty()
            || platform.is_some_and(|platform| self.platforms.contains(platform)))
            && self.only.covers_bot(event)
    }
}

pub(super) fn index(number: u32) -> usize {
    number as usize
}

pub(super) fn is_bot(event: &Event) -> bool {
    event
        .actor
        .as_ref()
        .is_some_and(|actor| actor.kind == UserKind::Bot)
}

pub(super) fn is_own(event: &Event) -> bool {
    match (&event.actor, &event.bot) {
        (Some(actor), Some(bot)) => actor.kind == UserKind::Bot && actor.id == bot.user_id,
        _ => false,
    }
}

pub(super) fn has_mask(wanted: &[MessageHas]) -> u8 {
    wanted.iter().fold(0, |mask, has| mask | 1 << (*has as u8))
}

struct Build {
    table: Table,
    key_words: key_words::Builder,
    warnings: Vec<Warning>,
}

impl Build {
    fn add(&mut self, routes: &PluginRoutes) {
        let number = count(self.table.plugins.len());
        let description = &routes.description;
        let subscriptions = &description.subscriptions;
        for kind in &subscriptions.kinds {
            let plugins = &mut self.table.kinds[*kind as usize];
            if plugins.last() != Some(&number) {
                plugins.push(number);
            }
        }
        self.warn_of_commands(routes);
        let allowed = self.allowed(routes, "*").unwrap_or_default();
        let only = CompiledOnly::new(&routes.plugin, &routes.access.only, &mut self.warnings);
        self.table.plugins.push(Plugin {
            name: routes.plugin.clone(),
            only,
            platforms: subscriptions.platforms.clone(),
            allowed: allowed.clone(),
            from_bots: subscriptions.messages.iter().any(|filter| filter.from_bots),
            kinds: subscriptions.kinds.clone(),
        });
        for command in description.commands.iter().take(MAX_COMMANDS) {
            self.add_command(number, routes, command, &allowed);
        }
        if subscriptions.kinds.contains(&EventKind::Message) {
            if subscriptions.messages.is_empty() {
                self.add_filter(
                    number,
                    &MessageFilter {
                        key_words: Vec::new(),
                        has: Vec::new(),
                        from_bots: false,
                    },
                );
            }
            for (place, filter) in subscriptions.messages.iter().enumerate() {
                self.add_filter(number, filter);
                self.add_key_words(routes, place, filter);
            }
        }
    }

    fn add_command(
        &mut self,
        plugin: u32,
        routes: &PluginRoutes,
        command: &CommandSpec,
        all: &Allowed,
    ) {
        let declared = &routes.description.config;
        let pattern = super::fill(&command.pattern, |key| {
            config_value(&routes.config, declared, key)
        })
        .and_then(|pattern| Pattern::parse(&pattern));
        let pattern = match pattern {
            Ok(pattern) => pattern,
            Err(error) => {
                let error = command_error(command, error);
                self.warnings.push(Warning::LeftOut {
                    plugin: routes.plugin.clone(),
                    error,
                });
                return;
            }
        };
        let own = self.allowed(routes, &command.name);
        let allow_key = if own.is_some() {
            command.name.clone()
        } else {
            "*".to_owned()
        };
        let number = count(self.table.commands.len());
        match pattern.first_word() {
            Some(word) => self
                .table
                .by_word
                .entry(word.into())
                .or_default()
                .push(number),
            None => self.table.loose.push(number),
        }
        self.table.commands.push(Command {
            plugin,
            name: command.name.clone(),
            pattern,
            mention: command.mention,
            help: command.help.clone(),
            hidden: command.hidden,
            allowed: own.unwrap_or_else(|| all.clone()),
            allow_key,
        });
    }

    fn add_filter(&mut self, plugin: u32, filter: &MessageFilter) {
        let number = count(self.table.filters.len());
        let has = has_mask(&filter.has);
        let words = !filter.key_words.is_empty();
        if !words {
            self.table.open_filters[usize::from(has)].push(number);
        }
        self.table.filters.push(Filter {
            plugin,
            has,
            from_bots: filter.from_bots,
            words,
        });
    }

    fn add_key_words(&mut self, routes: &PluginRoutes, place: usize, filter: &MessageFilter) {
        let number = count(self.table.filters.len().saturating_sub(1));
        let declared = &routes.description.config;
        for word in filter.key_words.iter().take(MAX_KEY_WORDS) {
            // A value is text, also inside an expression, unless the expression is the value alone.
            let alone =
                word.text.starts_with("{=") && word.text.find('}') == Some(word.text.len() - 1);
            let escape = word.r#match == KeyWordMatch::Regex && !alone;
            let added = fill_with(&word.text, |key| {
                config_value(&routes.config, declared, key)
                    .map(|value| {
                        if escape {
                            regex::escape(value)
                        } else {
                            value.to_owned()
                        }
                    })
                    .ok_or_else(|| PatternError::ConfigKey {
                        key: key.to_owned(),
                    })
            })
            .map_err(KeyWordError::from)
            .and_then(|text| {
                self.key_words.add(
                    &KeyWord {
                        r#match: word.r#match,
                        text,
                    },
                    number,
                )
            });
            if let Err(error) = added {
                let error = key_word_error(place, word, error);
                self.warnings.push(Warning::LeftOut {
                    plugin: routes.plugin.clone(),
                    error,
                });
            }
        }
    }

    // The outer none: the settings have no such line.
    fn allowed(&mut self, routes: &PluginRoutes, command: &str) -> Option<Allowed> {
        let roles = routes.access.allow.get(command)?;
        let mut numbers = Vec::with_capacity(roles.len());
        for role in roles {
            match self.table.roles.number(role) {
                Some(number) => numbers.push(number),
                None => self.warnings.push(Warning::UnknownRole {
                    plugin: routes.plugin.clone(),
                    command: command.to_owned(),
                    role: role.clone(),
                }),
            }
        }
        Some(Some(numbers))
    }

    fn warn_of_commands(&mut self, routes: &PluginRoutes) {
        for command in routes.access.allow.keys() {
            let known = command == "*"
                || routes
                    .description
                    .commands
                    .iter()
                    .any(|known| &known.name == command);
            if !known {
                self.warnings.push(Warning::UnknownCommand {
                    plugin: routes.plugin.clone(),
                    command: command.clone(),
                });
            }
        }
    }

    fn warn_of_duplicates(&mut self, plugins: &[PluginRoutes]) {
        let mut seen: HashMap<String, Vec<u32>> = HashMap::new();
        for command in &self.table.commands {
            let others = seen.entry(shape(&command.pattern)).or_default();
            let other = others
                .iter()
                .find(|other| share_a_bot(plugins, **other, command.plugin));
            if let Some(first) = other.and_then(|other| plugins.get(index(*other)))
                && let Some(second) = plugins.get(index(command.plugin))
            {
                self.warnings.push(Warning::DuplicatePattern {
                    pattern: command.pattern.usage(),
                    first: first.plugin.clone(),
                    second: second.plugin.clone(),
                });
            }
            others.push(command.plugin);
        }
    }
}

// The names of arguments make no difference to what a pattern matches.
fn shape(pattern: &Pattern) -> String {
    let words = pattern.tokens.iter().map(|token| match token {
        PatternToken::Literal(word) => word.to_string(),
        PatternToken::Argument { kind, optional, .. } => format!("{{{kind:?} {optional}}}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn share_a_bot(plugins: &[PluginRoutes], one: u32, other: u32) -> bool {
    if one == other {
        return false;
    }
    let bots = |number: u32| {
        plugins
            .get(index(number))
            .map(|plugin| &plugin.access.only.bots)
    };
    match (bots(one), bots(other)) {
        (Some(one), Some(other)) => {
            one.is_empty() || other.is_empty() || one.iter().any(|name| other.contains(name))
        }
        _ => false,
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn at_most(what: &'static str, limit: usize, found: usize) -> Result<(), DescriptionError> {
    if found > limit {
        return Err(DescriptionError::TooMany { what, limit, found });
    }
    Ok(())
}

fn command_error(command: &CommandSpec, error: PatternError) -> DescriptionError {
    DescriptionError::Command {
        command: command.name.clone(),
        pattern: command.pattern.clone(),
        error,
    }
}

fn key_word_error(place: usize, word: &KeyWord, error: KeyWordError) -> DescriptionError {
    DescriptionError::KeyWord {
        filter: place + 1,
        text: word.text.clone(),
        error,
    }
}
