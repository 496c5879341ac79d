//! The case table of the Symphony BDKs (`platforms/symphony.md` §8.4), row by row, over the whole way:
//! a message as the feed gives it, the connector's event, the router's answer. Each test is a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor_host::connectors::symphony::convert::event_from_wire;
use parlor_host::connectors::symphony::wire::event::FeedBatch;
use parlor_host::content::{Token, tokens};
use parlor_host::model::Name;
use parlor_host::model::delivery::View;
use parlor_host::model::description::{CommandSpec, Description, MentionRule, Subscriptions};
use parlor_host::model::event::{Argument, ArgumentValue, Bot, Event, Message};
use parlor_host::model::payload::EventPayload;
use parlor_host::router::{Access, NoForms, Pattern, PluginRoutes, Roles, Table};
use serde_json::{Map, Value, json};

const BOT: &str = "123456789";

/// A piece of what a person typed.
#[derive(Clone, Copy)]
enum Piece<'p> {
    /// Text, or markup around it.
    Text(&'p str),
    /// A mention: the user's id, the text in the span.
    Mention(&'p str, &'p str),
    /// A hashtag: the value, the text.
    Hash(&'p str, &'p str),
    /// A cashtag: the value, the text.
    Cash(&'p str, &'p str),
}

use Piece::{Cash, Hash, Mention, Text};

/// What the feed gives for a message of these pieces.
fn feed(pieces: &[Piece<'_>]) -> Event {
    let mut body = String::new();
    let mut data = Map::new();
    for piece in pieces {
        let key = data.len().to_string();
        let (kind, subtype, value, text) = match *piece {
            Text(text) => {
                body.push_str(text);
                continue;
            }
            Mention(id, text) => (
                "com.symphony.user.mention",
                "com.symphony.user.userId",
                id,
                text,
            ),
            Hash(value, text) => (
                "org.symphonyoss.taxonomy",
                "org.symphonyoss.taxonomy.hashtag",
                value,
                text,
            ),
            Cash(value, text) => (
                "org.symphonyoss.fin.security",
                "org.symphonyoss.fin.security.id.ticker",
                value,
                text,
            ),
        };
        body.push_str(&format!(
            r#"<span class="entity" data-entity-id="{key}">{text}</span>"#
        ));
        let entity =
            json!({"type": kind, "version": "1.0", "id": [{"type": subtype, "value": value}]});
        data.insert(key, entity);
    }
    event(&body, Some(&Value::Object(data).to_string()))
}

fn event(body: &str, data: Option<&str>) -> Event {
    let user = json!({"userId": 7, "firstName": "Ada", "lastName": "L", "displayName": "Ada L", "username": "ada"});
    let mut message = json!({"messageId": "m", "timestamp": 1_700_000_000_000_u64, "user": user,
        "message": format!(r#"<div data-format="PresentationML" data-version="2.0">{body}</div>"#),
        "stream": {"streamId": "r1", "streamType": "ROOM", "roomName": "Desk"}});
    if let Some(data) = data {
        message["data"] = json!(data);
    }
    let body = json!({"events": [{"id": "e", "messageId": "m", "type": "MESSAGESENT", "timestamp": 1_700_000_000_000_u64,
        "initiator": {"user": user}, "payload": {"messageSent": {"message": message}}}], "ackId": "a"});
    let batch = FeedBatch::read(body.to_string().as_bytes()).expect("the batch is sound");
    let bot = Bot {
        name: "desk".to_owned(),
        platform: "symphony".to_owned(),
        user_id: BOT.to_owned(),
        display_name: "bot_name".to_owned(),
    };
    let received = &batch.events[0];
    let mut found = event_from_wire(&Name::from("default"), &bot, &received.event, None).incoming;
    assert_eq!(found.len(), 1);
    found.remove(0).event
}

fn message(event: &Event) -> &Message {
    match &event.payload {
        EventPayload::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// The arguments with which a pattern matches.
fn arguments(pattern: &str, mention: MentionRule, event: &Event) -> Option<Vec<Argument>> {
    let command = CommandSpec {
        name: "it".to_owned(),
        pattern: pattern.to_owned(),
        mention,
        help: String::new(),
        arguments: Vec::new(),
        hidden: false,
    };
    let description = Description {
        name: "p".to_owned(),
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
        commands: vec![command],
        config: Vec::new(),
        capabilities: Vec::new(),
        extras: Vec::new(),
    };
    let plugin = PluginRoutes {
        plugin: "p".into(),
        description: Arc::new(description),
        config: BTreeMap::new(),
        access: Access::default(),
    };
    let (table, warnings) = Table::new(vec![plugin], &Roles::default());
    assert!(warnings.is_empty(), "{warnings:?}");
    let mut routes = table.route(event, &NoForms).routes;
    match routes.pop()?.view {
        View::Command { arguments, .. } => Some(arguments),
        other => panic!("{other:?}"),
    }
}

/// An argument in short.
fn short(argument: &Argument) -> String {
    let value = match &argument.value {
        ArgumentValue::Text(text) => text.clone(),
        ArgumentValue::Mention(mention) => format!("M:{}:{}", mention.user_id, mention.text),
        ArgumentValue::Hashtag(tag) => format!("H:{tag}"),
        ArgumentValue::Cashtag(cashtag) => format!("C:{}", cashtag.ticker),
        other => format!("{other:?}"),
    };
    format!("{}={value}", argument.name)
}

fn words(event: &Event) -> Vec<String> {
    let tokens = tokens(message(event), true);
    let show = |token: &Token<'_>| match token {
        Token::Word(word) => word.to_string(),
        Token::Mention(mention) => format!("M:{}", mention.user_id),
        Token::Hashtag(tag) => format!("H:{tag}"),
        Token::Cashtag(cashtag) => format!("C:{}", cashtag.ticker),
    };
    tokens
        .items
        .iter()
        .map(|placed| show(&placed.token))
        .collect()
}

const NO: Option<&[&str]> = None;
const MATCH: Option<&[&str]> = Some(&[]);

/// A row: its pattern, whether a mention is required, what was typed, and the arguments or `NO`.
macro_rules! rows {
    ($($name:ident: $pattern:expr, $mention:ident, [$($piece:expr),*] => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let event = feed(&[$($piece),*]);
                let found = arguments($pattern, MentionRule::$mention, &event);
                let found: Option<Vec<String>> = found.map(|found| found.iter().map(short).collect());
                let expected: Option<&[&str]> = $expected;
                let expected = expected.map(|expected| expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
                assert_eq!(found, expected);
            }
        )*
    };
}

rows! {
    row_01_nothing_matches_nothing: "", Never, [] => MATCH;
    row_02_nothing_does_not_match_a_command: "", Never, [Text("/command")] => NO;
    row_03_a_word_matches_itself: "/command", Never, [Text("/command")] => MATCH;
    row_04_space_around_the_message: "/command", Never, [Text(" /command ")] => MATCH;
    row_05_space_around_the_pattern: " /command ", Never, [Text("/command")] => MATCH;
    row_06_a_word_too_many: "/command", Never, [Text("/command arg")] => NO;
    row_07_another_word: "/command", Never, [Text("a")] => NO;
    row_07_no_word: "/command", Never, [] => NO;
    row_08_a_word_too_few: "/command command2", Never, [Text("/command")] => NO;
    row_09_the_second_word_is_another: "/command command2", Never, [Text("/command command3")] => NO;
    row_10_a_third_word: "/command command2", Never, [Text("/command command2 command3")] => NO;
    row_11_space_between: "/command command2", Never, [Text(" /command  command2 ")] => MATCH;
    row_12_any_word: "{arg}", Never, [Text("a1454#")] => Some(&["arg=a1454#"]);
    row_13_any_word_is_one: "{arg}", Never, [] => NO;
    row_14_any_word_is_not_two: "{arg}", Never, [Text("ab cd")] => NO;
    row_15_an_argument_is_needed: "/command {arg}", Never, [Text("/command")] => NO;
    row_16_a_word_argument: "/command {string_arg}", Never, [Text("/command command2")] => Some(&["string_arg=command2"]);
    row_17_both_arguments_are_needed: "/command {arg1} {arg2}", Never, [Text("/command arg1")] => NO;
    row_18_two_arguments: "/command {arg1} {arg2}", Never, [Text(" /command arg1 arg2 ")] => Some(&["arg1=arg1", "arg2=arg2"]);
    row_19_a_mention_is_no_word: "{m}", Never, [Mention("12345678", "@Ada")] => NO;
    row_20_a_hashtag_is_no_word: "{h}", Never, [Hash("hashtag", "#hashtag")] => NO;
    row_21_a_cashtag_is_no_word: "{c}", Never, [Cash("cashtag", "$cashtag")] => NO;
    row_22_text_is_no_mention: "{@m}", Never, [Text("@this_is_text")] => NO;
    row_23_text_is_no_hashtag: "{#h}", Never, [Text("#this_is_text")] => NO;
    row_24_text_is_no_cashtag: "{$c}", Never, [Text("$this_is_text")] => NO;
    row_25_a_mention: "{@m}", Never, [Mention("1", "@John Doe")] => Some(&["m=M:1:John Doe"]);
    row_26_a_hashtag_has_its_value: "{#h}", Never, [Hash("hashtag", "#myhashtag")] => Some(&["h=H:hashtag"]);
    row_27_a_cashtag_has_its_value: "{$c}", Never, [Cash("cashtag", "$mycashtag")] => Some(&["c=C:cashtag"]);
    row_28_all_four_in_blocks_of_their_own: "/command {s} {@m} {#h} {$c}", Never, [
        Text("<div>/command my_argument</div><div>"), Mention("1", "@John Doe"), Text("</div><div>"),
        Hash("h", "#h"), Text("</div><div>"), Cash("c", "$c"), Text("</div>")
    ] => Some(&["s=my_argument", "m=M:1:John Doe", "h=H:h", "c=C:c"]);
    row_29_a_mention_then_a_word: "/command {@m} {s}", Never, [Text("/command "), Mention("1", "@John Doe"), Text(" argValue")]
        => Some(&["m=M:1:John Doe", "s=argValue"]);
    row_30_the_bots_mention_glued_to_the_command: "/command", Required, [Mention(BOT, "@bot_name"), Text("/command")] => MATCH;
    row_31_the_bot_is_mentioned_with_another_command: "/command", Required, [Mention(BOT, "@bot_name"), Text(" /other_command")] => NO;
    row_32_another_user_is_mentioned: "/command", Required, [Mention("999", "@bot_name"), Text(" /command")] => NO;
    row_33_a_typed_name_is_no_mention: "/command", Required, [Text("@bot_name /command")] => NO;
    row_34_the_required_mention_is_missing: "/command", Required, [Text("/command")] => NO;
    row_35_a_mention_too_many: "/command", Never, [Mention(BOT, "@bot_name"), Text(" /command")] => NO;
    row_36_the_bare_mention: "", Required, [Mention(BOT, "@bot_name")] => MATCH;
    row_37_a_space_inside_the_mention: "/help", Required, [Mention(BOT, "@bot_name "), Text(" /help")] => MATCH;
    row_38_buy_with_a_real_cashtag: "/buy {quantity} {$ticker}", Never, [Text("/buy 1000 "), Cash("goog", "$goog")]
        => Some(&["quantity=1000", "ticker=C:goog"]);
    row_39_buy_with_a_typed_ticker: "/buy {quantity} {$ticker}", Never, [Text("/buy 1000 goog")] => NO;
}

fn refused(pattern: &str, expected: &str) {
    let error = Pattern::parse(pattern).expect_err(pattern).to_string();
    assert!(error.starts_with(expected), "{pattern}: {error}");
}

#[test]
fn row_40_argument_names_are_names() {
    for pattern in ["{&}", "{##}", "{$$}", "{@@}"] {
        refused(pattern, "Argument name is not valid");
    }
}

#[test]
fn row_41_no_argument_in_a_word() {
    refused("/command{arg}", "Invalid pattern syntax");
}

#[test]
fn row_42_no_glued_arguments() {
    refused("{arg1}{arg2}", "Argument name is not valid");
}

#[test]
fn row_43_names_are_unique_whatever_their_kinds() {
    for pattern in [
        "/command {arg} {arg}",
        "/command {@arg} {#arg}",
        "{arg} {@arg}",
    ] {
        refused(pattern, "Argument names must be unique");
    }
}

#[test]
fn row_44_a_span_is_not_an_entity_by_itself() {
    let event = feed(&[Text("<p>lorem <span>jane-doe</span></p>")]);
    assert_eq!(words(&event), ["lorem", "jane-doe"]);
}

#[test]
fn row_45_an_entity_without_data_is_text() {
    let body = r#"<span class="entity" data-entity-id="missing">@jane-doe</span>"#;
    assert_eq!(words(&event(body, Some("{}"))), ["@jane-doe"]);
}

#[test]
fn row_46_two_mentions_without_a_space() {
    let event = feed(&[Mention("1", "@A"), Mention("2", "@B")]);
    assert_eq!(words(&event), ["M:1", "M:2"]);
}

#[test]
fn row_47_an_entity_ends_the_word_before_it() {
    let event = feed(&[Text("mytext1"), Hash("h", "#h"), Text(" mytext2")]);
    assert_eq!(words(&event), ["mytext1", "H:h", "mytext2"]);
}

#[test]
fn row_48_a_message_without_data() {
    let event = event("a b", None);
    assert_eq!(words(&event), ["a", "b"]);
    assert!(arguments("a {x}", MentionRule::Never, &event).is_some());
}

/// What §8.3 says beside the table, and what is read into more than text: a link's address is no word,
/// and a moment is one, as it was written.
#[test]
fn the_nuances_of_the_tokens() {
    for (body, expected) in [
        ("lorem<p>ipsum</p> dolor", vec!["loremipsum", "dolor"]),
        ("a<b>b</b>c", vec!["abc"]),
        (
            r#"/see <a href="https://a.example/x">site</a>"#,
            vec!["/see", "site"],
        ),
        (
            r#"/see <a href="https://a.example/">https://a.example/</a>"#,
            vec!["/see", "https://a.example/"],
        ),
        (
            r#"/at <time datetime="2024-01-01T10:00:00Z">2024-01-01T10:00:00Z</time> x"#,
            vec!["/at", "2024-01-01T10:00:00Z", "x"],
        ),
        ("/a&nbsp;b", vec!["/a", "b"]),
        (
            r#"<span class="entity wide" data-entity-id="0">#x</span>"#,
            vec!["#x"],
        ),
    ] {
        let data = r##"{"0":{"type":"org.symphonyoss.taxonomy","id":[{"type":"t","value":"x"}]}}"##;
        assert_eq!(words(&event(body, Some(data))), expected, "{body}");
    }
}
