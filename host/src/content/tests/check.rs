//! The rules of blocks.

use crate::content::{ContentError, Limits, check, plain};
use crate::model::content::{
    ActionButton, Alignment, Block, Button, ButtonKind, ButtonStyle, Choice, Field, FieldKind,
    FieldPattern, Form, FormAnswers, FormAudience, FormEnd, Heading, Image, LinkSpan, ListItem,
    MediaSource, RawBlock, Span, Table,
};

pub(super) fn field(id: &str, kind: FieldKind) -> Field {
    Field {
        id: id.to_owned(),
        label: id.to_owned(),
        kind,
        choices: Vec::new(),
        required: false,
        multiple: false,
        read_only: false,
        defaults: Vec::new(),
        placeholder: None,
        pattern: None,
        min: None,
        max: None,
    }
}

pub(super) fn form(fields: Vec<Field>) -> Form {
    Form {
        id: "f".to_owned(),
        title: None,
        fields,
        buttons: Vec::new(),
        answers: FormAnswers::Once,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    }
}

fn link(url: &str) -> Block {
    Block::Paragraph(vec![Span::Link(LinkSpan {
        text: "x".to_owned(),
        url: url.to_owned(),
    })])
}

fn action(id: &str) -> Button {
    let kind = ButtonKind::Action(ActionButton {
        id: id.to_owned(),
        value: String::new(),
    });
    Button {
        label: "ok".to_owned(),
        kind,
        style: ButtonStyle::Primary,
    }
}

fn cells(count: usize) -> Vec<Vec<Span>> {
    vec![vec![plain("x")]; count]
}

#[test]
fn every_rule_says_what_was_expected() {
    let select = |choices: &[&str]| {
        let choices = choices
            .iter()
            .map(|value| Choice {
                value: (*value).to_owned(),
                label: String::new(),
            })
            .collect();
        Block::Form(form(vec![Field {
            choices,
            ..field("s", FieldKind::Select)
        }]))
    };
    let with = |change: &dyn Fn(&mut Field)| {
        let mut made = field("a", FieldKind::Number);
        change(&mut made);
        Block::Form(form(vec![made]))
    };
    let pattern = |regex: &str| {
        let regex = regex.to_owned();
        with(&move |field| {
            field.pattern = Some(FieldPattern {
                regex: regex.clone(),
                message: String::new(),
            });
        })
    };
    let table = |header: usize, row: usize, columns: usize| {
        Block::Table(Table {
            header: cells(header),
            rows: vec![cells(row)],
            columns: vec![Alignment::Left; columns],
        })
    };
    let image = |source| {
        Block::Image(Image {
            source,
            alternative: String::new(),
        })
    };
    let raw = |fallback| {
        Block::Raw(RawBlock {
            platform: "webex".to_owned(),
            text: String::new(),
            fallback,
        })
    };
    for (block, expected) in [
        (link("https://a.example"), ""),
        (link("mailto:a@b.c"), ""),
        (
            link("javascript:alert(1)"),
            "expected an absolute http, https or mailto address, found `javascript:alert(1)`",
        ),
        (link("JaVaScRiPt:alert(1)"), "absolute http"),
        (link("/relative"), "absolute http"),
        (link("data:text/html,x"), "absolute http"),
        (image(MediaSource::Attachment(0)), ""),
        (
            image(MediaSource::Attachment(1)),
            "expected the number of one of 1 attachments, found `1`",
        ),
        (
            image(MediaSource::Url("mailto:a@b.c".to_owned())),
            "http or https",
        ),
        (
            Block::Heading(Heading {
                level: 0,
                spans: Vec::new(),
            }),
            "expected a heading level from 1 to 6, found `0`",
        ),
        (
            Block::Heading(Heading {
                level: 7,
                spans: Vec::new(),
            }),
            "heading level",
        ),
        (
            Block::ListItem(ListItem {
                indent: 9,
                ordered: false,
                spans: Vec::new(),
            }),
            "indent of at most 8",
        ),
        (table(2, 2, 2), ""),
        (table(2, 1, 0), ""),
        (table(0, 2, 0), ""),
        (
            table(2, 3, 0),
            "expected at most 2 cells in row 1, found `3`",
        ),
        (table(2, 2, 3), "at most 2 alignments"),
        (table(0, 0, 0), "1 to 50 columns"),
        (Block::Buttons(Vec::new()), "at least one button"),
        (
            Block::Buttons(vec![action("a"), action("a")]),
            "expected each button id once, found `a`",
        ),
        (
            Block::Buttons(vec![action("")]),
            "button id of 1 to 64 bytes",
        ),
        (
            Block::Form(form(vec![
                field("a", FieldKind::Text),
                field("a", FieldKind::Text),
            ])),
            "each field id once",
        ),
        (
            Block::Form(form(
                (0..51)
                    .map(|n| field(&n.to_string(), FieldKind::Text))
                    .collect(),
            )),
            "at most 50 fields",
        ),
        (
            Block::Form(Form {
                id: String::new(),
                ..form(Vec::new())
            }),
            "form id",
        ),
        (select(&["a"]), ""),
        (select(&[]), "field `s`: expected at least one choice"),
        (select(&["a", "a"]), "choices with values of their own"),
        (pattern("[a-z]+"), ""),
        (pattern("("), "expected a regular expression"),
        (pattern(&"a".repeat(257)), "at most 256 bytes"),
        (with(&|field| field.min = Some("1.5".to_owned())), ""),
        (
            with(&|field| field.min = Some("one".to_owned())),
            "bound of the field's kind",
        ),
        (raw(0), "at least 1 block as its stand-in"),
        (
            raw(2),
            "expected 2 blocks behind it as its stand-in, found `1`",
        ),
        (raw(1), ""),
        (
            Block::Paragraph(vec![Span::Cashtag(String::new())]),
            "tag or shortcode of one word",
        ),
    ] {
        let limits = Limits {
            attachments: 1,
            ..Limits::default()
        };
        let found = check(&[block.clone(), Block::Divider], &limits)
            .err()
            .map(|error| error.to_string());
        let found = found.unwrap_or_default();
        if expected.is_empty() {
            assert_eq!(found, "", "{block:?}");
        } else {
            assert!(
                found.starts_with("block 0: ") && found.contains(expected),
                "{found}"
            );
        }
    }
}

#[test]
fn whole_messages_are_bounded() {
    let limits = Limits {
        text_bytes: 10,
        attachments: 0,
    };
    let two = [
        Block::Paragraph(vec![plain("123456")]),
        Block::Paragraph(vec![plain("123456")]),
    ];
    assert_eq!(
        check(&two, &limits),
        Err(ContentError::TooLong {
            found: 12,
            limit: 10
        })
    );
    assert!(matches!(
        check(&vec![Block::Divider; 1_001], &limits),
        Err(ContentError::TooMany { .. })
    ));
    let forms = [Block::Form(form(Vec::new())), Block::Form(form(Vec::new()))];
    assert!(
        check(&forms, &Limits::default())
            .unwrap_err()
            .to_string()
            .contains("form id of its own")
    );
}
