//! Messages.

use serde_json::Value;

use super::extra;
use super::people::user_from_wire;
use crate::connectors::symphony::ids::{AttachmentId, id_from_wire};
use crate::connectors::symphony::render::{MARK_KEY, MARK_TYPE};
use crate::connectors::symphony::wire::event::V4Message;
use crate::content::{Received, mentions_bot, read_received};
use crate::model::event::{Bot, Extra, Message, QuotedMessage, ReceivedAttachment, Visibility};
use crate::model::payload::{EventPayload, MessageEdited};

/// A message, read.
#[derive(Clone, Debug)]
pub struct MessageRead {
    /// A message, or an edited one.
    pub payload: EventPayload,
    /// The bot is mentioned.
    pub is_mentioned: bool,
    /// What the event says beside it.
    pub extras: Vec<Extra>,
}

impl MessageRead {
    /// The message itself.
    pub fn into_message(self) -> Option<Message> {
        match self.payload {
            EventPayload::Message(message)
            | EventPayload::MessageEdited(MessageEdited { message }) => Some(message),
            _ => None,
        }
    }
}

/// Reads a message. One with `replacing` is an edit of the first message of its row; what cannot be
/// read of its text or data is told by the extra `diagnostic`, and the words are there all the same.
pub fn message_from_wire(bot: &Bot, message: &V4Message) -> MessageRead {
    let read = text_of(bot, message);
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let own_id = id_from_wire(message.message_id.as_deref().unwrap_or_default());
    let replacing = given(&message.replacing);
    let target = replacing
        .as_ref()
        .map(|replaced| given(&message.initial_message_id).unwrap_or_else(|| replaced.clone()));
    let mut extras = Vec::new();
    extra(&mut extras, "diagnostic", read.problem.as_deref());
    extra(&mut extras, "diagnostic", message.diagnostic.as_deref());
    extra(&mut extras, "disclaimer", message.disclaimer.as_deref());
    extra(&mut extras, "user-agent", message.user_agent.as_deref());
    extra(
        &mut extras,
        "original-format",
        message.original_format.as_deref(),
    );
    if let Some(replacing) = &replacing {
        extra(&mut extras, "edit-message-id", Some(&own_id));
        extra(&mut extras, "replacing", Some(&id_from_wire(replacing)));
    }
    if message.silent == Some(true) {
        extra(&mut extras, "silent", Some("true"));
    }
    let found = read.presentation;
    let is_mentioned = mentions_bot(bot, &found.mentions);
    let made = Message {
        id: target.map_or_else(|| own_id.clone(), |target| id_from_wire(&target)),
        text: found.text,
        content: found.content,
        mentions: found.mentions,
        cashtags: found.cashtags,
        hashtags: found.hashtags,
        entities: found
            .entities
            .into_iter()
            .filter(|entity| entity.r#type != MARK_TYPE)
            .collect(),
        attachments: attachments(message, &own_id),
        reply_to: given(&message.parent_message_id).map(|id| id_from_wire(&id)),
        quoted: message
            .shared_message
            .as_deref()
            .map(|shared| quoted(bot, shared)),
        visibility: Visibility::All,
    };
    let payload = if replacing.is_some() {
        EventPayload::MessageEdited(MessageEdited { message: made })
    } else {
        EventPayload::Message(made)
    };
    MessageRead {
        payload,
        is_mentioned,
        extras,
    }
}

/// Tells what a message's entity data was marked with when it was sent from here.
pub fn mark_of(data: &str) -> Option<String> {
    if !data.contains(MARK_TYPE) {
        return None;
    }
    let data: Value = serde_json::from_str(data).ok()?;
    let mark = data.get(MARK_KEY)?.get("id")?.as_str()?;
    Some(mark.to_owned())
}

fn text_of(bot: &Bot, message: &V4Message) -> Received {
    let text = message.message.as_deref().unwrap_or_default();
    read_received(text, &message.data_text(), &bot.user_id)
}

fn quoted(bot: &Bot, shared: &V4Message) -> QuotedMessage {
    let author = shared.user.as_ref().map(user_from_wire);
    QuotedMessage {
        id: id_from_wire(shared.message_id.as_deref().unwrap_or_default()),
        author: author.map(|author| author.id).unwrap_or_default(),
        text: text_of(bot, shared).presentation.text,
        at: shared.timestamp.unwrap_or_default(),
    }
}

fn attachments(message: &V4Message, own_id: &str) -> Vec<ReceivedAttachment> {
    let stream = message.stream.as_ref();
    let stream = id_from_wire(
        stream
            .and_then(|it| it.stream_id.as_deref())
            .unwrap_or_default(),
    );
    let files = message.attachments.iter();
    files
        .filter_map(|file| {
            let id = AttachmentId {
                stream: stream.clone(),
                message: own_id.to_owned(),
                file: file.id.clone()?,
            };
            let name = file.name.clone().unwrap_or_default();
            // Symphony does not say the type; the client goes by the name too.
            let media_type = mime_guess::from_path(&name).first_or_octet_stream();
            Some(ReceivedAttachment {
                id: id.to_string(),
                media_type: media_type.essence_str().to_owned(),
                size: file.size,
                name,
            })
        })
        .collect()
}
