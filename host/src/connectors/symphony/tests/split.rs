//! Sends that are more than one message.

use super::agent;
use crate::connectors::symphony::render::{RenderOptions, render};
use crate::connectors::symphony::split::split;
use crate::content::plain;
use crate::model::action::{Fallback, File, KeptFile, OutgoingAttachment, Send, Target};
use crate::model::content::{
    AttachmentBlock, Block, CodeBlock, Content, ListItem, MediaSource, RawBlock, Span, Table,
};
use crate::model::event::Visibility;

fn send(content: Content, attachments: Vec<OutgoingAttachment>) -> Send {
    Send {
        target: Target::Reply,
        content,
        attachments,
        thread: None,
        visibility: Visibility::All,
        quiet: true,
        fallback: Fallback::Degrade,
    }
}

fn kept(name: &str, size: u64) -> OutgoingAttachment {
    OutgoingAttachment::Kept(KeptFile {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        sha256: name.to_owned(),
        size,
    })
}

fn blocks_of(send: &Send) -> &[Block] {
    match &send.content {
        Content::Blocks(blocks) => blocks,
        other => panic!("{other:?}"),
    }
}

fn all_render(parts: &[Send]) {
    for part in parts {
        let options = RenderOptions {
            attachments: part.attachments.len(),
            mark: None,
        };
        let rendered = render(&part.content, options).unwrap();
        agent::check(&rendered.message).unwrap();
        assert!(rendered.notes.is_empty(), "{:?}", rendered.notes);
    }
}

#[test]
fn what_fits_stays_as_it_is() {
    for content in [
        Content::Plain("hi".to_owned()),
        Content::MessageMl("<messageML><b>hi</b></messageML>".to_owned()),
        Content::Blocks(vec![Block::Divider]),
        Content::MessageMl("<broken".to_owned()),
    ] {
        let whole = send(content, vec![kept("a", 10)]);
        assert_eq!(split(whole.clone()), [whole]);
    }
}

#[test]
fn more_than_eighty_tags_are_several_messages() {
    let line = |from: u32| {
        let tags = (from..from + 50).map(|tag| Span::Hashtag(format!("t{tag}")));
        Block::Paragraph(tags.collect())
    };
    let parts = split(send(
        Content::Blocks(vec![line(0), line(50), line(100)]),
        Vec::new(),
    ));
    assert_eq!(parts.len(), 3);
    all_render(&parts);
    let one: Vec<Span> = (0..200)
        .map(|tag| Span::Cashtag(format!("t{tag}")))
        .collect();
    let parts = split(send(
        Content::Blocks(vec![Block::Paragraph(one)]),
        Vec::new(),
    ));
    assert!((3..=4).contains(&parts.len()), "{}", parts.len());
    all_render(&parts);
    assert!(parts.iter().all(|part| part.quiet));
}

#[test]
fn an_edit_that_cannot_be_split_shows_what_is_too_much_as_text() {
    let tags: Vec<Span> = (0..100)
        .map(|tag| Span::Hashtag(format!("t{tag}")))
        .collect();
    let content = Content::Blocks(vec![Block::Paragraph(tags)]);
    let rendered = render(&content, RenderOptions::default()).unwrap();
    agent::check(&rendered.message).unwrap();
    assert!(rendered.message.contains("#t99"));
    assert_eq!(rendered.notes, ["more than 80 tags and mentions → text"]);
}

#[test]
fn long_code_and_tables_are_cut_between_lines() {
    let text: String = (0..4_000).map(|line| format!("line{line}\n")).collect();
    let parts = split(send(
        Content::Blocks(vec![Block::Code(CodeBlock {
            language: Some("json".to_owned()),
            text: text.clone(),
        })]),
        Vec::new(),
    ));
    assert!(parts.len() > 1);
    let mut found = String::new();
    for part in &parts {
        for block in blocks_of(part) {
            let Block::Code(code) = block else {
                panic!("{block:?}")
            };
            assert_eq!(code.language.as_deref(), Some("json"));
            found.push_str(code.text.trim_end());
            found.push('\n');
        }
    }
    assert_eq!(found, text);
    let cell = |text: String| vec![plain(text)];
    let table = Table {
        header: vec![cell("name".to_owned())],
        rows: (0..4_000)
            .map(|row| vec![cell(format!("r{row}"))])
            .collect(),
        columns: Vec::new(),
    };
    let parts = split(send(Content::Blocks(vec![Block::Table(table)]), Vec::new()));
    assert!(parts.len() > 1);
    let rows = parts.iter().flat_map(blocks_of).map(|block| match block {
        Block::Table(table) => {
            assert_eq!(table.header.len(), 1);
            table.rows.len()
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(rows.sum::<usize>(), 4_000);
    all_render(&parts);
}

#[test]
fn plain_text_is_split_between_words() {
    let text: String = (0..7_000).map(|word| format!("word{word} ")).collect();
    let parts = split(send(Content::Plain(text.clone()), Vec::new()));
    assert!(parts.len() >= 3);
    let said: Vec<String> = parts
        .iter()
        .map(|part| crate::content::text(blocks_of(part)).0)
        .collect();
    let said: Vec<&str> = said
        .iter()
        .flat_map(|text| text.split_whitespace())
        .collect();
    assert_eq!(said, text.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn own_markup_stays_with_what_stands_in_for_it() {
    let words = |from: usize| {
        let text: String = (from..from + 2_000)
            .map(|word| format!("w{word} "))
            .collect();
        Block::Paragraph(vec![plain(text)])
    };
    let raw = Block::Raw(RawBlock {
        platform: "symphony".to_owned(),
        text: "<hr/>".to_owned(),
        fallback: 1,
    });
    let parts = split(send(
        Content::Blocks(vec![words(0), raw, words(2_000), words(4_000)]),
        Vec::new(),
    ));
    for part in &parts {
        let blocks = blocks_of(part);
        let place = blocks
            .iter()
            .position(|block| matches!(block, Block::Raw(_)));
        assert!(place.is_none_or(|place| place + 1 < blocks.len()));
    }
    assert!(parts.len() > 1);
}

#[test]
fn a_list_item_goes_on_as_text() {
    let text: String = (0..4_000).map(|word| format!("w{word} ")).collect();
    let item = Block::ListItem(ListItem {
        indent: 0,
        ordered: false,
        spans: vec![plain(text)],
    });
    let parts = split(send(Content::Blocks(vec![item]), Vec::new()));
    assert!(matches!(blocks_of(&parts[0])[0], Block::ListItem(_)));
    assert!(matches!(blocks_of(&parts[1])[0], Block::Paragraph(_)));
}

#[test]
fn files_go_with_the_blocks_that_name_them() {
    let words = |from: usize| {
        let text: String = (from..from + 2_000)
            .map(|word| format!("w{word} "))
            .collect();
        Block::Paragraph(vec![plain(text)])
    };
    let file = |number: u32| {
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Attachment(number),
            name: "f".to_owned(),
        })
    };
    let files = vec![kept("a", 1), kept("b", 1), kept("c", 1)];
    let blocks = vec![file(2), words(0), words(2_000), file(0)];
    let parts = split(send(Content::Blocks(blocks), files));
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].attachments, [kept("c", 1)]);
    assert_eq!(parts[1].attachments, [kept("a", 1), kept("b", 1)]);
    assert_eq!(blocks_of(&parts[0])[0], file(0));
    assert_eq!(blocks_of(&parts[1])[1], file(0));
    all_render(&parts);
}

#[test]
fn too_many_and_too_large_files_follow() {
    let many: Vec<_> = (0..60).map(|file| kept(&file.to_string(), 1)).collect();
    let parts = split(send(Content::Plain("here".to_owned()), many));
    let counts: Vec<usize> = parts.iter().map(|part| part.attachments.len()).collect();
    assert_eq!(counts, [25, 25, 10]);
    assert_eq!(parts[0].content, Content::Plain("here".to_owned()));
    let large = vec![kept("a", 20_000_000), kept("b", 20_000_000), kept("c", 5)];
    let parts = split(send(Content::Plain("here".to_owned()), large));
    let counts: Vec<usize> = parts.iter().map(|part| part.attachments.len()).collect();
    assert_eq!(counts, [1, 2]);
    let bytes = OutgoingAttachment::File(File {
        name: "f".to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: vec![0; 10],
    });
    let parts = split(send(Content::Plain("here".to_owned()), vec![bytes]));
    assert_eq!(parts.len(), 1);
}
