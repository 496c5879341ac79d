//! Why somebody gets an event and somebody else does not.

use crate::model::description::{Description, EventKind, KeyWordMatch, MentionRule};
use crate::model::event::{Event, UserKind};
use crate::model::payload::EventPayload;
use crate::router::{Access, NoForms, Only, PluginRoutes, Table};

use super::support::{
    command, description, event, message, plugin, said, table, user, with_commands, with_words,
};

/// What is said of the only plugin, with `+` where it gets the event.
fn told(table: &Table, event: &Event) -> String {
    let routing = table.route(event, &NoForms);
    let told = table.explain(event, &routing);
    let gets = if told[0].gets { "+ " } else { "" };
    assert_eq!(told[0].gets, !routing.routes.is_empty());
    format!("{gets}{}", told[0].why)
}

fn check(description: Description, event: &Event, wanted: &str) {
    let table = table(vec![plugin("p", description)]);
    assert_eq!(told(&table, event), wanted);
}

fn allowed(access: Access) -> Table {
    let plugin = PluginRoutes {
        access,
        ..plugin("p", with_commands(&[("buy", "/buy {n:int} {@who?}")]))
    };
    let roles = crate::router::Roles([("staff".to_owned(), vec!["*@staff.com".to_owned()])].into());
    Table::new(vec![plugin], &roles).0
}

#[test]
fn says_by_which_command_or_subscription() {
    let buy = || with_commands(&[("buy", "/buy {n:int} {rest...}")]);
    check(
        buy(),
        &said("/buy 3 red apples"),
        "+ command buy: /buy <n> <rest…> (n = 3, rest = red apples)",
    );
    let words = with_words(&[(KeyWordMatch::Regex, "order (?<id>[0-9]+)")]);
    check(
        words,
        &said("my order 12"),
        "+ one of its key words (id = 12)",
    );
    let mut all = description();
    all.subscriptions.kinds = vec![EventKind::Message, EventKind::Typing];
    check(all.clone(), &said("x"), "+ it hears messages like this one");
    let mut typing = said("");
    typing.payload = EventPayload::Typing(true);
    check(all, &typing, "+ it subscribes to typing");
}

#[test]
fn says_why_not() {
    let buy = || with_commands(&[("buy", "/buy {n:int}")]);
    check(buy(), &said("hello"), "it is none of its commands");
    check(
        buy(),
        &said("/buy much"),
        "the command buy is written /buy <n>",
    );
    let mut wants = description();
    wants.commands = vec![command("buy", "/buy {n:int}", MentionRule::Required)];
    check(
        wants,
        &said("/buy 3"),
        "the command buy wants the bot mentioned",
    );
    check(
        description(),
        &said("x"),
        "it does not subscribe to message, and has no commands",
    );
    let words = || with_words(&[(KeyWordMatch::Word, "pizza")]);
    check(
        words(),
        &said("pasta"),
        "none of its filters takes the message",
    );
    let mut by_bot = said("pizza");
    by_bot.actor = Some(user("other", UserKind::Bot));
    check(words(), &by_bot, "it does not hear bots");
    let mut own = said("pizza");
    own.actor = Some(user("123456789", UserKind::Bot));
    check(words(), &own, "a bot does not hear itself");
    let mut typing = said("");
    typing.payload = EventPayload::Typing(true);
    check(words(), &typing, "it does not subscribe to typing");
    let mut elsewhere = words();
    elsewhere.subscriptions.platforms = vec!["webex".to_owned()];
    let heard = event("symphony", message("pizza"));
    check(elsewhere, &heard, "it is for webex only");
}

#[test]
fn names_the_setting_that_leaves_somebody_out() {
    let only = |only: Only| {
        allowed(Access {
            only,
            ..Access::default()
        })
    };
    let bots = only(Only {
        bots: vec!["night".to_owned()],
        ..Only::default()
    });
    assert_eq!(
        told(&bots, &said("/buy 3")),
        "plugin.p.only.bots leaves this bot out"
    );
    let places = only(Only {
        conversations: vec!["Kitchen".to_owned()],
        ..Only::default()
    });
    assert_eq!(
        told(&places, &said("/buy 3")),
        "plugin.p.only leaves this conversation out"
    );
    let staff = allowed(Access {
        allow: [("buy".to_owned(), vec!["staff".to_owned()])].into(),
        ..Access::default()
    });
    assert_eq!(
        told(&staff, &said("/buy 3")),
        "plugin.p.allow.\"buy\" leaves this person out"
    );
}

#[test]
fn says_what_the_host_answers() {
    let table = table(vec![plugin("p", with_commands(&[("buy", "/buy {n:int}")]))]);
    let host = |text: &str| {
        let event = said(text);
        let told = table.explain(&event, &table.route(&event, &NoForms));
        let host = told.into_iter().find(|it| it.plugin.is_none());
        host.map(|host| host.why)
    };
    assert_eq!(host("hello"), None);
    assert_eq!(
        host("/help").as_deref(),
        Some("answers with the list of commands")
    );
    assert_eq!(
        host("/buy much").as_deref(),
        Some("answers with how the command is written")
    );
}
