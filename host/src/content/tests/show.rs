//! Blocks as text and on a terminal.

use crate::content::{display_width, emoji, entities_from_text, plain, shortcode, terminal, text};
use crate::model::content::{
    ActionButton, Alignment, AttachmentBlock, Block, Button, ButtonKind, ButtonStyle, Card,
    CodeBlock, DateFormat, DateTimeSpan, Fact, Heading, LinkSpan, ListItem, MediaSource, RawBlock,
    Span, Table, TextSpan, TextStyle,
};
use crate::model::event::{ConversationRole, User, UserKind};

fn table() -> Block {
    let cells = |row: [&str; 3]| {
        row.iter()
            .map(|cell| vec![plain(*cell)])
            .collect::<Vec<_>>()
    };
    let mut rows = vec![
        cells(["東京", "100", "plain"]),
        cells(["a", "7.25", "long words that go on"]),
    ];
    rows[0][2] = vec![
        Span::Emoji("up".to_owned()),
        plain(" "),
        Span::Link(LinkSpan {
            text: "site".to_owned(),
            url: "https://a.example".to_owned(),
        }),
    ];
    rows.push(vec![vec![plain("short")]]);
    Block::Table(Table {
        header: cells(["Name", "Sum", "Note"]),
        rows,
        columns: vec![Alignment::Left, Alignment::Right],
    })
}

fn button(label: &str, kind: ButtonKind) -> Button {
    Button {
        label: label.to_owned(),
        kind,
        style: ButtonStyle::Secondary,
    }
}

fn page() -> Vec<Block> {
    let bold = TextSpan {
        text: "loud".to_owned(),
        style: TextStyle {
            bold: true,
            ..TextStyle::default()
        },
    };
    vec![
        Block::Heading(Heading {
            level: 1,
            spans: vec![plain("Title")],
        }),
        Block::Paragraph(vec![
            plain("very "),
            Span::Text(bold),
            plain(" "),
            Span::Cashtag("goog".to_owned()),
        ]),
        Block::Paragraph(vec![Span::DateTime(DateTimeSpan {
            at: 1_763_649_000_000,
            format: DateFormat::DateTime,
        })]),
        Block::ListItem(ListItem {
            indent: 0,
            ordered: true,
            spans: vec![plain("one")],
        }),
        Block::ListItem(ListItem {
            indent: 1,
            ordered: false,
            spans: vec![plain("dot\nand more")],
        }),
        Block::ListItem(ListItem {
            indent: 0,
            ordered: true,
            spans: vec![plain("two")],
        }),
        Block::Quote(vec![plain("said"), Span::LineBreak, plain("again")]),
        Block::Code(CodeBlock {
            language: None,
            text: "x\n  y".to_owned(),
        }),
        Block::Divider,
        table(),
        Block::Card(Card {
            title: "Card".to_owned(),
            subtitle: Some("sub".to_owned()),
            paragraphs: vec![vec![plain("body")]],
            facts: vec![Fact {
                name: "Price".to_owned(),
                value: "12".to_owned(),
            }],
            buttons: vec![button(
                "Open",
                ButtonKind::Link("https://a.example".to_owned()),
            )],
        }),
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Attachment(0),
            name: "a.csv".to_owned(),
        }),
        Block::Buttons(vec![
            button(
                "Yes",
                ButtonKind::Action(ActionButton {
                    id: "y".to_owned(),
                    value: "1".to_owned(),
                }),
            ),
            button("No", ButtonKind::Reply("no".to_owned())),
        ]),
        Block::Raw(RawBlock {
            platform: "symphony".to_owned(),
            text: "<x/>".to_owned(),
            fallback: 1,
        }),
        Block::Paragraph(vec![plain("stand-in")]),
    ]
}

#[test]
fn plain_text_keeps_the_shape() {
    let (shown, notes) = text(&page());
    insta::assert_snapshot!(shown, @r"
    Title
    very loud $goog

    2025-11-20 14:30 UTC
    1. one
      - dot
        and more
    2. two

    > said
    > again

    x
      y
    ------------------------

    Name    Sum  Note
    -----  ----  ---------------------------
    東京    100  🔺 site (https://a.example)
    a      7.25  long words that go on
    short

    Card
    sub
    body
    Price: 12
    [Open] (https://a.example)
    📎 a.csv
    [Yes] [No]
    stand-in
    ");
    assert_eq!(
        notes,
        [
            "heading → line",
            "styles → plain text",
            "code → plain text",
            "table → aligned text",
            "card → text",
            "buttons → labels",
            "symphony markup → its stand-in",
        ]
    );
}

#[test]
fn a_terminal_gets_frames() {
    insta::assert_snapshot!(terminal(&page(), 40, false), @r"
    Title
    very loud $goog

    2025-11-20 14:30 UTC
    1. one
      - dot
        and more
    2. two

    > said
    > again

    x
      y
    ------------------------

    ┌───────┬──────┬───────────────────────┐
    │ Name  │  Sum │ Note                  │
    ├───────┼──────┼───────────────────────┤
    │ 東京  │  100 │ 🔺 site               │
    │       │      │ (https://a.example)   │
    │ a     │ 7.25 │ long words that go on │
    │ short │      │                       │
    └───────┴──────┴───────────────────────┘

    Card
    sub
    body
    Price: 12
    [Open] (https://a.example)
    📎 a.csv
    [Yes] [No]
    stand-in
    ");
}

#[test]
fn styles_are_escapes_only_where_wanted() {
    let styled = terminal(&page(), 40, true);
    assert!(
        styled.starts_with("\u{1b}[1;4mTitle\u{1b}[0m"),
        "{styled:?}"
    );
    assert!(!terminal(&page(), 40, false).contains('\u{1b}'));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let long = "word ".repeat(40) + &"x".repeat(90) + " 東京都".repeat(20).as_str();
    let mut blocks = page();
    blocks.push(Block::Paragraph(vec![plain(long.as_str())]));
    blocks.push(Block::ListItem(ListItem {
        indent: 2,
        ordered: false,
        spans: vec![plain(long.as_str())],
    }));
    blocks.push(Block::Quote(vec![plain(long)]));
    for width in [20, 33, 80] {
        for line in terminal(&blocks, width, false).lines() {
            assert!(display_width(line) <= width + 1, "{width}: {line}");
        }
    }
}

#[test]
fn shortcodes_are_known_both_ways() {
    for code in [
        "up", "dn", "smile", "tada", "pizza", "warning", "check", "+1", "x", "zap", "100",
    ] {
        assert!(emoji(code).is_some(), "{code}");
    }
    assert_eq!(emoji(":tada:"), Some("🎉"));
    assert_eq!(emoji("nothing"), None);
    assert_eq!(shortcode("🍕"), Some("pizza"));
}

fn member(id: &str, name: &str) -> User {
    User {
        id: id.to_owned(),
        display_name: name.to_owned(),
        user_name: None,
        first_name: None,
        last_name: None,
        email: Some(format!("{id}@acme.com")),
        time_zone: None,
        locale: None,
        kind: UserKind::Human,
        role_here: ConversationRole::Member,
        roles: Vec::new(),
    }
}

#[test]
fn entities_are_made_from_text() {
    let members = [member("ann", "Ann"), member("lee", "Ann Lee")];
    for (text, mentions, cashtags, hashtags) in [
        (
            "buy $goog, now #urgent!",
            vec![],
            vec!["goog"],
            vec!["urgent"],
        ),
        ("$5 and #12 and a$b", vec![], vec![], vec![]),
        (
            "($BRK.B) $goog $goog.",
            vec![],
            vec!["BRK.B", "goog"],
            vec![],
        ),
        (
            "@ann lee and @lee@acme.com",
            vec!["lee:ann lee", "lee:lee@acme.com"],
            vec![],
            vec![],
        ),
        ("@Annabel @nobody @", vec![], vec![], vec![]),
    ] {
        let found = entities_from_text(text, &members);
        let shown: Vec<String> = found
            .mentions
            .iter()
            .map(|mention| format!("{}:{}", mention.user_id, mention.text))
            .collect();
        assert_eq!(shown, mentions, "{text}");
        let tickers: Vec<&str> = found
            .cashtags
            .iter()
            .map(|cashtag| cashtag.ticker.as_str())
            .collect();
        assert_eq!(tickers, cashtags, "{text}");
        assert_eq!(found.hashtags, hashtags, "{text}");
    }
}
