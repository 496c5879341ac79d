//! Answers against a form's rules.

use std::collections::BTreeMap;

use crate::content::forms::{FormContext, FormSentences, validate};
use crate::model::content::{Choice, Field, FieldKind, FieldPattern};
use crate::model::event::{ConversationRole, User, UserKind};

use super::check::{field, form};

fn ada(name: &str) -> Option<User> {
    (name == "ada").then(|| User {
        id: "u1".to_owned(),
        display_name: "Ada".to_owned(),
        user_name: None,
        first_name: None,
        last_name: None,
        email: None,
        time_zone: None,
        locale: None,
        kind: UserKind::Human,
        role_here: ConversationRole::Member,
        roles: Vec::new(),
    })
}

/// The value as it is debugged, `-` for none, or the sentence.
fn answer(field: Field, given: &[&str]) -> String {
    let mut answers = BTreeMap::new();
    answers.insert(
        "a".to_owned(),
        given.iter().map(|text| (*text).to_owned()).collect(),
    );
    answers.insert("unknown".to_owned(), vec!["x".to_owned()]);
    let context = FormContext {
        user: &ada,
        conversation: &|name| (name != "attic").then(|| name.to_owned()),
        sentences: &FormSentences::default(),
    };
    match validate(&form(vec![field]), &answers, &context) {
        Ok(values) => values.first().map_or_else(
            || "-".to_owned(),
            |field| match &field.value {
                crate::model::payload::FieldValue::Users(users) => {
                    format!("Users({})", users.len())
                }
                value => format!("{value:?}"),
            },
        ),
        Err(problems) => {
            let sentences: Vec<String> = problems
                .into_iter()
                .map(|problem| problem.sentence)
                .collect();
            sentences.join(" ")
        }
    }
}

fn with(kind: FieldKind, change: impl Fn(&mut Field)) -> Field {
    let mut made = field("a", kind);
    change(&mut made);
    made
}

fn choices(field: &mut Field) {
    field.choices = [("r", "Red"), ("g", "Green")]
        .map(|(value, label)| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
        })
        .to_vec();
}

fn bounds(min: &'static str, max: &'static str) -> impl Fn(&mut Field) {
    move |field| {
        field.min = Some(min.to_owned());
        field.max = Some(max.to_owned());
    }
}

#[test]
fn every_kind_is_checked() {
    use FieldKind::{
        Checkbox, Conversation, Date, Hidden, MultiSelect, Multiline, Number, Radio, Select, Text,
        Time, Timezone, User,
    };
    let none = |_: &mut Field| {};
    let required = |field: &mut Field| field.required = true;
    let pattern = |field: &mut Field| {
        field.pattern = Some(FieldPattern {
            regex: "[a-z]+|[0-9]+".to_owned(),
            message: "small letters, please".to_owned(),
        });
    };
    let kept = |field: &mut Field| {
        field.read_only = true;
        field.defaults = vec!["kept".to_owned()];
    };
    let many = |field: &mut Field| {
        choices(field);
        bounds("1", "1")(field);
    };
    for (field, given, expected) in [
        (with(Text, none), vec![" hi "], "Text(\" hi \")"),
        (with(Text, none), vec!["  "], "-"),
        (with(Text, none), vec![], "-"),
        (with(Text, none), vec!["a", "b"], "a takes one answer only."),
        (with(Text, required), vec![" "], "a is needed."),
        (with(Text, pattern), vec!["abc"], "Text(\"abc\")"),
        (with(Text, pattern), vec!["abc9"], "small letters, please"),
        (
            with(Text, bounds("2", "3")),
            vec!["é"],
            "a must have at least 2 characters.",
        ),
        (
            with(Multiline, bounds("2", "3")),
            vec!["éééé"],
            "a must have at most 3 characters.",
        ),
        (with(Text, kept), vec!["changed"], "Text(\"kept\")"),
        (
            with(Hidden, |field| field.defaults = vec!["h".to_owned()]),
            vec!["forged"],
            "Text(\"h\")",
        ),
        (with(Number, none), vec![" 1.5 "], "Number(1.5)"),
        (
            with(Number, none),
            vec!["inf"],
            "a must be a number, such as 12.5.",
        ),
        (
            with(Number, none),
            vec!["1,5"],
            "a must be a number, such as 12.5.",
        ),
        (
            with(Number, bounds("1", "10")),
            vec!["0.5"],
            "a must be at least 1.",
        ),
        (
            with(Number, bounds("1", "10")),
            vec!["11"],
            "a must be at most 10.",
        ),
        (with(Number, bounds("1", "10")), vec!["10"], "Number(10.0)"),
        (with(Checkbox, none), vec![], "Flag(false)"),
        (with(Checkbox, none), vec!["on"], "Flag(true)"),
        (with(Checkbox, choices), vec!["r"], "Flag(true)"),
        (
            with(Checkbox, none),
            vec!["perhaps"],
            "a must be yes or no.",
        ),
        (with(Checkbox, required), vec![], "a is needed."),
        (with(Radio, choices), vec!["r"], "Text(\"r\")"),
        (with(Select, choices), vec!["green"], "Text(\"g\")"),
        (
            with(Select, choices),
            vec!["blue"],
            "a must be one of: Red, Green.",
        ),
        (
            with(MultiSelect, choices),
            vec!["r", "Red", "g"],
            "Choices([\"r\", \"g\"])",
        ),
        (
            with(MultiSelect, many),
            vec!["r", "g"],
            "a takes at most 1 answers.",
        ),
        (
            with(Date, none),
            vec!["2026-02-29"],
            "a must be a day, such as 2026-11-20.",
        ),
        (with(Date, none), vec!["2028-02-29"], "Date(\"2028-02-29\")"),
        (
            with(Date, bounds("2026-01-01", "2026-12-31")),
            vec!["2025-12-31"],
            "a must be at least 2026-01-01.",
        ),
        (with(Time, none), vec!["14:30"], "Time(\"14:30\")"),
        (with(Time, none), vec!["14:30:00"], "Time(\"14:30\")"),
        (
            with(Time, none),
            vec!["25:00"],
            "a must be a time, such as 14:30.",
        ),
        (
            with(Time, bounds("09:00", "17:00")),
            vec!["18:00"],
            "a must be at most 17:00.",
        ),
        (
            with(Timezone, none),
            vec!["Europe/London"],
            "Text(\"Europe/London\")",
        ),
        (
            with(Timezone, none),
            vec!["five o'clock"],
            "a must be a time zone, such as Europe/London.",
        ),
        (with(User, none), vec!["ada"], "Users(1)"),
        (
            with(User, |field| field.multiple = true),
            vec!["ada", "ada"],
            "Users(1)",
        ),
        (
            with(User, none),
            vec!["eve"],
            "a: nobody is called eve here.",
        ),
        (
            with(Conversation, none),
            vec!["c1"],
            "Conversations([\"c1\"])",
        ),
    ] {
        assert_eq!(
            answer(field.clone(), &given),
            expected,
            "{:?} {given:?}",
            field.kind
        );
    }
    assert_eq!(
        answer(with(Text, none), &[&"x".repeat(20_000)]),
        "a is too long."
    );
}

#[test]
fn every_wrong_field_is_named() {
    let needed = |id: &str| Field {
        required: true,
        ..field(id, FieldKind::Text)
    };
    let context = FormContext {
        user: &ada,
        conversation: &|name| (name != "attic").then(|| name.to_owned()),
        sentences: &FormSentences::default(),
    };
    let problems = validate(
        &form(vec![needed("a"), field("b", FieldKind::Text), needed("c")]),
        &BTreeMap::new(),
        &context,
    )
    .unwrap_err();
    assert_eq!(
        problems
            .iter()
            .map(|problem| problem.field.as_str())
            .collect::<Vec<_>>(),
        ["a", "c"]
    );
}
