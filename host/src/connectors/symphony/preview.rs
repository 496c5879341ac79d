//! What the agent would be sent for an action, for people. Pure.

use super::render::{RenderOptions, Rendered, render};
use super::send::{OwnMessage, is_own, notes_of, plan};
use crate::mailbox::SendError;
use crate::model::action::{Action, ActionKind, Fallback, Send};
use crate::model::event::Visibility;
use crate::model::payload::ActionError;

/// What becomes of a message for agents only depends on who is there.
const AGENTS_ONLY: &str =
    "agents only → everybody there, where all are of the company; else as `agents-only` says";

/// What Symphony would be sent, a text of several lines for each message, and a line for each thing
/// that it would not show as it was meant; nothing for what is no message.
pub fn preview(action: &Action) -> Vec<String> {
    let mut shown = Vec::new();
    for part in plan(action.clone()) {
        let rendered = match &part.kind {
            ActionKind::Send(send) => render_send(send),
            ActionKind::Edit(edit) => render(&edit.content, RenderOptions::default()),
            ActionKind::Other(other) if is_own(other) => {
                OwnMessage::read(&other.json, None).map(|own| own.rendered)
            }
            _ => continue,
        };
        match rendered {
            Ok(rendered) => {
                let notes = rendered.notes.iter();
                shown.extend(notes.map(|note| format!("Symphony: {note}")));
                shown.push(format!("Symphony is sent:\n{}", rendered.message));
                if let Some(data) = rendered.data {
                    shown.push(format!("Symphony is sent with it:\n{data}"));
                }
            }
            Err(SendError::Permanent { detail, .. }) => {
                shown.push(format!("Symphony refuses it: {detail}"));
            }
            Err(error) => shown.push(format!("Symphony refuses it: {error}")),
        }
    }
    shown
}

/// As it would be sent, with all that it would be noted for.
fn render_send(send: &Send) -> Result<Rendered, SendError> {
    let options = RenderOptions {
        attachments: send.attachments.len(),
        mark: None,
    };
    let mut rendered = render(&send.content, options)?;
    if send.visibility == Visibility::Agents {
        rendered.notes.push(AGENTS_ONLY.to_owned());
    }
    rendered.notes.extend(notes_of(send));
    if send.fallback == Fallback::Fail && !rendered.notes.is_empty() {
        return Err(SendError::Permanent {
            class: ActionError::Unsupported,
            detail: rendered.notes.join("; "),
        });
    }
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{OtherAction, Target};
    use crate::model::content::Content;

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
    #[test]
    fn shows_what_a_message_is_noted_for_and_what_that_comes_to() {
        let mut action = send(Content::Plain("hello".to_owned()));
        let ActionKind::Send(said) = &mut action.kind else {
            panic!("a send");
        };
        (said.thread, said.quiet) = (Some("t1".to_owned()), true);
        said.visibility = Visibility::Agents;
        let shown = preview(&action);
        assert_eq!(
            shown[..3],
            [
                format!("Symphony: {AGENTS_ONLY}"),
                "Symphony: thread → the conversation".to_owned(),
                "Symphony: quiet → as any message".to_owned(),
            ]
        );
        assert!(shown[3].starts_with("Symphony is sent:\n"), "{shown:?}");
        if let ActionKind::Send(said) = &mut action.kind {
            said.fallback = Fallback::Fail;
        }
        let refused = preview(&action);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].starts_with("Symphony refuses it: agents only"),
            "{refused:?}"
        );
    }

    #[test]
    fn shows_the_entity_data_of_a_message() {
        let own = |json: &str| Action {
            kind: ActionKind::Other(OtherAction {
                platform: "symphony".to_owned(),
                name: "send".to_owned(),
                json: json.to_owned(),
            }),
            ..send(Content::Plain(String::new()))
        };
        let shown = preview(&own(
            r#"{"message": "<messageML>a</messageML>", "data": {"x": {"type": "t"}}}"#,
        ));
        let wanted = [
            "Symphony is sent:\n<messageML>a</messageML>",
            "Symphony is sent with it:\n{\"x\":{\"type\":\"t\"}}",
        ];
        assert_eq!(shown, wanted);
        for wrong in [
            "{}",
            r#"{"message": "<messageML>a</messageML>", "daten": {}}"#,
            r#"{"message": "<messageML>a</messageML>", "data": {"parlor": {}}}"#,
            r#"{"message": "<messageML><blink/></messageML>"}"#,
        ] {
            let shown = preview(&own(wrong));
            assert!(shown[0].starts_with("Symphony refuses it: "), "{shown:?}");
        }
    }
}
