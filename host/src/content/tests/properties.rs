//! What holds for every text.

use proptest::prelude::*;

use crate::content::{Limits, blocks, check, clean, read_presentation, terminal, text};
use crate::model::content::Content;

fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<b>".to_owned()),
        Just("</b>".to_owned()),
        Just("<table><tr><td>".to_owned()),
        Just("</td></tr></table>".to_owned()),
        Just("<form id=\"f\">".to_owned()),
        Just("</form>".to_owned()),
        Just("<checkbox name=\"c\" value=\"1\"/>".to_owned()),
        Just("<li>".to_owned()),
        Just("<ul><li>".to_owned()),
        Just("</li></ul>".to_owned()),
        Just("&nbsp;&x;&".to_owned()),
        Just("| a | b |\n|---|---|\n".to_owned()),
        Just("> - ".to_owned()),
        Just("\n\n".to_owned()),
        Just("```\n".to_owned()),
        Just("[a](".to_owned()),
        Just("![".to_owned()),
        ".{0,10}",
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_read_or_shown_panics(source in markup(), width in 0_usize..60) {
        for content in [
            Content::Plain(source.clone()),
            Content::Markdown(source.clone()),
            Content::MessageMl(source.clone()),
        ] {
            if let Ok(found) = blocks(&content) {
                let _ = check(&found, &Limits::default());
                let (shown, _) = text(&found);
                prop_assert!(!shown.contains(|sign: char| sign.is_control() && sign != '\n'), "{shown:?}");
                let shown = terminal(&found, width, false);
                prop_assert_eq!(shown.find('\u{1b}'), None);
            }
        }
        let _ = read_presentation(&source, &source, "1");
    }

    #[test]
    fn cleaning_twice_changes_nothing(source in "([\\x00-\\x7f\u{80}-\u{9f}\u{202e}]|.){0,40}") {
        let once = clean(&source).into_owned();
        prop_assert_eq!(clean(&once), once.as_str());
        prop_assert!(!once.contains(|sign: char| sign.is_control() && !matches!(sign, '\n' | '\t')));
    }
}
