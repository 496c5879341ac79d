//! Says something in a chat, with what it takes to be able to.

use bytes::Bytes;
use reqwest::multipart;
use serde_json::Value;

use super::{LiveChatConnector, not_told, part_mark, unsupported};
use crate::connectors::livechat::dialect::send_event;
use crate::connectors::livechat::ids::{ChatId, EventId};
use crate::connectors::livechat::licence::Licence;
use crate::connectors::livechat::places::Part as Presence;
use crate::connectors::livechat::render::{RenderOptions, render};
use crate::connectors::livechat::site::{ApiError, again};
use crate::connectors::livechat::wire::text;
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{Fallback, OutgoingAttachment, Send, Target};
use crate::model::event::{Event, ReceivedAttachment, Visibility};
use crate::model::payload::{ActionError, EventPayload};

/// Bytes of a file (livechat.md §4).
pub(in super::super) const FILE_BYTES: usize = 10 * 1024 * 1024;

struct FormFile {
    name: String,
    media_type: String,
    bytes: Bytes,
}

impl LiveChatConnector {
    pub(super) async fn say(&self, part: &Part, send: &Send) -> Result<Sent, SendError> {
        let version = self.0.config.version;
        let mut rendered = render(
            &send.content,
            RenderOptions {
                visibility: send.visibility,
                is_rich: version.has_rich_messages(),
                attachments: send.attachments.len(),
            },
        )?;
        let conversation = match &send.target {
            Target::Reply => part.what.conversation.to_string(),
            Target::Conversation(id) => id.clone(),
            Target::Conversations(_) => {
                return Err(unsupported("broadcast that is not split"));
            }
            Target::User(_) | Target::Users(_) | Target::Email(_) => {
                return Err(unsupported("chat that a bot begins with a customer"));
            }
        };
        let (licence, chat) = self.chat(&conversation)?;
        if send.quiet {
            rendered.notes.push("quiet → as any message".to_owned());
        }
        if send.fallback == Fallback::Fail && !rendered.notes.is_empty() {
            return Err(SendError::Permanent {
                class: ActionError::Unsupported,
                detail: rendered.notes.join("; "),
            });
        }
        let seen = match send.visibility {
            Visibility::All => Presence::All,
            Visibility::Agents => Presence::Agents,
        };
        self.take_part(&licence, &chat, seen).await?;
        let mut event = rendered.event;
        if let Some(number) = rendered.file {
            let file = self.file_of(part, send.attachments.get(number)).await?;
            // A file that was sent up twice and shown once is there once.
            let url = self.upload(&licence, &file).await?;
            event.insert("url".to_owned(), url.into());
        }
        event.insert("custom_id".to_owned(), part_mark(part).into());
        let call = send_event(version, &chat.chat, event, seen);
        let mut asked = self.0.ask(&licence, &call).await;
        // What was refused was not said. Somebody may have taken the bot out meanwhile: by which word the
        // platform says that, it does not document.
        if let Err(error) = &asked
            && may_be_out(error)
        {
            let is_out = self.is_out(&licence, &chat, seen).await;
            if is_out.ok_or_else(|| not_told(error))? {
                self.take_part(&licence, &chat, seen).await?;
                asked = self.0.ask(&licence, &call).await;
            }
        }
        let answer = asked.map_err(|error| {
            if error.kind() == "chat_inactive" {
                self.0.places.set_part(&chat, None);
            }
            error.send_error()
        })?;
        let id = text(&answer, "event_id");
        let id = id.or_else(|| {
            answer
                .get("event")
                .and_then(|event: &Value| text(event, "id"))
        });
        Ok(Sent {
            message: id.map(|id| EventId::new(&id, &chat).to_string()),
            conversation: Some(chat.to_string()),
            notes: rendered.notes,
            was_member: false,
        })
    }

    /// Sees to it that the bot can say something to these: whoever is in a chat for agents only cannot
    /// speak to the customer, and who is not in it to nobody.
    async fn take_part(
        &self,
        licence: &Licence,
        chat: &ChatId,
        wanted: Presence,
    ) -> Result<(), SendError> {
        match (self.0.places.of(chat).bot, wanted) {
            (Some(Presence::All), _) | (Some(Presence::Agents), Presence::Agents) => Ok(()),
            (Some(Presence::Agents), Presence::All) => {
                self.go(&chat.to_string()).await?;
                self.come_in(licence, chat, wanted).await.map(drop)
            }
            (None, _) => {
                let was_there = self.come_in(licence, chat, wanted).await?;
                let is_hidden = self.0.places.of(chat).bot == Some(Presence::Agents);
                if was_there && is_hidden && wanted == Presence::All {
                    self.go(&chat.to_string()).await?;
                    self.come_in(licence, chat, wanted).await?;
                }
                Ok(())
            }
        }
    }

    /// Asks whether the bot is where it cannot say something to these; none where the platform does not
    /// tell.
    async fn is_out(&self, licence: &Licence, chat: &ChatId, wanted: Presence) -> Option<bool> {
        if self.0.config.version.is_chatio() {
            // Where chats cannot be asked for, it comes in again.
            self.0.places.set_part(chat, None);
            return Some(true);
        }
        let bot = self.0.bot_on(&licence.id).user_id;
        let part = self.presence_in(licence, chat, &bot).await?;
        Some(match part {
            Some(Presence::All) => false,
            Some(Presence::Agents) => wanted == Presence::All,
            None => true,
        })
    }

    async fn upload(&self, licence: &Licence, file: &FormFile) -> Result<String, SendError> {
        let name = match self.0.config.version.is_chatio() {
            true => "payload.image",
            false => "file",
        };
        let form = || {
            let part = || {
                let length = file.bytes.len() as u64;
                let body = reqwest::Body::from(file.bytes.clone());
                multipart::Part::stream_with_length(body, length).file_name(file.name.clone())
            };
            let typed = part().mime_str(&file.media_type);
            multipart::Form::new().part(name, typed.unwrap_or_else(|_| part()))
        };
        let sent = self.0.upload(licence, &form).await;
        sent.map_err(|error| again(error.send_error()))
    }

    async fn file_of(
        &self,
        part: &Part,
        attachment: Option<&OutgoingAttachment>,
    ) -> Result<FormFile, SendError> {
        let failed = |detail: String| SendError::Permanent {
            class: ActionError::Failed,
            detail,
        };
        let file = match attachment {
            Some(OutgoingAttachment::File(file)) => FormFile {
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                bytes: Bytes::from(file.bytes.clone()),
            },
            Some(OutgoingAttachment::Received(id)) => {
                let known = received(&part.origin, id);
                let name = known.map(|file| file.name.clone());
                let media_type = known.map(|file| file.media_type.clone());
                FormFile {
                    name: name.unwrap_or_else(|| "file".to_owned()),
                    media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                    bytes: self
                        .received(id)
                        .await
                        .map_err(|error| again(error.send_error()))?,
                }
            }
            Some(OutgoingAttachment::Kept(file)) => {
                return Err(failed(format!("the bytes of {} were not read", file.name)));
            }
            None => return Err(failed("the message has no such file".to_owned())),
        };
        if file.bytes.len() > FILE_BYTES {
            return Err(SendError::Permanent {
                class: ActionError::TooLarge,
                detail: format!("{} has more than {FILE_BYTES} bytes", file.name),
            });
        }
        Ok(file)
    }

    /// The bytes of a file that was received.
    pub(in super::super) async fn received(&self, id: &str) -> Result<Bytes, ApiError> {
        let event = self.event(id).await?.0;
        let url = event
            .url
            .as_deref()
            .and_then(|url| url::Url::parse(url).ok());
        let url = url.filter(|url| self.is_of_platform(url));
        let Some(url) = url else {
            return Err(super::find::no_event(id));
        };
        self.0.site.file(url, FILE_BYTES).await
    }

    /// Whether an address is the platform's: what an event says of its file, anybody may have written.
    fn is_of_platform(&self, url: &url::Url) -> bool {
        const HOSTS: [&str; 4] = [
            "livechatinc.com",
            "livechat.com",
            "livechat-files.com",
            "text.com",
        ];

        let api = self.0.site.api();
        if url.origin() == api.origin() {
            return true;
        }
        let host = url.host_str().unwrap_or_default();
        let is_below = |known: &str| {
            let rest = host.strip_suffix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        url.scheme() == "https" && HOSTS.iter().any(|known| is_below(known))
    }
}

fn may_be_out(error: &ApiError) -> bool {
    matches!(
        error.kind(),
        "missing_access" | "not_allowed" | "authorization" | "validation" | "not_found"
    )
}

fn received<'a>(event: &'a Event, id: &str) -> Option<&'a ReceivedAttachment> {
    let EventPayload::Message(message) = &event.payload else {
        return None;
    };
    message.attachments.iter().find(|file| file.id == id)
}
