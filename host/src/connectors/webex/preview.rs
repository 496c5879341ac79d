//! What Webex would be sent for an action, for people. Pure.

use super::render::render;
use super::send::plan;
use crate::mailbox::SendError;
use crate::model::action::{Action, ActionKind};
use crate::model::content::Content;

/// What Webex would be sent, a text of several lines for each message, and a line for each thing that
/// it would not show as it was meant; nothing for what is no message.
pub fn preview(action: &Action) -> Vec<String> {
    let mut shown = Vec::new();
    for part in plan(action.clone()) {
        let (content, files): (&Content, usize) = match &part.kind {
            ActionKind::Send(send) => (&send.content, send.attachments.len()),
            ActionKind::Edit(edit) => (&edit.content, 0),
            _ => continue,
        };
        match render(content) {
            Ok(rendered) => {
                let notes = rendered.notes.iter();
                shown.extend(notes.map(|note| format!("Webex: {note}")));
                let mut text = format!("Webex is sent:\n{}", rendered.markdown);
                if let Some(card) = &rendered.card {
                    let card = serde_json::to_string_pretty(card).unwrap_or_default();
                    text = format!("{text}\n\nand a card:\n{card}");
                }
                if files > 0 {
                    text = format!("{text}\n\nand a file");
                }
                shown.push(text);
            }
            Err(SendError::Permanent { detail, .. }) => {
                shown.push(format!("Webex refuses it: {detail}"));
            }
            Err(error) => shown.push(format!("Webex refuses it: {error}")),
        }
    }
    shown
}
