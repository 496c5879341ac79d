//! Performs actions: each part one request that counts, and what it needs to know before.

mod find;
mod say;

pub(super) use say::FILE_BYTES;

use serde_json::json;

use super::LiveChatConnector;
use super::dialect::{self, By, Call};
use super::ids::ChatId;
use super::licence::Licence;
use super::places::Part as Presence;
use super::render::split;
use super::site::{ApiError, again};
use super::wire::{Chat, Thread};
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{Action, ActionKind, Target};
use crate::model::payload::ActionError;

/// Splits an action into parts that are one request each. Pure.
pub(super) fn plan(action: Action, is_rich: bool) -> Vec<Action> {
    let ActionKind::Send(send) = &action.kind else {
        return vec![action];
    };
    let targets: Vec<Target> = match &send.target {
        Target::Conversations(ids) => ids.iter().cloned().map(Target::Conversation).collect(),
        target => vec![target.clone()],
    };
    let bodies = split(send, is_rich);
    let mut parts = Vec::with_capacity(targets.len() * bodies.len());
    for target in &targets {
        for body in &bodies {
            let mut send = body.clone();
            send.target.clone_from(target);
            parts.push(Action {
                key: action.key.clone(),
                bot: action.bot.clone(),
                as_user: action.as_user.clone(),
                kind: ActionKind::Send(send),
            });
        }
    }
    parts
}

impl LiveChatConnector {
    /// Performs a part.
    pub(super) async fn perform_part(&self, part: &Part) -> Result<Sent, SendError> {
        let here = |id: &Option<String>| match id {
            Some(id) => id.clone(),
            None => part.what.conversation.to_string(),
        };
        let version = self.0.config.version;
        match &part.what.action.kind {
            ActionKind::Send(send) => self.say(part, send).await,
            ActionKind::Edit(_) => Err(SendError::WillNotEdit(
                "LiveChat changes no message".to_owned(),
            )),
            ActionKind::Join(id) => self.join(&here(id)).await,
            ActionKind::Leave(id) => self.go(&here(id)).await,
            ActionKind::Invite(who) => {
                let (licence, chat) = self.chat(&here(&who.conversation))?;
                let call = dialect::add(version, &chat.chat, &who.user, Presence::All);
                self.change(&licence, &chat, &call).await
            }
            ActionKind::Remove(who) => {
                let (licence, chat) = self.chat(&here(&who.conversation))?;
                let call = dialect::remove(version, &chat.chat, &who.user);
                self.change(&licence, &chat, &call).await
            }
            ActionKind::Transfer(transfer) => {
                let (licence, chat) = self.chat(&here(&transfer.conversation))?;
                let call = dialect::transfer(version, &chat.chat, &transfer.to);
                let call = call.ok_or_else(|| unsupported("transfer"))?;
                self.change(&licence, &chat, &call).await
            }
            ActionKind::Close(id) => {
                let (licence, chat) = self.chat(&here(id))?;
                let call = dialect::close(version, &chat.chat);
                match self.change(&licence, &chat, &call).await {
                    Err(SendError::Permanent {
                        class: ActionError::NotFound,
                        detail,
                    }) if detail.contains("chat_inactive") => {
                        Ok(noted(&chat, "was already closed"))
                    }
                    closed => {
                        if closed.is_ok() {
                            self.0.places.set_part(&chat, None);
                        }
                        closed
                    }
                }
            }
            ActionKind::Tag(tag) => {
                let (licence, chat) = self.chat(&here(&tag.conversation))?;
                let thread = self.thread(&licence, &chat).await?;
                let call = dialect::tag(version, &chat.chat, &thread, &tag.tag, tag.add);
                let call = call.ok_or_else(|| unsupported("tag"))?;
                match self.change(&licence, &chat, &call).await {
                    // Put on twice, or taken off twice.
                    Err(SendError::Permanent { detail, .. })
                        if detail.contains("already_exists") =>
                    {
                        Ok(noted(&chat, "was already tagged"))
                    }
                    tagged => tagged,
                }
            }
            ActionKind::Typing(is_typing) => {
                let (licence, chat) = self.chat(&part.what.conversation)?;
                if self.0.places.of(&chat).bot != Some(Presence::All) {
                    // Only who is in a chat can be seen typing there, and no more.
                    return Ok(noted(
                        &chat,
                        "typing → nothing, as the bot is not in the chat",
                    ));
                }
                let call = dialect::typing(version, &chat.chat, *is_typing);
                self.change(&licence, &chat, &call).await
            }
            ActionKind::SetPresence(presence) if !version.is_chatio() => {
                let status = dialect::status_of(*presence);
                for licence in self.0.licences() {
                    let bot = self.0.bot_on(&licence.id).user_id;
                    let body = json!({"status": status, "agent_id": bot});
                    let call = Call::agent("set_routing_status", By::Owner, body);
                    let asked = self.0.ask(&licence, &call).await;
                    asked.map_err(|error| again(error.send_error()))?;
                }
                Ok(Sent::default())
            }
            kind => Err(unsupported(kind.name())),
        }
    }

    /// The licence and the chat of a conversation.
    pub(super) fn chat(
        &self,
        conversation: &str,
    ) -> Result<(std::sync::Arc<Licence>, ChatId), SendError> {
        self.0
            .place(conversation)
            .ok_or_else(|| SendError::Permanent {
                class: ActionError::NotFound,
                detail: format!("no licence of the bot has a chat {conversation}"),
            })
    }

    /// Does what may be repeated.
    async fn change(
        &self,
        licence: &Licence,
        chat: &ChatId,
        call: &Call,
    ) -> Result<Sent, SendError> {
        let asked = self.0.ask(licence, call).await;
        asked.map_err(|error| again(error.send_error()))?;
        Ok(Sent {
            conversation: Some(chat.to_string()),
            ..Sent::default()
        })
    }

    async fn join(&self, conversation: &str) -> Result<Sent, SendError> {
        let (licence, chat) = self.chat(conversation)?;
        // Customers see neither that it comes nor that it goes, until it speaks to them.
        let was_member = self.enter(&licence, &chat, Presence::Agents).await?;
        Ok(Sent {
            conversation: Some(chat.to_string()),
            was_member,
            ..Sent::default()
        })
    }

    /// Brings the bot in; tells whether it was there already.
    pub(super) async fn enter(
        &self,
        licence: &Licence,
        chat: &ChatId,
        part: Presence,
    ) -> Result<bool, SendError> {
        let version = self.0.config.version;
        let bot = self.0.bot_on(&licence.id).user_id;
        if bot.is_empty() {
            let why = format!("the bot is not made yet on licence {}", licence.id);
            return Err(ApiError::NotInstalled(why).send_error());
        }
        let call = dialect::join(version, &chat.chat, &bot, part);
        let error = match self.0.ask(licence, &call).await {
            Ok(_) => {
                let part = if version.is_chatio() {
                    Presence::All
                } else {
                    part
                };
                self.0.places.set_part(chat, Some(part));
                return Ok(false);
            }
            Err(error) => error,
        };
        // By which word the platform says that somebody is there already, it does not document.
        let may_be_there = matches!(
            error.kind(),
            "already_exists" | "validation" | "not_allowed" | "limit_reached"
        );
        if may_be_there {
            match self.is_there(licence, chat, &bot).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // It may be; asked later the platform says so.
                Err(unknown) => return Err(again(unknown.send_error())),
            }
        }
        Err(again(error.send_error()))
    }

    /// Asks whether the bot is in a chat.
    async fn is_there(
        &self,
        licence: &Licence,
        chat: &ChatId,
        bot: &str,
    ) -> Result<bool, ApiError> {
        let Some(call) = dialect::get_chat(self.0.config.version, &chat.chat, None) else {
            // Where chats cannot be asked for, the refusal is all that is known.
            self.0.places.set_part(chat, Some(Presence::All));
            return Ok(true);
        };
        let answer = self.0.ask(licence, &call).await?;
        let Some(found) = Chat::read(&answer) else {
            return Ok(false);
        };
        self.0.places.learn_chat(&licence.id, bot, &found);
        Ok(self.0.places.of(chat).bot.is_some())
    }

    async fn go(&self, conversation: &str) -> Result<Sent, SendError> {
        let (licence, chat) = self.chat(conversation)?;
        let bot = self.0.bot_on(&licence.id).user_id;
        let call = dialect::remove(self.0.config.version, &chat.chat, &bot);
        let gone = self.change(&licence, &chat, &call).await;
        let detail = match gone {
            Ok(sent) => {
                self.0.places.set_part(&chat, None);
                return Ok(sent);
            }
            Err(SendError::Permanent { detail, class }) => (detail, class),
            Err(error) => return Err(error),
        };
        // A chat that is closed has nobody in it, and who is out already is out.
        if detail.0.contains("chat_inactive") {
            self.0.places.set_part(&chat, None);
            return Ok(noted(&chat, "the chat is closed"));
        }
        let is_there = self.is_there(&licence, &chat, &bot).await;
        if !is_there.map_err(|unknown| again(unknown.send_error()))? {
            return Ok(noted(&chat, "was not in"));
        }
        Err(SendError::Permanent {
            class: detail.1,
            detail: detail.0,
        })
    }

    /// The newest thread of a chat.
    async fn thread(&self, licence: &Licence, chat: &ChatId) -> Result<String, SendError> {
        if let Some(thread) = self.0.places.of(chat).thread {
            return Ok(thread);
        }
        let call = dialect::get_chat(self.0.config.version, &chat.chat, None);
        let call = call.ok_or_else(|| unsupported("threads"))?;
        let answer = self.0.ask(licence, &call).await;
        let answer = answer.map_err(|error| again(error.send_error()))?;
        let found = answer.get("thread").and_then(Thread::read);
        found
            .map(|thread| thread.id)
            .ok_or_else(|| SendError::Permanent {
                class: ActionError::NotFound,
                detail: "the chat has no thread".to_owned(),
            })
    }
}

/// Names a part for its platform, the same at every try.
pub(super) fn part_mark(part: &Part) -> String {
    format!("{}-{}-{}", part.tenant, part.delivery, part.number)
}

pub(super) fn noted(chat: &ChatId, note: &str) -> Sent {
    Sent {
        conversation: Some(chat.to_string()),
        notes: vec![note.to_owned()],
        ..Sent::default()
    }
}

pub(super) fn unsupported(what: &str) -> SendError {
    SendError::Permanent {
        class: ActionError::Unsupported,
        detail: format!("LiveChat has no {what}, in the version that is spoken"),
    }
}
