//! Texts that want to be more than text, through everything that shows them.

use crate::content::{clean, clean_line, plain, terminal, text};
use crate::model::content::{
    Block, Button, ButtonKind, ButtonStyle, Card, Choice, CodeBlock, Fact, Field, FieldKind, Form,
    FormAnswers, FormAudience, FormEnd, Heading, Image, LinkSpan, ListItem, MediaSource,
    MentionSpan, MentionTarget, OtherSpan, RawBlock, Span, Table,
};

/// What is written, and what may be shown of it.
const HOSTILE: &[(&str, &str)] = &[
    ("\u{1b}[31mred\u{1b}[0m", "red"),
    ("\u{1b}]0;title\u{7}text", "text"),
    (
        "\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "link",
    ),
    ("\u{1b}Pq#0\u{1b}\\after", "after"),
    ("\u{9b}2Jcleared", "cleared"),
    ("\u{9d}0;x\u{9c}after", "after"),
    ("cut \u{1b}[", "cut "),
    ("cut \u{1b}", "cut "),
    ("open \u{1b}]0;never closed", "open 0;never closed"),
    (
        "bell\u{7} back\u{8}space nul\u{0} del\u{7f}",
        "bell backspace nul del",
    ),
    ("a\r\nb\rc", "a\nb\nc"),
    ("a\u{2028}b\u{85}c", "a\nb\nc"),
    ("user\u{202e}gpj.exe", "user\u{fffd}gpj.exe"),
    ("\u{2066}iso\u{2069}", "\u{fffd}iso\u{fffd}"),
    ("zero\u{200b}width\u{feff}", "zerowidth"),
    ("hidden\u{e0041}\u{e0042}", "hidden"),
    (
        "family 👨\u{200d}👩\u{200d}👧 ok",
        "family 👨\u{200d}👩\u{200d}👧 ok",
    ),
    ("tab\tkept", "tab\tkept"),
    ("<b>&amp;</b> **x** <@all>", "<b>&amp;</b> **x** <@all>"),
    ("שלום עולם", "שלום עולם"),
];

#[test]
fn only_what_can_do_harm_goes() {
    for (written, expected) in HOSTILE {
        assert_eq!(clean(written), *expected, "{written:?}");
        assert!(!clean_line(written).contains(['\n', '\t']), "{written:?}");
        assert_eq!(clean(&clean(written)), clean(written), "{written:?}");
    }
}

fn everywhere(evil: &str) -> Vec<Block> {
    let own = evil.to_owned();
    let spans = vec![
        plain(evil),
        Span::Link(LinkSpan {
            text: own.clone(),
            url: own.clone(),
        }),
        Span::Mention(MentionSpan {
            target: MentionTarget::User(own.clone()),
            text: own.clone(),
        }),
        Span::Mention(MentionSpan {
            target: MentionTarget::Email(own.clone()),
            text: String::new(),
        }),
        Span::Cashtag(own.clone()),
        Span::Hashtag(own.clone()),
        Span::Emoji(own.clone()),
        Span::Other(OtherSpan {
            kind: own.clone(),
            text: own.clone(),
        }),
    ];
    let buttons = vec![
        Button {
            label: own.clone(),
            kind: ButtonKind::Link(own.clone()),
            style: ButtonStyle::Danger,
        },
        Button {
            label: own.clone(),
            kind: ButtonKind::Reply(own.clone()),
            style: ButtonStyle::Danger,
        },
    ];
    let field = Field {
        id: own.clone(),
        label: own.clone(),
        kind: FieldKind::Select,
        choices: vec![Choice {
            value: own.clone(),
            label: own.clone(),
        }],
        required: true,
        multiple: false,
        read_only: false,
        defaults: vec![own.clone(), "x".to_owned()],
        placeholder: Some(own.clone()),
        pattern: None,
        min: None,
        max: None,
    };
    vec![
        Block::Paragraph(spans.clone()),
        Block::Heading(Heading {
            level: 1,
            spans: spans.clone(),
        }),
        Block::Quote(spans.clone()),
        Block::Code(CodeBlock {
            language: Some(own.clone()),
            text: own.clone(),
        }),
        Block::ListItem(ListItem {
            indent: 9,
            ordered: true,
            spans: spans.clone(),
        }),
        Block::Table(Table {
            header: vec![spans.clone()],
            rows: vec![vec![spans.clone(); 2]],
            columns: Vec::new(),
        }),
        Block::Image(Image {
            source: MediaSource::Url(own.clone()),
            alternative: own.clone(),
        }),
        Block::Card(Card {
            title: own.clone(),
            subtitle: Some(own.clone()),
            paragraphs: vec![spans],
            facts: vec![Fact {
                name: own.clone(),
                value: own.clone(),
            }],
            buttons: buttons.clone(),
        }),
        Block::Form(Form {
            id: own.clone(),
            title: Some(own.clone()),
            fields: vec![
                field.clone(),
                Field {
                    kind: FieldKind::Text,
                    ..field
                },
            ],
            buttons: buttons.clone(),
            answers: FormAnswers::Once,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        }),
        Block::Buttons(buttons),
        Block::Raw(RawBlock {
            platform: own.clone(),
            text: own,
            fallback: 1,
        }),
    ]
}

#[test]
fn nothing_hostile_reaches_a_reader() {
    for (written, _) in HOSTILE {
        let blocks = everywhere(written);
        let (shown, notes) = text(&blocks);
        let unstyled = terminal(&blocks, 30, false);
        let styled = terminal(&blocks, 0, true);
        // Only the terminal's own escapes are left, and they only set the style.
        let mut own = String::new();
        let mut parts = styled.split("\u{1b}[");
        own.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (codes, rest) = part.split_once('m').unwrap();
            assert!(
                codes
                    .bytes()
                    .all(|sign| sign.is_ascii_digit() || sign == b';'),
                "{written:?}: {codes:?}"
            );
            own.push_str(rest);
        }
        for safe in [shown, unstyled, own, notes.concat()] {
            let bad = safe.chars().find(|sign| {
                (sign.is_control() && *sign != '\n')
                    || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
            });
            assert_eq!(bad, None, "{written:?} in {safe:?}");
        }
    }
}

#[test]
fn a_line_end_cannot_leave_its_block() {
    let evil = "x\n> fake quote\n- fake item";
    let quote = text(&[Block::Quote(vec![plain(evil)])]).0;
    assert!(quote.lines().all(|line| line.starts_with("> ")), "{quote}");
    let title = Card {
        title: evil.to_owned(),
        subtitle: None,
        paragraphs: Vec::new(),
        facts: Vec::new(),
        buttons: Vec::new(),
    };
    assert_eq!(
        text(&[Block::Card(title)])
            .0
            .lines()
            .filter(|line| !line.is_empty())
            .count(),
        1
    );
}
