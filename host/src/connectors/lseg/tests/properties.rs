//! What holds for any text.

use proptest::prelude::{any, prop, prop_assert, proptest};

use crate::connectors::lseg::preview::MESSAGE_CHARS;
use crate::connectors::lseg::render::render;
use crate::connectors::lseg::split::cut;
use crate::content::plain;
use crate::model::content::{Block, Content, Span, Table};

proptest! {
    #[test]
    fn no_text_is_a_row_of_a_table(text in any::<String>()) {
        for content in [
            Content::Plain(text.clone()),
            Content::Blocks(vec![Block::Paragraph(vec![plain(text.clone()), Span::Hashtag(text.clone())])]),
        ] {
            let rendered = render(&content).unwrap();
            prop_assert!(!rendered.text.contains('\t'));
            prop_assert!(!rendered.text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn a_table_has_as_many_cells_in_each_row(
        cells in prop::collection::vec(prop::collection::vec(any::<String>(), 2..4), 1..5),
    ) {
        let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
        let row = |row: &Vec<String>| row.iter().map(|cell| vec![plain(cell.clone())]).collect();
        let table = Block::Table(Table {
            header: row(&cells[0]),
            rows: cells[1..].iter().map(row).collect(),
            columns: Vec::new(),
        });
        let text = render(&Content::Blocks(vec![table])).unwrap().text;
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            prop_assert!(line.split('\t').count() == columns, "{line:?}");
        }
    }

    #[test]
    fn pieces_are_short_and_have_every_word(text in "[a-z \n\t]{0,400}", most in 1_usize..60) {
        let pieces = cut(&text, most);
        prop_assert!(pieces.iter().all(|piece| piece.chars().count() <= most));
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let all: usize = pieces.iter().map(|piece| letters(piece)).sum();
        // A head that is said again only adds.
        prop_assert!(all >= letters(&text));
        prop_assert!(cut(&text, MESSAGE_CHARS).len() <= 1);
    }
}
