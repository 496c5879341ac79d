//! What LiveChat would be sent for an action, for people. Pure.

use super::render::{RenderOptions, render};
use super::send::plan;
use crate::model::action::{Action, ActionKind};

/// What LiveChat would be sent, an event each, and a line for each thing that it would not show as it
/// was meant; nothing for what is no message.
pub fn preview(action: &Action) -> Vec<String> {
    let mut shown = Vec::new();
    for part in plan(action.clone(), true) {
        let send = match &part.kind {
            ActionKind::Send(send) => send,
            ActionKind::Edit(_) => {
                shown.push(
                    "LiveChat changes no message: the action's rule says what then".to_owned(),
                );
                continue;
            }
            _ => continue,
        };
        let options = RenderOptions {
            visibility: send.visibility,
            is_rich: true,
            attachments: send.attachments.len(),
        };
        match render(&send.content, options) {
            Ok(rendered) => {
                let notes = rendered.notes.iter();
                shown.extend(notes.map(|note| format!("LiveChat: {note}")));
                let event = serde_json::to_string_pretty(&rendered.event);
                shown.push(format!("LiveChat is sent:\n{}", event.unwrap_or_default()));
            }
            Err(error) => shown.push(format!("LiveChat refuses it: {error}")),
        }
    }
    shown
}
