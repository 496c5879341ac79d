//! Fields of forms. What the agent would refuse is left out where the host checks it anyway.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use serde_json::Value;

use super::form::{Fields, caption};
use super::markup::{Markup, cut, length};
use super::page::Page;
use crate::connectors::symphony::ids::{ACTION, ACTION_FIELD};
use crate::content::{clean, clean_line, plain};
use crate::model::content::{Choice, Field, FieldKind, FieldPattern, OtherField};

/// The most characters of a label, a pattern and its message.
const MAX_LABEL: usize = 256;
/// The most characters of a picker's placeholder.
const MAX_PICKER_TEXT: usize = 64;
/// The most characters of a text field.
const MAX_LINE: usize = 128;
/// The most characters of a text area.
const MAX_AREA: usize = 10_000;
/// What a number looks like, to the client.
const NUMBER: &str = "^[+-]?[0-9]*[.]?[0-9]+([eE][+-]?[0-9]+)?$";

/// Elements that a plugin may ask for by name, and what it may say of each.
const OTHERS: [(&str, &[&str]); 9] = [
    (
        "text-field",
        &[
            "masked",
            "minlength",
            "maxlength",
            "title",
            "auto-submit",
            "disabled",
        ],
    ),
    (
        "textarea",
        &[
            "minlength",
            "maxlength",
            "title",
            "rows",
            "cols",
            "disabled",
        ],
    ),
    (
        "richtextarea",
        &[
            "minlength",
            "maxlength",
            "title",
            "rows",
            "cols",
            "disabled",
        ],
    ),
    ("date-selector", &[]),
    (
        "date-picker",
        &[
            "value",
            "min",
            "max",
            "disabled-date",
            "highlighted-date",
            "format",
            "title",
            "disabled",
        ],
    ),
    (
        "time-picker",
        &[
            "value",
            "min",
            "max",
            "disabled-time",
            "step",
            "strict",
            "format",
            "title",
            "disabled",
        ],
    ),
    ("timezone-picker", &["value", "disabled-timezone", "title"]),
    ("person-selector", &["value", "title"]),
    ("room-selector", &["value", "title"]),
];

pub(super) fn write(page: &mut Page, fields: &mut Fields, field: &Field) {
    match &field.kind {
        FieldKind::Text | FieldKind::Multiline | FieldKind::Number => text(page, field),
        FieldKind::Checkbox => checkbox(page, field),
        FieldKind::Radio => radio(page, fields, field),
        FieldKind::Select | FieldKind::MultiSelect => select(page, field),
        FieldKind::Date => date(page, field),
        FieldKind::Time => time(page, field),
        // These three cannot be read-only: the host has their values.
        FieldKind::Timezone | FieldKind::User | FieldKind::Conversation if field.read_only => {
            fixed(page, field);
        }
        FieldKind::Timezone => timezone(page, field),
        FieldKind::User => selector(page, field, "person-selector", &people(field)),
        FieldKind::Conversation => {
            let rooms = field.defaults.iter().map(|id| Value::from(id.as_str()));
            selector(page, field, "room-selector", &rooms.collect::<Vec<_>>());
        }
        FieldKind::Hidden => {}
        FieldKind::Other(other) => other_element(page, field, other),
    }
}

fn name(field: &Field) -> &str {
    if field.id == ACTION {
        ACTION_FIELD
    } else {
        &field.id
    }
}

// Opens an element with what all of them have; a label that is too long stands above it.
fn begin(page: &mut Page, element: &str, field: &Field) {
    let label = field.label.trim();
    let fits = length(label) <= MAX_LABEL;
    if !fits {
        caption(page, label, field.required);
    }
    page.markup.begin(element);
    page.markup.exact("name", name(field));
    if fits && !label.is_empty() {
        page.markup.attribute("label", label);
    }
    page.markup.flag("required", field.required);
}

fn placeholder(page: &mut Page, field: &Field, limit: usize) {
    let text = field.placeholder.as_deref().unwrap_or_default();
    if !text.trim().is_empty() {
        page.markup.attribute("placeholder", &cut(text, limit));
    }
}

fn text(page: &mut Page, field: &Field) {
    let default = field.defaults.first().map(|text| clean(text));
    let default = default.filter(|text| !text.is_empty());
    let size = default.as_ref().map_or(0, |text| length(text));
    let is_number = field.kind == FieldKind::Number;
    let bound = |bound: &Option<String>| {
        let bound = bound.as_deref().filter(|_| !is_number)?;
        bound.trim().parse::<usize>().ok()
    };
    let (min, max) = (bound(&field.min), bound(&field.max));
    let lines = default.as_ref().is_some_and(|text| text.contains('\n'));
    let is_long = max.is_some_and(|max| max > MAX_LINE) || size > MAX_LINE || lines;
    let is_area = field.kind == FieldKind::Multiline || is_long;
    let limit = if is_area { MAX_AREA } else { MAX_LINE };
    if is_area && field.kind != FieldKind::Multiline {
        page.notes.add("long text field → text area");
    }
    // The agent refuses bounds outside of its own, and a default outside of them.
    let max = max.filter(|max| (1..=limit).contains(max) && size <= *max);
    let most = max.unwrap_or(limit);
    let min = min.filter(|min| (1..=most).contains(min) && (size == 0 || size >= *min));
    let element = if is_area { "textarea" } else { "text-field" };
    begin(page, element, field);
    placeholder(page, field, MAX_LABEL);
    let bound = |bound: Option<usize>| bound.map(|bound| bound.to_string());
    page.markup.given("minlength", bound(min).as_deref());
    page.markup.given("maxlength", bound(max).as_deref());
    page.markup.flag("readonly", field.read_only);
    match &field.pattern {
        _ if is_number => {
            page.markup.attribute("pattern", NUMBER);
            let message = "This must be a number, such as 12.5.";
            page.markup.attribute("pattern-error-message", message);
        }
        Some(pattern) => write_pattern(&mut page.markup, pattern),
        None => {}
    }
    match default.filter(|_| size <= limit) {
        Some(default) => {
            page.markup.open();
            page.markup.text(&default);
            page.markup.close(element);
        }
        None => {
            if size > limit {
                page.notes.add("default that is too long → left out");
            }
            page.markup.empty();
        }
    }
}

fn write_pattern(markup: &mut Markup, pattern: &FieldPattern) {
    let whole = format!("^(?:{})$", pattern.regex);
    if !is_portable(&pattern.regex) || length(&whole) > MAX_LABEL {
        return;
    }
    markup.exact("pattern", &whole);
    let message = match pattern.message.trim() {
        "" => "This is not written as it should be.",
        message => message,
    };
    markup.attribute("pattern-error-message", &cut(message, MAX_LABEL));
}

// Regular expressions of three languages meet: what one of them may read in another way is left to the
// host, which checks every answer.
fn is_portable(pattern: &str) -> bool {
    let groups = pattern.matches("(?").count() == pattern.matches("(?:").count();
    let odd = [
        "\\p", "\\P", "\\x", "\\u", "\\U", "\\A", "\\z", "\\<", "\\>", "[[", "&&", "--", "~~",
    ];
    groups && pattern.is_ascii() && !odd.iter().any(|odd| pattern.contains(odd))
}

fn checkbox(page: &mut Page, field: &Field) {
    let choice = field.choices.first();
    let value = choice.map(|choice| choice.value.as_str());
    let value = value.filter(|value| !value.trim().is_empty());
    let default = field.defaults.first().map(String::as_str);
    let is_ticked = default.is_some_and(|default| {
        Some(default) == value || matches!(default, "true" | "yes" | "on" | "1")
    });
    let label = match field.label.trim() {
        "" => choice.map_or(field.id.as_str(), |choice| &choice.label),
        label => label,
    };
    page.markup.begin("checkbox");
    page.markup.exact("name", name(field));
    if let Some(value) = value {
        page.markup.exact("value", value);
    }
    page.markup.flag("checked", is_ticked);
    page.markup.flag("readonly", field.read_only);
    page.markup.open();
    page.markup.line(label);
    if field.required {
        page.markup.line(" *");
    }
    page.markup.close("checkbox");
}

fn radio(page: &mut Page, fields: &mut Fields, field: &Field) {
    let choices = choices(page, field);
    if !fields.takes_radios(choices.len()) {
        page.notes
            .add("more than 50 radio buttons → drop-down list");
        return select(page, field);
    }
    if choices.is_empty() {
        return fixed(page, field);
    }
    caption(page, &field.label, field.required);
    for choice in choices {
        page.markup.begin("radio");
        page.markup.exact("name", name(field));
        page.markup.exact("value", &choice.value);
        let is_chosen = field.defaults.first() == Some(&choice.value);
        page.markup.flag("checked", is_chosen);
        page.markup.flag("readonly", field.read_only);
        page.markup.open();
        page.markup.line(&shown(choice));
        page.markup.close("radio");
    }
}

fn select(page: &mut Page, field: &Field) {
    let choices = choices(page, field);
    if choices.is_empty() {
        return fixed(page, field);
    }
    let is_multiple = field.kind == FieldKind::MultiSelect;
    begin(page, "select", field);
    let hint = field.placeholder.as_deref();
    page.markup.given(
        "data-placeholder",
        hint.filter(|hint| !hint.trim().is_empty()),
    );
    page.markup.flag("multiple", is_multiple);
    if is_multiple {
        let bound = |bound: &Option<String>| bound.as_ref()?.trim().parse::<usize>().ok();
        let max = bound(&field.max).filter(|max| *max >= 1);
        let min = bound(&field.min).filter(|min| *min >= 1 && max.is_none_or(|max| *min <= max));
        let text = |bound: Option<usize>| bound.map(|bound| bound.to_string());
        page.markup.given("min", text(min).as_deref());
        page.markup.given("max", text(max).as_deref());
    }
    page.markup.flag("readonly", field.read_only);
    page.markup.open();
    for choice in choices {
        page.markup.begin("option");
        page.markup.exact("value", &choice.value);
        let is_chosen = if is_multiple {
            field.defaults.contains(&choice.value)
        } else {
            field.defaults.first() == Some(&choice.value)
        };
        page.markup.flag("selected", is_chosen);
        page.markup.open();
        page.markup.line(&shown(choice));
        page.markup.close("option");
    }
    page.markup.close("select");
}

// A choice without a value could not be told from no answer.
fn choices<'f>(page: &mut Page, field: &'f Field) -> Vec<&'f Choice> {
    let valued = |choice: &&Choice| !choice.value.trim().is_empty();
    let choices: Vec<&Choice> = field.choices.iter().filter(valued).collect();
    if choices.len() < field.choices.len() {
        page.notes.add("choice without a value → left out");
    }
    choices
}

// An option says something: the agent wants text in each.
fn shown(choice: &Choice) -> Cow<'_, str> {
    let texts = [choice.label.trim(), choice.value.trim()].into_iter();
    let mut shown = texts.map(clean_line).filter(|text| !text.trim().is_empty());
    shown.next().unwrap_or(Cow::Borrowed("…"))
}

fn date(page: &mut Page, field: &Field) {
    let read = |text: &str| Some(text.trim().parse::<Date>().ok()?.to_string());
    begin(page, "date-picker", field);
    picker(page, field, read);
}

fn time(page: &mut Page, field: &Field) {
    let read = |text: &str| {
        let time = text.trim().parse::<Time>().ok()?;
        Some(time.strftime("%H:%M:%S").to_string())
    };
    begin(page, "time-picker", field);
    picker(page, field, read);
}

fn picker(page: &mut Page, field: &Field, read: impl Fn(&str) -> Option<String>) {
    let given = |text: Option<&String>| text.and_then(|text| read(text));
    let value = given(field.defaults.first());
    let (min, max) = (given(field.min.as_ref()), given(field.max.as_ref()));
    placeholder(page, field, MAX_PICKER_TEXT);
    page.markup.given("value", value.as_deref());
    page.markup.given("min", min.as_deref());
    page.markup.given("max", max.as_deref());
    page.markup.flag("readonly", field.read_only);
    page.markup.empty();
}

fn timezone(page: &mut Page, field: &Field) {
    begin(page, "timezone-picker", field);
    placeholder(page, field, MAX_LABEL);
    let zone = field.defaults.first().map(String::as_str);
    let zone = zone.filter(|zone| jiff::tz::TimeZone::get(zone).is_ok());
    // Without a value the client offers the reader's own zone, which nobody chose.
    match (zone, field.required) {
        (Some(zone), _) => page.markup.attribute("value", zone),
        (None, false) => page.markup.attribute("value", ""),
        (None, true) => {}
    }
    page.markup.empty();
}

fn people(field: &Field) -> Vec<Value> {
    let ids = field.defaults.iter();
    let ids = ids.filter_map(|id| id.trim().parse::<i64>().ok());
    ids.map(Value::from).collect()
}

fn selector(page: &mut Page, field: &Field, element: &str, values: &[Value]) {
    begin(page, element, field);
    placeholder(page, field, MAX_LABEL);
    if !values.is_empty() {
        let value = Value::Array(values.to_vec()).to_string();
        page.markup.attribute("value", &value);
    }
    page.markup.empty();
}

// What cannot be changed, or has nothing to choose, is told.
fn fixed(page: &mut Page, field: &Field) {
    let value = field.defaults.join(", ");
    let line = match (field.label.trim(), value.trim()) {
        ("", "") => return,
        (label, "") => label.to_owned(),
        ("", value) => value.to_owned(),
        (label, value) => format!("{label}: {value}"),
    };
    page.notes.add("read-only field → text");
    page.element("p", &[plain(line)]);
}

fn other_element(page: &mut Page, field: &Field, other: &OtherField) {
    let known = OTHERS.iter().find(|(name, _)| *name == other.name);
    let Some((element, allowed)) = known else {
        page.notes.add("field of another kind → text field");
        begin(page, "text-field", field);
        placeholder(page, field, MAX_LABEL);
        return page.markup.empty();
    };
    begin(page, element, field);
    placeholder(page, field, MAX_LABEL);
    let settings: Value = serde_json::from_str(&other.json).unwrap_or_default();
    for name in *allowed {
        let value = match settings.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        page.markup.attribute(name, &value);
    }
    page.markup.empty();
}
