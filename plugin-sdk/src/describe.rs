//! Builders of `describe`.

use crate::description::{
    ArgumentHelp, Capability, CapabilityRequest, CommandSpec, ConfigKey, ConfigKind, Description,
    EventKind, KeyWord, KeyWordMatch, MentionRule, MessageFilter, MessageHas, Subscriptions,
};

impl Description {
    /// Makes one that hears nothing yet.
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            state_version: 0,
            summary: summary.into(),
            author: String::new(),
            licence: String::new(),
            homepage: None,
            subscriptions: Subscriptions {
                kinds: Vec::new(),
                platforms: Vec::new(),
                messages: Vec::new(),
            },
            commands: Vec::new(),
            config: Vec::new(),
            capabilities: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Subscribes to kinds of events.
    #[must_use]
    pub fn hears(mut self, kinds: &[EventKind]) -> Self {
        self.subscriptions.kinds.extend_from_slice(kinds);
        self
    }

    /// Subscribes to every message of people.
    #[must_use]
    pub fn every_message(self) -> Self {
        self.hears(&[EventKind::Message])
    }

    /// Subscribes to messages that pass a filter.
    #[must_use]
    pub fn messages(mut self, filter: MessageFilter) -> Self {
        if !self.subscriptions.kinds.contains(&EventKind::Message) {
            self.subscriptions.kinds.push(EventKind::Message);
        }
        self.subscriptions.messages.push(filter);
        self
    }

    /// Adds a command with a mention that is optional.
    #[must_use]
    pub fn command(
        mut self,
        name: impl Into<String>,
        pattern: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        self.commands.push(CommandSpec {
            name: name.into(),
            pattern: pattern.into(),
            mention: MentionRule::Optional,
            help: help.into(),
            arguments: Vec::new(),
            hidden: false,
        });
        self
    }

    /// Adds a setting.
    #[must_use]
    pub fn config_key(mut self, key: ConfigKey) -> Self {
        self.config.push(key);
        self
    }

    /// Asks for something, with a reason that a person can judge.
    #[must_use]
    pub fn asks(mut self, what: Capability, reason: impl Into<String>, optional: bool) -> Self {
        self.capabilities.push(CapabilityRequest {
            what,
            reason: reason.into(),
            optional,
        });
        self
    }
}

/// Makes the frame from what the macro found in the attributes and in Cargo's environment.
pub fn description(
    [name, version, summary, author, licence, homepage]: [&str; 6],
    state_version: u32,
    kinds: &[EventKind],
    platforms: &[&str],
) -> Description {
    let mut made = Description::new(name, version, summary);
    made.author = author.into();
    made.licence = licence.into();
    made.homepage = (!homepage.is_empty()).then(|| homepage.into());
    made.state_version = state_version;
    made.subscriptions.kinds = kinds.to_vec();
    made.subscriptions.platforms = texts(platforms);
    made
}

/// Makes a command.
pub fn command(
    [name, pattern, help]: [&str; 3],
    mention: MentionRule,
    hidden: bool,
    arguments: &[[&str; 2]],
) -> CommandSpec {
    CommandSpec {
        name: name.into(),
        pattern: pattern.into(),
        mention,
        help: help.into(),
        arguments: arguments
            .iter()
            .map(|[name, help]| ArgumentHelp {
                name: (*name).into(),
                help: (*help).into(),
            })
            .collect(),
        hidden,
    }
}

/// Makes a message filter.
pub fn filter(
    key_words: &[(KeyWordMatch, &str)],
    has: &[MessageHas],
    from_bots: bool,
) -> MessageFilter {
    MessageFilter {
        key_words: key_words
            .iter()
            .map(|(kind, text)| KeyWord {
                match_: *kind,
                text: (*text).into(),
            })
            .collect(),
        has: has.to_vec(),
        from_bots,
    }
}

/// Makes a setting.
pub fn config_key(
    name: &str,
    kind: ConfigKind,
    required: bool,
    default: Option<&str>,
    help: &str,
) -> ConfigKey {
    ConfigKey {
        name: name.into(),
        kind,
        required,
        default: default.map(Into::into),
        help: help.into(),
    }
}

/// Makes a wish for HTTP.
pub fn capability_http(what: &str) -> Capability {
    Capability::Http(what.into())
}

/// Makes a wish for an action.
pub fn capability_action(what: &str) -> Capability {
    Capability::Action(what.into())
}

/// Makes a wish for a read.
pub fn capability_read(what: &str) -> Capability {
    Capability::Read(what.into())
}

/// Makes any other wish.
pub fn capability_other(what: &str) -> Capability {
    Capability::Other(what.into())
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).into()).collect()
}
