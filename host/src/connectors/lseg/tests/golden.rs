//! What each construct is on Messenger: one file each in `snapshots`.

use crate::connectors::lseg::render::{Rendered, render};
use crate::content::hosted::Shows;
use crate::content::plain;
use crate::content::samples::{
    self, action, button, field, item, mention, moment, noted, paragraph, styled,
};
use crate::model::content::{
    Alignment, AttachmentBlock, Block, Button, ButtonKind, Card, CodeBlock, Content, DateFormat,
    Fact, Field, FieldKind, Form, FormAnswers, FormAudience, FormEnd, Heading, Image, LinkSpan,
    MediaSource, MentionTarget, RawBlock, Span, Table,
};

/// The text with its TABs seen, and the notes.
fn shown(content: &Content) -> String {
    let Rendered { text, notes } = render(content).unwrap();
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("|{}|", line.replace('\t', "⇥")))
        .collect();
    noted(&lines.join("\n"), &notes)
}

fn blocks(blocks: Vec<Block>) -> String {
    shown(&Content::Blocks(blocks))
}

fn spans(spans: Vec<Span>) -> String {
    blocks(vec![Block::Paragraph(spans)])
}

/// As the host makes it for a platform without buttons and forms.
fn hosted(what: Vec<Block>) -> String {
    let hosted = samples::hosted(&what, Shows::NONE, "ada@example.com", true).unwrap();
    blocks(hosted.blocks)
}

#[test]
fn styles() {
    insta::assert_snapshot!(spans(vec![
        styled("bold", |style| style.bold = true),
        plain(" "),
        styled("italic", |style| style.italic = true),
        plain(" "),
        styled("code", |style| style.code = true),
        plain(" *stars* <b>tags</b>"),
    ]));
}

#[test]
fn heading_and_divider() {
    let heading = Block::Heading(Heading {
        level: 1,
        spans: vec![plain("Title")],
    });
    insta::assert_snapshot!(blocks(vec![
        heading,
        paragraph("text"),
        Block::Divider,
        paragraph("more")
    ]));
}

#[test]
fn list() {
    insta::assert_snapshot!(blocks(vec![
        item(0, false, "one"),
        item(1, true, "first\nin two lines"),
        item(1, true, "second"),
        item(0, false, "two"),
        item(0, true, "a number"),
    ]));
}

#[test]
fn quote_and_code() {
    insta::assert_snapshot!(blocks(vec![
        Block::Quote(vec![plain("said"), Span::LineBreak, plain("twice")]),
        Block::Code(CodeBlock {
            language: Some("rust".to_owned()),
            text: "fn main() {\n\tlet x = 1;\n}".to_owned(),
        }),
    ]));
}

fn table(header: &[&str], rows: &[&[&str]]) -> Block {
    let cells = |cells: &[&str]| cells.iter().map(|cell| vec![plain(*cell)]).collect();
    Block::Table(Table {
        header: cells(header),
        rows: rows.iter().map(|row| cells(row)).collect(),
        columns: vec![Alignment::Right],
    })
}

#[test]
fn tables() {
    insta::assert_snapshot!(blocks(vec![
        paragraph("Title"),
        table(
            &["Name", "Trend"],
            &[&["Alder\tand\nSons", "(up)"], &["Birch"]]
        ),
        table(&[], &[&["1", "2"]]),
        Block::Image(Image {
            source: MediaSource::Url("https://acme.example/a.png".to_owned()),
            alternative: "a chart".to_owned(),
        }),
        table(&["One"], &[&["1"]]),
    ]));
}

#[test]
fn links() {
    let link = |text: &str, url: &str| {
        Span::Link(LinkSpan {
            text: text.to_owned(),
            url: url.to_owned(),
        })
    };
    insta::assert_snapshot!(spans(vec![
        link("the report", "https://acme.example/r?a=1"),
        plain(" "),
        link("", "https://acme.example/"),
        plain(" "),
        link("https://acme.example/", "https://acme.example/"),
    ]));
}

#[test]
fn images_and_attachments() {
    let image = |source| {
        Block::Image(Image {
            source,
            alternative: "a chart".to_owned(),
        })
    };
    insta::assert_snapshot!(blocks(vec![
        image(MediaSource::Url("https://acme.example/a.png".to_owned())),
        image(MediaSource::Attachment(0)),
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Url("https://acme.example/a.pdf".to_owned()),
            name: "a.pdf".to_owned(),
        }),
    ]));
}

#[test]
fn a_file_without_an_address_is_refused() {
    let file = Block::Attachment(AttachmentBlock {
        source: MediaSource::Attachment(0),
        name: "a.pdf".to_owned(),
    });
    let refused = render(&Content::Blocks(vec![file])).unwrap_err();
    insta::assert_snapshot!(refused.to_string());
}

#[test]
fn tags_and_mentions() {
    insta::assert_snapshot!(spans(vec![
        Span::Cashtag("GOOG".to_owned()),
        plain(" "),
        Span::Hashtag("news".to_owned()),
        plain(" "),
        mention(
            MentionTarget::User("ada@example.com".to_owned()),
            "Ada Byron"
        ),
        plain(" "),
        mention(MentionTarget::Email("bob@example.com".to_owned()), ""),
        plain(" "),
        mention(MentionTarget::All, ""),
    ]));
}

#[test]
fn emoji() {
    let emoji = |code: &str| Span::Emoji(code.to_owned());
    insta::assert_snapshot!(spans(vec![
        emoji("up"),
        plain("87.5 "),
        emoji("dn"),
        Span::LineBreak,
        emoji("coffee"),
        plain(" "),
        emoji("no-such-sign"),
        plain(" (up)12 (up)"),
    ]));
}

#[test]
fn moments() {
    insta::assert_snapshot!(spans(vec![
        moment(DateFormat::Date),
        plain(", "),
        moment(DateFormat::Time),
        plain(", "),
        moment(DateFormat::DateTime),
    ]));
}

fn card(buttons: Vec<Button>) -> Block {
    Block::Card(Card {
        title: "Order 7".to_owned(),
        subtitle: Some("open".to_owned()),
        paragraphs: vec![vec![plain("A thousand of them.")]],
        facts: vec![Fact {
            name: "Price".to_owned(),
            value: "12.50".to_owned(),
        }],
        buttons,
    })
}

#[test]
fn cards_in_order() {
    insta::assert_snapshot!(blocks(vec![card(Vec::new()), card(Vec::new())]));
}

#[test]
fn buttons_are_numbers() {
    let reply = button("Say hello", ButtonKind::Reply("hello".to_owned()));
    let link = button("Read", ButtonKind::Link("https://acme.example/".to_owned()));
    insta::assert_snapshot!(hosted(vec![
        card(vec![
            button("Approve", action("approve")),
            button("Reject", action("reject"))
        ]),
        Block::Buttons(vec![reply, link]),
    ]));
}

#[test]
fn a_form_is_its_first_question() {
    let name = Field {
        required: true,
        ..field("name", "Your name", FieldKind::Text)
    };
    let form = Block::Form(Form {
        id: "form".to_owned(),
        title: Some("Sign up".to_owned()),
        fields: vec![name],
        buttons: Vec::new(),
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    });
    insta::assert_snapshot!(hosted(vec![paragraph("Welcome"), form]));
}

#[test]
fn own_markup_and_that_of_others() {
    let raw = |platform: &str, text: &str| {
        Block::Raw(RawBlock {
            platform: platform.to_owned(),
            text: text.to_owned(),
            fallback: 1,
        })
    };
    insta::assert_snapshot!(blocks(vec![
        raw("lseg", "A\tB\n1\t(up)"),
        paragraph("not shown"),
        raw("symphony", "<messageML/>"),
        paragraph("instead of it"),
    ]));
}

#[test]
fn markdown_and_messageml() {
    let markdown = "# Title\n\n**bold** and [a link](https://acme.example/)\n\n| A | B |\n|---|---|\n| 1 | 2 |\n";
    let message_ml = "<messageML><h2>Title</h2><ul><li>one</li></ul><b>bold</b> <cash tag=\"goog\"/></messageML>";
    let both = [
        shown(&Content::Markdown(markdown.to_owned())),
        shown(&Content::MessageMl(message_ml.to_owned())),
    ];
    insta::assert_snapshot!(both.join("\n====\n"));
}

#[test]
fn nobody_makes_a_table_or_a_line_of_ones_own() {
    let text = "a\tb\nc\td\u{1b}[31m\u{202e}x";
    insta::assert_snapshot!(
        [
            shown(&Content::Plain(text.to_owned())),
            spans(vec![plain(text)]),
            spans(vec![Span::Cashtag("a\tb\nc".to_owned())]),
        ]
        .join("\n====\n")
    );
}
