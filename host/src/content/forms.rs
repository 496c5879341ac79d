//! Checks the answers to a form against its rules.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use regex::{Regex, RegexBuilder};

use super::sentence::fill;
use crate::model::content::{Field, FieldKind, Form, FormAudience};
use crate::model::event::User;
use crate::model::payload::{FieldValue, SubmittedField};

/// The most bytes of a field's pattern.
pub const MAX_PATTERN_BYTES: usize = 256;
/// The most bytes of one answer.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// The most answers to one field.
const MAX_ANSWERS: usize = 500;
// What a pattern may take when compiled: bounds memory and the time of the linear match.
const MAX_COMPILED_BYTES: usize = 512 * 1024;

/// What is wrong with one answer, in a sentence for the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's id.
    pub field: String,
    /// What the person is told.
    pub sentence: String,
}

/// Every sentence about a wrong answer; `{field}` is the field's label, `{bound}` the bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormSentences {
    /// An empty answer to a required field.
    pub required: String,
    /// More than one answer.
    pub one_only: String,
    /// An answer that is too large to keep.
    pub too_large: String,
    /// Not a number.
    pub number: String,
    /// Neither yes nor no.
    pub flag: String,
    /// None of the choices; `{choices}` are their labels.
    pub choice: String,
    /// Not a day.
    pub date: String,
    /// Not a time of day.
    pub time: String,
    /// Not a time zone.
    pub time_zone: String,
    /// Nobody who is known here; `{value}` is the answer.
    pub user: String,
    /// No conversation that is known here; `{value}` is the answer.
    pub conversation: String,
    /// The pattern does not fit and has no sentence of its own.
    pub pattern: String,
    /// Below the smallest.
    pub min: String,
    /// Above the largest.
    pub max: String,
    /// Too few characters.
    pub min_length: String,
    /// Too many characters.
    pub max_length: String,
    /// Too few answers.
    pub min_count: String,
    /// Too many answers.
    pub max_count: String,
}

impl Default for FormSentences {
    fn default() -> Self {
        let own = str::to_owned;
        Self {
            required: own("{field} is needed."),
            one_only: own("{field} takes one answer only."),
            too_large: own("{field} is too long."),
            number: own("{field} must be a number, such as 12.5."),
            flag: own("{field} must be yes or no."),
            choice: own("{field} must be one of: {choices}."),
            date: own("{field} must be a day, such as 2026-11-20."),
            time: own("{field} must be a time, such as 14:30."),
            time_zone: own("{field} must be a time zone, such as Europe/London."),
            user: own("{field}: nobody is called {value} here."),
            conversation: own("{field}: no conversation is called {value} here."),
            pattern: own("{field} is not written as it should be."),
            min: own("{field} must be at least {bound}."),
            max: own("{field} must be at most {bound}."),
            min_length: own("{field} must have at least {bound} characters."),
            max_length: own("{field} must have at most {bound} characters."),
            min_count: own("{field} needs at least {bound} answers."),
            max_count: own("{field} takes at most {bound} answers."),
        }
    }
}

/// What the check needs to know beside the form.
pub struct FormContext<'c> {
    /// Finds a user by what the platform or the person gave: an id, a name, an e-mail address.
    pub user: &'c dyn Fn(&str) -> Option<User>,
    /// Finds a conversation's id by what the platform or the person gave.
    pub conversation: &'c dyn Fn(&str) -> Option<String>,
    /// What people are told.
    pub sentences: &'c FormSentences,
}

/// Checks answers, by field id, as the platform gives them. Read-only and hidden fields have their
/// defaults, whatever was sent; answers to fields that the form does not have are passed over.
///
/// # Errors
/// Fails with one problem for each field whose answer breaks a rule, in the form's order.
pub fn validate(
    form: &Form,
    answers: &BTreeMap<String, Vec<String>>,
    context: &FormContext<'_>,
) -> Result<Vec<SubmittedField>, Vec<FieldProblem>> {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for field in &form.fields {
        let given = if field.read_only || field.kind == FieldKind::Hidden {
            &field.defaults
        } else {
            answers.get(&field.id).unwrap_or(const { &Vec::new() })
        };
        match check_field(field, given, context) {
            Ok(Some(value)) => values.push(SubmittedField {
                id: field.id.clone(),
                value,
            }),
            Ok(None) => {}
            Err(sentence) => problems.push(FieldProblem {
                field: field.id.clone(),
                sentence,
            }),
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

/// Tells whether a user may answer; `actor` is for whom the event came that the form answers.
pub fn may_answer(
    audience: &FormAudience,
    actor: Option<&str>,
    user: &str,
    roles: &[String],
) -> bool {
    match audience {
        FormAudience::Anyone => true,
        FormAudience::Actor => actor == Some(user),
        FormAudience::Users(users) => users.iter().any(|known| known == user),
        FormAudience::Roles(wanted) => wanted.iter().any(|role| roles.contains(role)),
    }
}

/// Compiles a field's pattern; it must fit the whole value.
pub(super) fn compile_pattern(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!(
            "expected a pattern of at most {MAX_PATTERN_BYTES} bytes, found {}",
            pattern.len()
        ));
    }
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            format!(
                "expected a regular expression without look-around, found {}",
                text.lines().last().unwrap_or_default()
            )
        })
}

/// Whether a bound can be read for a field of this kind.
pub(super) fn is_bound(kind: &FieldKind, bound: &str) -> bool {
    match kind {
        FieldKind::Number => number(bound).is_some(),
        FieldKind::Date => date(bound).is_some(),
        FieldKind::Time => time(bound).is_some(),
        _ => bound.trim().parse::<usize>().is_ok(),
    }
}

type Checked<T> = Result<T, String>;

/// Checks the answer to one field.
pub(super) fn check_field(
    field: &Field,
    given: &[String],
    context: &FormContext<'_>,
) -> Checked<Option<FieldValue>> {
    let say = |sentence: &str| Err(fill(sentence, &[("field", &field.label)]));
    let sentences = context.sentences;
    if given.len() > MAX_ANSWERS || given.iter().any(|answer| answer.len() > MAX_ANSWER_BYTES) {
        return say(&sentences.too_large);
    }
    let trimmed: Vec<&str> = given
        .iter()
        .map(|answer| answer.trim())
        .filter(|answer| !answer.is_empty())
        .collect();
    if field.kind == FieldKind::Checkbox {
        return check_box(field, &trimmed, sentences);
    }
    let Some(first) = trimmed.first().copied() else {
        if field.required {
            return say(&sentences.required);
        }
        return Ok(None);
    };
    let several = field.kind == FieldKind::MultiSelect
        || (field.multiple && matches!(field.kind, FieldKind::User | FieldKind::Conversation));
    if trimmed.len() > 1 && !several {
        return say(&sentences.one_only);
    }
    let value = match &field.kind {
        FieldKind::Text | FieldKind::Multiline | FieldKind::Hidden => {
            // The spaces around a text may be meant; what is tested is what is kept.
            let text = given.first().map_or(first, String::as_str);
            check_text(field, text, sentences)?;
            FieldValue::Text(text.to_owned())
        }
        FieldKind::Number => {
            let Some(found) = number(first) else {
                return say(&sentences.number);
            };
            check_bounds(field, &found, number, sentences)?;
            FieldValue::Number(found)
        }
        FieldKind::Radio | FieldKind::Select => {
            FieldValue::Text(check_choice(field, first, sentences)?)
        }
        FieldKind::MultiSelect => {
            let mut chosen = Vec::with_capacity(trimmed.len());
            for answer in &trimmed {
                let value = check_choice(field, answer, sentences)?;
                if !chosen.contains(&value) {
                    chosen.push(value);
                }
            }
            check_count(field, chosen.len(), sentences)?;
            FieldValue::Choices(chosen)
        }
        FieldKind::Date => {
            let Some(found) = date(first) else {
                return say(&sentences.date);
            };
            check_bounds(field, &found, date, sentences)?;
            FieldValue::Date(found.to_string())
        }
        FieldKind::Time => {
            let Some(found) = time(first) else {
                return say(&sentences.time);
            };
            check_bounds(field, &found, time, sentences)?;
            FieldValue::Time(found.strftime("%H:%M").to_string())
        }
        FieldKind::Timezone => {
            let Some(name) = time_zone(first) else {
                return say(&sentences.time_zone);
            };
            FieldValue::Text(name)
        }
        FieldKind::User => {
            let mut users: Vec<User> = Vec::with_capacity(trimmed.len());
            for answer in &trimmed {
                // Whom the author set need not be known to the platform.
                let fixed = || field.read_only.then(|| User::of_id(answer));
                match (context.user)(answer).or_else(fixed) {
                    Some(user) if users.iter().any(|known| known.id == user.id) => {}
                    Some(user) => users.push(user),
                    None => {
                        let values = [("field", field.label.as_str()), ("value", answer)];
                        return Err(fill(&sentences.user, &values));
                    }
                }
            }
            check_count(field, users.len(), sentences)?;
            FieldValue::Users(users)
        }
        FieldKind::Conversation => {
            let mut ids: Vec<String> = Vec::with_capacity(trimmed.len());
            for answer in &trimmed {
                let fixed = || field.read_only.then(|| (*answer).to_owned());
                match (context.conversation)(answer).or_else(fixed) {
                    Some(id) if ids.contains(&id) => {}
                    Some(id) => ids.push(id),
                    None => {
                        let values = [("field", field.label.as_str()), ("value", answer)];
                        return Err(fill(&sentences.conversation, &values));
                    }
                }
            }
            check_count(field, ids.len(), sentences)?;
            FieldValue::Conversations(ids)
        }
        FieldKind::Checkbox | FieldKind::Other(_) => {
            FieldValue::Other(serde_json::json!(given).to_string())
        }
    };
    Ok(Some(value))
}

// A box that is not ticked is `false`, not an empty answer; a required one must be ticked.
fn check_box(
    field: &Field,
    given: &[&str],
    sentences: &FormSentences,
) -> Checked<Option<FieldValue>> {
    let ticked = match given.first() {
        None => Some(false),
        Some(answer) if field.choices.iter().any(|choice| &choice.value == answer) => Some(true),
        Some(answer) => flag(answer),
    };
    match ticked {
        None => Err(fill(&sentences.flag, &[("field", &field.label)])),
        Some(false) if field.required => Err(fill(&sentences.required, &[("field", &field.label)])),
        Some(ticked) => Ok(Some(FieldValue::Flag(ticked))),
    }
}

fn check_text(field: &Field, text: &str, sentences: &FormSentences) -> Checked<()> {
    let length = text.chars().count();
    let bound = |bound: &Option<String>| {
        bound
            .as_ref()
            .and_then(|bound| bound.trim().parse::<usize>().ok())
    };
    if let Some(min) = bound(&field.min)
        && length < min
    {
        return Err(bounded(&sentences.min_length, field, &min.to_string()));
    }
    if let Some(max) = bound(&field.max)
        && length > max
    {
        return Err(bounded(&sentences.max_length, field, &max.to_string()));
    }
    // A pattern that does not compile was refused before the form was sent.
    if let Some(pattern) = &field.pattern
        && compile_pattern(&pattern.regex).is_ok_and(|regex| !regex.is_match(text))
    {
        let sentence = if pattern.message.is_empty() {
            &sentences.pattern
        } else {
            &pattern.message
        };
        return Err(fill(sentence, &[("field", &field.label)]));
    }
    Ok(())
}

fn check_bounds<T: PartialOrd>(
    field: &Field,
    found: &T,
    read: impl Fn(&str) -> Option<T>,
    sentences: &FormSentences,
) -> Checked<()> {
    for (bound, wrong, sentence) in [
        (&field.min, std::cmp::Ordering::Less, &sentences.min),
        (&field.max, std::cmp::Ordering::Greater, &sentences.max),
    ] {
        if let Some(text) = bound
            && let Some(limit) = read(text)
            && found.partial_cmp(&limit) == Some(wrong)
        {
            return Err(bounded(sentence, field, text));
        }
    }
    Ok(())
}

fn check_count(field: &Field, count: usize, sentences: &FormSentences) -> Checked<()> {
    check_bounds(
        field,
        &count,
        |bound| bound.trim().parse().ok(),
        &FormSentences {
            min: sentences.min_count.clone(),
            max: sentences.max_count.clone(),
            ..FormSentences::default()
        },
    )
}

// By value; by label too, because people type what they read.
fn check_choice(field: &Field, answer: &str, sentences: &FormSentences) -> Checked<String> {
    let by_value = field
        .choices
        .iter()
        .find(|choice| choice.value.trim() == answer);
    let found = by_value.or_else(|| {
        let wanted = answer.to_lowercase();
        field
            .choices
            .iter()
            .find(|choice| choice.label.trim().to_lowercase() == wanted)
    });
    found.map(|choice| choice.value.clone()).ok_or_else(|| {
        let labels: Vec<&str> = field
            .choices
            .iter()
            .map(|choice| match choice.label.trim() {
                "" => choice.value.as_str(),
                label => label,
            })
            .collect();
        let choices = labels.join(", ");
        let values = [("field", field.label.as_str()), ("choices", &choices)];
        fill(&sentences.choice, &values)
    })
}

fn bounded(sentence: &str, field: &Field, bound: &str) -> String {
    fill(sentence, &[("field", &field.label), ("bound", bound)])
}

fn flag(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    match text.as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    let found: f64 = text.trim().parse().ok()?;
    (found.is_finite() && text.contains(|sign: char| sign.is_ascii_digit())).then_some(found)
}

fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

fn time(text: &str) -> Option<Time> {
    let text = text.trim();
    let shaped = (text.len() == 5 || text.len() == 8) && text.as_bytes().get(2) == Some(&b':');
    shaped.then(|| text.parse().ok()).flatten()
}

// Where the machine has no time zone data, a name of the right shape has to do.
fn time_zone(text: &str) -> Option<String> {
    if let Ok(zone) = jiff::tz::TimeZone::get(text) {
        return zone.iana_name().map(str::to_owned);
    }
    let shaped = text
        .bytes()
        .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'/' | b'_' | b'-' | b'+'));
    (jiff::tz::db().is_definitively_empty() && shaped).then(|| text.to_owned())
}
