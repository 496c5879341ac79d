//! What holds for every content and every event.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::agent;
use super::hostile::everywhere;
use super::support::bot;
use crate::connectors::symphony::convert::event_from_wire;
use crate::connectors::symphony::render::{RenderOptions, render};
use crate::connectors::symphony::split::split;
use crate::connectors::symphony::wire::event::{FeedBatch, V4Event};
use crate::content::{Limits, blocks, check, plain};
use crate::model::action::{Fallback, Send, Target};
use crate::model::content::{
    Block, CodeBlock, Content, DateFormat, DateTimeSpan, Heading, LinkSpan, ListItem, RawBlock,
    Span, Table, TextSpan, TextStyle,
};
use crate::model::event::Visibility;

fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(
            &[
                "<b>",
                "</b>",
                "</messageML>",
                "${x}",
                "#{",
                "$",
                "#",
                "{",
                "<#if>",
                "<@a/>",
                "&amp;",
                "&nbsp;",
                "&",
                "]]>",
                "<!--",
                "-->",
                "\"",
                "'",
                "\n",
                "\t",
                "  ",
                "a",
                "word ",
                "😀",
                "\u{202e}",
                "\u{0}",
                "\u{fffe}",
                "ü",
                "<![CDATA[",
                "<form id=\"f\">",
                "</form>",
                "1",
            ][..]
        )
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn style() -> impl Strategy<Value = TextStyle> {
    any::<[bool; 5]>().prop_map(|[bold, italic, underline, strike, code]| TextStyle {
        bold,
        italic,
        underline,
        strike,
        code,
    })
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (nasty(), style()).prop_map(|(text, style)| Span::Text(TextSpan { text, style })),
        (nasty(), nasty()).prop_map(|(text, path)| Span::Link(LinkSpan {
            text,
            url: format!("https://a.example/{path}"),
        })),
        nasty().prop_map(Span::Cashtag),
        nasty().prop_map(Span::Hashtag),
        nasty().prop_map(Span::Emoji),
        Just(Span::LineBreak),
        (any::<u64>(), 0..3).prop_map(|(at, format)| Span::DateTime(DateTimeSpan {
            at,
            format: [DateFormat::Date, DateFormat::Time, DateFormat::DateTime]
                [usize::try_from(format).unwrap()],
        })),
    ]
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(span(), 0..5)
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        spans().prop_map(Block::Paragraph),
        (any::<u8>(), spans()).prop_map(|(level, spans)| Block::Heading(Heading { level, spans })),
        spans().prop_map(Block::Quote),
        (prop::option::of(nasty()), nasty())
            .prop_map(|(language, text)| Block::Code(CodeBlock { language, text })),
        Just(Block::Divider),
        (0..9_u8, any::<bool>(), spans()).prop_map(|(indent, ordered, spans)| Block::ListItem(
            ListItem {
                indent,
                ordered,
                spans
            }
        )),
        (
            prop::collection::vec(spans(), 0..3),
            prop::collection::vec(prop::collection::vec(spans(), 0..3), 0..3)
        )
            .prop_map(|(header, rows)| Block::Table(Table {
                header,
                rows,
                columns: Vec::new()
            })),
        nasty().prop_map(|text| Block::Raw(RawBlock {
            platform: "webex".to_owned(),
            text,
            fallback: 1,
        })),
        (nasty(), 0..8_usize).prop_map(|(text, place)| everywhere(&text).swap_remove(place)),
    ]
}

fn send(content: Content) -> Send {
    Send {
        target: Target::Reply,
        content,
        attachments: Vec::new(),
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    }
}

proptest! {
    #[test]
    fn every_blocks_make_a_message_that_the_agent_takes(blocks in prop::collection::vec(block(), 0..6)) {
        // Ids of forms have to be their own; the host has checked that.
        let mut seen = 0;
        let blocks: Vec<Block> = blocks.into_iter().filter(|block| {
            seen += usize::from(matches!(block, Block::Form(_)));
            !matches!(block, Block::Form(_)) || seen == 1
        }).collect();
        let rendered = render(&Content::Blocks(blocks), RenderOptions::default()).unwrap();
        prop_assert_eq!(agent::check(&rendered.message), Ok(()));
        let read = crate::content::blocks(&Content::MessageMl(rendered.message.clone()));
        prop_assert!(read.is_ok(), "{:?}: {}", read, rendered.message);
    }

    #[test]
    fn every_text_is_a_message_that_the_agent_takes(source in nasty()) {
        let rendered = render(&Content::Plain(source.clone()), RenderOptions::default()).unwrap();
        prop_assert_eq!(agent::check(&rendered.message), Ok(()));
        if let Ok(rendered) = render(&Content::Markdown(source.clone()), RenderOptions::default()) {
            prop_assert_eq!(agent::check(&rendered.message), Ok(()));
        }
        // What is understood is well-formed, and means what it meant.
        let content = Content::MessageMl(source);
        if let Ok(rendered) = render(&content, RenderOptions::default()) {
            prop_assert!(roxmltree::Document::parse(&rendered.message).is_ok(), "{}", rendered.message);
            for template in ["${", "#{", "<#", "<@"] {
                prop_assert!(!rendered.message.contains(template), "{}", rendered.message);
            }
            // Signs that no XML can have are left out.
            let Content::MessageMl(source) = &content else { panic!("no source") };
            let odd = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\t') || matches!(sign, '\u{fffe}' | '\u{ffff}');
            if source.contains(odd) {
                return Ok(());
            }
            let again = blocks(&Content::MessageMl(rendered.message.clone()));
            prop_assert_eq!(again, blocks(&content));
        }
    }

    #[test]
    fn what_is_split_says_the_same(words in 0..6_000_usize, lines in 1..40_usize) {
        let text: Vec<String> = (0..words).map(|word| format!("w{word}{}", if word % lines == 0 { "\n" } else { " " })).collect();
        let text = text.concat();
        let content = Content::Blocks(vec![Block::Paragraph(vec![plain(text.as_str())])]);
        let limits = Limits::default();
        let mut said = String::new();
        for part in split(send(content)) {
            let Content::Blocks(blocks) = &part.content else { panic!("no blocks") };
            prop_assert!(check(blocks, &limits).is_ok());
            let (shown, _) = crate::content::text(blocks);
            prop_assert!(shown.split_whitespace().count() <= 2_500);
            said.push_str(&shown);
            said.push('\n');
        }
        let wanted: Vec<&str> = text.split_whitespace().collect();
        let said: Vec<&str> = said.split_whitespace().collect();
        prop_assert_eq!(said, wanted);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(batch) = FeedBatch::read(&bytes) {
            for received in batch.events {
                let _ = event_from_wire(&"default".into(), &bot(), &received.event, Some(&received.source));
            }
        }
    }

    #[test]
    fn any_message_is_one_event(message in nasty(), data in nasty()) {
        let event = super::support::sent(&message, &data);
        let found = super::support::converted(&event);
        prop_assert_eq!(found.incoming.len(), 1);
    }

    #[test]
    fn any_json_in_an_events_place_is_an_event(
        kind in prop::sample::select(&["MESSAGESENT", "SHAREDPOST", "ROOMCREATED", "USERJOINEDROOM",
            "SYMPHONYELEMENTSACTION", "MESSAGESUPPRESSED", "CONNECTIONREQUESTED", "NEW"][..]),
        value in prop::sample::select(&["null", "1", "\"x\"", "[]", "{}", "[null,{}]", "{\"message\":{}}",
            "{\"message\":{\"user\":[]}}", "{\"stream\":3}", "{\"formValues\":[1]}", "1e400"][..]),
    ) {
        let member = kind.to_lowercase();
        let source = format!(r#"{{"type":"{kind}","payload":{{"{member}":{value},"messageSent":{value},"symphonyElementsAction":{value}}},"initiator":{value}}}"#);
        if let Ok(source) = RawValue::from_string(source) {
            let found = event_from_wire(&"default".into(), &bot(), &V4Event::read(&source), None);
            prop_assert_eq!(found.incoming.len(), 1);
        }
    }
}
