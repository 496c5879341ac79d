//! A plugin's description, as the contract has it.

use crate::model::description;
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn description_from_wit(
    x: wit::description::Description,
) -> description::Description {
    description::Description {
        name: x.name,
        version: x.version,
        state_version: x.state_version,
        summary: x.summary,
        author: x.author,
        licence: x.licence,
        homepage: x.homepage,
        subscriptions: subscriptions_from_wit(x.subscriptions),
        commands: x.commands.into_iter().map(command_spec_from_wit).collect(),
        config: x.config.into_iter().map(config_key_from_wit).collect(),
        capabilities: x
            .capabilities
            .into_iter()
            .map(capability_request_from_wit)
            .collect(),
        extras: x.extras,
    }
}

pub(in crate::runtime) fn subscriptions_from_wit(
    x: wit::description::Subscriptions,
) -> description::Subscriptions {
    description::Subscriptions {
        kinds: x.kinds.into_iter().map(event_kind_from_wit).collect(),
        platforms: x.platforms,
        messages: x
            .messages
            .into_iter()
            .map(message_filter_from_wit)
            .collect(),
    }
}

pub(in crate::runtime) fn event_kind_from_wit(
    x: wit::description::EventKind,
) -> description::EventKind {
    match x {
        wit::description::EventKind::Message => description::EventKind::Message,
        wit::description::EventKind::MessageEdited => description::EventKind::MessageEdited,
        wit::description::EventKind::MessageDeleted => description::EventKind::MessageDeleted,
        wit::description::EventKind::FormSubmitted => description::EventKind::FormSubmitted,
        wit::description::EventKind::FormClosed => description::EventKind::FormClosed,
        wit::description::EventKind::ButtonPressed => description::EventKind::ButtonPressed,
        wit::description::EventKind::MemberChanged => description::EventKind::MemberChanged,
        wit::description::EventKind::ConversationChanged => {
            description::EventKind::ConversationChanged
        }
        wit::description::EventKind::ContactChanged => description::EventKind::ContactChanged,
        wit::description::EventKind::Reaction => description::EventKind::Reaction,
        wit::description::EventKind::Typing => description::EventKind::Typing,
        wit::description::EventKind::Presence => description::EventKind::Presence,
        wit::description::EventKind::ActionDone => description::EventKind::ActionDone,
        wit::description::EventKind::ActionFailed => description::EventKind::ActionFailed,
        wit::description::EventKind::Lifecycle => description::EventKind::Lifecycle,
        wit::description::EventKind::Other => description::EventKind::Other,
    }
}

pub(in crate::runtime) fn message_filter_from_wit(
    x: wit::description::MessageFilter,
) -> description::MessageFilter {
    description::MessageFilter {
        key_words: x.key_words.into_iter().map(key_word_from_wit).collect(),
        has: x.has.into_iter().map(message_has_from_wit).collect(),
        from_bots: x.from_bots,
    }
}

pub(in crate::runtime) fn key_word_from_wit(x: wit::description::KeyWord) -> description::KeyWord {
    description::KeyWord {
        r#match: key_word_match_from_wit(x.match_),
        text: x.text,
    }
}

pub(in crate::runtime) fn key_word_match_from_wit(
    x: wit::description::KeyWordMatch,
) -> description::KeyWordMatch {
    match x {
        wit::description::KeyWordMatch::Contains => description::KeyWordMatch::Contains,
        wit::description::KeyWordMatch::Word => description::KeyWordMatch::Word,
        wit::description::KeyWordMatch::Equals => description::KeyWordMatch::Equals,
        wit::description::KeyWordMatch::Regex => description::KeyWordMatch::Regex,
    }
}

pub(in crate::runtime) fn message_has_from_wit(
    x: wit::description::MessageHas,
) -> description::MessageHas {
    match x {
        wit::description::MessageHas::Mention => description::MessageHas::Mention,
        wit::description::MessageHas::Cashtag => description::MessageHas::Cashtag,
        wit::description::MessageHas::Hashtag => description::MessageHas::Hashtag,
        wit::description::MessageHas::Attachment => description::MessageHas::Attachment,
    }
}

pub(in crate::runtime) fn command_spec_from_wit(
    x: wit::description::CommandSpec,
) -> description::CommandSpec {
    description::CommandSpec {
        name: x.name,
        pattern: x.pattern,
        mention: mention_rule_from_wit(x.mention),
        help: x.help,
        arguments: x
            .arguments
            .into_iter()
            .map(argument_help_from_wit)
            .collect(),
        hidden: x.hidden,
    }
}

pub(in crate::runtime) fn mention_rule_from_wit(
    x: wit::description::MentionRule,
) -> description::MentionRule {
    match x {
        wit::description::MentionRule::Required => description::MentionRule::Required,
        wit::description::MentionRule::Optional => description::MentionRule::Optional,
        wit::description::MentionRule::Never => description::MentionRule::Never,
    }
}

pub(in crate::runtime) fn argument_help_from_wit(
    x: wit::description::ArgumentHelp,
) -> description::ArgumentHelp {
    description::ArgumentHelp {
        name: x.name,
        help: x.help,
    }
}

pub(in crate::runtime) fn config_key_from_wit(
    x: wit::description::ConfigKey,
) -> description::ConfigKey {
    description::ConfigKey {
        name: x.name,
        kind: config_kind_from_wit(x.kind),
        required: x.required,
        default: x.default,
        help: x.help,
    }
}

pub(in crate::runtime) fn config_kind_from_wit(
    x: wit::description::ConfigKind,
) -> description::ConfigKind {
    match x {
        wit::description::ConfigKind::Text => description::ConfigKind::Text,
        wit::description::ConfigKind::Number => description::ConfigKind::Number,
        wit::description::ConfigKind::Flag => description::ConfigKind::Flag,
        wit::description::ConfigKind::Duration => description::ConfigKind::Duration,
        wit::description::ConfigKind::Choice(x) => description::ConfigKind::Choice(x),
        wit::description::ConfigKind::List => description::ConfigKind::List,
    }
}

pub(in crate::runtime) fn capability_request_from_wit(
    x: wit::description::CapabilityRequest,
) -> description::CapabilityRequest {
    description::CapabilityRequest {
        what: capability_from_wit(x.what),
        reason: x.reason,
        optional: x.optional,
    }
}

pub(in crate::runtime) fn capability_from_wit(
    x: wit::description::Capability,
) -> description::Capability {
    match x {
        wit::description::Capability::Http(x) => description::Capability::Http(x),
        wit::description::Capability::Action(x) => description::Capability::Action(x),
        wit::description::Capability::Read(x) => description::Capability::Read(x),
        wit::description::Capability::Other(x) => description::Capability::Other(x),
    }
}
