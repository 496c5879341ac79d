//! The case table of the Symphony BDKs, `platforms/symphony.md` §8.4: every row, by its number.

use crate::content::{Presentation, Token, read_presentation, tokens};
use crate::model::description::{Description, MentionRule};
use crate::model::event::{Argument, ArgumentValue, Event, Message};
use crate::router::Pattern;

use super::support::{command, description, event, message, plugin, route, table};

const BOT: &str = "123456789";

/// What a cell of the table means: `M:id:text`, `H:value:text` and `C:value:text` are entities.
fn presentation(parts: &[&str]) -> (String, String) {
    let mut body = String::new();
    let mut data = serde_json::Map::new();
    for (number, part) in parts.iter().enumerate() {
        let mut fields = part.splitn(3, ':');
        let entity = match (fields.next(), fields.next(), fields.next()) {
            (Some("M"), Some(id), Some(text)) => Some((
                serde_json::json!({"type": "com.symphony.user.mention", "version": "1.0",
                    "id": [{"type": "com.symphony.user.userId", "value": id}]}),
                text,
            )),
            (Some("H"), Some(value), Some(text)) => Some((
                serde_json::json!({"type": "org.symphonyoss.taxonomy", "version": "1.0",
                    "id": [{"type": "org.symphonyoss.taxonomy.hashtag", "value": value}]}),
                text,
            )),
            (Some("C"), Some(value), Some(text)) => Some((
                serde_json::json!({"type": "org.symphonyoss.fin.security", "version": "1.0",
                    "id": [{"type": "org.symphonyoss.fin.security.id.ticker", "value": value}]}),
                text,
            )),
            _ => None,
        };
        match entity {
            Some((entity, text)) => {
                body.push_str(&format!(
                    r#"<span class="entity" data-entity-id="{number}">{text}</span>"#
                ));
                data.insert(number.to_string(), entity);
            }
            None => body.push_str(part),
        }
    }
    let message = format!(r#"<div data-format="PresentationML" data-version="2.0">{body}</div>"#);
    (message, serde_json::Value::Object(data).to_string())
}

fn read(xml: &str, data: &str) -> Message {
    let Presentation {
        text,
        content,
        mentions,
        cashtags,
        hashtags,
        entities,
    } = read_presentation(xml, data, BOT).unwrap();
    Message {
        content,
        mentions,
        cashtags,
        hashtags,
        entities,
        ..message(&text)
    }
}

fn symphony(parts: &[&str]) -> Event {
    let (xml, data) = presentation(parts);
    event("symphony", read(&xml, &data))
}

fn arguments(pattern: &str, mention: bool, parts: &[&str]) -> Option<Vec<Argument>> {
    let rule = if mention {
        MentionRule::Required
    } else {
        MentionRule::Never
    };
    let commands = vec![command("it", pattern, rule)];
    let table = table(vec![plugin(
        "p",
        Description {
            commands,
            ..description()
        },
    )]);
    route(&table, &symphony(parts))
        .routes
        .pop()
        .map(|route| match route.view {
            crate::model::delivery::View::Command { arguments, .. } => arguments,
            other => panic!("{other:?}"),
        })
}

/// An argument in short: `name=word`, `name=M:id:text`, `name=H:value`, `name=C:ticker`.
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

const NO: Option<&[&str]> = None;
const MATCH: Option<&[&str]> = Some(&[]);

type Row<'a> = (u32, &'a str, bool, &'a [&'a str], Option<&'a [&'a str]>);

#[test]
fn matches_as_the_bdks_do() {
    let rows: &[Row<'_>] = &[
        (1, "", false, &[], MATCH),
        (2, "", false, &["/command"], NO),
        (3, "/command", false, &["/command"], MATCH),
        (4, "/command", false, &[" /command "], MATCH),
        (5, " /command ", false, &["/command"], MATCH),
        (6, "/command", false, &["/command arg"], NO),
        (7, "/command", false, &["a"], NO),
        (7, "/command", false, &[], NO),
        (8, "/command command2", false, &["/command"], NO),
        (9, "/command command2", false, &["/command command3"], NO),
        (
            10,
            "/command command2",
            false,
            &["/command command2 command3"],
            NO,
        ),
        (
            11,
            "/command command2",
            false,
            &[" /command  command2 "],
            MATCH,
        ),
        (12, "{arg}", false, &["a1454#"], Some(&["arg=a1454#"])),
        (13, "{arg}", false, &[], NO),
        (14, "{arg}", false, &["ab cd"], NO),
        (15, "/command {arg}", false, &["/command"], NO),
        (
            16,
            "/command {string_arg}",
            false,
            &["/command command2"],
            Some(&["string_arg=command2"]),
        ),
        (17, "/command {arg1} {arg2}", false, &["/command arg1"], NO),
        (
            18,
            "/command {arg1} {arg2}",
            false,
            &[" /command arg1 arg2 "],
            Some(&["arg1=arg1", "arg2=arg2"]),
        ),
        (19, "{m}", false, &["M:12345678:@Ada"], NO),
        (20, "{h}", false, &["H:hashtag:#hashtag"], NO),
        (21, "{c}", false, &["C:cashtag:$cashtag"], NO),
        (22, "{@m}", false, &["@this_is_text"], NO),
        (23, "{#h}", false, &["#this_is_text"], NO),
        (24, "{$c}", false, &["$this_is_text"], NO),
        (
            25,
            "{@m}",
            false,
            &["M:1:@John Doe"],
            Some(&["m=M:1:John Doe"]),
        ),
        (
            26,
            "{#h}",
            false,
            &["H:hashtag:#myhashtag"],
            Some(&["h=H:hashtag"]),
        ),
        (
            27,
            "{$c}",
            false,
            &["C:cashtag:$mycashtag"],
            Some(&["c=C:cashtag"]),
        ),
        (
            28,
            "/command {s} {@m} {#h} {$c}",
            false,
            &[
                "<div>/command my_argument</div><div>",
                "M:1:@John Doe",
                "</div><div>",
                "H:h:#h",
                "</div><div>",
                "C:c:$c",
                "</div>",
            ],
            Some(&["s=my_argument", "m=M:1:John Doe", "h=H:h", "c=C:c"]),
        ),
        (
            29,
            "/command {@m} {s}",
            false,
            &["/command ", "M:1:@John Doe", " argValue"],
            Some(&["m=M:1:John Doe", "s=argValue"]),
        ),
        (
            30,
            "/command",
            true,
            &["M:123456789:@Bot", "/command"],
            MATCH,
        ),
        (
            31,
            "/command",
            true,
            &["M:123456789:@Bot", " /other_command"],
            NO,
        ),
        (32, "/command", true, &["M:999:@Other", " /command"], NO),
        (33, "/command", true, &["@bot_name /command"], NO),
        (34, "/command", true, &["/command"], NO),
        (
            35,
            "/command",
            false,
            &["M:123456789:@Bot", " /command"],
            NO,
        ),
        (36, "", true, &["M:123456789:@Bot"], MATCH),
        (
            37,
            "/help",
            true,
            &["M:123456789:@bot_name ", " /help"],
            MATCH,
        ),
        (
            38,
            "/buy {quantity} {$ticker}",
            false,
            &["/buy 1000 ", "C:goog:$goog"],
            Some(&["quantity=1000", "ticker=C:goog"]),
        ),
        (
            39,
            "/buy {quantity} {$ticker}",
            false,
            &["/buy 1000 goog"],
            NO,
        ),
    ];
    for (row, pattern, mention, parts, expected) in rows {
        let found = arguments(pattern, *mention, parts);
        let found: Option<Vec<String>> = found.map(|found| found.iter().map(short).collect());
        let expected: Option<Vec<String>> =
            expected.map(|expected| expected.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(found, expected, "row {row}: `{pattern}` on {parts:?}");
    }
}

#[test]
fn refuses_the_patterns_that_the_bdks_refuse() {
    let rows = [
        (40, "{&}", "Argument name is not valid"),
        (40, "{##}", "Argument name is not valid"),
        (40, "{$$}", "Argument name is not valid"),
        (40, "{@@}", "Argument name is not valid"),
        (41, "/command{arg}", "Invalid pattern syntax"),
        (42, "{arg1}{arg2}", "Argument name is not valid"),
        (43, "/command {arg} {arg}", "Argument names must be unique"),
        (
            43,
            "/command {@arg} {#arg}",
            "Argument names must be unique",
        ),
        (43, "{arg} {@arg}", "Argument names must be unique"),
    ];
    for (row, pattern, expected) in rows {
        let error = Pattern::parse(pattern).unwrap_err().to_string();
        assert!(error.starts_with(expected), "row {row}: {error}");
    }
}

fn shown(message: &Message) -> Vec<String> {
    let tokens = tokens(message, true);
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

#[test]
fn splits_messages_as_the_bdks_do() {
    let rows: [(u32, &[&str], &[&str]); 6] = [
        (
            44,
            &["<p>lorem <span>jane-doe</span></p>"],
            &["lorem", "jane-doe"],
        ),
        (
            45,
            &[r#"<span class="entity" data-entity-id="missing">@jane-doe</span>"#],
            &["@jane-doe"],
        ),
        (46, &["M:1:@A", "M:2:@B"], &["M:1", "M:2"]),
        (
            47,
            &["mytext1", "H:h:#h", " mytext2"],
            &["mytext1", "H:h", "mytext2"],
        ),
        // The nuances of §8.3.
        (83, &["lorem<p>ipsum</p> dolor"], &["loremipsum", "dolor"]),
        (83, &["a<b>b</b>c"], &["abc"]),
    ];
    for (row, parts, expected) in rows {
        let (xml, data) = presentation(parts);
        assert_eq!(shown(&read(&xml, &data)), expected, "row {row}");
    }
    assert_eq!(shown(&read("<div>a b</div>", "")), ["a", "b"], "row 48");
}

#[test]
fn an_entity_counts_once_however_many_ids_it_has() {
    let data = r#"{"1": {"type": "org.symphonyoss.fin.security", "version": "2.0", "id": [
        {"type": "org.symphonyoss.fin.security.id.isin", "value": "US38259P5089"},
        {"type": "org.symphonyoss.fin.security.id.ticker", "value": "goog"}]}}"#;
    let message = read(
        r#"<div><span class="entity" data-entity-id="1">$goog</span></div>"#,
        data,
    );
    assert_eq!(shown(&message), ["C:goog"]);
    assert_eq!(message.cashtags[0].ids.len(), 2);
}

#[test]
fn text_has_no_own_mention_and_keeps_lines() {
    let (xml, data) = presentation(&[
        "M:123456789:@Desk Bot",
        " buy <b>10</b><br/>of ",
        "C:goog:$goog",
        "&nbsp;now",
    ]);
    let message = read(&xml, &data);
    assert_eq!(message.text, "buy 10\nof $goog\u{a0}now");
    assert_eq!(message.mentions.len(), 1);
}
