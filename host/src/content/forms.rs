//! Forms: their rules when they are sent, and answers when they come back.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};

use super::{ContentError, MAX_FIELDS};
use crate::model::content::{Field, FieldKind, Form};
use crate::model::event::{ConversationRole, User, UserKind};
use crate::model::payload::{FieldValue, SubmittedField};

/// Bytes of a field's expression.
const MAX_PATTERN_BYTES: usize = 256;
/// Bytes that a compiled expression may take.
const MAX_PATTERN_SIZE: usize = 1 << 20;
/// Values that one field may have.
const MAX_VALUES: usize = 100;
/// Bytes of one value.
const MAX_VALUE_BYTES: usize = 10_000;

/// Something wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field.
    pub field: String,
    /// What the person is told.
    pub sentence: String,
}

/// Checks a form before it is sent.
///
/// # Errors
/// The first rule that is broken.
pub fn check(form: &Form) -> Result<(), ContentError> {
    let wrong = |text: String| Err(ContentError::Block(format!("form `{}`: {text}", form.id)));
    if form.id.is_empty() {
        return wrong("it has no id".to_owned());
    }
    if form.fields.len() > MAX_FIELDS {
        return wrong(format!(
            "{} fields, at most {MAX_FIELDS} are allowed",
            form.fields.len()
        ));
    }
    let mut ids = BTreeSet::new();
    for field in &form.fields {
        if field.id.is_empty() || !ids.insert(field.id.as_str()) {
            return wrong(format!("field id `{}` is empty or stands twice", field.id));
        }
        let chooses = matches!(
            field.kind,
            FieldKind::Radio | FieldKind::Select | FieldKind::MultiSelect
        );
        if chooses && field.choices.is_empty() {
            return wrong(format!("field `{}` has nothing to choose", field.id));
        }
        if let Some(pattern) = &field.pattern
            && let Err(error) = compile(&pattern.regex)
        {
            return wrong(format!("field `{}`: {error}", field.id));
        }
    }
    Ok(())
}

/// Checks answers against a form: required, kind, choices, pattern and bounds. Read-only and hidden
/// fields give their defaults, whatever was sent for them.
///
/// # Errors
/// Every wrong answer, with a sentence for the person.
pub fn validate(
    form: &Form,
    answers: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<SubmittedField>, Vec<FieldProblem>> {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for field in &form.fields {
        let fixed = field.read_only || field.kind == FieldKind::Hidden;
        let given: Vec<&str> = if fixed {
            field.defaults.iter().map(String::as_str).collect()
        } else {
            answers
                .get(&field.id)
                .into_iter()
                .flatten()
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
                .collect()
        };
        match value(field, &given) {
            Ok(Some(value)) => values.push(SubmittedField {
                id: field.id.clone(),
                value,
            }),
            Ok(None) => {}
            Err(what) => {
                let label = if field.label.is_empty() {
                    &field.id
                } else {
                    &field.label
                };
                problems.push(FieldProblem {
                    field: field.id.clone(),
                    sentence: format!("{label}: {what}"),
                });
            }
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

fn value(field: &Field, given: &[&str]) -> Result<Option<FieldValue>, String> {
    if given.is_empty() {
        return match field.kind {
            FieldKind::Checkbox if !field.required => Ok(Some(FieldValue::Flag(false))),
            _ if field.required => Err("an answer is needed".to_owned()),
            _ => Ok(None),
        };
    }
    let several = field.multiple || field.kind == FieldKind::MultiSelect;
    if given.len() > if several { MAX_VALUES } else { 1 } {
        return Err("too many answers".to_owned());
    }
    if let Some(long) = given.iter().find(|value| value.len() > MAX_VALUE_BYTES) {
        return Err(format!("{} bytes are too many", long.len()));
    }
    let first = given[0];
    let texts = || given.iter().map(|value| (*value).to_owned()).collect();
    let value = match &field.kind {
        FieldKind::Text | FieldKind::Multiline | FieldKind::Hidden => {
            check_text(field, first)?;
            FieldValue::Text(first.to_owned())
        }
        FieldKind::Number => {
            let number: f64 = first
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| format!("`{first}` is not a number"))?;
            check_bounds(field, &number, |text| text.parse::<f64>().ok())?;
            FieldValue::Number(number)
        }
        FieldKind::Checkbox => FieldValue::Flag(match first.to_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => true,
            "false" | "off" | "no" | "0" => false,
            _ => return Err(format!("`{first}` is neither yes nor no")),
        }),
        FieldKind::Radio | FieldKind::Select => {
            check_choice(field, first)?;
            FieldValue::Text(first.to_owned())
        }
        FieldKind::MultiSelect => {
            for value in given {
                check_choice(field, value)?;
            }
            FieldValue::Choices(texts())
        }
        FieldKind::Date => {
            let date: jiff::civil::Date = first
                .parse()
                .map_err(|_| format!("`{first}` is not a day such as 2026-11-20"))?;
            check_bounds(field, &date, |text| text.parse().ok())?;
            FieldValue::Date(date.to_string())
        }
        FieldKind::Time => {
            let time: jiff::civil::Time = first
                .parse()
                .map_err(|_| format!("`{first}` is not a time such as 14:30"))?;
            check_bounds(field, &time, |text| text.parse().ok())?;
            FieldValue::Time(time.strftime("%H:%M").to_string())
        }
        FieldKind::Timezone => {
            jiff::tz::TimeZone::get(first)
                .map_err(|_| format!("`{first}` is not a time zone such as Europe/Paris"))?;
            FieldValue::Text(first.to_owned())
        }
        FieldKind::User => FieldValue::Users(given.iter().map(|id| user(id)).collect()),
        FieldKind::Conversation => FieldValue::Conversations(texts()),
        FieldKind::Other(_) => FieldValue::Other(first.to_owned()),
    };
    Ok(Some(value))
}

fn check_text(field: &Field, text: &str) -> Result<(), String> {
    let length = text.chars().count();
    let bound = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<usize>().ok());
    if let Some(min) = bound(&field.min)
        && length < min
    {
        return Err(format!("at least {min} characters are needed"));
    }
    if let Some(max) = bound(&field.max)
        && length > max
    {
        return Err(format!("at most {max} characters are allowed"));
    }
    if let Some(pattern) = &field.pattern {
        let regex = compile(&pattern.regex)?;
        if !regex.is_match(text) {
            return Err(pattern.message.clone());
        }
    }
    Ok(())
}

fn check_bounds<T: PartialOrd>(
    field: &Field,
    value: &T,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(), String> {
    if let Some(text) = &field.min
        && read(text).is_some_and(|min| *value < min)
    {
        return Err(format!("the least is {text}"));
    }
    if let Some(text) = &field.max
        && read(text).is_some_and(|max| *value > max)
    {
        return Err(format!("the most is {text}"));
    }
    Ok(())
}

fn check_choice(field: &Field, value: &str) -> Result<(), String> {
    if field.choices.iter().any(|choice| choice.value == value) {
        Ok(())
    } else {
        Err(format!("`{value}` is not one of the choices"))
    }
}

/// The whole value must match.
fn compile(regex: &str) -> Result<Regex, String> {
    if regex.len() > MAX_PATTERN_BYTES {
        return Err(format!(
            "expression has {} bytes, at most {MAX_PATTERN_BYTES} are allowed",
            regex.len()
        ));
    }
    RegexBuilder::new(&format!("^(?:{regex})$"))
        .size_limit(MAX_PATTERN_SIZE)
        .build()
        .map_err(|error| error.to_string())
}

/// A user of whom only the id is known; the connector that knows more says more.
fn user(id: &str) -> User {
    User {
        id: id.to_owned(),
        display_name: id.to_owned(),
        user_name: None,
        first_name: None,
        last_name: None,
        email: None,
        time_zone: None,
        locale: None,
        kind: UserKind::Human,
        role_here: ConversationRole::Unknown,
        roles: Vec::new(),
    }
}
