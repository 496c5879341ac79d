//! Whether Webex would take a card: version, elements, what each must have, how many actions, how large
//! (webex.md §7.1). Pure. The whole schema is what tests check against.

use std::collections::HashSet;

use serde_json::Value;

use super::MAX_ACTIONS;

/// Bytes of a card; two projects name 80 KB.
const MAX_BYTES: usize = 80_000;
/// The latest version that Webex knows.
const VERSION: (u32, u32) = (1, 3);
/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 32;

/// Elements, and what each must have.
const ELEMENTS: [(&str, &[&str]); 15] = [
    ("TextBlock", &["text"]),
    ("RichTextBlock", &["inlines"]),
    ("Image", &["url"]),
    ("ImageSet", &["images"]),
    ("FactSet", &["facts"]),
    ("Container", &["items"]),
    ("ColumnSet", &[]),
    ("Column", &[]),
    ("ActionSet", &["actions"]),
    ("Input.Text", &["id"]),
    ("Input.Number", &["id"]),
    ("Input.Date", &["id"]),
    ("Input.Time", &["id"]),
    ("Input.Toggle", &["id", "title"]),
    ("Input.ChoiceSet", &["id"]),
];
/// Actions, and what each must have.
const ACTIONS: [(&str, &[&str]); 4] = [
    ("Action.Submit", &[]),
    ("Action.OpenUrl", &["url"]),
    ("Action.ShowCard", &[]),
    ("Action.ToggleVisibility", &["targetElements"]),
];

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
        if card["type"] != "AdaptiveCard" {
            return Err(CardError::NoCard);
        }
        match card["version"].as_str() {
            Some(version) if is_known(version) => {}
            Some(version) => return Err(CardError::Version(version.to_owned())),
            // Inside of another its version is that one's.
            None if depth > 0 => {}
            None => return Err(missing(place, "version")),
        }
        self.list(card, "body", place, depth)?;
        self.list(card, "actions", place, depth)
    }

    fn list(
        &mut self,
        parent: &Value,
        name: &str,
        place: &str,
        depth: usize,
    ) -> Result<(), CardError> {
        let items = parent[name].as_array().into_iter().flatten();
        for (number, item) in items.enumerate() {
            self.element(item, &format!("{place}/{name}/{number}"), depth + 1)?;
        }
        Ok(())
    }

    fn element(&mut self, element: &Value, place: &str, depth: usize) -> Result<(), CardError> {
        if depth > MAX_DEPTH {
            return Err(CardError::Depth);
        }
        let Some(kind) = element["type"].as_str() else {
            // Columns need not say what they are.
            if element.get("items").is_some() {
                return self.list(element, "items", place, depth);
            }
            return Err(missing(place, "type"));
        };
        let known = ELEMENTS.iter().chain(&ACTIONS);
        let Some((_, needed)) = known.clone().find(|(known, _)| *known == kind) else {
            return Err(CardError::Unknown(place.to_owned(), kind.to_owned()));
        };
        for needed in *needed {
            let is_there = match &element[*needed] {
                Value::Null => false,
                Value::String(text) => *needed == "text" || !text.is_empty(),
                _ => true,
            };
            if !is_there {
                return Err(missing(place, needed));
            }
        }
        if kind.starts_with("Action.") {
            self.actions += 1;
        }
        if kind.starts_with("Input.") {
            let id = element["id"].as_str().unwrap_or_default();
            if !self.inputs.insert(id.to_owned()) {
                return Err(CardError::Twice(id.to_owned()));
            }
        }
        if kind == "Action.ShowCard" {
            self.card(&element["card"], &format!("{place}/card"), depth + 1)?;
        }
        if let Some(action) = element.get("selectAction") {
            self.element(action, &format!("{place}/selectAction"), depth + 1)?;
        }
        for name in ["items", "columns", "images", "actions"] {
            self.list(element, name, place, depth)?;
        }
        Ok(())
    }
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
    fn a_good_card_passes() {
        let good = json!({"type": "AdaptiveCard", "version": "1.2", "body": [
            {"type": "ColumnSet", "columns": [{"items": [{"type": "TextBlock", "text": ""}]}]},
        ], "actions": [
            {"type": "Action.ShowCard", "card": {"type": "AdaptiveCard", "body": []}},
            {"type": "Action.OpenUrl", "url": "https://example.com"},
        ]});
        assert_eq!(check_card(&good), Ok(()));
    }
}
