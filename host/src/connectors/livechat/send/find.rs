//! Looks for what was sent and may not have arrived: an event has the name that the bot gave it.

use serde_json::{Value, json};

use super::{LiveChatConnector, part_mark};
use crate::connectors::livechat::dialect::{By, Call, get_chat};
use crate::connectors::livechat::ids::{ChatId, EventId};
use crate::connectors::livechat::licence::Licence;
use crate::connectors::livechat::site::{ApiError, again};
use crate::connectors::livechat::wire::{Chat, Thread, WireEvent, list};
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{ActionKind, Target};
use crate::net::RestError;

/// Threads that are looked through: what was said just now is in the newest, or in the one before.
const THREADS: usize = 3;

/// There is no such event.
pub(super) fn no_event(id: &str) -> ApiError {
    ApiError::Refused(crate::connectors::livechat::site::Refusal {
        host: "parlor".to_owned(),
        status: http::StatusCode::NOT_FOUND,
        kind: "not_found".to_owned(),
        message: format!("no event {id}"),
        region: None,
        throttled: None,
    })
}

impl LiveChatConnector {
    /// Looks for a part on the platform.
    pub(in super::super) async fn find_part(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        let send = match &part.what.action.kind {
            ActionKind::Send(send) => send,
            // Asked again these change nothing more.
            ActionKind::Edit(_)
            | ActionKind::Join(_)
            | ActionKind::Leave(_)
            | ActionKind::Invite(_)
            | ActionKind::Remove(_)
            | ActionKind::Close(_)
            | ActionKind::Tag(_)
            | ActionKind::Transfer(_)
            | ActionKind::Typing(_)
            | ActionKind::SetPresence(_) => return Ok(None),
            kind => {
                let what = kind.name();
                return Err(SendError::InDoubt(format!("{what} cannot be looked for")));
            }
        };
        if self.0.config.version.is_chatio() {
            let detail = "this version has no chats to read back".to_owned();
            return Err(SendError::InDoubt(detail));
        }
        let conversation = match &send.target {
            Target::Conversation(id) => id.clone(),
            _ => part.what.conversation.to_string(),
        };
        let (licence, chat) = self.chat(&conversation)?;
        let mark = part_mark(part);
        let is_it = |event: &WireEvent| event.custom_id.as_deref() == Some(mark.as_str());
        // A platform that does not answer has not said that the message is not there.
        let found = self.look_for(&licence, &chat, is_it).await;
        let found = found.map_err(|error| again(error.send_error()))?;
        Ok(found.map(|event| Sent {
            message: Some(EventId::new(&event.id, &chat).to_string()),
            conversation: Some(chat.to_string()),
            ..Sent::default()
        }))
    }

    /// An event by its id, with its chat.
    pub(in super::super) async fn event(&self, id: &str) -> Result<(WireEvent, ChatId), ApiError> {
        let event = EventId::parse(id).ok_or_else(|| no_event(id))?;
        let licence = self.0.licence(&event.chat.licence);
        let licence = licence.ok_or_else(|| no_event(id))?;
        let is_it = |found: &WireEvent| found.id == event.event;
        let found = self.look_for(&licence, &event.chat, is_it).await?;
        found
            .map(|found| (found, event.chat.clone()))
            .ok_or_else(|| no_event(id))
    }

    /// The newest event of a chat that is as wanted, in its newest threads.
    async fn look_for(
        &self,
        licence: &Licence,
        chat: &ChatId,
        is_wanted: impl Fn(&WireEvent) -> bool,
    ) -> Result<Option<WireEvent>, ApiError> {
        let call = get_chat(self.0.config.version, &chat.chat, None);
        let call = call.ok_or_else(|| ApiError::Rest {
            host: "parlor".to_owned(),
            error: RestError::Setup("this version has no chats to read back".to_owned()),
        })?;
        let answer = self.0.ask(licence, &call).await?;
        let found = Chat::read(&answer);
        if let Some(found) = &found {
            let bot = self.0.bot_on(&licence.id).user_id;
            self.0.places.learn_chat(&licence.id, &bot, found);
        }
        let thread = found.and_then(|chat| chat.thread);
        let events = thread.into_iter().flat_map(|thread| thread.events);
        if let Some(event) = events.rev().find(|event| is_wanted(event)) {
            return Ok(Some(event));
        }
        let threads = self.threads(licence, chat, THREADS, None).await?;
        let events = threads
            .into_iter()
            .flat_map(|thread| thread.events.into_iter().rev());
        Ok(events.into_iter().find(|event| is_wanted(event)))
    }

    /// The newest threads of a chat, the newest first.
    pub(in super::super) async fn threads(
        &self,
        licence: &Licence,
        chat: &ChatId,
        count: usize,
        before: Option<u64>,
    ) -> Result<Vec<Thread>, ApiError> {
        let mut body = json!({"chat_id": chat.chat, "sort_order": "desc", "limit": count});
        if let Some(before) = before.and_then(|at| i64::try_from(at).ok())
            && let Ok(before) = jiff::Timestamp::from_millisecond(before)
        {
            body["filters"] = json!({"to": format!("{before:.6}")});
        }
        let call = Call::agent("list_threads", By::Owner, body);
        let answer: Value = self.0.ask(licence, &call).await?;
        let threads = list(&answer, "threads").iter();
        Ok(threads.filter_map(Thread::read).collect())
    }
}
