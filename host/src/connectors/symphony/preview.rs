//! What the agent would be sent for an action, for people. Pure.

use super::render::{RenderOptions, render};
use super::send::plan;
use crate::mailbox::SendError;
use crate::model::action::{Action, ActionKind};
use crate::model::content::Content;

/// What Symphony would be sent, a text of several lines for each message, and a line for each thing
/// that it would not show as it was meant; nothing for what is no message.
pub fn preview(action: &Action) -> Vec<String> {
    let mut shown = Vec::new();
    for part in plan(action.clone()) {
        let (content, attachments): (&Content, usize) = match &part.kind {
            ActionKind::Send(send) => (&send.content, send.attachments.len()),
            ActionKind::Edit(edit) => (&edit.content, 0),
            _ => continue,
        };
        let options = RenderOptions {
            attachments,
            mark: None,
        };
        match render(content, options) {
            Ok(rendered) => {
                let notes = rendered.notes.iter();
                shown.extend(notes.map(|note| format!("Symphony: {note}")));
                shown.push(format!("Symphony is sent:\n{}", rendered.message));
            }
            Err(SendError::Permanent { detail, .. }) => {
                shown.push(format!("Symphony refuses it: {detail}"));
            }
            Err(error) => shown.push(format!("Symphony refuses it: {error}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{Fallback, Send, Target};
    use crate::model::event::Visibility;

    fn send(content: Content) -> Action {
        Action {
            key: None,
            bot: None,
            as_user: None,
            kind: ActionKind::Send(Send {
                target: Target::Reply,
                content,
                attachments: Vec::new(),
                thread: None,
                visibility: Visibility::All,
                quiet: false,
                fallback: Fallback::Degrade,
            }),
        }
    }

    #[test]
    fn shows_the_message_and_why_there_is_none() {
        let shown = preview(&send(Content::Markdown("**a** < b".to_owned())));
        assert_eq!(shown.len(), 1, "{shown:?}");
        let message = "Symphony is sent:\n<messageML>";
        assert!(
            shown[0].starts_with(message) && shown[0].contains("<b>a</b> &lt; b"),
            "{shown:?}"
        );
        let refused = preview(&send(Content::MessageMl(
            "<messageML><blink/></messageML>".to_owned(),
        )));
        assert!(
            refused[0].starts_with("Symphony refuses it: "),
            "{refused:?}"
        );
        let typing = Action {
            kind: ActionKind::Typing(true),
            ..send(Content::Plain(String::new()))
        };
        assert!(preview(&typing).is_empty());
    }
}
