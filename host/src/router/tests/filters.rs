//! Key words, other filters and the kinds that need no text.

use crate::model::Name;
use crate::model::description::{
    Description, EventKind, KeyWord, KeyWordMatch, MessageFilter, MessageHas, Subscriptions,
};
use crate::model::event::{Cashtag, Event, UserKind};
use crate::model::payload::{
    ActionDone, ActionRef, ButtonPressed, EventPayload, FormCloseReason, FormClosed, FormSubmitted,
    Lifecycle, MemberChange, MemberChanged, MessageDeleted,
};
use crate::router::{FormsView, NoForms, Roles, Table};

use super::support::{
    description, event, message, plugin, route, routed, said, table, user, with_commands,
    with_filters, with_words,
};

#[test]
fn key_words_compare_without_regard_to_case() {
    use KeyWordMatch::{Contains, Equals, Regex, Word};
    for (r#match, word, text, expected) in [
        (Contains, "pizza", "Where is my PIZZAS?", true),
        (Contains, "pizza", "pasta", false),
        (Contains, "ÄRGER", "großer ärger", true),
        (Contains, "ΟΔΟΣ", "η οδός".replace('ό', "ο").as_str(), true),
        (Word, "cat", "a Cat!", true),
        (Word, "cat", "concatenate", false),
        (Word, "cat", "concat cat", true),
        (Word, "cat", "cat_food", false),
        (Word, "straße", "die STRASSE", false),
        (Word, "naïve", "so NAÏVE.", true),
        (Equals, "hello", " Hello ", true),
        (Equals, "hello", "hello you", false),
        (Regex, "^order (\\d+)$", "ORDER 12", true),
        (Regex, "^order (\\d+)$", "order x", false),
    ] {
        let table = table(vec![plugin("p", with_words(&[(r#match, word)]))]);
        assert_eq!(
            !routed(&table, &said(text)).is_empty(),
            expected,
            "{match:?} `{word}` in `{text}`"
        );
    }
}

#[test]
fn captures_arrive_as_arguments() {
    let words = [(KeyWordMatch::Regex, r"ticket (?<project>[a-z]+)-(\d+)")];
    let table = table(vec![plugin("p", with_words(&words))]);
    assert_eq!(
        routed(&table, &said("see Ticket ABC-42 please")),
        [r#"p:word(project=Text("ABC"), 2=Text("42"))"#]
    );
}

#[test]
fn one_index_serves_many_plugins() {
    let mut plugins: Vec<_> = (0..100)
        .map(|number| {
            let word = format!("topic{number:02}");
            plugin(
                &format!("p{number:02}"),
                with_words(&[(KeyWordMatch::Contains, &word), (KeyWordMatch::Word, "all")]),
            )
        })
        .collect();
    plugins.push(plugin(
        "regex",
        with_words(&[(KeyWordMatch::Regex, "topic[0-9]+7")]),
    ));
    let table = table(plugins);
    assert_eq!(
        routed(&table, &said("about Topic37 and topic05")),
        ["p05:word()", "p37:word()", "regex:word()"]
    );
    assert_eq!(routed(&table, &said("ALL of you")).len(), 100);
    assert!(routed(&table, &said("alloy")).is_empty());
}

#[test]
fn any_word_and_all_of_has() {
    let filter = MessageFilter {
        key_words: vec![
            KeyWord {
                r#match: KeyWordMatch::Contains,
                text: "buy".to_owned(),
            },
            KeyWord {
                r#match: KeyWordMatch::Contains,
                text: "sell".to_owned(),
            },
        ],
        has: vec![MessageHas::Cashtag],
        from_bots: false,
    };
    let only_has = MessageFilter {
        key_words: Vec::new(),
        has: vec![MessageHas::Cashtag, MessageHas::Hashtag],
        from_bots: false,
    };
    let table = table(vec![
        plugin("trade", with_filters(vec![filter])),
        plugin("tags", with_filters(vec![only_has])),
    ]);
    assert!(routed(&table, &said("sell it")).is_empty());
    let mut tagged = message("sell $goog");
    tagged.cashtags = vec![Cashtag {
        ticker: "goog".to_owned(),
        ids: Vec::new(),
    }];
    assert_eq!(
        routed(&table, &event("local", tagged.clone())),
        ["trade:word()"]
    );
    tagged.hashtags = vec!["now".to_owned()];
    assert_eq!(
        routed(&table, &event("local", tagged)),
        ["tags:*", "trade:word()"]
    );
}

#[test]
fn commands_come_before_filters_and_once_a_plugin() {
    let mut both = with_commands(&[("pizza", "/pizza")]);
    both.subscriptions = with_words(&[(KeyWordMatch::Contains, "pizza")]).subscriptions;
    let table = table(vec![
        plugin("p", both),
        plugin("all", with_filters(Vec::new())),
    ]);
    assert_eq!(routed(&table, &said("/pizza")), ["all:*", "p:pizza()"]);
    assert_eq!(routed(&table, &said("pizza pizza")), ["all:*", "p:word()"]);
}

#[test]
fn without_the_kind_no_message_comes() {
    let mut deaf = with_words(&[(KeyWordMatch::Contains, "pizza")]);
    deaf.subscriptions.kinds.clear();
    assert!(routed(&table(vec![plugin("p", deaf)]), &said("pizza")).is_empty());
}

#[test]
fn platforms_narrow() {
    let mut webex = with_filters(Vec::new());
    webex.subscriptions.platforms = vec!["webex".to_owned()];
    let table = table(vec![plugin("p", webex)]);
    assert!(routed(&table, &said("x")).is_empty());
    assert_eq!(routed(&table, &event("webex", message("x"))), ["p:*"]);
}

#[test]
fn a_bad_expression_is_named() {
    let check = |word: &str| {
        Table::check(&with_words(&[(KeyWordMatch::Regex, word)]))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        check("(?=x)"),
        "message filter 1, key word `(?=x)`: expected a regular expression without look-around, \
         found look-around, including look-ahead and look-behind, is not supported"
    );
    assert!(check(&"a".repeat(300)).contains("at most 256 bytes, found 300"));
    assert!(check("(\\pL{1000}){1000}").contains("expected a regular expression"));
    assert!(check(" ").contains("found an empty key word"));
}

#[test]
fn config_values_are_text_inside_an_expression() {
    let mut described = with_words(&[(KeyWordMatch::Regex, r"^{=word}\s+\d+$")]);
    described.config = vec![crate::model::description::ConfigKey {
        name: "word".to_owned(),
        kind: crate::model::description::ConfigKind::Text,
        required: true,
        default: None,
        help: String::new(),
    }];
    assert_eq!(Table::check(&described), Ok(()));
    let mut set = plugin("p", described);
    set.config.insert("word".to_owned(), "a.c".to_owned());
    let (table, _) = Table::new(vec![set], &Roles::default());
    assert!(routed(&table, &said("abc 1")).is_empty());
    assert_eq!(routed(&table, &said("a.c 1")), ["p:word()"]);
}

fn with_kinds(kinds: &[EventKind]) -> Description {
    let subscriptions = Subscriptions {
        kinds: kinds.to_vec(),
        platforms: Vec::new(),
        messages: Vec::new(),
    };
    Description {
        subscriptions,
        ..description()
    }
}

fn happened(payload: EventPayload) -> Event {
    Event {
        payload,
        ..said("")
    }
}

#[test]
fn kinds_go_to_their_subscribers() {
    let table = table(vec![
        plugin(
            "joins",
            with_kinds(&[EventKind::MemberChanged, EventKind::MemberChanged]),
        ),
        plugin("deletes", with_kinds(&[EventKind::MessageDeleted])),
        plugin("nothing", with_kinds(&[])),
    ]);
    let joined = MemberChanged {
        who: user("bob", UserKind::Human),
        change: MemberChange::Joined,
        is_self: false,
    };
    assert_eq!(
        routed(
            &table,
            &happened(EventPayload::MemberChanged(joined.clone()))
        ),
        ["joins:*"]
    );
    let deleted = MessageDeleted {
        message_id: "m".to_owned(),
    };
    assert_eq!(
        routed(
            &table,
            &happened(EventPayload::MessageDeleted(deleted.clone()))
        ),
        ["deletes:*"]
    );
    let mut by_bot = happened(EventPayload::MessageDeleted(deleted));
    by_bot.actor = Some(user("robot", UserKind::Bot));
    assert!(routed(&table, &by_bot).is_empty());
}

struct Owner(&'static str);

impl FormsView for Owner {
    fn owner(&self, _event: &Event, message_id: &str) -> Option<Name> {
        (message_id == "m9").then(|| self.0.into())
    }
}

#[test]
fn forms_and_buttons_go_to_who_sent_them() {
    let table = table(vec![
        plugin("form", with_kinds(&[])),
        plugin(
            "nosy",
            with_kinds(&[
                EventKind::FormSubmitted,
                EventKind::ButtonPressed,
                EventKind::FormClosed,
            ]),
        ),
    ]);
    let submitted = |message_id: &str| {
        happened(EventPayload::FormSubmitted(FormSubmitted {
            form_id: "f".to_owned(),
            message_id: message_id.to_owned(),
            values: Vec::new(),
            button: "ok".to_owned(),
        }))
    };
    let pressed = happened(EventPayload::ButtonPressed(ButtonPressed {
        button_id: "b".to_owned(),
        value: String::new(),
        message_id: "m9".to_owned(),
    }));
    let closed = happened(EventPayload::FormClosed(FormClosed {
        form_id: "f".to_owned(),
        message_id: "m9".to_owned(),
        who: None,
        reason: FormCloseReason::Expired,
    }));
    let to = |event: &Event, owner: &'static str| -> Vec<String> {
        table
            .route(event, &Owner(owner))
            .routes
            .iter()
            .map(|route| route.plugin.to_string())
            .collect()
    };
    assert_eq!(to(&submitted("m9"), "form"), ["form"]);
    assert_eq!(to(&pressed, "form"), ["form"]);
    assert!(to(&submitted("m1"), "form").is_empty());
    assert!(to(&submitted("m9"), "gone").is_empty());
    // Closing is news only for those who asked for it.
    assert!(to(&closed, "form").is_empty());
    assert_eq!(to(&closed, "nosy"), ["nosy"]);
    assert!(table.route(&pressed, &NoForms).routes.is_empty());
}

#[test]
fn what_the_caller_knows_is_not_routed_here() {
    let table = table(vec![
        plugin("p", with_kinds(&[EventKind::ActionDone])),
        plugin("q", with_kinds(&[])),
    ]);
    let done = happened(EventPayload::ActionDone(ActionDone {
        action: ActionRef {
            key: None,
            index: 0,
        },
        message_id: None,
        conversation: None,
        notes: Vec::new(),
    }));
    assert!(route(&table, &done).routes.is_empty());
    assert!(table.route_to("p", &done).is_some());
    assert!(table.route_to("q", &done).is_none());
    assert!(table.route_to("gone", &done).is_none());
    assert!(
        table
            .route_to("p", &happened(EventPayload::Lifecycle(Lifecycle::Started)))
            .is_none()
    );
}
