//! One example of every block, span and kind of field, by its name in the contract.

use parlor_host::content::plain;
use parlor_host::model::content::{
    ActionButton, Alignment, AttachmentBlock, Block, Button, ButtonKind, ButtonStyle, Card, Choice,
    CodeBlock, DateFormat, DateTimeSpan, Fact, Field, FieldKind, Form, FormAnswers, FormAudience,
    FormEnd, Heading, Image, LinkSpan, ListItem, MediaSource, MentionSpan, MentionTarget,
    OtherField, OtherSpan, RawBlock, Span, Table, TextSpan, TextStyle,
};

/// Every span; several where it has several forms.
pub fn spans() -> Vec<(&'static str, Vec<Span>)> {
    let styled = |text: &str, set: fn(&mut TextStyle)| {
        let mut style = TextStyle::default();
        set(&mut style);
        Span::Text(TextSpan {
            text: text.to_owned(),
            style,
        })
    };
    let link = |text: &str, url: &str| {
        Span::Link(LinkSpan {
            text: text.to_owned(),
            url: url.to_owned(),
        })
    };
    let mention = |target, text: &str| {
        Span::Mention(MentionSpan {
            target,
            text: text.to_owned(),
        })
    };
    let moment = |format| {
        Span::DateTime(DateTimeSpan {
            at: 1_800_000_000_000,
            format,
        })
    };
    let ann = || MentionTarget::User("ann".to_owned());
    vec![
        (
            "text",
            vec![
                plain("plain "),
                styled("bold", |s| s.bold = true),
                plain(" "),
                styled("italic", |s| s.italic = true),
                plain(" "),
                styled("underline", |s| s.underline = true),
                plain(" "),
                styled("strike", |s| s.strike = true),
                plain(" "),
                styled("code", |s| s.code = true),
                plain(" "),
                styled("bold and italic", |s| (s.bold, s.italic) = (true, true)),
            ],
        ),
        (
            "link",
            vec![
                link("a link", "https://a.example/b"),
                plain(" "),
                link("", "https://a.example/bare"),
                plain(" "),
                link("mail", "mailto:a@a.example"),
            ],
        ),
        (
            "mention",
            vec![
                mention(ann(), "Ann"),
                plain(" "),
                mention(ann(), ""),
                plain(" "),
                mention(MentionTarget::Email("a@a.example".to_owned()), ""),
                plain(" "),
                mention(MentionTarget::All, ""),
            ],
        ),
        ("cashtag", vec![Span::Cashtag("goog".to_owned())]),
        ("hashtag", vec![Span::Hashtag("topic".to_owned())]),
        (
            "emoji",
            ["smile", "up", "dn", "unknown_one", "constructor"]
                .map(|code| Span::Emoji(code.to_owned()))
                .into(),
        ),
        (
            "date-time",
            vec![
                moment(DateFormat::Date),
                plain(" "),
                moment(DateFormat::Time),
                plain(" "),
                moment(DateFormat::DateTime),
            ],
        ),
        (
            "line-break",
            vec![plain("one"), Span::LineBreak, plain("two")],
        ),
        (
            "other",
            vec![Span::Other(OtherSpan {
                kind: "sparkline".to_owned(),
                text: "1 2 3".to_owned(),
            })],
        ),
    ]
}

/// Every block; several where it has several forms.
pub fn blocks() -> Vec<(&'static str, Vec<Block>)> {
    let heading = |level| {
        Block::Heading(Heading {
            level,
            spans: vec![plain(format!("level {level}"))],
        })
    };
    let item = |indent, ordered, text: &str| {
        Block::ListItem(ListItem {
            indent,
            ordered,
            spans: vec![plain(text)],
        })
    };
    let cell = |text: &str| vec![plain(text)];
    let by_url = |name: &str| MediaSource::Url(format!("https://a.example/{name}"));
    vec![
        (
            "paragraph",
            vec![Block::Paragraph(vec![plain("a paragraph")])],
        ),
        ("heading", (1..=6).map(heading).collect()),
        (
            "quote",
            vec![Block::Quote(vec![
                plain("said"),
                Span::LineBreak,
                plain("again"),
            ])],
        ),
        (
            "code",
            vec![
                Block::Code(CodeBlock {
                    language: Some("rust".to_owned()),
                    text: "fn main() {\n    run();\n}".to_owned(),
                }),
                Block::Code(CodeBlock {
                    language: None,
                    text: "<plain>".to_owned(),
                }),
            ],
        ),
        ("divider", vec![Block::Divider]),
        (
            "list-item",
            vec![
                item(0, false, "one"),
                item(1, false, "one and a half"),
                item(2, true, "deep"),
                item(0, false, "two"),
                item(0, true, "first"),
                item(0, true, "second"),
            ],
        ),
        (
            "table",
            vec![Block::Table(Table {
                header: vec![cell("Left"), cell("Middle"), cell("Right")],
                rows: vec![
                    vec![cell("a"), cell("b | c"), cell("100")],
                    vec![cell("short")],
                    vec![cell("東京"), cell("<b>"), cell("7.25")],
                ],
                columns: vec![Alignment::Left, Alignment::Center, Alignment::Right],
            })],
        ),
        (
            "image",
            vec![
                Block::Image(Image {
                    source: by_url("a.png"),
                    alternative: "a picture".to_owned(),
                }),
                Block::Image(Image {
                    source: MediaSource::Attachment(0),
                    alternative: "attached".to_owned(),
                }),
            ],
        ),
        (
            "attachment",
            vec![
                Block::Attachment(AttachmentBlock {
                    source: by_url("b.txt"),
                    name: "b.txt".to_owned(),
                }),
                Block::Attachment(AttachmentBlock {
                    source: MediaSource::Attachment(0),
                    name: "a.png".to_owned(),
                }),
            ],
        ),
        (
            "card",
            vec![Block::Card(Card {
                title: "Title".to_owned(),
                subtitle: Some("Subtitle".to_owned()),
                paragraphs: vec![vec![plain("A paragraph")]],
                facts: vec![Fact {
                    name: "Name".to_owned(),
                    value: "Value".to_owned(),
                }],
                buttons: buttons(),
            })],
        ),
        (
            "form",
            vec![Block::Form(form(Field {
                required: true,
                ..field(FieldKind::Text)
            }))],
        ),
        ("buttons", vec![Block::Buttons(buttons())]),
        (
            "raw",
            vec![
                Block::Raw(RawBlock {
                    platform: "symphony".to_owned(),
                    text: "<b>raw</b>".to_owned(),
                    fallback: 1,
                }),
                Block::Paragraph(vec![plain("instead of raw")]),
            ],
        ),
    ]
}

/// A form of every kind of field.
pub fn fields() -> Vec<(&'static str, Form)> {
    let choices = |kind| Field {
        choices: [("r", "Red"), ("g", "Green")]
            .map(|(value, label)| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
            })
            .into(),
        defaults: vec!["g".to_owned()],
        ..field(kind)
    };
    let other = FieldKind::Other(OtherField {
        name: "slider".to_owned(),
        json: "{}".to_owned(),
    });
    let with = |default: &str, field: Field| Field {
        defaults: vec![default.to_owned()],
        ..field
    };
    let bounded = |min: &str, max: &str, field: Field| Field {
        min: Some(min.to_owned()),
        max: Some(max.to_owned()),
        ..field
    };
    let several = |field: Field| Field {
        multiple: true,
        ..field
    };
    let hint = |field: Field| Field {
        required: true,
        placeholder: Some("a to z".to_owned()),
        ..field
    };
    let fields = vec![
        ("text", bounded("2", "5", hint(field(FieldKind::Text)))),
        ("multiline", with("one\ntwo", field(FieldKind::Multiline))),
        ("number", bounded("1", "10", field(FieldKind::Number))),
        ("checkbox", with("true", field(FieldKind::Checkbox))),
        ("radio", choices(FieldKind::Radio)),
        ("select", choices(FieldKind::Select)),
        ("multi-select", choices(FieldKind::MultiSelect)),
        (
            "date",
            bounded("2026-01-01", "2026-12-31", field(FieldKind::Date)),
        ),
        ("time", with("14:30", field(FieldKind::Time))),
        ("timezone", field(FieldKind::Timezone)),
        ("user", several(with("ann", field(FieldKind::User)))),
        ("conversation", field(FieldKind::Conversation)),
        ("hidden", with("unseen", field(FieldKind::Hidden))),
        ("other", field(other)),
    ];
    let fields = fields.into_iter();
    fields.map(|(name, field)| (name, form(field))).collect()
}

fn buttons() -> Vec<Button> {
    let button = |label: &str, kind, style| Button {
        label: label.to_owned(),
        kind,
        style,
    };
    let action = ButtonKind::Action(ActionButton {
        id: "yes".to_owned(),
        value: "1".to_owned(),
    });
    vec![
        button("Yes", action, ButtonStyle::Primary),
        button(
            "Open",
            ButtonKind::Link("https://a.example".to_owned()),
            ButtonStyle::Secondary,
        ),
        button(
            "Say",
            ButtonKind::Reply("said".to_owned()),
            ButtonStyle::Danger,
        ),
    ]
}

fn field(kind: FieldKind) -> Field {
    Field {
        id: "field".to_owned(),
        label: "A field".to_owned(),
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

fn form(field: Field) -> Form {
    Form {
        id: "form".to_owned(),
        title: Some("A form".to_owned()),
        fields: vec![field],
        buttons: Vec::new(),
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    }
}
