//! The button that submits a form, and forms that change while they are asked.

use super::{Talk, required, two_questions};
use crate::content::tests::check::form;
use crate::model::content::{ActionButton, Button, ButtonKind, ButtonStyle, FieldKind};

fn button(id: &str, label: &str) -> Button {
    Button {
        label: label.to_owned(),
        kind: ButtonKind::Action(ActionButton {
            id: id.to_owned(),
            value: String::new(),
        }),
        style: ButtonStyle::Primary,
    }
}

#[test]
fn several_buttons_are_the_last_question() {
    let mut form = two_questions();
    form.buttons = vec![button("now", "Pay now"), button("later", "Pay later")];
    let mut talk = Talk::new(form.clone());
    talk.say("12");
    assert_eq!(
        talk.say("lunch"),
        "What shall be done?\n1. Pay now\n2. Pay later"
    );
    assert!(
        talk.say("perhaps")
            .starts_with("What shall be done? must be one of")
    );
    assert_eq!(
        talk.say("2"),
        "submitted by later: sum=Number(12.0), what=Text(\"lunch\")"
    );
    talk.say("back");
    assert_eq!(
        talk.say("dinner"),
        "What shall be done?\n1. Pay now\n2. Pay later"
    );
    assert!(talk.say("pay NOW").starts_with("submitted by now:"));
    form.buttons.truncate(1);
    let mut talk = Talk::new(form);
    talk.say("12");
    assert!(talk.say("lunch").starts_with("submitted by now:"));
}

#[test]
fn a_form_without_questions_asks_for_its_button() {
    let mut talk = Talk::new(form(Vec::new()));
    assert!(
        talk.last.starts_with("What shall be done?\n1. Submit\n"),
        "{}",
        talk.last
    );
    assert_eq!(talk.say("1"), "submitted by submit: ");
}

#[test]
fn a_form_that_changed_meanwhile_asks_what_is_missing() {
    let mut talk = Talk::new(two_questions());
    talk.say("12");
    talk.form.fields.insert(0, required(FieldKind::Text));
    assert_eq!(talk.say("lunch"), "Label");
    talk.form.fields.clear();
    assert_eq!(talk.say("x"), "What shall be done?\n1. Submit");
}
