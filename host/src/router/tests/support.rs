//! Plugins, events and messages for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::delivery::View;
use crate::model::description::{
    CommandSpec, Description, EventKind, KeyWord, KeyWordMatch, MentionRule, MessageFilter,
    Subscriptions,
};
use crate::model::event::{
    Addressing, Argument, Bot, Conversation, ConversationKind, ConversationRole, Event, Message,
    User, UserKind,
};
use crate::model::payload::EventPayload;
use crate::router::{Access, NoForms, PluginRoutes, Roles, Routing, Table};

pub(super) fn description() -> Description {
    Description {
        name: "test".to_owned(),
        version: "1.0.0".to_owned(),
        state_version: 0,
        summary: String::new(),
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

pub(super) fn command(name: &str, pattern: &str, mention: MentionRule) -> CommandSpec {
    CommandSpec {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        mention,
        help: format!("does {name}"),
        arguments: Vec::new(),
        hidden: false,
    }
}

pub(super) fn with_commands(commands: &[(&str, &str)]) -> Description {
    let commands = commands
        .iter()
        .map(|(name, pattern)| command(name, pattern, MentionRule::Optional))
        .collect();
    Description {
        commands,
        ..description()
    }
}

pub(super) fn with_words(words: &[(KeyWordMatch, &str)]) -> Description {
    let key_words = words
        .iter()
        .map(|(r#match, text)| KeyWord {
            r#match: *r#match,
            text: (*text).to_owned(),
        })
        .collect();
    let filter = MessageFilter {
        key_words,
        has: Vec::new(),
        from_bots: false,
    };
    with_filters(vec![filter])
}

pub(super) fn with_filters(messages: Vec<MessageFilter>) -> Description {
    let subscriptions = Subscriptions {
        kinds: vec![EventKind::Message],
        platforms: Vec::new(),
        messages,
    };
    Description {
        subscriptions,
        ..description()
    }
}

pub(super) fn plugin(name: &str, description: Description) -> PluginRoutes {
    PluginRoutes {
        plugin: name.into(),
        description: Arc::new(description),
        config: BTreeMap::new(),
        access: Access::default(),
    }
}

pub(super) fn table(plugins: Vec<PluginRoutes>) -> Table {
    let (table, warnings) = Table::new(plugins, &Roles::default());
    assert!(warnings.is_empty(), "{warnings:?}");
    table
}

pub(super) fn message(text: &str) -> Message {
    Message::of_text("m1", text)
}

pub(super) fn user(id: &str, kind: UserKind) -> User {
    User {
        email: Some(format!("{id}@acme.com")),
        kind,
        role_here: ConversationRole::Member,
        ..User::of_id(id)
    }
}

/// A message of ada's in the room `Desk 1` of the bot `desk` on `platform`.
pub(super) fn event(platform: &str, message: Message) -> Event {
    Event {
        id: "e1".to_owned(),
        sequence: 1,
        attempt: 1,
        occurred_at: 0,
        received_at: 0,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: platform.to_owned(),
            user_id: "123456789".to_owned(),
            display_name: "Desk Bot".to_owned(),
        }),
        conversation: Some(Conversation {
            name: Some("Desk 1".to_owned()),
            ..Conversation::of_kind("c1", ConversationKind::Room)
        }),
        actor: Some(user("ada", UserKind::Human)),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "t".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(message),
    }
}

pub(super) fn said(text: &str) -> Event {
    event("local", message(text))
}

pub(super) fn direct(mut event: Event) -> Event {
    event.addressing = Addressing::Direct;
    if let Some(place) = &mut event.conversation {
        place.kind = ConversationKind::Direct;
    }
    event
}

pub(super) fn mentioned(mut event: Event) -> Event {
    event.addressing = Addressing::Mention;
    event
}

pub(super) fn route(table: &Table, event: &Event) -> Routing {
    table.route(event, &NoForms)
}

/// `plugin:command(name=value, …)`, or `plugin:*` for other views, one a route.
pub(super) fn routed(table: &Table, event: &Event) -> Vec<String> {
    let show = |arguments: &[Argument]| {
        let shown: Vec<String> = arguments
            .iter()
            .map(|argument| format!("{}={:?}", argument.name, argument.value))
            .collect();
        shown.join(", ")
    };
    route(table, event)
        .routes
        .iter()
        .map(|route| match &route.view {
            View::Whole => format!("{}:*", route.plugin),
            View::KeyWord { arguments } => format!("{}:word({})", route.plugin, show(arguments)),
            View::Command { name, arguments } => {
                format!("{}:{name}({})", route.plugin, show(arguments))
            }
            View::Say(_) => format!("{}:says", route.plugin),
            View::Act(_) => format!("{}:acts", route.plugin),
        })
        .collect()
}

pub(super) fn host_text(table: &Table, event: &Event) -> String {
    match route(table, event).host {
        Some(says) => crate::content::text(says.content()).0,
        None => String::new(),
    }
}
