//! What somebody wrote, sent, filled in or pressed.

use serde_json::Value;

use crate::connectors::livechat::ids::{ChatId, EventId};
use crate::connectors::livechat::render::{PRESS, SAY};
use crate::connectors::livechat::wire::{WireEvent, list, text};
use crate::content::{entities_from_text, without_mention};
use crate::model::event::{Bot, Message, ReceivedAttachment, User, Visibility};
use crate::model::payload::{ButtonPressed, EventPayload, OtherEvent};

/// An event of a chat, read.
#[derive(Clone, Debug)]
pub struct Read {
    /// What it is.
    pub payload: EventPayload,
    /// The bot is mentioned in it.
    pub is_mentioned: bool,
}

/// Reads an event of a chat. What is no message (forms that the platform asked, custom and system
/// events) is told as it is.
pub fn message_from_wire(bot: &Bot, chat: &ChatId, event: &WireEvent, members: &[User]) -> Read {
    let text = match event.kind.as_str() {
        "message" => event.text.clone().unwrap_or_default(),
        "file" => String::new(),
        "rich_message" => rich_text(&event.raw),
        kind => {
            return Read {
                payload: EventPayload::Other(OtherEvent {
                    kind: kind.to_owned(),
                    json: event.raw.to_string(),
                }),
                is_mentioned: false,
            };
        }
    };
    let postback = event.postback.as_ref();
    let answered = postback.and_then(|postback| postback.event.as_deref());
    let answered = answered.map(|event| EventId::new(event, chat).to_string());
    // The platform says what is written on the button; what it stands for is in its id.
    if let (Some(postback), Some(message_id)) = (postback, &answered)
        && let Some((button_id, value)) = pressed(&postback.id)
    {
        return Read {
            payload: EventPayload::ButtonPressed(ButtonPressed {
                button_id,
                value,
                message_id: message_id.clone(),
            }),
            is_mentioned: false,
        };
    }
    let said = postback.and_then(|postback| postback.id.strip_prefix(SAY));
    let text = said.map_or(text, str::to_owned);
    let entities = entities_from_text(&text, members);
    let (text, is_mentioned) = without_mention(&text, &bot.display_name, &bot.user_id);
    let mentions = entities.mentions.into_iter();
    let message = Message {
        id: EventId::new(&event.id, chat).to_string(),
        text,
        content: Vec::new(),
        mentions: mentions.filter(|it| it.user_id != bot.user_id).collect(),
        cashtags: entities.cashtags,
        hashtags: entities.hashtags,
        entities: Vec::new(),
        attachments: attachment(event, chat).into_iter().collect(),
        reply_to: answered,
        quoted: None,
        visibility: match event.is_for_agents {
            true => Visibility::Agents,
            false => Visibility::All,
        },
    };
    Read {
        payload: EventPayload::Message(message),
        is_mentioned,
    }
}

/// The button and its value that a postback of ours stands for; none where it is a reply's, or another
/// bot's.
pub fn pressed(postback: &str) -> Option<(String, String)> {
    // The host has the value with the button that it keeps.
    let button = postback.strip_prefix(PRESS)?;
    Some((button.to_owned(), String::new()))
}

/// What the elements of another's rich message say.
fn rich_text(raw: &Value) -> String {
    let mut lines = Vec::new();
    for element in list(raw, "elements") {
        lines.extend(text(element, "title"));
        lines.extend(text(element, "subtitle"));
        let buttons = list(element, "buttons").iter();
        lines.extend(buttons.filter_map(|button| Some(format!("[{}]", text(button, "text")?))));
    }
    lines.join("\n")
}

fn attachment(event: &WireEvent, chat: &ChatId) -> Option<ReceivedAttachment> {
    let url = event.url.as_deref().filter(|_| event.kind == "file")?;
    let of_url = || {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let name = event.name.clone().unwrap_or_else(of_url);
    let media_type = event.content_type.clone().unwrap_or_else(|| {
        let guessed = mime_guess::from_path(&name).first_or_octet_stream();
        guessed.essence_str().to_owned()
    });
    Some(ReceivedAttachment {
        id: EventId::new(&event.id, chat).to_string(),
        name,
        media_type,
        size: event.size,
    })
}
