//! What each construct is on Symphony: one file each in `snapshots`, and each passes the agent's rules.

use super::agent;
use crate::connectors::symphony::render::{RenderOptions, Rendered, render};
use crate::content::samples::{self, action, field, item, mention, moment, noted, styled};
use crate::content::{self, Limits, check, plain};
use crate::model::content::{
    Alignment, AttachmentBlock, Block, Button, ButtonKind, ButtonStyle, Card, Choice, CodeBlock,
    Content, DateFormat, DateTimeSpan, Fact, Field, FieldKind, FieldPattern, Form, FormAnswers,
    FormAudience, FormEnd, Heading, Image, LinkSpan, MediaSource, MentionTarget, OtherField,
    OtherSpan, RawBlock, Span, Table,
};

fn rendered(content: &Content) -> Rendered {
    let options = RenderOptions {
        attachments: 3,
        mark: None,
    };
    let rendered = render(content, options).unwrap();
    agent::check(&rendered.message).unwrap();
    let body = Content::MessageMl(rendered.message.clone());
    content::blocks(&body).unwrap();
    rendered
}

fn shown(blocks: Vec<Block>) -> String {
    let limits = Limits {
        attachments: 3,
        ..Limits::default()
    };
    check(&blocks, &limits).unwrap();
    let rendered = rendered(&Content::Blocks(blocks));
    noted(&rendered.message, &rendered.notes)
}

fn button(label: &str, kind: ButtonKind, style: ButtonStyle) -> Button {
    Button {
        style,
        ..samples::button(label, kind)
    }
}

fn choices(values: &[&str]) -> Vec<Choice> {
    let choice = |value: &&str| Choice {
        value: (*value).to_owned(),
        label: value.to_uppercase(),
    };
    values.iter().map(choice).collect()
}

fn form(id: &str, fields: Vec<Field>) -> Form {
    Form {
        id: id.to_owned(),
        title: None,
        fields,
        buttons: vec![button("Send", action("send"), ButtonStyle::Primary)],
        answers: FormAnswers::OncePerUser,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    }
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn plain_text() {
    let found = rendered(&Content::Plain("Hello\n  Ada,  1 < 2 & ${x}".to_owned()));
    insta::assert_snapshot!(found.message);
    assert_eq!(found.files, [0, 1, 2]);
}

#[test]
fn nothing_at_all() {
    let found = rendered(&Content::Plain(String::new()));
    assert_eq!(found.message, "<messageML> </messageML>");
}

#[test]
fn markdown() {
    let source =
        "# Title\n\nHello **bold** and `code`\n\n- one\n- two\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n";
    insta::assert_snapshot!(rendered(&Content::Markdown(source.to_owned())).message);
}

#[test]
fn paragraph_with_styles() {
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        plain("plain "),
        styled("bold", |style| style.bold = true),
        styled("italic", |style| style.italic = true),
        styled("under", |style| style.underline = true),
        styled("struck", |style| style.strike = true),
        styled("both", |style| {
            style.underline = true;
            style.strike = true;
        }),
        styled("code", |style| {
            style.code = true;
            style.bold = true;
        }),
        Span::LineBreak,
        plain("next\nand next"),
    ])]));
}

#[test]
fn headings() {
    let heading = |level: u8| {
        Block::Heading(Heading {
            level,
            spans: vec![
                plain(format!("Level {level} ")),
                styled("code", |style| style.code = true),
                moment(DateFormat::Date),
            ],
        })
    };
    insta::assert_snapshot!(shown((1..=6).map(heading).collect()));
}

#[test]
fn quote_and_divider() {
    insta::assert_snapshot!(shown(vec![
        Block::Quote(vec![plain("so it is")]),
        Block::Divider,
        Block::Paragraph(vec![plain("below")]),
    ]));
}

#[test]
fn code() {
    let code = |language: Option<&str>, text: &str| {
        Block::Code(CodeBlock {
            language: language.map(str::to_owned),
            text: text.to_owned(),
        })
    };
    insta::assert_snapshot!(shown(vec![
        code(None, "a <b>\n  c"),
        code(Some("rust"), "fn main() {\n    \"${x}\"\n}"),
        code(Some("Python"), "print('#{x}')"),
        code(Some("bash"), "ls"),
    ]));
}

#[test]
fn lists() {
    insta::assert_snapshot!(shown(vec![
        item(0, false, "one"),
        item(1, true, "first"),
        item(1, true, "second"),
        item(2, false, "deep"),
        item(0, false, "two"),
        item(0, true, "now numbered"),
        item(5, false, "as deep as it can be"),
        Block::Paragraph(vec![plain("after")]),
        item(3, true, "begins deep"),
    ]));
}

#[test]
fn table() {
    let cell = |text: &str| vec![plain(text)];
    insta::assert_snapshot!(shown(vec![
        Block::Table(Table {
            header: vec![cell("Name"), cell("Sum"), cell("Note")],
            rows: vec![
                vec![
                    cell("a & b"),
                    cell("1,000"),
                    vec![styled("x", |style| style.code = true)]
                ],
                vec![cell("short")],
            ],
            columns: vec![Alignment::Left, Alignment::Right, Alignment::Center],
        }),
        Block::Table(Table {
            header: Vec::new(),
            rows: vec![vec![cell("no"), cell("header")]],
            columns: Vec::new(),
        }),
    ]));
}

#[test]
fn images_and_files() {
    let blocks = vec![
        Block::Image(Image {
            source: MediaSource::Url("https://a.example/i.png?a=1&b={2}".to_owned()),
            alternative: "a chart".to_owned(),
        }),
        Block::Image(Image {
            source: MediaSource::Attachment(2),
            alternative: "attached chart".to_owned(),
        }),
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Attachment(1),
            name: "report.pdf".to_owned(),
        }),
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Url("https://a.example/report.pdf".to_owned()),
            name: "report.pdf".to_owned(),
        }),
    ];
    assert_eq!(rendered(&Content::Blocks(blocks.clone())).files, [2, 1, 0]);
    insta::assert_snapshot!(shown(blocks));
}

#[test]
fn links() {
    let link = |text: &str, url: &str| {
        Span::Link(LinkSpan {
            text: text.to_owned(),
            url: url.to_owned(),
        })
    };
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        link("site", "https://a.example/x?q=1&r=a|b#c"),
        link("", "https://a.example/%zz%41"),
        link("write", "mailto:ada@acme.com"),
        link("ünï", "https://bücher.example/größe [1]"),
    ])]));
}

#[test]
fn mentions() {
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        mention(MentionTarget::User("344147139494862".to_owned()), "Ada"),
        mention(MentionTarget::Email("ada@acme.com".to_owned()), ""),
        mention(MentionTarget::All, ""),
        mention(MentionTarget::User("ada".to_owned()), "Ada"),
        mention(MentionTarget::Email("no address".to_owned()), "Eve"),
    ])]));
}

#[test]
fn tags() {
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        Span::Cashtag("goog".to_owned()),
        Span::Cashtag("700".to_owned()),
        Span::Cashtag("BRK.A".to_owned()),
        Span::Hashtag("urgent".to_owned()),
        Span::Hashtag("_".to_owned()),
        Span::Hashtag("-!".to_owned()),
    ])]));
}

#[test]
fn emoji() {
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        Span::Emoji("tada".to_owned()),
        Span::Emoji("never_heard".to_owned()),
        Span::Emoji("up".to_owned()),
        Span::Emoji("sm:ile".to_owned()),
    ])]));
}

#[test]
fn moments() {
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        moment(DateFormat::Date),
        moment(DateFormat::Time),
        moment(DateFormat::DateTime),
        Span::DateTime(DateTimeSpan {
            at: u64::MAX,
            format: DateFormat::DateTime,
        }),
    ])]));
}

#[test]
fn other_spans_and_chime() {
    let chime = || {
        Span::Other(OtherSpan {
            kind: "chime".to_owned(),
            text: "🔔".to_owned(),
        })
    };
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![plain("ring "), chime()])]));
    let alone = rendered(&Content::Blocks(vec![Block::Paragraph(vec![chime()])]));
    assert_eq!(alone.message, "<messageML><chime/></messageML>");
}

#[test]
fn card() {
    insta::assert_snapshot!(shown(vec![
        Block::Card(Card {
            title: "Order <1>".to_owned(),
            subtitle: Some("today".to_owned()),
            paragraphs: vec![vec![plain("two lines\nof text")]],
            facts: vec![Fact {
                name: "Size".to_owned(),
                value: "large & hot".to_owned(),
            }],
            buttons: vec![button("Approve", action("ok"), ButtonStyle::Primary)],
        }),
        Block::Card(Card {
            title: "Only a title".to_owned(),
            subtitle: None,
            paragraphs: Vec::new(),
            facts: Vec::new(),
            buttons: Vec::new(),
        }),
    ]));
}

#[test]
fn buttons() {
    let link = || ButtonKind::Link("https://a.example/".to_owned());
    insta::assert_snapshot!(shown(vec![
        Block::Buttons(vec![
            button("Yes", action("yes"), ButtonStyle::Primary),
            button("No & never", action("no"), ButtonStyle::Danger),
            button(
                "Say it",
                ButtonKind::Reply("/joke \"now\"".to_owned()),
                ButtonStyle::Secondary
            ),
            button("Site", link(), ButtonStyle::Secondary),
        ]),
        Block::Buttons(vec![
            button("One", link(), ButtonStyle::Primary),
            button("Two", link(), ButtonStyle::Primary),
        ]),
        Block::Buttons(vec![button("Again", action("yes"), ButtonStyle::Secondary)]),
    ]));
}

#[test]
fn form_with_texts() {
    let mut name = field("name", "Your name", FieldKind::Text);
    name.required = true;
    name.placeholder = Some("as in your pass".to_owned());
    name.min = Some("2".to_owned());
    name.max = Some("40".to_owned());
    name.pattern = Some(FieldPattern {
        regex: "[a-z ]+".to_owned(),
        message: "small letters".to_owned(),
    });
    let mut odd = field("odd", "Odd rule", FieldKind::Text);
    odd.pattern = Some(FieldPattern {
        regex: "(?i)[a-z]+".to_owned(),
        message: "letters".to_owned(),
    });
    let mut long = field("long", "Long", FieldKind::Text);
    long.max = Some("500".to_owned());
    let mut short = field("short", "Short", FieldKind::Text);
    short.min = Some("5".to_owned());
    short.defaults = texts(&["abc"]);
    let mut fixed = field("fixed", "Fixed", FieldKind::Multiline);
    fixed.read_only = true;
    fixed.defaults = texts(&["line\nline"]);
    let mut number = field("n", "How many", FieldKind::Number);
    number.min = Some("1".to_owned());
    number.defaults = texts(&["3"]);
    let hidden = field("secret", "", FieldKind::Hidden);
    let mut asked = form(
        "hello form",
        vec![name, odd, long, short, fixed, number, hidden],
    );
    asked.title = Some("Hello <you>".to_owned());
    insta::assert_snapshot!(shown(vec![Block::Form(asked)]));
}

#[test]
fn form_with_choices() {
    let mut one = field("one", "I agree", FieldKind::Checkbox);
    one.required = true;
    let mut ticked = field("ticked", "Tell me", FieldKind::Checkbox);
    ticked.choices = choices(&["daily"]);
    ticked.defaults = texts(&["daily"]);
    let mut radio = field("size", "Size", FieldKind::Radio);
    radio.choices = choices(&["s", "m"]);
    radio.defaults = texts(&["m"]);
    radio.required = true;
    let mut select = field("desk", "Desk", FieldKind::Select);
    select.choices = choices(&["north", "south"]);
    select.placeholder = Some("pick one".to_owned());
    select.defaults = texts(&["south"]);
    let mut many = field("many", "Many", FieldKind::MultiSelect);
    many.choices = choices(&["a", "b", "c"]);
    many.defaults = texts(&["a", "c"]);
    many.min = Some("1".to_owned());
    many.max = Some("2".to_owned());
    many.read_only = true;
    let mut odd = field("odd", "Odd", FieldKind::Select);
    odd.choices = choices(&["", "x"]);
    insta::assert_snapshot!(shown(vec![Block::Form(form(
        "f",
        vec![one, ticked, radio, select, many, odd]
    ))]));
}

#[test]
fn form_with_pickers() {
    let mut day = field("day", "Day", FieldKind::Date);
    day.defaults = texts(&["2026-11-20"]);
    day.min = Some("2026-01-01".to_owned());
    day.max = Some("2026-12-31".to_owned());
    day.required = true;
    let mut time = field("at", "At", FieldKind::Time);
    time.defaults = texts(&["14:30"]);
    time.min = Some("09:00:30".to_owned());
    let zone = field("zone", "Zone", FieldKind::Timezone);
    let mut fixed_zone = field("zone2", "Fixed zone", FieldKind::Timezone);
    fixed_zone.read_only = true;
    fixed_zone.defaults = texts(&["Europe/London"]);
    let mut needed = field("zone3", "Needed zone", FieldKind::Timezone);
    needed.required = true;
    let mut people = field("people", "Who", FieldKind::User);
    people.defaults = texts(&["12", "ada", "13"]);
    people.multiple = true;
    let mut rooms = field("rooms", "Where", FieldKind::Conversation);
    rooms.defaults = texts(&["bjHSiY4iz3ar4iIh6-VzCX___peoM7cPdA"]);
    let mut asked = form(
        "f",
        vec![day, time, zone, fixed_zone, needed, people, rooms],
    );
    asked.answers = FormAnswers::Any;
    insta::assert_snapshot!(shown(vec![Block::Form(asked)]));
}

#[test]
fn form_with_elements_of_its_own() {
    let other = |name: &str, json: &str| {
        FieldKind::Other(OtherField {
            name: name.to_owned(),
            json: json.to_owned(),
        })
    };
    let fields = vec![
        field(
            "rich",
            "Rich",
            other("richtextarea", r#"{"rows": 4, "onclick": "x"}"#),
        ),
        field(
            "pin",
            "Pin",
            other("text-field", r#"{"masked": true, "maxlength": 4}"#),
        ),
        field("odd", "Odd", other("slider", "{}")),
        field("action", "Called action", FieldKind::Text),
    ];
    let mut asked = form("parlor-buttons-9", fields);
    asked.buttons = vec![
        button(
            "Say",
            ButtonKind::Reply("hi".to_owned()),
            ButtonStyle::Secondary,
        ),
        button(
            "Help",
            ButtonKind::Link("https://a.example/".to_owned()),
            ButtonStyle::Secondary,
        ),
    ];
    insta::assert_snapshot!(shown(vec![Block::Form(asked)]));
}

#[test]
fn form_with_many_radio_buttons() {
    let values: Vec<String> = (0..30).map(|value| value.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let radio = |id: &str| {
        let mut radio = field(id, id, FieldKind::Radio);
        radio.choices = choices(&values);
        radio
    };
    let found = shown(vec![Block::Form(form("f", vec![radio("a"), radio("b")]))]);
    assert_eq!(found.matches("<radio ").count(), 30);
    assert_eq!(found.matches("<option ").count(), 30);
    assert!(
        found.ends_with("note: more than 50 radio buttons → drop-down list"),
        "{found}"
    );
}

#[test]
fn raw_markup() {
    let raw = |platform: &str, text: &str| {
        Block::Raw(RawBlock {
            platform: platform.to_owned(),
            text: text.to_owned(),
            fallback: 1,
        })
    };
    let instead = |text: &str| Block::Paragraph(vec![plain(text)]);
    insta::assert_snapshot!(shown(vec![
        raw("symphony", "<messageML><h2>A&nbsp;title</h2></messageML>"),
        instead("not shown"),
        raw("webex", "**card**"),
        instead("for webex"),
        raw("symphony", "<b>broken"),
        instead("for what is broken"),
        Block::Paragraph(vec![plain("end")]),
    ]));
}
