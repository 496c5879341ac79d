//! Markdown into blocks.

use crate::content::{ContentError, MAX_TEXT_BYTES, blocks, text};
use crate::model::content::{Block, Content, MediaSource, Span};

fn read(source: &str) -> Vec<Block> {
    blocks(&Content::Markdown(source.to_owned())).unwrap()
}

fn shown(source: &str) -> String {
    text(&read(source)).0
}

#[test]
fn every_construct_becomes_its_block() {
    let source = "# Title\n\nSome **bold**, *slanted*, ~~gone~~ and `code`.\n\n- one\n- two\n  1. inner\n  2. second\n\n\
        > quoted\n> words\n\n```rust\nfn main() {}\n```\n\n---\n\n[site](https://a.example/x) ![chart](https://a.example/c.png)\n\n\
        | a | b |\n|---|--:|\n| 1 | 22 |\n| 3 |\n";
    insta::assert_snapshot!(shown(source), @r"
    Title
    Some bold, slanted, gone and code.
    - one
    - two
      1. inner
      2. second

    > quoted words

    fn main() {}
    ------------------------
    site (https://a.example/x)
    chart (https://a.example/c.png)

    a   b
    -  --
    1  22
    3
    ");
}

#[test]
fn styles_are_kept() {
    let found = read("a ***b*** c");
    let Block::Paragraph(spans) = &found[0] else {
        panic!("{found:?}")
    };
    let Span::Text(text) = &spans[1] else {
        panic!("{spans:?}")
    };
    assert!(text.style.bold && text.style.italic && !text.style.code);
}

#[test]
fn html_is_text() {
    assert_eq!(shown("a <b>c</b>"), "a <b>c</b>");
    assert_eq!(
        shown("<script>alert(1)</script>"),
        "<script>alert(1)</script>"
    );
}

#[test]
fn images_in_cells_stay_links() {
    let found = read("| a |\n|---|\n| ![x](https://a.example/i.png) |\n");
    let Block::Table(table) = &found[0] else {
        panic!("{found:?}")
    };
    assert!(matches!(&table.rows[0][0][0], Span::Link(link) if link.text == "x"));
    let found = read("![x](https://a.example/i.png)");
    assert!(
        matches!(&found[0], Block::Image(image) if matches!(image.source, MediaSource::Url(_)))
    );
}

#[test]
fn an_item_of_two_paragraphs_is_one_item() {
    assert_eq!(shown("1. a\n\n   b\n2. c"), "1. a\n   b\n2. c");
}

#[test]
fn bounds_hold() {
    let error = |source: String| blocks(&Content::Markdown(source)).unwrap_err();
    assert!(matches!(
        error("x".repeat(MAX_TEXT_BYTES + 1)),
        ContentError::TooLong { .. }
    ));
    assert!(matches!(
        error("a\n\n".repeat(2_000)),
        ContentError::TooMany { .. }
    ));
    assert!(matches!(
        error(">".repeat(200) + "a"),
        ContentError::TooDeep { .. }
    ));
}
