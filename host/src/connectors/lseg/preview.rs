//! What Messenger would be sent for an action, for `chat --as`.

use super::render::render;
use super::send::plan;
use crate::content::led_by;
use crate::mailbox::SendError;
use crate::model::action::{Action, ActionKind};

/// What stands before a message that is sent anew, where the settings say nothing else.
const UPDATED: &str = "Updated:";
/// Characters of a message where the settings say nothing.
pub const MESSAGE_CHARS: usize = 4_000;

/// Shows what the platform would be sent, a message a line block, and what it would not show.
pub fn preview(action: &Action) -> Vec<String> {
    let mut shown = Vec::new();
    for part in plan(action.clone(), MESSAGE_CHARS) {
        let content = match &part.kind {
            ActionKind::Send(send) => send.content.clone(),
            // Messenger changes nothing: it is said anew.
            ActionKind::Edit(edit) => led_by(UPDATED, &edit.content),
            _ => continue,
        };
        match render(&content) {
            Ok(rendered) => {
                let notes = rendered.notes.iter();
                shown.extend(notes.map(|note| format!("LSEG Messenger: {note}")));
                shown.push(format!("LSEG Messenger is sent:\n{}", rendered.text));
            }
            Err(SendError::Permanent { detail, .. }) => {
                shown.push(format!("LSEG Messenger refuses it: {detail}"));
            }
            Err(error) => shown.push(format!("LSEG Messenger refuses it: {error}")),
        }
    }
    shown
}
