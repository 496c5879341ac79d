//! Texts that want to be markup, templates or somebody's mention, everywhere a text can stand.

use super::agent;
use crate::connectors::symphony::render::{RenderOptions, render};
use crate::content::plain;
use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Card, Choice, CodeBlock, Content, Fact,
    Field, FieldKind, FieldPattern, Form, FormAnswers, FormAudience, FormEnd, Heading, LinkSpan,
    ListItem, MentionSpan, MentionTarget, OtherSpan, Span, Table,
};

const HOSTILE: [&str; 16] = [
    "</messageML><form id=\"x\">",
    "<mention uid=\"1\"/>",
    "${7*7}",
    "#{7*7}",
    "<#assign x=1>",
    "<@x/>",
    "$",
    "#",
    "{x}",
    "]]>",
    "<!--",
    "&lt;b&gt;&#0;",
    "\" onclick=\"x",
    "'",
    "\u{0}\u{1}\u{8}\u{b}\u{1b}[31m\u{202e}\u{fffe}\u{ffff}",
    "&${&#{",
];

pub(super) fn everywhere(evil: &str) -> Vec<Block> {
    let own = || evil.to_owned();
    let spans = || {
        vec![
            plain("$"),
            plain(evil),
            Span::Link(LinkSpan {
                text: own(),
                url: own(),
            }),
            Span::Link(LinkSpan {
                text: own(),
                url: format!("https://a.example/{evil}?{evil}#{evil}"),
            }),
            Span::Mention(MentionSpan {
                target: MentionTarget::User(own()),
                text: own(),
            }),
            Span::Mention(MentionSpan {
                target: MentionTarget::Email(format!("{evil}@acme.com")),
                text: own(),
            }),
            Span::Cashtag(own()),
            Span::Hashtag(own()),
            Span::Emoji(own()),
            Span::Other(OtherSpan {
                kind: own(),
                text: own(),
            }),
        ]
    };
    let button = |kind: ButtonKind| Button {
        label: own(),
        kind,
        style: ButtonStyle::Danger,
    };
    let buttons = || {
        vec![
            button(ButtonKind::Action(ActionButton {
                id: format!("x{evil}"),
                value: own(),
            })),
            button(ButtonKind::Reply(own())),
            button(ButtonKind::Link(own())),
        ]
    };
    let field = |kind: FieldKind| Field {
        id: format!("{kind:?}{evil}").chars().take(40).collect(),
        label: own(),
        kind,
        choices: vec![Choice {
            value: format!("v{evil}"),
            label: own(),
        }],
        required: true,
        multiple: true,
        read_only: false,
        defaults: vec![own()],
        placeholder: Some(own()),
        pattern: Some(FieldPattern {
            regex: "[a-z]+".to_owned(),
            message: own(),
        }),
        min: Some(own()),
        max: Some(own()),
    };
    let kinds = [
        FieldKind::Text,
        FieldKind::Multiline,
        FieldKind::Number,
        FieldKind::Checkbox,
        FieldKind::Radio,
        FieldKind::Select,
        FieldKind::MultiSelect,
        FieldKind::Date,
        FieldKind::Time,
        FieldKind::Timezone,
        FieldKind::User,
        FieldKind::Conversation,
        FieldKind::Hidden,
    ];
    vec![
        Block::Paragraph(spans()),
        Block::Heading(Heading {
            level: 3,
            spans: spans(),
        }),
        Block::Quote(spans()),
        Block::Code(CodeBlock {
            language: Some(own()),
            text: own(),
        }),
        Block::ListItem(ListItem {
            indent: 2,
            ordered: true,
            spans: spans(),
        }),
        Block::Table(Table {
            header: vec![spans()],
            rows: vec![vec![spans()]],
            columns: Vec::new(),
        }),
        Block::Card(Card {
            title: own(),
            subtitle: Some(own()),
            paragraphs: vec![spans()],
            facts: vec![Fact {
                name: own(),
                value: own(),
            }],
            buttons: buttons(),
        }),
        Block::Form(Form {
            id: format!("f{evil}"),
            title: Some(own()),
            fields: kinds.into_iter().map(field).collect(),
            buttons: buttons(),
            answers: FormAnswers::Any,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        }),
    ]
}

fn message(content: &Content) -> String {
    let message = render(content, RenderOptions::default()).unwrap().message;
    agent::check(&message).unwrap();
    message
}

#[test]
fn no_text_leaves_its_place() {
    let quiet = message(&Content::Blocks(everywhere("x")));
    let forms = quiet.matches("<form ").count();
    for evil in HOSTILE {
        let found = message(&Content::Blocks(everywhere(evil)));
        assert_eq!(found.matches("<form ").count(), forms, "{evil:?}");
        assert!(!found.contains("<mention uid"), "{evil:?}");
        let found = message(&Content::Plain(evil.to_owned()));
        assert!(
            !found.contains("<form") && !found.contains("<mention"),
            "{evil:?}"
        );
    }
    // Two texts of which neither is a template by itself.
    let halves = vec![Block::Paragraph(vec![plain("$"), plain("{x}")])];
    assert!(message(&Content::Blocks(halves)).contains("&#36;{x}"));
}

#[test]
fn a_template_that_a_persons_name_brings_into_messageml_is_text() {
    let source =
        "<messageML>Hello <b>${\"freemarker.template.utility.Execute\"?new()}</b></messageML>";
    let found = message(&Content::MessageMl(source.to_owned()));
    assert!(found.contains("&#36;{"), "{found}");
}
