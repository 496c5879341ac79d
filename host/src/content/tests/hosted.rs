//! Messages for platforms without forms or buttons.

use crate::content::dialog::{DialogContext, DialogSentences};
use crate::content::forms::FormSentences;
use crate::content::hosted::{ANSWER_BUTTON, Audience, Hosted, Shows, host_run};
use crate::content::{plain, text};
use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Card, FieldKind, Form,
};
use crate::model::dialog::Numbered;
use crate::model::event::User;

use super::check::{field, form};

const TEXT: Shows = Shows::NONE;
const BUTTONS: Shows = Shows {
    forms: false,
    buttons: true,
};

fn button(label: &str, kind: ButtonKind) -> Button {
    Button {
        label: label.to_owned(),
        kind,
        style: ButtonStyle::Primary,
    }
}

fn action(id: &str) -> ButtonKind {
    ButtonKind::Action(ActionButton {
        id: id.to_owned(),
        value: format!("{id}-value"),
    })
}

fn page() -> Vec<Block> {
    let card = Card {
        title: "Lunch".to_owned(),
        subtitle: None,
        paragraphs: Vec::new(),
        facts: Vec::new(),
        buttons: vec![
            button("Soup", action("soup")),
            button("Menu", ButtonKind::Link("https://a.example".to_owned())),
        ],
    };
    let row = vec![
        button("Nothing", ButtonKind::Reply("not hungry".to_owned())),
        button("Cake", action("cake")),
    ];
    vec![
        Block::Paragraph(vec![plain("Choose")]),
        Block::Card(card),
        Block::Buttons(row),
    ]
}

fn expense() -> Form {
    Form {
        title: Some("Expense".to_owned()),
        ..form(vec![field("Sum", FieldKind::Number)])
    }
}

fn run(blocks: &[Block], shows: Shows, audience: &Audience) -> Option<Hosted> {
    let context = DialogContext {
        sentences: &DialogSentences::default(),
        checks: &FormSentences::default(),
        is_shared: true,
        user: &|_| None,
        conversation: &|_| None,
        now: 5,
    };
    host_run(blocks, shows, audience, &context)
}

fn ada(others: bool) -> Audience {
    Audience {
        person: Some(User::of_id("ada")),
        others,
    }
}

#[test]
fn what_a_platform_shows_stays_as_it_is() {
    assert_eq!(run(&page(), Shows::ALL, &Audience::default()), None);
    assert_eq!(run(&page(), BUTTONS, &Audience::default()), None);
    let text = [Block::Paragraph(vec![plain("x")]), Block::Divider];
    assert_eq!(run(&text, TEXT, &Audience::default()), None);
}

#[test]
fn buttons_become_numbers_through_the_whole_message() {
    let hosted = run(&page(), TEXT, &Audience::default()).unwrap();
    insta::assert_snapshot!(text(&hosted.blocks).0, @r#"
    Choose

    Lunch

    1. Soup
    Menu (https://a.example)

    2. Nothing
    3. Cake

    Reply with a number.
    "#);
    let press = |id: &str| {
        Numbered::Press(ActionButton {
            id: id.to_owned(),
            value: format!("{id}-value"),
        })
    };
    let say = Numbered::Say("not hungry".to_owned());
    assert_eq!(hosted.numbered, [press("soup"), say, press("cake")]);
    assert_eq!(hosted.notes, ["buttons → numbers"]);
    assert_eq!(hosted.dialog, None);
}

#[test]
fn a_form_is_asked_of_its_person_in_the_message_itself() {
    let blocks = [
        Block::Form(expense()),
        Block::Paragraph(vec![plain("Thanks.")]),
    ];
    let hosted = run(&blocks, TEXT, &ada(false)).unwrap();
    insta::assert_snapshot!(text(&hosted.blocks).0, @r#"
    Expense
    Thanks.

    ada: Sum (a number; “skip” leaves it out)

    Say “back” for the question before, “cancel” to end.
    "#);
    let dialog = hosted.dialog.unwrap();
    assert_eq!((dialog.person.id.as_str(), dialog.heard_at), ("ada", 5));
    assert_eq!(hosted.numbered, []);
    assert_eq!(hosted.notes, ["form → questions"]);
}

#[test]
fn others_who_may_answer_are_told_how_to_begin() {
    let hosted = run(&[Block::Form(expense())], TEXT, &ada(true)).unwrap();
    insta::assert_snapshot!(text(&hosted.blocks).0, @r#"
    Expense
    1. Answer Expense

    Reply with a number.

    ada: Sum (a number; “skip” leaves it out)

    Say “back” for the question before, “cancel” to end.
    "#);
    assert_eq!(hosted.numbered, [Numbered::Answer]);
    assert!(hosted.dialog.is_some());
    // Nobody is there who could be asked at once.
    let hosted = run(&[Block::Form(expense())], TEXT, &Audience::default()).unwrap();
    assert_eq!(hosted.numbered, [Numbered::Answer]);
    assert_eq!(hosted.dialog, None);
}

#[test]
fn where_there_are_buttons_a_button_begins() {
    let hosted = run(&[Block::Form(expense())], BUTTONS, &Audience::default()).unwrap();
    let is_begin = |block: &Block| {
        match block {
        Block::Buttons(row) => row.iter().any(
            |button| matches!(&button.kind, ButtonKind::Action(action) if action.id == ANSWER_BUTTON),
        ),
        _ => false,
    }
    };
    assert!(hosted.blocks.iter().any(is_begin));
    assert_eq!(hosted.numbered, []);
}

#[test]
fn buttons_of_a_form_that_do_not_submit_it_are_choices_of_the_message() {
    let mut form = expense();
    form.buttons = vec![
        button("Send", action("send")),
        button("Rules", ButtonKind::Link("https://a.example".to_owned())),
        button("Never mind", ButtonKind::Reply("bye".to_owned())),
    ];
    let hosted = run(&[Block::Form(form)], TEXT, &ada(false)).unwrap();
    assert_eq!(hosted.numbered, [Numbered::Say("bye".to_owned())]);
    let shown = text(&hosted.blocks).0;
    assert!(shown.contains("Rules (https://a.example)"), "{shown}");
    assert!(!shown.contains("Send"), "{shown}");
}
