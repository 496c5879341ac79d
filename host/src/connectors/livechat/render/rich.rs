//! Cards and buttons as rich messages.

use serde_json::{Map, Value, json};

use super::{MAX_BUTTONS, MAX_CARDS, OPEN, PRESS, Rendered, SAY};
use crate::content::{self, clean_line};
use crate::model::content::{Block, Button, ButtonKind, Card};

/// Renders blocks with cards or buttons in them; none where there are no such, or where they are more
/// than one event has.
pub(super) fn render(blocks: &[Block]) -> Option<Rendered> {
    let cards: Vec<&Card> = blocks.iter().filter_map(card_of).collect();
    let buttons: Vec<&Button> = blocks.iter().flat_map(buttons_of).collect();
    let rest: Vec<Block> = blocks
        .iter()
        .filter(|block| card_of(block).is_none() && !matches!(block, Block::Buttons(_)))
        .cloned()
        .collect();
    if buttons.len() > MAX_BUTTONS || cards.len() > MAX_CARDS {
        return None;
    }
    match (cards.is_empty(), buttons.is_empty(), rest.is_empty()) {
        (false, true, true) => Some(carousel(&cards)),
        (true, false, _) => Some(row(&buttons, &rest)),
        _ => None,
    }
}

fn card_of(block: &Block) -> Option<&Card> {
    match block {
        Block::Card(card) => Some(card),
        _ => None,
    }
}

fn buttons_of(block: &Block) -> &[Button] {
    match block {
        Block::Buttons(buttons) => buttons,
        _ => &[],
    }
}

/// One card, or several that are turned over.
fn carousel(cards: &[&Card]) -> Rendered {
    let mut notes = Vec::new();
    let elements = cards.iter().map(|card| element(card, &mut notes)).collect();
    rich("cards", elements, notes)
}

fn element(card: &Card, notes: &mut Vec<String>) -> Value {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(
        card.subtitle
            .as_deref()
            .map(|text| clean_line(text).into_owned()),
    );
    let paragraphs = card.paragraphs.iter();
    let blocks: Vec<Block> = paragraphs
        .map(|spans| Block::Paragraph(spans.clone()))
        .collect();
    if !blocks.is_empty() {
        let (text, found) = content::text(&blocks);
        lines.push(text);
        for note in found {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    for fact in &card.facts {
        lines.push(format!(
            "{}: {}",
            clean_line(&fact.name),
            clean_line(&fact.value)
        ));
    }
    let mut element = json!({"title": clean_line(&card.title)});
    if !lines.is_empty() {
        element["subtitle"] = lines.join("\n").into();
    }
    let mut found = card.buttons.as_slice();
    if found.len() > MAX_BUTTONS {
        notes.push(format!("{} buttons → the first {MAX_BUTTONS}", found.len()));
        found = &found[..MAX_BUTTONS];
    }
    if !found.is_empty() {
        let numbered = found.iter().enumerate();
        let buttons: Vec<Value> = numbered.map(|(place, it)| button(place, it)).collect();
        element["buttons"] = buttons.into();
    }
    element
}

/// A row of buttons below its text. Quick replies go when one is pressed, and open nothing.
fn row(buttons: &[&Button], rest: &[Block]) -> Rendered {
    let (text, notes) = content::text(rest);
    let opens = |button: &&&Button| matches!(button.kind, ButtonKind::Link(_));
    let template = match buttons.iter().any(|button| opens(&button)) {
        true => "cards",
        false => "quick_replies",
    };
    let numbered = buttons.iter().enumerate();
    let buttons: Vec<Value> = numbered.map(|(place, it)| button(place, it)).collect();
    let mut element = json!({"buttons": buttons});
    if !text.trim().is_empty() {
        element["title"] = text.into();
    }
    rich(template, vec![element], notes)
}

fn button(place: usize, button: &Button) -> Value {
    let label = clean_line(&button.label);
    match &button.kind {
        // A pressed button of this type is a message of its own: the second press is another event.
        ButtonKind::Action(action) => json!({
            "text": label, "type": "message", "value": label, "user_ids": [],
            "postback_id": format!("{PRESS}{}", action.id),
        }),
        ButtonKind::Reply(text) => json!({
            "text": label, "type": "message", "value": label, "user_ids": [],
            "postback_id": format!("{SAY}{text}"),
        }),
        ButtonKind::Link(url) => json!({
            "text": label, "type": "url", "value": url, "target": "new", "user_ids": [],
            "postback_id": format!("{OPEN}{}", place + 1),
        }),
    }
}

fn rich(template: &str, elements: Vec<Value>, notes: Vec<String>) -> Rendered {
    let mut event = Map::new();
    event.insert("type".to_owned(), "rich_message".into());
    event.insert("template_id".to_owned(), template.into());
    event.insert("elements".to_owned(), elements.into());
    Rendered {
        event,
        file: None,
        notes,
    }
}
