//! Help and usage: what the host itself says, and when it keeps still.

use crate::model::description::{Description, MentionRule};
use crate::model::event::UserKind;
use crate::router::{Sentences, Table};

use super::support::{
    command, description, direct, event, host_text, mentioned, message, plugin, said, table, user,
    with_commands, with_filters,
};

fn trade() -> Table {
    let commands = vec![
        command(
            "buy",
            "/buy {quantity:int} {$ticker}",
            MentionRule::Optional,
        ),
        command("list", "/buy list", MentionRule::Optional),
        command("sell", "sell {note...?}", MentionRule::Required),
        crate::model::description::CommandSpec {
            hidden: true,
            ..command("secret", "/secret {x}", MentionRule::Optional)
        },
    ];
    table(vec![plugin(
        "trade",
        Description {
            commands,
            ..description()
        },
    )])
}

#[test]
fn help_lists_what_the_asker_may_say() {
    insta::assert_snapshot!(host_text(&trade(), &said("/help")), @r"
    You can say:
    - /buy <quantity> <$ticker> — does buy
    - /buy list — does list
    - sell [note…] — does sell (mention @Desk Bot first)
    ");
    let direct = host_text(&trade(), &direct(said("/help")));
    assert!(!direct.contains("mention"), "{direct}");
}

#[test]
fn help_is_asked_for_by_word_or_bare_mention() {
    let table = trade();
    for (event, expected) in [
        (said("/help"), true),
        (mentioned(said("/help")), true),
        (mentioned(said("")), true),
        (mentioned(said("  ")), true),
        (said(""), false),
        (direct(said("")), false),
        (said("/help me"), false),
        (said("help"), false),
        (event("symphony", message("/help")), false),
        (mentioned(event("symphony", message("/help"))), true),
        (direct(event("symphony", message("/help"))), true),
    ] {
        assert_eq!(
            host_text(&table, &event).starts_with("You can say"),
            expected,
            "{event:?}"
        );
    }
}

#[test]
fn a_plugin_may_have_its_own_help() {
    let table = table(vec![plugin("p", with_commands(&[("help", "/help")]))]);
    assert_eq!(host_text(&table, &said("/help")), "");
}

#[test]
fn a_near_miss_gets_one_usage_line() {
    let table = trade();
    let usage = "Usage: /buy <quantity> <$ticker> or /buy list";
    for (event, expected) in [
        (said("/buy goog"), usage),
        (said("/buy"), usage),
        (mentioned(said("/buy x")), usage),
        (said("buy x"), ""),
        (said("/secret"), ""),
        (direct(said("/secret")), ""),
        // A word of the language is meant for the bot only where the bot is spoken to.
        (said("sell everything"), ""),
        (event("symphony", message("sell everything")), ""),
        (
            direct(event("symphony", message("sell everything"))),
            "Usage: @Desk Bot sell [note…]",
        ),
    ] {
        assert_eq!(host_text(&table, &event), expected, "{event:?}");
    }
}

#[test]
fn no_usage_where_the_same_plugin_hears_the_message() {
    let mut hears = with_commands(&[("x", "/x {a}")]);
    hears.subscriptions = with_filters(Vec::new()).subscriptions;
    assert_eq!(
        host_text(&table(vec![plugin("p", hears.clone())]), &said("/x")),
        ""
    );
    let other = plugin("q", with_commands(&[("y", "/x {a} {b}")]));
    assert_eq!(
        host_text(&table(vec![plugin("p", hears), other]), &said("/x")),
        "Usage: /x <a> <b>"
    );
}

#[test]
fn programs_are_never_answered() {
    let mut event = direct(said("/help"));
    for kind in [UserKind::Bot, UserKind::System] {
        event.actor = Some(user("robot", kind));
        assert_eq!(host_text(&trade(), &event), "");
    }
    event.actor = None;
    assert_eq!(host_text(&trade(), &event), "");
}

#[test]
fn every_sentence_can_be_changed() {
    let sentences = Sentences {
        help_title: "Befehle:".to_owned(),
        usage: "So: {usage}!".to_owned(),
        or: " oder ".to_owned(),
        ..Sentences::default()
    };
    let table = trade().with_sentences(sentences);
    assert!(host_text(&table, &said("/help")).starts_with("Befehle:\n- "));
    assert_eq!(
        host_text(&table, &said("/buy")),
        "So: /buy <quantity> <$ticker> oder /buy list!"
    );
}

#[test]
fn help_text_of_a_plugin_is_data() {
    let mut evil = with_commands(&[("x", "/x")]);
    evil.commands[0].help = "nice\u{1b}[2J\n- /fake".to_owned();
    assert_eq!(
        host_text(&table(vec![plugin("p", evil)]), &said("/help")),
        "You can say:\n- /x — nice - /fake"
    );
}
