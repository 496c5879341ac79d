//! Whether Webex would take a card: version, elements, what each has and must have and of which type, how
//! many actions, how large (webex.md §7.1). Pure.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::MAX_ACTIONS;
use super::schema::{
    ACTIONS, BACKGROUND, CARD, CHOICE, COLUMN, ELEMENTS, FACT, IMAGE, Is, Kind, RUN, SHOW_CARD,
    Shape, TARGET,
};

/// Bytes of a card; two projects name 80 KB.
const MAX_BYTES: usize = 80_000;
/// The latest version that Webex knows.
const VERSION: (u32, u32) = (1, 3);
/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 32;
/// Characters of a made-up name that are told.
const MAX_NAME: usize = 64;
/// Members that must say something.
const NOT_EMPTY: [&str; 2] = ["id", "url"];

/// Why Webex would refuse a card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// It is none.
    #[error("this is no Adaptive Card")]
    NoCard,
    /// Its version is too new.
    #[error("a card of version {0}, Webex knows 1.3")]
    Version(String),
    /// It has something that Webex does not know.
    #[error("{0}: Webex knows no {1}")]
    Unknown(String, String),
    /// Something in it is of another type.
    #[error("{0}: {1} is expected")]
    Type(String, String),
    /// Something in it lacks what it must have.
    #[error("{0}: `{1}` is missing")]
    Missing(String, String),
    /// Two inputs have one name.
    #[error("two inputs are called {0}")]
    Twice(String),
    /// It has too many actions.
    #[error("{0} actions, a card has {MAX_ACTIONS} at most")]
    Actions(usize),
    /// It is too deep.
    #[error("elements nested deeper than {MAX_DEPTH}")]
    Depth,
    /// It is too large.
    #[error("a card of {0} bytes, Webex takes {MAX_BYTES}")]
    TooLarge(usize),
}

/// Checks a card.
///
/// # Errors
/// The first thing that Webex would refuse.
pub fn check_card(card: &Value) -> Result<(), CardError> {
    let bytes = card.to_string().len();
    if bytes > MAX_BYTES {
        return Err(CardError::TooLarge(bytes));
    }
    let mut checker = Checker::default();
    checker.card(card, "#", 0)?;
    if checker.actions > MAX_ACTIONS {
        return Err(CardError::Actions(checker.actions));
    }
    Ok(())
}

#[derive(Default)]
struct Checker {
    inputs: HashSet<String>,
    actions: usize,
}

impl Checker {
    fn card(&mut self, card: &Value, place: &str, depth: usize) -> Result<(), CardError> {
        if card["type"] != CARD.name {
            return Err(CardError::NoCard);
        }
        match card["version"].as_str() {
            Some(version) if is_known(version) => {}
            Some(version) => return Err(CardError::Version(version.to_owned())),
            // Inside of another its version is that one's.
            None if depth > 0 => {}
            None => return Err(missing(place, "version")),
        }
        self.object(card, &CARD, place, depth)
    }

    /// Something of a kind.
    fn one(
        &mut self,
        value: &Value,
        kind: Kind,
        place: &str,
        depth: usize,
    ) -> Result<(), CardError> {
        if depth > MAX_DEPTH {
            return Err(CardError::Depth);
        }
        let shape = match kind {
            Kind::Card => return self.card(value, place, depth),
            // A text alone is short for it.
            Kind::Inline | Kind::Target if value.is_string() => return Ok(()),
            Kind::Element => named(value, ELEMENTS, place)?,
            Kind::Action => named(value, ACTIONS, place)?,
            Kind::Tap => {
                let shape = named(value, ACTIONS, place)?;
                if shape.name == SHOW_CARD {
                    let what = format!("{SHOW_CARD} behind a tap");
                    return Err(CardError::Unknown(place.to_owned(), what));
                }
                shape
            }
            Kind::Inline => named(value, std::slice::from_ref(&RUN), place)?,
            // These need not say what they are.
            Kind::Column => &COLUMN,
            Kind::Image => &IMAGE,
            Kind::Fact => &FACT,
            Kind::Choice => &CHOICE,
            Kind::Target => &TARGET,
            Kind::Background => &BACKGROUND,
        };
        if matches!(kind, Kind::Action | Kind::Tap) {
            self.actions += 1;
        }
        self.object(value, shape, place, depth)?;
        if shape.name.starts_with("Input.") && kind == Kind::Element {
            let id = value["id"].as_str().unwrap_or_default();
            if !self.inputs.insert(id.to_owned()) {
                return Err(CardError::Twice(id.to_owned()));
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        value: &Value,
        shape: &Shape,
        place: &str,
        depth: usize,
    ) -> Result<(), CardError> {
        let object = object(value, place)?;
        for needed in shape.needs {
            let says_nothing = |value: &Value| {
                value.is_null() || (NOT_EMPTY.contains(needed) && value.as_str() == Some(""))
            };
            if object.get(*needed).is_none_or(says_nothing) {
                return Err(missing(place, needed));
            }
        }
        for (name, value) in object {
            let place = format!("{place}/{name}");
            if name == "type" {
                if value != shape.name {
                    return Err(CardError::Type(place, shape.name.to_owned()));
                }
                continue;
            }
            let Some(is) = shape.member(name) else {
                let what = format!("member `{}` of {}", short(name), shape.name);
                return Err(CardError::Unknown(parent(&place), what));
            };
            self.member(value, is, &place, depth)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        value: &Value,
        is: Is,
        place: &str,
        depth: usize,
    ) -> Result<(), CardError> {
        let is_one_of = |words: &[&str]| {
            let word = value.as_str();
            word.is_some_and(|word| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
        };
        let (is_right, expected) = match is {
            Is::Text => (value.is_string(), "a text".to_owned()),
            Is::Flag => (value.is_boolean(), "true or false".to_owned()),
            Is::FlagOrNull => (
                value.is_boolean() || value.is_null(),
                "true or false".to_owned(),
            ),
            Is::Number => (value.is_number(), "a number".to_owned()),
            Is::TextOrNumber => (
                value.is_string() || value.is_number(),
                "a text or a number".to_owned(),
            ),
            Is::Word(words) => (is_one_of(words), one_of(words)),
            Is::WordOrNull(words) => (value.is_null() || is_one_of(words), one_of(words)),
            Is::Data => (
                value.is_string() || value.is_object(),
                "a text or an object".to_owned(),
            ),
            Is::Texts => (
                value
                    .as_object()
                    .is_some_and(|all| all.values().all(Value::is_string)),
                "an object of texts".to_owned(),
            ),
            Is::One(kind) => return self.one(value, kind, place, depth + 1),
            Is::Many(kind) => {
                let Some(items) = value.as_array() else {
                    return Err(CardError::Type(place.to_owned(), "a list".to_owned()));
                };
                for (number, item) in items.iter().enumerate() {
                    self.one(item, kind, &format!("{place}/{number}"), depth + 1)?;
                }
                return Ok(());
            }
            Is::Fallback(kind) => {
                if is_one_of(&["drop"]) {
                    return Ok(());
                }
                // Only one of the two is shown: names and actions of one do not count for the other.
                return Checker::default().one(value, kind, place, depth + 1);
            }
            Is::Background => {
                if value.is_string() {
                    return Ok(());
                }
                return self.one(value, Kind::Background, place, depth + 1);
            }
        };
        match is_right {
            true => Ok(()),
            false => Err(CardError::Type(place.to_owned(), expected)),
        }
    }
}

/// What something says that it is.
fn named<'s>(value: &Value, shapes: &'s [Shape], place: &str) -> Result<&'s Shape, CardError> {
    let kind = object(value, place)?.get("type").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| missing(place, "type"))?;
    let found = shapes.iter().find(|shape| shape.name == kind);
    found.ok_or_else(|| CardError::Unknown(place.to_owned(), short(kind)))
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v Map<String, Value>, CardError> {
    let wrong = || CardError::Type(place.to_owned(), "an object".to_owned());
    value.as_object().ok_or_else(wrong)
}

fn parent(place: &str) -> String {
    let (parent, _) = place.rsplit_once('/').unwrap_or_default();
    parent.to_owned()
}

/// A name that somebody made up, short enough to be told.
fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

fn missing(place: &str, what: &str) -> CardError {
    CardError::Missing(place.to_owned(), what.to_owned())
}

fn is_known(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) <= VERSION,
        (Some(Ok(major)), None) => (major, 0) <= VERSION,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn card(body: Value) -> Value {
        json!({"type": "AdaptiveCard", "version": "1.3", "body": body})
    }

    #[test]
    fn a_card_that_webex_would_refuse_is_refused_here() {
        let is = |card: &Value, expected: &str| {
            let found = check_card(card).map_err(|error| error.to_string());
            assert_eq!(found, Err(expected.to_owned()), "{card}");
        };
        is(&json!({"a": 1}), "this is no Adaptive Card");
        is(&json!({"type": "AdaptiveCard"}), "#: `version` is missing");
        for version in ["1.4", "2.0", "x"] {
            is(
                &json!({"type": "AdaptiveCard", "version": version}),
                &format!("a card of version {version}, Webex knows 1.3"),
            );
        }
        is(
            &card(json!([{"type": "TextBlock"}])),
            "#/body/0: `text` is missing",
        );
        is(
            &card(json!([{"type": "Input.Text", "id": ""}])),
            "#/body/0: `id` is missing",
        );
        is(
            &card(json!([{"type": "Table"}])),
            "#/body/0: Webex knows no Table",
        );
        is(
            &card(json!([{"type": "Container", "items": [{"type": "Media"}]}])),
            "#/body/0/items/0: Webex knows no Media",
        );
        is(
            &card(json!([{"type": "Input.Date", "id": "a"}, {"type": "Input.Time", "id": "a"}])),
            "two inputs are called a",
        );
        let action = json!({"type": "Action.Submit"});
        let actions = vec![action; 6];
        is(
            &card(json!([{"type": "ActionSet", "actions": actions}])),
            "6 actions, a card has 5 at most",
        );
        let large = card(json!([{"type": "TextBlock", "text": "x".repeat(MAX_BYTES)}]));
        assert!(matches!(check_card(&large), Err(CardError::TooLarge(_))));
        let mut deep = json!({"type": "TextBlock", "text": "x"});
        for _ in 0..40 {
            deep = json!({"type": "Container", "items": [deep]});
        }
        assert_eq!(check_card(&card(json!([deep]))), Err(CardError::Depth));
    }

    #[test]
    fn what_is_of_another_type_is_refused() {
        let is = |element: Value, expected: &str| {
            let found = check_card(&card(json!([element]))).map_err(|error| error.to_string());
            assert_eq!(found, Err(expected.to_owned()), "{element}");
        };
        let text = |name: &str, value: Value| {
            let mut text = json!({"type": "TextBlock", "text": "x"});
            text[name] = value;
            text
        };
        is(text("text", json!(5)), "#/body/0/text: a text is expected");
        is(
            text("wrap", json!("true")),
            "#/body/0/wrap: true or false is expected",
        );
        is(
            text("maxLines", json!("3")),
            "#/body/0/maxLines: a number is expected",
        );
        is(
            text("weight", json!("bold")),
            "#/body/0/weight: one of default, lighter, bolder is expected",
        );
        is(text("id", json!(null)), "#/body/0/id: a text is expected");
        is(
            text("separator", json!(1)),
            "#/body/0/separator: true or false is expected",
        );
        is(
            text("bold", json!(true)),
            "#/body/0: Webex knows no member `bold` of TextBlock",
        );
        is(json!("text"), "#/body/0: an object is expected");
        is(
            json!({"type": "Container", "items": {}}),
            "#/body/0/items: a list is expected",
        );
        is(
            json!({"type": "ColumnSet", "columns": [{"type": "TextBlock"}]}),
            "#/body/0/columns/0/type: Column is expected",
        );
        is(
            json!({"type": "FactSet", "facts": [{"title": "a"}]}),
            "#/body/0/facts/0: `value` is missing",
        );
        is(
            json!({"type": "Input.ChoiceSet", "id": "a"}),
            "#/body/0: `choices` is missing",
        );
        is(
            json!({"type": "Input.Number", "id": "a", "value": "1"}),
            "#/body/0/value: a number is expected",
        );
        is(
            json!({"type": "Image", "url": "https://a.example", "selectAction": {
                "type": "Action.ShowCard", "card": {"type": "AdaptiveCard"}}}),
            "#/body/0/selectAction: Webex knows no Action.ShowCard behind a tap",
        );
        is(
            json!({"type": "ActionSet", "actions": [{"type": "Action.Submit", "data": 1}]}),
            "#/body/0/actions/0/data: a text or an object is expected",
        );
        is(
            json!({"type": "TextBlock", "text": "x", "fallback": {"type": "TextBlock"}}),
            "#/body/0/fallback: `text` is missing",
        );
    }

    #[test]
    fn a_good_card_passes() {
        let good = json!({"type": "AdaptiveCard", "version": "1.2", "body": [
            {"type": "ColumnSet", "columns": [{"items": [{"type": "TextBlock", "text": ""}]}]},
            {"type": "Container", "style": null, "items": [], "fallback": "drop"},
            {"type": "Input.Number", "id": "n", "value": 1, "fallback": {"type": "Input.Text", "id": "n"}},
            {"type": "RichTextBlock", "inlines": ["a", {"type": "TextRun", "text": "b", "weight": "BOLDER"}]},
        ], "actions": [
            {"type": "Action.ShowCard", "card": {"type": "AdaptiveCard", "body": []}},
            {"type": "Action.OpenUrl", "url": "https://example.com"},
        ]});
        assert_eq!(check_card(&good), Ok(()));
    }
}
