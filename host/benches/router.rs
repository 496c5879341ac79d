//! What a message costs in the router, with one plugin and among a hundred.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use parlor_host::model::description::{
    CommandSpec, Description, EventKind, KeyWord, KeyWordMatch, MentionRule, MessageFilter,
    Subscriptions,
};
use parlor_host::model::event::{
    Addressing, Bot, Conversation, ConversationKind, ConversationRole, Event, Message, User,
    UserKind,
};
use parlor_host::model::payload::EventPayload;
use parlor_host::router::{Access, NoForms, PluginRoutes, Roles, Table};

const LONG: &str = "Good morning everybody, the desk opens at eight today because of the holiday in Tokyo, \
    please check your open orders and tell Ada if anything in the overnight report looks wrong to you";

fn description(command: &str, word: &str) -> Description {
    Description {
        name: "bench".to_owned(),
        version: "1.0.0".to_owned(),
        state_version: 0,
        summary: String::new(),
        author: String::new(),
        licence: String::new(),
        homepage: None,
        subscriptions: Subscriptions {
            kinds: vec![EventKind::Message],
            platforms: Vec::new(),
            messages: vec![MessageFilter {
                key_words: vec![KeyWord {
                    r#match: KeyWordMatch::Contains,
                    text: word.to_owned(),
                }],
                has: Vec::new(),
                from_bots: false,
            }],
        },
        commands: vec![CommandSpec {
            name: "command".to_owned(),
            pattern: format!("{command} {{quantity:int}} {{rest...}}"),
            mention: MentionRule::Optional,
            help: "does something".to_owned(),
            arguments: Vec::new(),
            hidden: false,
        }],
        config: Vec::new(),
        capabilities: Vec::new(),
        extras: Vec::new(),
    }
}

fn plugin(name: &str, description: Description) -> PluginRoutes {
    PluginRoutes {
        plugin: name.into(),
        description: Arc::new(description),
        config: BTreeMap::new(),
        access: Access::default(),
    }
}

/// The plugin that is measured, with `others` that wait for other words and commands.
fn table(others: usize) -> Table {
    let mut plugins = vec![plugin("pizza", description("/buy", "pizza"))];
    plugins.extend((0..others).map(|number| {
        plugin(
            &format!("other{number}"),
            description(&format!("/cmd{number}"), &format!("topic{number}")),
        )
    }));
    Table::new(plugins, &Roles::default()).0
}

/// The plugin that is measured, with 99 that hear joins only.
fn table_of_idle() -> Table {
    let mut plugins = vec![plugin("pizza", description("/buy", "pizza"))];
    plugins.extend((0..99).map(|number| {
        let mut idle = description("/x", "x");
        idle.commands.clear();
        idle.subscriptions.messages.clear();
        idle.subscriptions.kinds = vec![EventKind::MemberChanged];
        plugin(&format!("other{number}"), idle)
    }));
    Table::new(plugins, &Roles::default()).0
}

fn event(text: &str) -> Event {
    Event {
        id: "e1".to_owned(),
        sequence: 1,
        attempt: 1,
        occurred_at: 0,
        received_at: 0,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "bot".to_owned(),
            display_name: "Desk Bot".to_owned(),
        }),
        conversation: Some(Conversation {
            id: "c1".to_owned(),
            kind: ConversationKind::Room,
            name: Some("Desk 1".to_owned()),
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(User {
            id: "ada".to_owned(),
            display_name: "Ada".to_owned(),
            user_name: None,
            first_name: None,
            last_name: None,
            email: Some("ada@acme.com".to_owned()),
            time_zone: None,
            locale: None,
            kind: UserKind::Human,
            role_here: ConversationRole::Member,
            roles: Vec::new(),
        }),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "t".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(Message::of_text("m1", text)),
    }
}

fn route(criterion: &mut Criterion) {
    let tables = [
        ("1", table(0)),
        ("1 of 100 idle", table_of_idle()),
        ("1 of 100 active", table(99)),
    ];
    let events = [
        ("unwanted", event("see you at the meeting at four")),
        ("unwanted, long", event(LONG)),
        ("key word", event("where is my PIZZA?")),
        ("command", event("/buy 1000 shares of goog")),
    ];
    for (what, event) in &events {
        let mut group = criterion.benchmark_group(format!("route {what}"));
        for (plugins, table) in &tables {
            group.bench_function(*plugins, |bencher| {
                bencher.iter(|| table.route(black_box(event), &NoForms))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, route);
criterion_main!(benches);
