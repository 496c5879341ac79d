//! Looks for what was sent and may not have arrived; reads files that were received.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::SymphonyConnector;
use super::message::part_mark;
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::convert::mark_of;
use crate::connectors::symphony::ids::{AttachmentId, id_from_wire};
use crate::connectors::symphony::past::Time;
use crate::connectors::symphony::render::{RenderOptions, render};
use crate::connectors::symphony::site::{Call, CallError};
use crate::connectors::symphony::wire::event::V4Message;
use crate::connectors::symphony::wire::rest::PodUser;
use crate::content::read_presentation;
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{ActionKind, Send};
use crate::model::event::{Event, ReceivedAttachment};
use crate::model::payload::{ActionError, EventPayload};
use crate::net::RestError;

/// How much earlier than its event a message is looked for: the platform's clock is another.
const MARGIN_MS: u64 = 10 * 60_000;

impl SymphonyConnector {
    /// Looks for a part on the platform.
    pub(in super::super) async fn find_part(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        let send = match &part.what.action.kind {
            ActionKind::Send(send) => send,
            // Asked again these change nothing more.
            ActionKind::Edit(_)
            | ActionKind::Delete(_)
            | ActionKind::Join(_)
            | ActionKind::Leave(_)
            | ActionKind::Invite(_)
            | ActionKind::Remove(_)
            | ActionKind::Promote(_)
            | ActionKind::Demote(_)
            | ActionKind::UpdateConversation(_)
            | ActionKind::AcceptContact(_)
            | ActionKind::RejectContact(_)
            | ActionKind::RequestContact(_)
            | ActionKind::RemoveContact(_)
            | ActionKind::SetPresence(_) => return Ok(None),
            kind => {
                let what = kind.name();
                return Err(SendError::InDoubt(format!("{what} cannot be looked for")));
            }
        };
        let stream = self.stream_of(part, &send.target).await?;
        let since = part.origin.received_at.saturating_sub(MARGIN_MS);
        let time = Time {
            stream: &stream,
            since,
            before: None,
            as_user: part.what.action.as_user.as_deref(),
        };
        // A platform that does not answer has not said that the message is not there.
        let said = self.said(time).await;
        let said = said.map_err(|error| super::again(error.send_error()))?;
        let own = self.known_own_id().await?;
        let is_whole = said.is_whole;
        let messages = said.messages.into_iter().map(|(message, _)| message);
        let messages: Vec<V4Message> = messages.collect();
        let found = Self::find_among(part, send, &messages, &own);
        if found.is_none() && !is_whole {
            let detail = "more was said since than is read back".to_owned();
            return Err(SendError::InDoubt(detail));
        }
        Ok(found.map(|message| Sent {
            message: message.message_id.as_deref().map(id_from_wire),
            conversation: Some(stream),
            ..Sent::default()
        }))
    }

    /// The bot's user id. After a start the outbox may be here before the session knows it, and no id at
    /// all is nobody's.
    pub(super) async fn known_own_id(&self) -> Result<String, SendError> {
        let known = self.own_id();
        if !known.is_empty() {
            return Ok(known);
        }
        let call = Call::get(&["pod", "v2", "sessioninfo"]);
        let own: Result<PodUser, ApiError> = self.api.ask_pod_whole(&call).await;
        let own = own.map_err(|error| super::again(error.send_error()))?;
        self.set_own(&own);
        Ok(own.id)
    }

    fn find_among<'a>(
        part: &Part,
        send: &Send,
        said: &'a [V4Message],
        own: &str,
    ) -> Option<&'a V4Message> {
        let is_own = |message: &&V4Message| {
            let author = message
                .user
                .as_ref()
                .and_then(|user| user.user_id.as_deref());
            // On behalf of a user the author is another.
            part.what.action.as_user.is_some() || author == Some(own)
        };
        let own: Vec<&V4Message> = said.iter().filter(is_own).collect();
        let wanted = part_mark(part);
        let marks: Vec<Option<String>> = own
            .iter()
            .map(|message| mark_of(&message.data_text()))
            .collect();
        let by_mark = marks.iter().position(|mark| mark.as_ref() == Some(&wanted));
        if let Some(place) = by_mark {
            return own.get(place).copied();
        }
        if marks.iter().any(Option::is_some) {
            // The pod keeps marks, and this one is not there.
            return None;
        }
        let text = render(&send.content, RenderOptions::default()).ok()?;
        let text = words(&text.message);
        own.into_iter().find(|message| {
            message
                .message
                .as_deref()
                .is_some_and(|message| words(message) == text)
        })
    }

    /// The bytes of a file that was received, as long as there are no more than so many.
    pub(in super::super) async fn received(
        &self,
        id: &str,
        most: usize,
    ) -> Result<Bytes, SendError> {
        let missing = || SendError::Permanent {
            class: ActionError::NotFound,
            detail: "no file has this id".to_owned(),
        };
        let file = AttachmentId::parse(id).ok_or_else(missing)?;
        let mut call = Call::get(&["agent", "v1", "stream", &file.stream, "attachment"])
            .query("fileId", &file.file)
            .query("messageId", &file.message);
        // Base64, with line ends: an answer that must be larger is not read.
        call.most = most / 3 * 4 + most / 48 + 1024;
        let answer = self.api.agent(&call).await.map_err(|error| match error {
            ApiError::Call(CallError::Rest {
                error: RestError::TooLarge(_),
                ..
            }) => SendError::Permanent {
                class: ActionError::TooLarge,
                detail: format!("the file has more than {most} bytes"),
            },
            other => other.send_error(),
        })?;
        // So much takes so long that neither a worker nor the plugin that asks should spend it.
        let decoded = tokio::task::spawn_blocking(move || decode(&answer.body)).await;
        let bytes = decoded.ok().flatten().ok_or_else(|| SendError::Permanent {
            class: ActionError::Failed,
            detail: "the agent's file is no base64".to_owned(),
        })?;
        Ok(bytes.into())
    }
}

/// Reads a file as agents give it: in one line or several, some in quotes.
fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let is_none_of_it = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'"';
    // Most send one line, of which a copy as large as it is would be for nothing.
    let text: Cow<'_, [u8]> = match body.iter().any(is_none_of_it) {
        true => {
            let text = body.iter().filter(|byte| !is_none_of_it(byte));
            text.copied().collect::<Vec<u8>>().into()
        }
        false => body.into(),
    };
    BASE64_STANDARD.decode(text).ok()
}

/// What a markup says, without its form: the platform writes it anew.
fn words(markup: &str) -> String {
    let read = read_presentation(markup, "", "");
    let text = read.map_or_else(|_| markup.to_owned(), |read| read.text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file of an event's message.
pub(super) fn attachment_of<'a>(event: &'a Event, id: &str) -> Option<&'a ReceivedAttachment> {
    let EventPayload::Message(message) = &event.payload else {
        return None;
    };
    message.attachments.iter().find(|file| file.id == id)
}
