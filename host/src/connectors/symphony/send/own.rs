//! Messages in the platform's own markup with entity data of a plugin's, which no content of the contract
//! has: `other("symphony", "send", …)`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{PLATFORM, SymphonyConnector};
use crate::connectors::symphony::ids::id_from_wire;
use crate::connectors::symphony::render::{
    MARK_KEY, MAX_MESSAGE_BYTES, RenderOptions, Rendered, mark_data, render, too_large,
};
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::OtherAction;
use crate::model::content::Content;
use crate::model::payload::ActionError;

const EXPECTED: &str =
    "a send is {\"message\": \"<messageML>…\", \"data\"?: {…}, \"conversation\"?: \"…\"}";

/// Tells whether an action of the platform's own is such a message.
pub(in super::super) fn is_own(other: &OtherAction) -> bool {
    other.platform == PLATFORM && other.name == "send"
}

/// A message as a plugin writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    conversation: Option<String>,
    message: String,
    #[serde(default)]
    data: Map<String, Value>,
}

/// A message, read.
pub(in super::super) struct OwnMessage {
    /// Where it goes; none: where its event was.
    pub(in super::super) conversation: Option<String>,
    /// Its markup alone.
    pub(in super::super) content: Content,
    /// What the agent gets.
    pub(in super::super) rendered: Rendered,
}

impl OwnMessage {
    /// Reads one, and adds what it is found again by.
    pub(in super::super) fn read(json: &str, mark: Option<&str>) -> Result<Self, SendError> {
        let wrong = |detail: String| SendError::Permanent {
            class: ActionError::Failed,
            detail,
        };
        let written: Written =
            serde_json::from_str(json).map_err(|error| wrong(format!("{error}; {EXPECTED}")))?;
        let mut data = written.data;
        if data.contains_key(MARK_KEY) {
            return Err(wrong(format!("`{MARK_KEY}` of the data is the host's")));
        }
        let content = Content::MessageMl(written.message);
        let mut rendered = render(&content, RenderOptions::default())?;
        if let Some(mark) = mark {
            data.insert(MARK_KEY.to_owned(), mark_data(mark));
        }
        rendered.data = (!data.is_empty()).then(|| json!(data).to_string());
        let bytes = rendered.bytes();
        if bytes > MAX_MESSAGE_BYTES {
            return Err(too_large(bytes));
        }
        Ok(Self {
            conversation: written.conversation.map(|id| id_from_wire(&id)),
            content,
            rendered,
        })
    }

    /// Where it goes.
    pub(super) fn stream(&self, part: &Part) -> String {
        let here = || part.what.conversation.to_string();
        self.conversation.clone().unwrap_or_else(here)
    }
}

impl SymphonyConnector {
    pub(super) async fn send_own(&self, part: &Part, json: &str) -> Result<Sent, SendError> {
        let mark = super::message::part_mark(part);
        let own = OwnMessage::read(json, Some(&mark))?;
        let stream = own.stream(part);
        self.create_message(part, stream, own.rendered, Vec::new())
            .await
    }
}
