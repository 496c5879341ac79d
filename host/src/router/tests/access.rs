//! Roles, `only` and `allow`.

use std::collections::BTreeMap;

use crate::model::Name;
use crate::model::description::{EventKind, KeyWordMatch};
use crate::model::event::{Event, UserKind};
use crate::model::payload::{ButtonPressed, EventPayload, MessageEdited, TimerFired};
use crate::router::{Access, FormsView, HostSays, Only, PluginRoutes, Roles, Table};

use super::support::{
    direct, event, host_text, mentioned, message, plugin, route, routed, said, user, with_commands,
    with_words,
};

fn roles(list: &[(&str, &[&str])]) -> Roles {
    let own = |globs: &&[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    Roles(
        list.iter()
            .map(|(name, globs)| ((*name).to_owned(), own(globs)))
            .collect(),
    )
}

fn allow(list: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    roles(list).0
}

fn joke(access: Access) -> PluginRoutes {
    PluginRoutes {
        access,
        ..plugin(
            "joke",
            with_commands(&[("joke", "/joke"), ("report", "/report")]),
        )
    }
}

fn by(mut event: Event, id: &str, kind: UserKind) -> Event {
    event.actor = Some(user(id, kind));
    event
}

#[test]
fn roles_are_globs_over_email_name_and_id() {
    let roles = roles(&[
        ("staff", &["*@ACME.com"]),
        ("ids", &["u-?"]),
        ("names", &["ada.*"]),
        ("nobody", &["x@y.z"]),
    ]);
    let (table, warnings) = Table::new(vec![joke(Access::default())], &roles);
    assert_eq!(warnings, []);
    let held = |event: &Event| route(&table, event).routes.pop().unwrap().roles;
    assert_eq!(held(&said("/joke")), ["staff"]);
    let mut event = by(said("/joke"), "u-1", UserKind::Human);
    assert_eq!(held(&event), ["ids", "staff"]);
    if let Some(actor) = &mut event.actor {
        actor.user_name = Some("Ada.Lovelace".to_owned());
        actor.email = None;
    }
    assert_eq!(held(&event), ["ids", "names"]);
}

#[test]
fn a_customer_cannot_claim_a_role_with_an_address() {
    let (table, _) = Table::new(
        vec![joke(Access::default())],
        &roles(&[("staff", &["*@acme.com"])]),
    );
    let event = by(said("/joke"), "mallory", UserKind::Customer);
    assert_eq!(route(&table, &event).routes[0].roles, Vec::<String>::new());
}

#[test]
fn who_may_not_gets_one_line() {
    let access = Access {
        allow: allow(&[("*", &["staff"]), ("report", &["chiefs"])]),
        ..Access::default()
    };
    let roles = roles(&[("staff", &["*@acme.com"]), ("chiefs", &["grace"])]);
    let (table, warnings) = Table::new(vec![joke(access)], &roles);
    assert_eq!(warnings, []);
    assert_eq!(routed(&table, &said("/joke")), ["joke:joke()"]);
    assert_eq!(routed(&table, &said("/report")), Vec::<String>::new());
    assert_eq!(
        host_text(&table, &said("/report")),
        "You may not use /report."
    );
    let Some(HostSays::Refused { plugin, key, .. }) = route(&table, &said("/report")).host else {
        panic!()
    };
    assert_eq!(
        (&*plugin, key.as_str()),
        ("joke", "plugin.joke.allow.\"report\"")
    );
    let stranger = |text: &str| {
        let mut event = by(said(text), "eve", UserKind::Human);
        event.actor.as_mut().unwrap().email = None;
        event
    };
    assert_eq!(
        host_text(&table, &stranger("/joke")),
        "You may not use /joke."
    );
    // The command's own line stands instead of `*`.
    assert_eq!(
        routed(&table, &by(said("/report"), "grace", UserKind::Human)),
        ["joke:report()"]
    );
    // Help shows what the asker may use, and a near miss tells nobody else how it is written.
    assert_eq!(
        host_text(&table, &said("/help")),
        "You can say:\n- /joke — does joke"
    );
    assert_eq!(
        host_text(&table, &stranger("/help")),
        "There is no command for you here."
    );
    assert_eq!(host_text(&table, &direct(stranger("/joke now"))), "");
    // A program is refused without a word.
    assert_eq!(
        host_text(&table, &by(said("/report"), "robot", UserKind::Bot)),
        ""
    );
}

#[test]
fn a_refusal_names_all_words_of_the_command() {
    let commands = [("ask", "/expense"), ("report", "/expense report")];
    let mut expense = plugin("expense", with_commands(&commands));
    expense.access.allow = allow(&[("report", &["staff"])]);
    let (table, _) = Table::new(vec![expense], &roles(&[("staff", &["grace"])]));
    assert_eq!(routed(&table, &said("/expense")), ["expense:ask()"]);
    assert_eq!(
        host_text(&table, &said("/expense report")),
        "You may not use /expense report."
    );
}

#[test]
fn allow_star_covers_key_words_in_silence() {
    let mut pizza = plugin("pizza", with_words(&[(KeyWordMatch::Contains, "pizza")]));
    pizza.access.allow = allow(&[("*", &["staff"])]);
    let (table, _) = Table::new(vec![pizza], &roles(&[("staff", &["grace"])]));
    assert!(routed(&table, &said("pizza")).is_empty());
    assert_eq!(host_text(&table, &said("pizza")), "");
    assert_eq!(
        routed(&table, &by(said("pizza"), "grace", UserKind::Human)),
        ["pizza:word()"]
    );
}

#[test]
fn a_refused_command_is_no_message_either() {
    let mut both = plugin("p", with_commands(&[("x", "/x")]));
    let mut description = (*both.description).clone();
    description.subscriptions = with_words(&[(KeyWordMatch::Contains, "x")]).subscriptions;
    both.description = description.into();
    both.access.allow = allow(&[("x", &[])]);
    let (table, _) = Table::new(vec![both], &Roles::default());
    assert!(routed(&table, &said("/x")).is_empty());
    assert_eq!(routed(&table, &said("x")), ["p:word()"]);
}

#[test]
fn only_narrows_bots_conversations_and_companies() {
    let only = Only {
        bots: vec!["desk".to_owned()],
        conversations: vec!["desk *".to_owned()],
        external: Some(false),
    };
    let (table, _) = Table::new(
        vec![joke(Access {
            only,
            ..Access::default()
        })],
        &Roles::default(),
    );
    assert_eq!(routed(&table, &said("/joke")), ["joke:joke()"]);
    let changed = |change: &dyn Fn(&mut Event)| {
        let mut event = said("/joke");
        change(&mut event);
        (routed(&table, &event).len(), host_text(&table, &event))
    };
    let here = (0, "/joke cannot be used here.".to_owned());
    // Another bot has no such command at all.
    assert_eq!(
        changed(&|event| event.bot.as_mut().unwrap().name = "other".to_owned()),
        (0, String::new())
    );
    assert_eq!(
        changed(&|event| event.conversation.as_mut().unwrap().name = Some("Sales".to_owned())),
        here
    );
    assert_eq!(
        changed(&|event| event.conversation.as_mut().unwrap().external = true),
        here
    );
    assert_eq!(changed(&|event| event.conversation = None), here);
}

#[test]
fn mistakes_in_the_settings_are_named_and_let_nobody_in() {
    let access = Access {
        only: Only {
            conversations: vec!["[".to_owned()],
            ..Only::default()
        },
        allow: allow(&[("joke", &["stuff"]), ("jokes", &[])]),
    };
    let (table, warnings) = Table::new(vec![joke(access)], &roles(&[("staff", &["{a"])]));
    assert!(routed(&table, &said("/report")).is_empty());
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "roles.staff: bad glob `{a`: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
            "plugin.joke.allow: the plugin has no command `jokes`",
            "plugin.joke.only.conversations: bad glob `[`: unclosed character class; missing ']'",
            "plugin.joke.allow.\"joke\": no role `stuff` under [roles]",
        ]
    );
}

#[test]
fn the_first_refusal_is_dropped_where_another_plugin_answers() {
    let refused = joke(Access {
        allow: allow(&[("*", &[])]),
        ..Access::default()
    });
    let other = plugin("other", with_commands(&[("joke", "/joke")]));
    let (table, _) = Table::new(vec![refused, other], &Roles::default());
    assert_eq!(routed(&table, &said("/joke")), ["other:joke()"]);
    assert_eq!(host_text(&table, &said("/joke")), "");
    assert_eq!(
        host_text(&table, &mentioned(event("local", message("/help")))),
        "You can say:\n- /joke — does joke"
    );
}

#[test]
fn who_speaks_to_the_bot_is_told_that_nobody_may_hear() {
    let mut pizza = plugin("pizza", with_words(&[(KeyWordMatch::Contains, "pizza")]));
    pizza.access.allow = allow(&[("*", &["staff"])]);
    let (table, _) = Table::new(vec![pizza], &roles(&[("staff", &["grace"])]));
    let refused = "You may not use pizza.";
    assert_eq!(host_text(&table, &direct(said("a pizza"))), refused);
    let event = mentioned(said("a pizza"));
    assert_eq!(host_text(&table, &event), refused);
    let Some(HostSays::Refused { key, .. }) = route(&table, &event).host else {
        panic!()
    };
    assert_eq!(key, "plugin.pizza.allow.\"*\"");
    // Nothing is kept from whoever speaks of something else, and a program is not answered.
    assert_eq!(host_text(&table, &direct(said("a salad"))), "");
    let robot = by(direct(said("a pizza")), "robot", UserKind::Bot);
    assert_eq!(host_text(&table, &robot), "");
    let grace = by(direct(said("a pizza")), "grace", UserKind::Human);
    assert_eq!(host_text(&table, &grace), "");
}

#[test]
fn a_message_is_not_changed_into_what_its_author_may_not_say() {
    let mut description = with_words(&[]);
    description.subscriptions.kinds = vec![EventKind::MessageEdited];
    let mut keeper = plugin("keeper", description);
    keeper.access.allow = allow(&[("*", &["staff"])]);
    let (table, _) = Table::new(vec![keeper], &roles(&[("staff", &["grace"])]));
    let edited = |id: &str| {
        let mut event = by(said("x"), id, UserKind::Human);
        let EventPayload::Message(message) = event.payload else {
            panic!()
        };
        event.payload = EventPayload::MessageEdited(MessageEdited { message });
        event
    };
    assert!(routed(&table, &edited("eve")).is_empty());
    assert_eq!(routed(&table, &edited("grace")), ["keeper:*"]);
}

#[test]
fn what_grew_out_of_an_event_stays_where_the_plugin_takes_part() {
    let only = Only {
        bots: vec!["desk".to_owned()],
        conversations: vec!["desk *".to_owned()],
        external: None,
    };
    let (table, _) = Table::new(
        vec![joke(Access {
            only,
            ..Access::default()
        })],
        &roles(&[("staff", &["*@acme.com"])]),
    );
    let fired = |change: &dyn Fn(&mut Event)| {
        let mut event = said("x");
        event.payload = EventPayload::TimerFired(TimerFired {
            name: "t".to_owned(),
            payload: String::new(),
            due_at: 0,
        });
        change(&mut event);
        table.route_to("joke", &event)
    };
    let route = fired(&|_| {}).expect("it takes part there");
    assert_eq!(route.roles, ["staff"]);
    let elsewhere = |event: &mut Event| {
        event.conversation.as_mut().unwrap().name = Some("Sales".to_owned());
    };
    assert_eq!(fired(&elsewhere), None);
    let other_bot = |event: &mut Event| event.bot.as_mut().unwrap().name = "other".to_owned();
    assert_eq!(fired(&other_bot), None);
    // What concerns the plugin alone has neither bot nor place.
    let own = |event: &mut Event| {
        event.bot = None;
        event.conversation = None;
    };
    assert!(fired(&own).is_some());
}

#[test]
fn an_answer_where_the_plugin_takes_no_part_any_more_is_refused_aloud() {
    struct Sent;
    impl FormsView for Sent {
        fn owner(&self, _event: &Event, _message_id: &str) -> Option<Name> {
            Some(Name::from("joke"))
        }
    }
    let only = Only {
        conversations: vec!["desk *".to_owned()],
        ..Only::default()
    };
    let (table, _) = Table::new(
        vec![joke(Access {
            only,
            ..Access::default()
        })],
        &Roles::default(),
    );
    let mut event = said("x");
    event.payload = EventPayload::ButtonPressed(ButtonPressed {
        button_id: "b".to_owned(),
        value: String::new(),
        message_id: "m".to_owned(),
    });
    assert_eq!(table.route(&event, &Sent).routes.len(), 1);
    event.conversation.as_mut().unwrap().name = Some("Sales".to_owned());
    let routing = table.route(&event, &Sent);
    assert!(routing.routes.is_empty());
    let Some(HostSays::Refused { key, .. }) = routing.host else {
        panic!("silence")
    };
    assert_eq!(key, "plugin.joke.only");
}
