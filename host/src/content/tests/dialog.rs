//! A form asked question by question.

mod buttons;

use crate::content::dialog::{
    DialogContext, DialogSentences, Heard, MAX_ANSWERS_BYTES, MAX_TRIES, begin, hear, names_wanted,
};
use crate::content::forms::FormSentences;
use crate::content::text;
use crate::model::content::{Block, Choice, Field, FieldKind, FieldPattern, Form, OtherField};
use crate::model::dialog::Dialog;
use crate::model::event::User;
use crate::model::payload::FieldValue;

use super::check::{field, form};

fn person(name: &str) -> User {
    User {
        display_name: name.to_owned(),
        ..User::of_id(&name.to_lowercase())
    }
}

/// Somebody's way through a form.
struct Talk {
    form: Form,
    dialog: Dialog,
    is_shared: bool,
    last: String,
    now: u64,
}

impl Talk {
    fn new(form: Form) -> Self {
        Self::named(form, "Ada", false)
    }

    fn named(form: Form, name: &str, is_shared: bool) -> Self {
        let mut talk = Self {
            dialog: Dialog {
                person: person(name),
                question: None,
                answers: Default::default(),
                tries: 0,
                heard_at: 0,
                ended: None,
            },
            form,
            is_shared,
            last: String::new(),
            now: 1,
        };
        let (dialog, says) = talk.with(|context| begin(&talk.form, person(name), context));
        talk.last = shown(&says);
        talk.dialog = dialog;
        talk
    }

    fn with<T>(&self, run: impl FnOnce(&DialogContext<'_>) -> T) -> T {
        run(&DialogContext {
            sentences: &DialogSentences::default(),
            checks: &FormSentences::default(),
            is_shared: self.is_shared,
            user: &|name| matches!(name, "Bob" | "eve@acme.com").then(|| person(name)),
            conversation: &|name| (name == "Lobby").then(|| "room:lobby".to_owned()),
            now: self.now,
        })
    }

    /// What is said next, or how it ended.
    fn say(&mut self, text: &str) -> String {
        self.now += 1;
        match self.with(|context| hear(&self.form, &self.dialog, text, context)) {
            Heard::Asked { dialog, says } => {
                self.dialog = dialog;
                shown(&says)
            }
            Heard::Submitted { values, button } => {
                let values = values.iter();
                let values = values.map(|field| format!("{}={}", field.id, value(&field.value)));
                let values: Vec<String> = values.collect();
                format!("submitted by {button}: {}", values.join(", "))
            }
            Heard::Cancelled(says) => format!("cancelled: {}", shown(&says)),
            Heard::GivenUp(says) => format!("given up: {}", shown(&says)),
        }
    }
}

fn shown(says: &[Block]) -> String {
    text(says).0
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Users(users) => {
            let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
            format!("Users({})", ids.join(" "))
        }
        value => format!("{value:?}"),
    }
}

fn required(kind: FieldKind) -> Field {
    Field {
        label: "Label".to_owned(),
        required: true,
        ..field("f", kind)
    }
}

fn choices(kind: FieldKind) -> Field {
    let choices = [("r", "Red"), ("g", "Green"), ("b", "")];
    Field {
        choices: choices
            .map(|(value, label)| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
            })
            .into(),
        ..required(kind)
    }
}

#[test]
fn every_kind_of_field_is_asked() {
    let other = OtherField {
        name: "slider".to_owned(),
        json: "{}".to_owned(),
    };
    let several = |kind| Field {
        multiple: true,
        ..required(kind)
    };
    let mut asked = String::new();
    for field in [
        required(FieldKind::Text),
        required(FieldKind::Multiline),
        required(FieldKind::Number),
        required(FieldKind::Checkbox),
        choices(FieldKind::Radio),
        choices(FieldKind::Select),
        choices(FieldKind::MultiSelect),
        required(FieldKind::Date),
        required(FieldKind::Time),
        required(FieldKind::Timezone),
        required(FieldKind::User),
        several(FieldKind::User),
        required(FieldKind::Conversation),
        several(FieldKind::Conversation),
        required(FieldKind::Other(other)),
        Field {
            placeholder: Some("a to z".to_owned()),
            ..required(FieldKind::Text)
        },
        Field {
            required: false,
            ..required(FieldKind::Text)
        },
        Field {
            defaults: vec!["g".to_owned()],
            ..choices(FieldKind::Radio)
        },
    ] {
        asked.push_str(&Talk::new(form(vec![field])).last);
        asked.push('\n');
    }
    let how = "\n\nSay “back” for the question before, “cancel” to end.\n";
    insta::assert_snapshot!(asked.replace(how, "\n--\n"), @r#"
    Label
    --
    Label
    --
    Label (a number)
    --
    Label (yes or no)
    --
    Label (one of these, by number or text)
    1. Red
    2. Green
    3. b
    --
    Label (one of these, by number or text)
    1. Red
    2. Green
    3. b
    --
    Label (one or more of these, by number or text, with commas between)
    1. Red
    2. Green
    3. b
    --
    Label (YYYY-MM-DD)
    --
    Label (HH:MM)
    --
    Label (a time zone, such as Europe/London)
    --
    Label (a name or an e-mail address)
    --
    Label (names or e-mail addresses, with commas between)
    --
    Label (the name of a conversation)
    --
    Label (names of conversations, with commas between)
    --
    Label
    --
    Label (a to z)
    --
    Label (“skip” leaves it out)
    --
    Label (one of these, by number or text; “skip” takes Green)
    1. Red
    2. Green
    3. b
    --
    "#);
}

#[test]
fn every_kind_of_answer_is_read() {
    let pattern = Field {
        pattern: Some(FieldPattern {
            regex: "[a-z]+".to_owned(),
            message: "Small letters only.".to_owned(),
        }),
        ..required(FieldKind::Text)
    };
    let bounded = Field {
        min: Some("1".to_owned()),
        max: Some("10".to_owned()),
        ..required(FieldKind::Number)
    };
    let optional = Field {
        required: false,
        ..required(FieldKind::Text)
    };
    let kept = Field {
        defaults: vec!["g".to_owned()],
        ..choices(FieldKind::Select)
    };
    let people = Field {
        multiple: true,
        ..required(FieldKind::User)
    };
    let other = FieldKind::Other(OtherField {
        name: "slider".to_owned(),
        json: "{}".to_owned(),
    });
    for (field, said, wanted) in [
        (
            required(FieldKind::Text),
            " two words ",
            "Text(\" two words \")",
        ),
        // A word that steers is none where the question cannot be left out.
        (required(FieldKind::Text), "skip", "Text(\"skip\")"),
        (optional.clone(), "Skip", "-"),
        (optional, "kept", "Text(\"kept\")"),
        (pattern.clone(), "abc", "Text(\"abc\")"),
        (pattern, "ABC", "Small letters only."),
        (
            required(FieldKind::Multiline),
            "one\ntwo",
            "Text(\"one\\ntwo\")",
        ),
        (required(FieldKind::Number), " 12.5 ", "Number(12.5)"),
        (
            required(FieldKind::Number),
            "many",
            "Label must be a number, such as 12.5.",
        ),
        (bounded.clone(), "10", "Number(10.0)"),
        (bounded, "11", "Label must be at most 10."),
        (required(FieldKind::Checkbox), "YES", "Flag(true)"),
        (required(FieldKind::Checkbox), "no", "Label is needed."),
        (field("f", FieldKind::Checkbox), "no", "Flag(false)"),
        (field("f", FieldKind::Checkbox), "1", "Flag(true)"),
        (field("f", FieldKind::Checkbox), "2", "Flag(false)"),
        (
            field("f", FieldKind::Checkbox),
            "perhaps",
            "f must be yes or no.",
        ),
        (choices(FieldKind::Radio), "2", "Text(\"g\")"),
        (choices(FieldKind::Radio), "2.", "Text(\"g\")"),
        (choices(FieldKind::Radio), "green", "Text(\"g\")"),
        (choices(FieldKind::Select), "g", "Text(\"g\")"),
        (choices(FieldKind::Select), "3", "Text(\"b\")"),
        (
            choices(FieldKind::Select),
            "0",
            "Label must be one of: Red, Green, b.",
        ),
        (
            choices(FieldKind::Select),
            "4",
            "Label must be one of: Red, Green, b.",
        ),
        (kept, "skip", "Text(\"g\")"),
        (
            choices(FieldKind::MultiSelect),
            "1, green",
            "Choices([\"r\", \"g\"])",
        ),
        (
            choices(FieldKind::MultiSelect),
            "1 3",
            "Choices([\"r\", \"b\"])",
        ),
        (
            choices(FieldKind::MultiSelect),
            "1, 9",
            "Label must be one of: Red, Green, b.",
        ),
        (
            required(FieldKind::Date),
            "2026-11-20",
            "Date(\"2026-11-20\")",
        ),
        (
            required(FieldKind::Date),
            "tomorrow",
            "Label must be a day, such as 2026-11-20.",
        ),
        (required(FieldKind::Time), "14:30", "Time(\"14:30\")"),
        (
            required(FieldKind::Time),
            "noon",
            "Label must be a time, such as 14:30.",
        ),
        (
            required(FieldKind::Timezone),
            "Europe/London",
            "Text(\"Europe/London\")",
        ),
        (required(FieldKind::User), "@Bob", "Users(bob)"),
        (
            required(FieldKind::User),
            "Carol",
            "Label: nobody is called Carol here.",
        ),
        (people, "Bob, eve@acme.com", "Users(bob eve@acme.com)"),
        (
            required(FieldKind::Conversation),
            "#Lobby",
            "Conversations([\"room:lobby\"])",
        ),
        (
            required(FieldKind::Conversation),
            "Attic",
            "Label: no conversation is called Attic here.",
        ),
        (required(other), "3", "Other(\"[\\\"3\\\"]\")"),
        // What has no form of its own is one of the choices by its text, before its number.
        (
            Field {
                choices: ["3", "1"]
                    .map(|text| Choice {
                        value: text.to_owned(),
                        label: text.to_owned(),
                    })
                    .into(),
                ..required(FieldKind::Select)
            },
            "1",
            "Text(\"1\")",
        ),
    ] {
        let kind = field.kind.clone();
        let mut talk = Talk::new(form(vec![field]));
        let found = talk.say(said);
        let found = match found.strip_prefix("submitted by submit: ") {
            Some("") => "-",
            Some(values) => values.strip_prefix("f=").unwrap_or(values),
            // The reason, before the question once more.
            None => found.lines().next().unwrap_or_default(),
        };
        assert_eq!(found, wanted, "{kind:?}: {said:?}");
    }
}

#[test]
fn fields_that_are_not_asked_come_back() {
    let hidden = Field {
        defaults: vec!["unseen".to_owned()],
        ..field("h", FieldKind::Hidden)
    };
    let fixed = Field {
        label: "Currency".to_owned(),
        read_only: true,
        defaults: vec!["EUR".to_owned()],
        ..field("c", FieldKind::Text)
    };
    let mut talk = Talk::new(form(vec![hidden, required(FieldKind::Text), fixed]));
    assert!(
        talk.last.starts_with("Currency: EUR\nLabel\n"),
        "{}",
        talk.last
    );
    assert!(!talk.last.contains("unseen"));
    assert_eq!(
        talk.say("x"),
        "submitted by submit: h=Text(\"unseen\"), f=Text(\"x\"), c=Text(\"EUR\")"
    );
}

fn two_questions() -> Form {
    Form {
        title: Some("Expense".to_owned()),
        ..form(vec![
            Field {
                label: "Sum".to_owned(),
                required: true,
                ..field("sum", FieldKind::Number)
            },
            Field {
                label: "For what".to_owned(),
                required: true,
                ..field("what", FieldKind::Text)
            },
        ])
    }
}

#[test]
fn cancel_ends_whatever_is_asked() {
    let mut talk = Talk::new(two_questions());
    assert_eq!(talk.say(" Cancel "), "cancelled: Cancelled.");
    talk.say("12");
    assert_eq!(talk.say("cancel"), "cancelled: Cancelled.");
    // Only as the whole answer.
    assert_eq!(
        talk.say("cancel the flight"),
        "submitted by submit: sum=Number(12.0), what=Text(\"cancel the flight\")"
    );
}

#[test]
fn back_asks_the_question_before_again() {
    let mut talk = Talk::new(two_questions());
    assert_eq!(talk.say("back"), "Sum (a number)");
    assert_eq!(talk.say("12"), "For what");
    assert_eq!(talk.say("BACK"), "Sum (a number)");
    assert_eq!(talk.say("13"), "For what");
    assert_eq!(
        talk.say("lunch"),
        "submitted by submit: sum=Number(13.0), what=Text(\"lunch\")"
    );
}

#[test]
fn a_wrong_answer_is_asked_again_with_the_reason_three_times() {
    let mut talk = Talk::new(two_questions());
    for _ in 0..MAX_TRIES {
        assert_eq!(
            talk.say("much"),
            "Sum must be a number, such as 12.5.\nSum (a number)"
        );
    }
    assert_eq!(
        talk.say("much"),
        "given up: Sum must be a number, such as 12.5. Expense is closed, because that was not right too often."
    );
}

#[test]
fn tries_are_counted_for_each_question() {
    let mut talk = Talk::new(two_questions());
    for _ in 0..MAX_TRIES {
        talk.say("much");
    }
    assert_eq!(talk.say("12"), "For what");
    assert_eq!(talk.dialog.tries, 0);
    talk.say("back");
    assert!(talk.say("much").starts_with("Sum must be"));
}

#[test]
fn where_others_read_along_everything_names_its_person() {
    let mut talk = Talk::named(two_questions(), "Ada", true);
    assert!(
        talk.last.starts_with("Ada: Sum (a number)\n"),
        "{}",
        talk.last
    );
    assert_eq!(
        talk.say("much"),
        "Ada: Sum must be a number, such as 12.5.\nAda: Sum (a number)"
    );
    assert_eq!(talk.say("12"), "Ada: For what");
    assert_eq!(talk.say("cancel"), "cancelled: Ada: Cancelled.");
}

#[test]
fn answers_together_have_a_bound() {
    let long = "x".repeat(16 * 1024);
    let fields: Vec<Field> = (0..8)
        .map(|number| Field {
            label: number.to_string(),
            ..field(&number.to_string(), FieldKind::Text)
        })
        .collect();
    let mut talk = Talk::new(form(fields));
    let fits = MAX_ANSWERS_BYTES / long.len();
    for _ in 0..fits {
        talk.say(&long);
        assert_eq!(talk.dialog.tries, 0);
    }
    assert!(talk.say(&long).starts_with("4 is too long."));
    assert_eq!(talk.dialog.question.as_deref(), Some("4"));
}

#[test]
fn a_name_brings_no_places_of_its_own() {
    let odd = Field {
        label: "{name} {text}\n{back}".to_owned(),
        ..required(FieldKind::Text)
    };
    let talk = Talk::named(form(vec![odd]), "{text} {cancel}", true);
    assert!(
        talk.last
            .starts_with("{text} {cancel}: {name} {text} {back}\n"),
        "{}",
        talk.last
    );
}

#[test]
fn only_names_are_looked_up() {
    let people = Field {
        multiple: true,
        ..required(FieldKind::User)
    };
    for (field, users, places) in [
        (required(FieldKind::Text), vec![], vec![]),
        (required(FieldKind::User), vec!["Ann, Bob"], vec![]),
        (people, vec!["Ann", "Bob"], vec![]),
        (required(FieldKind::Conversation), vec![], vec!["Ann, Bob"]),
    ] {
        let talk = Talk::new(form(vec![field]));
        let (found_users, found_places) = names_wanted(&talk.form, &talk.dialog, " Ann, Bob ");
        assert_eq!(found_users, users);
        assert_eq!(found_places, places);
    }
}
