//! The grammar's extensions, the mention rules and who gets a command.

use crate::content::tokens;
use crate::model::content::{Block, MentionSpan, MentionTarget, Span};
use crate::model::description::{ConfigKey, ConfigKind, Description, MentionRule};
use crate::model::event::{Cashtag, Mention, UserKind};
use crate::router::{Pattern, Roles, Table, Warning};

use super::support::{
    command, description, direct, event, mentioned, message, plugin, routed, said, table, user,
    with_commands,
};

fn check(pattern: &str, text: &str) -> String {
    let pattern = Pattern::parse(pattern).unwrap();
    let message = message(text);
    let found = tokens(&message, false);
    match pattern.matches(&found.line, &found.items) {
        None => "no".to_owned(),
        Some(found) => {
            let shown: Vec<String> = found
                .iter()
                .map(|argument| format!("{}={:?}", argument.name, argument.value))
                .collect();
            shown.join(", ")
        }
    }
}

#[test]
fn typed_arguments_take_what_fits() {
    for (pattern, text, expected) in [
        ("/n {n:int}", "/n 12", "n=Integer(12)"),
        ("/n {n:int}", "/n -3", "n=Integer(-3)"),
        ("/n {n:int}", "/n 1.5", "no"),
        ("/n {n:int}", "/n 99999999999999999999", "no"),
        ("/n {x:number}", "/n 1.5", "x=Number(1.5)"),
        ("/n {x:number}", "/n inf", "no"),
        ("/n {x:number}", "/n nan", "no"),
        ("/n {f:bool}", "/n YES", "f=Flag(true)"),
        ("/n {f:bool}", "/n off", "f=Flag(false)"),
        ("/n {f:bool}", "/n maybe", "no"),
        ("/n {note?}", "/n", ""),
        ("/n {note?}", "/n a", r#"note=Text("a")"#),
        ("/n {note?}", "/n a b", "no"),
        (
            "/n {n:int?} {rest...}",
            "/n 5 apples",
            r#"n=Integer(5), rest=Text("apples")"#,
        ),
        (
            "/n {n:int?} {rest...}",
            "/n apples now",
            r#"rest=Text("apples now")"#,
        ),
        ("/n {n:int?} {rest...}", "/n 5", r#"rest=Text("5")"#),
        (
            "/echo {text...}",
            "/echo  a   b\nc ",
            r#"text=Text("a   b\nc")"#,
        ),
        ("/echo {text...}", "/echo", "no"),
        ("/echo {text...?}", "/echo", ""),
        ("/echo {text?...}", "/echo x", r#"text=Text("x")"#),
        (
            "/n {a:text} {b...}",
            r#"/n "two words" and more"#,
            r#"a=Text("two words"), b=Text("and more")"#,
        ),
        (
            "/n {a:text} {b...}",
            "/n “two words” x",
            r#"a=Text("two words"), b=Text("x")"#,
        ),
        ("/n {a:text}", r#"/n "" "#, r#"a=Text("")"#),
        (
            "/n {a:text} {b?}",
            r#"/n "open end"#,
            r#"a=Text("\"open"), b=Text("end")"#,
        ),
        // A base pattern knows no quotes.
        ("/n {a}", r#"/n "two words""#, "no"),
        (
            "/n {a} {b}",
            r#"/n "two words""#,
            r#"a=Text("\"two"), b=Text("words\"")"#,
        ),
        // Literal words are compared as they are.
        ("/a.b", "/axb", "no"),
        ("/Joke", "/joke", "no"),
    ] {
        assert_eq!(check(pattern, text), expected, "`{pattern}` on `{text}`");
    }
}

#[test]
fn errors_say_what_was_expected_and_found() {
    for (pattern, expected) in [
        (
            "/n {n:float}",
            "expected one of int, number, bool, text as the type of `n`, found `float`",
        ),
        (
            "/n {a?} {b}",
            "expected only optional arguments behind `{a?}`, found `{b}`",
        ),
        (
            "/n {a?} now",
            "expected only optional arguments behind `{a?}`, found `now`",
        ),
        (
            "/n {a...} {b}",
            "expected `{a...}` to be the last, found `{b}` behind it",
        ),
        (
            "/n {@who:int}",
            "Argument name is not valid: expected a name such as `{quantity}`, found `{@who:int}`",
        ),
        (
            "/n {",
            "Argument name is not valid: expected a name such as `{quantity}`, found `{`",
        ),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap_err().to_string(), expected);
    }
    let many: String = (0..10).map(|n| format!("{{b{n}?}} ")).collect();
    assert_eq!(
        Pattern::parse(&many).unwrap_err().to_string(),
        "expected at most 8 optional arguments, found 10"
    );
    assert!(Pattern::parse(&"a".repeat(600)).is_err());
}

#[test]
fn check_names_the_command() {
    let error =
        Table::check(&with_commands(&[("ok", "/ok"), ("buy", "/buy {a} {a}")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "command `buy`, pattern `/buy {a} {a}`: Argument names must be unique: found `a` twice"
    );
    let error = Table::check(&with_commands(&[("x", "{=prefix} go")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "command `x`, pattern `{=prefix} go`: expected a config key with a value, found `{=prefix}`"
    );
    let error = Table::check(&with_commands(&[("x", "/a"), ("x", "/b")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a name of its own for each command, found `x` twice or empty"
    );
}

fn with_prefix(default: Option<&str>) -> Description {
    let config = vec![ConfigKey {
        name: "prefix".to_owned(),
        kind: ConfigKind::Text,
        required: false,
        default: default.map(str::to_owned),
        help: String::new(),
    }];
    Description {
        config,
        ..with_commands(&[("go", "{=prefix}go {x}")])
    }
}

#[test]
fn config_fills_patterns() {
    assert_eq!(Table::check(&with_prefix(None)), Ok(()));
    let mut set = plugin("p", with_prefix(Some("!")));
    assert_eq!(
        routed(&table(vec![set.clone()]), &said("!go 1")),
        [r#"p:go(x=Text("1"))"#]
    );
    set.config.insert("prefix".to_owned(), "/bot ".to_owned());
    assert_eq!(
        routed(&table(vec![set.clone()]), &said("/bot go 1")),
        [r#"p:go(x=Text("1"))"#]
    );
    set.config.insert("prefix".to_owned(), "{x} ".to_owned());
    let (bad, warnings) = Table::new(vec![set], &Roles::default());
    assert!(routed(&bad, &said("go go 1")).is_empty());
    assert!(
        matches!(warnings.as_slice(), [Warning::LeftOut { .. }]),
        "{warnings:?}"
    );
    let (_, warnings) = Table::new(vec![plugin("p", with_prefix(None))], &Roles::default());
    assert_eq!(warnings.len(), 1);
}

#[test]
fn first_declared_command_wins_and_both_plugins_run() {
    let one = with_commands(&[
        ("narrow", "/x {n:int}"),
        ("wide", "/x {a}"),
        ("any", "{a} {b}"),
    ]);
    let two = with_commands(&[("other", "/x {b}")]);
    let (table, warnings) = Table::new(
        vec![plugin("zeta", two), plugin("alpha", one)],
        &Roles::default(),
    );
    assert_eq!(
        routed(&table, &said("/x 5")),
        ["alpha:narrow(n=Integer(5))", r#"zeta:other(b=Text("5"))"#]
    );
    assert_eq!(
        routed(&table, &said("/x y")),
        [r#"alpha:wide(a=Text("y"))"#, r#"zeta:other(b=Text("y"))"#]
    );
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["plugins `alpha` and `zeta` both declare the command `/x <b>`: both will answer"]
    );
}

#[test]
fn mention_rules_hold_by_platform() {
    let commands = vec![
        command("required", "/r", MentionRule::Required),
        command("optional", "/o", MentionRule::Optional),
        command("never", "/n", MentionRule::Never),
    ];
    let table = table(vec![plugin(
        "p",
        Description {
            commands,
            ..description()
        },
    )]);
    let matched =
        |platform: &str,
         text: &str,
         change: &dyn Fn(crate::model::event::Event) -> crate::model::event::Event| {
            !routed(&table, &change(event(platform, message(text)))).is_empty()
        };
    let same = |event| event;
    // (platform, change, [required, optional, never])
    for (platform, change, expected) in [
        ("local", &same as &dyn Fn(_) -> _, [false, true, true]),
        ("local", &mentioned, [true, true, false]),
        ("local", &direct, [true, true, true]),
        ("symphony", &same, [false, true, true]),
        ("symphony", &mentioned, [true, true, false]),
        ("symphony", &direct, [false, true, true]),
        ("webex", &mentioned, [true, true, true]),
        ("webex", &same, [true, true, true]),
        ("webex", &direct, [true, true, true]),
    ] {
        let found = ["/r", "/o", "/n"].map(|text| matched(platform, text, change));
        assert_eq!(found, expected, "{platform}");
    }
}

#[test]
fn own_mention_in_the_middle_is_taken_off_outside_symphony() {
    let table = table(vec![plugin(
        "p",
        with_commands(&[("joke", "/joke {topic}")]),
    )]);
    let mut said = message("/joke cats");
    said.mentions = vec![Mention {
        user_id: "123456789".to_owned(),
        text: "Desk Bot".to_owned(),
    }];
    said.content = vec![Block::Paragraph(vec![
        crate::content::plain("/joke "),
        Span::Mention(MentionSpan {
            target: MentionTarget::User("123456789".to_owned()),
            text: "Desk Bot".to_owned(),
        }),
        crate::content::plain(" cats"),
    ])];
    assert_eq!(
        routed(&table, &mentioned(event("webex", said.clone()))),
        [r#"p:joke(topic=Text("cats"))"#]
    );
    assert!(routed(&table, &event("symphony", said)).is_empty());
}

#[test]
fn entities_in_text_are_found_in_their_places() {
    let table = table(vec![plugin(
        "p",
        with_commands(&[("buy", "/buy {n:int} {$ticker} {@who?} {#why?}")]),
    )]);
    let mut said = message("/buy 1000 $goog, @Ada Lovelace #urgent!");
    said.cashtags = vec![Cashtag {
        ticker: "goog".to_owned(),
        ids: Vec::new(),
    }];
    said.hashtags = vec!["urgent".to_owned()];
    said.mentions = vec![
        Mention {
            user_id: "1".to_owned(),
            text: "Ada".to_owned(),
        },
        Mention {
            user_id: "2".to_owned(),
            text: "Ada Lovelace".to_owned(),
        },
    ];
    let found = routed(&table, &event("local", said)).concat();
    assert_eq!(
        found,
        "p:buy(n=Integer(1000), ticker=Cashtag(Cashtag { ticker: \"goog\", ids: [] }), \
         who=Mention(Mention { user_id: \"2\", text: \"Ada Lovelace\" }), why=Hashtag(\"urgent\"))"
    );
}

#[test]
fn a_bot_never_hears_itself_and_other_bots_only_where_asked() {
    let mut from_bots = with_commands(&[("x", "/x")]);
    from_bots.subscriptions.messages = vec![crate::model::description::MessageFilter {
        key_words: Vec::new(),
        has: Vec::new(),
        from_bots: true,
    }];
    let plugins = vec![
        plugin("deaf", with_commands(&[("x", "/x")])),
        plugin("hears", from_bots),
    ];
    let (table, _) = Table::new(plugins, &Roles::default());
    let mut event = said("/x");
    event.actor = Some(user("123456789", UserKind::Bot));
    assert!(routed(&table, &event).is_empty());
    event.actor = Some(user("other", UserKind::Bot));
    assert_eq!(routed(&table, &event), ["hears:x()"]);
}
