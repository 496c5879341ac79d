//! What each construct is on LiveChat: one file each in `snapshots`, the events that are sent.

use crate::connectors::livechat::render::{
    MAX_BUTTONS, MAX_TEXT_BYTES, RenderOptions, render, split,
};
use crate::content::hosted::Shows;
use crate::content::plain;
use crate::content::samples::{
    action, button, field, hosted, item, mention, moment, noted, paragraph, styled,
};
use crate::model::action::{Fallback, File, OutgoingAttachment, Send, Target};
use crate::model::content::{
    Alignment, AttachmentBlock, Block, Button, ButtonKind, Card, CodeBlock, Content, DateFormat,
    Fact, Field, FieldKind, Form, FormAnswers, FormAudience, FormEnd, Heading, Image, LinkSpan,
    MediaSource, MentionTarget, RawBlock, Span, Table,
};
use crate::model::event::Visibility;

fn send(content: Content, files: usize) -> Send {
    let file = |number: usize| {
        OutgoingAttachment::File(File {
            name: format!("file-{number}.png"),
            media_type: "image/png".to_owned(),
            bytes: vec![0],
        })
    };
    Send {
        target: Target::Reply,
        content,
        attachments: (0..files).map(file).collect(),
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    }
}

/// The events of a send, as the outbox makes them: split, with forms and buttons as questions and
/// numbers where the version has none, then rendered.
fn events(send: &Send, is_rich: bool) -> Vec<String> {
    let shows = Shows {
        forms: false,
        buttons: is_rich,
    };
    let mut shown = Vec::new();
    for mut part in split(send, is_rich) {
        let mut notes = Vec::new();
        if let Content::Blocks(blocks) = &part.content
            && let Some(hosted) = hosted(blocks, shows, "ann", false)
        {
            notes = hosted.notes;
            part.content = Content::Blocks(hosted.blocks);
        }
        let options = RenderOptions {
            visibility: part.visibility,
            is_rich,
            attachments: part.attachments.len(),
        };
        let rendered = render(&part.content, options).unwrap();
        let event = serde_json::to_string_pretty(&rendered.event).unwrap();
        notes.extend(rendered.notes);
        shown.push(noted(&event, &notes));
    }
    shown
}

fn shown(blocks: Vec<Block>) -> String {
    events(&send(Content::Blocks(blocks), 0), true).join("\n\n")
}

fn card(title: &str, buttons: Vec<Button>) -> Block {
    Block::Card(Card {
        title: title.to_owned(),
        subtitle: Some("today".to_owned()),
        paragraphs: vec![vec![plain("two lines\nof text")]],
        facts: vec![Fact {
            name: "Size".to_owned(),
            value: "large & hot".to_owned(),
        }],
        buttons,
    })
}

fn image(source: MediaSource) -> Block {
    Block::Image(Image {
        source,
        alternative: "a chart".to_owned(),
    })
}

#[test]
fn text_as_it_is() {
    let content = Content::Plain("Hello\n  <b>Ann</b>, 1 < 2 & ${x}".to_owned());
    insta::assert_snapshot!(events(&send(content, 0), true).join("\n"));
}

#[test]
fn text_from_markdown() {
    let source =
        "# Title\n\nHello **bold** and `code`\n\n- one\n- two\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n";
    let content = Content::Markdown(source.to_owned());
    insta::assert_snapshot!(events(&send(content, 0), true).join("\n"));
}

#[test]
fn text_with_styles_links_and_mentions() {
    let link = |text: &str| {
        Span::Link(LinkSpan {
            text: text.to_owned(),
            url: "https://a.example/x?q=1".to_owned(),
        })
    };
    insta::assert_snapshot!(shown(vec![Block::Paragraph(vec![
        styled("bold", |style| style.bold = true),
        plain(" "),
        styled("code", |style| style.code = true),
        Span::LineBreak,
        link("site"),
        plain(" "),
        link(""),
        Span::LineBreak,
        mention(MentionTarget::User("u".to_owned()), "Ada"),
        plain(" "),
        Span::Cashtag("goog".to_owned()),
        plain(" "),
        Span::Hashtag("urgent".to_owned()),
        plain(" "),
        Span::Emoji("tada".to_owned()),
        plain(" "),
        moment(DateFormat::DateTime),
    ])]));
}

#[test]
fn text_in_blocks() {
    let cell = |text: &str| vec![plain(text)];
    insta::assert_snapshot!(shown(vec![
        Block::Heading(Heading {
            level: 2,
            spans: vec![plain("Title")],
        }),
        Block::Divider,
        item(0, false, "one"),
        item(0, true, "first"),
        Block::Quote(vec![plain("so it is")]),
        Block::Code(CodeBlock {
            language: Some("rust".to_owned()),
            text: "fn main() {\n    1\n}".to_owned(),
        }),
        Block::Table(Table {
            header: vec![cell("Name"), cell("Sum")],
            rows: vec![vec![cell("a & b"), cell("1,000")], vec![cell("short")]],
            columns: vec![Alignment::Left, Alignment::Right],
        }),
    ]));
}

#[test]
fn images_and_files() {
    let blocks = vec![
        paragraph("before"),
        image(MediaSource::Url("https://a.example/i.png".to_owned())),
        image(MediaSource::Attachment(1)),
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Attachment(0),
            name: "report.pdf".to_owned(),
        }),
    ];
    insta::assert_snapshot!(events(&send(Content::Blocks(blocks), 3), true).join("\n\n"));
    let alone = events(&send(Content::Plain(String::new()), 1), true);
    assert_eq!(alone.len(), 1, "a file needs no empty message: {alone:?}");
}

#[test]
fn cards_are_a_carousel() {
    insta::assert_snapshot!(shown(vec![
        paragraph("Choose:"),
        card("Order <1>", vec![button("Approve", action("ok"))]),
        card("Order 2", Vec::new()),
        paragraph("below"),
    ]));
}

#[test]
fn more_cards_than_one_event_has_are_further_events() {
    let cards = (0..12).map(|number| card(&format!("Card {number}"), Vec::new()));
    let found = events(&send(Content::Blocks(cards.collect()), 0), true);
    let titles = |event: &str| event.matches("\"title\"").count();
    assert_eq!(
        found.iter().map(|it| titles(it)).collect::<Vec<_>>(),
        [10, 2]
    );
}

#[test]
fn buttons_are_quick_replies_below_their_text() {
    insta::assert_snapshot!(shown(vec![
        paragraph("Which one?"),
        Block::Buttons(vec![
            button("Yes", action("yes")),
            button("Say it", ButtonKind::Reply("/joke \"now\"".to_owned())),
        ]),
        paragraph("after"),
    ]));
}

#[test]
fn buttons_with_a_link_are_a_card() {
    insta::assert_snapshot!(shown(vec![Block::Buttons(vec![
        button("Yes", action("yes")),
        button("Site", ButtonKind::Link("https://a.example/".to_owned())),
    ])]));
}

#[test]
fn more_buttons_than_one_event_has_are_further_events() {
    let all = (0..30).map(|number| button(&format!("B{number}"), action(&number.to_string())));
    let all: Vec<Button> = all.collect();
    let row = vec![paragraph("Choose"), Block::Buttons(all.clone())];
    let counts = |blocks: Vec<Block>| {
        let found = events(&send(Content::Blocks(blocks), 0), true);
        let count = |event: &String| event.matches("postback_id").count();
        found.iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(counts(row), [MAX_BUTTONS, MAX_BUTTONS, 4]);
    assert_eq!(
        counts(vec![card("Many", all)]),
        [MAX_BUTTONS, MAX_BUTTONS, 4]
    );
}

#[test]
fn buttons_for_agents_are_named_as_nobody_could_press_them() {
    let mut message = send(
        Content::Blocks(vec![
            paragraph("Which one?"),
            Block::Buttons(vec![button("Yes", action("yes"))]),
            card("Order", vec![button("Approve", action("ok"))]),
        ]),
        0,
    );
    message.visibility = Visibility::Agents;
    insta::assert_snapshot!(events(&message, true).join("\n\n"));
}

#[test]
fn buttons_are_numbers_where_the_version_has_none() {
    let blocks = vec![
        paragraph("Which one?"),
        Block::Buttons(vec![
            button("Yes", action("yes")),
            button("No", action("no")),
        ]),
    ];
    insta::assert_snapshot!(events(&send(Content::Blocks(blocks), 0), false).join("\n\n"));
}

#[test]
fn a_form_is_its_first_question() {
    let mut name = Field {
        required: true,
        ..field("name", "Your name", FieldKind::Text)
    };
    name.max = Some("40".to_owned());
    let form = Form {
        id: "hello".to_owned(),
        title: Some("Hello <you>".to_owned()),
        fields: vec![name],
        buttons: Vec::new(),
        answers: FormAnswers::Once,
        audience: FormAudience::Actor,
        end: FormEnd::Never,
    };
    insta::assert_snapshot!(shown(vec![paragraph("First this."), Block::Form(form)]));
}

#[test]
fn own_markup_goes_as_it_is_and_another_s_is_stood_in_for() {
    let raw = |platform: &str, text: &str| {
        Block::Raw(RawBlock {
            platform: platform.to_owned(),
            text: text.to_owned(),
            fallback: 1,
        })
    };
    insta::assert_snapshot!(shown(vec![
        raw(
            "livechat",
            r#"{"type":"rich_message","template_id":"sticker","elements":[]}"#
        ),
        paragraph("a sticker"),
        raw("symphony", "<messageML/>"),
        paragraph("in place of it"),
    ]));
}

#[test]
fn what_is_too_long_is_split_at_lines() {
    let line = "word ".repeat(19) + "end";
    let long = vec![line.as_str(); 400].join("\n");
    let found = events(&send(Content::Plain(long.clone()), 0), true);
    assert_eq!(found.len(), 3);
    let said: Vec<String> = found
        .iter()
        .map(|event| {
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            event["text"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(said.iter().all(|text| text.len() <= MAX_TEXT_BYTES));
    assert_eq!(said.join("\n"), long);
    // A word that has no end, in letters of several bytes.
    let word = "ü".repeat(MAX_TEXT_BYTES);
    let found = events(&send(Content::Plain(word), 0), true);
    assert_eq!(found.len(), 2);
}
