//! Words before what a message says. Pure.

use super::{MAX_BLOCKS, MAX_TEXT_BYTES, blocks, escape, plain};
use crate::model::content::{Block, Content};

/// How a message of Symphony's own markup begins.
const MESSAGE_ML: &str = "<messageML";

/// Puts words before a content, on its first line where that is text. What is as large as a message may
/// be, or cannot be read, stays as it is.
pub fn led_by(words: &str, content: &Content) -> Content {
    let words = words.trim();
    if words.is_empty() {
        return content.clone();
    }
    let led = match content {
        Content::Plain(text) => Some(Content::Plain(format!("{words} {text}"))),
        // Read into blocks it would lose what is Symphony's alone.
        Content::MessageMl(source) => in_markup(words, source).map(Content::MessageMl),
        Content::Markdown(_) | Content::Blocks(_) => None,
    };
    let led = led.or_else(|| in_blocks(words, content).map(Content::Blocks));
    led.filter(fits).unwrap_or_else(|| content.clone())
}

fn in_markup(words: &str, source: &str) -> Option<String> {
    let begins = source.find(MESSAGE_ML)?;
    let inside = begins + source[begins..].find('>')? + 1;
    if source[..inside].ends_with("/>") {
        return None;
    }
    let mut led = source[..inside].to_owned();
    escape(words, &mut led);
    led.push(' ');
    led.push_str(&source[inside..]);
    Some(led)
}

fn in_blocks(words: &str, content: &Content) -> Option<Vec<Block>> {
    let mut blocks = blocks(content).ok()?;
    match blocks.first_mut() {
        Some(Block::Paragraph(spans)) => spans.insert(0, plain(format!("{words} "))),
        _ => blocks.insert(0, Block::Paragraph(vec![plain(words)])),
    }
    Some(blocks)
}

fn fits(content: &Content) -> bool {
    match content {
        Content::Plain(text) | Content::Markdown(text) | Content::MessageMl(text) => {
            text.len() <= MAX_TEXT_BYTES
        }
        Content::Blocks(blocks) => blocks.len() <= MAX_BLOCKS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::text;

    fn led(content: &Content) -> String {
        let led = led_by("Updated:", content);
        text(&blocks(&led).unwrap()).0
    }

    #[test]
    fn words_stand_on_the_first_line_or_before_what_has_none() {
        let plain_text = Content::Plain("3 pizzas\nand tea".to_owned());
        assert_eq!(led(&plain_text), "Updated: 3 pizzas\nand tea");
        let markdown = Content::Markdown("3 **pizzas**".to_owned());
        assert_eq!(led(&markdown), "Updated: 3 pizzas");
        let list = led(&Content::Markdown("- one\n- two".to_owned()));
        assert!(list.starts_with("Updated:\n"), "{list}");
        let markup = Content::MessageMl("<messageML>3 <b>pizzas</b></messageML>".to_owned());
        assert_eq!(led(&markup), "Updated: 3 pizzas");
    }

    #[test]
    fn words_are_text_and_never_markup() {
        let source = "<messageML>x</messageML>".to_owned();
        let led = led_by("<b>&", &Content::MessageMl(source));
        let expected = "<messageML>&lt;b&gt;&amp; x</messageML>".to_owned();
        assert_eq!(led, Content::MessageMl(expected));
        let markdown = led_by("**new**", &Content::Markdown("x".to_owned()));
        assert_eq!(text(&blocks(&markdown).unwrap()).0, "**new** x");
    }

    #[test]
    fn nothing_is_said_without_words_or_room() {
        let content = Content::Plain("x".to_owned());
        assert_eq!(led_by(" ", &content), content);
        let full = Content::Plain("x".repeat(MAX_TEXT_BYTES));
        assert_eq!(led_by("Updated:", &full), full);
        let broken = Content::MessageMl("<messageML".to_owned());
        assert_eq!(led_by("Updated:", &broken), broken);
    }
}
