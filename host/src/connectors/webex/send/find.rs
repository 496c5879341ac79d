//! Looks for what was sent and may not have arrived. A direct space can be read back; of a group a bot
//! sees only what mentions it, and of its own messages there Webex promises nothing: what became of
//! them is known only where the answer came (`sent`).

use super::WebexConnector;
use crate::connectors::webex::api::ApiError;
use crate::connectors::webex::convert::moment;
use crate::connectors::webex::ids::is_same;
use crate::connectors::webex::render::render;
use crate::connectors::webex::sent::{Place, mark_of};
use crate::connectors::webex::wire::{Message, Page};
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{ActionKind, Send, Target};

/// How much earlier than its event a message is looked for: the platform's clock is another.
const MARGIN_MS: u64 = 10 * 60_000;

impl WebexConnector {
    /// Looks for a part on the platform.
    pub(in super::super) async fn find_part(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        let send = match &part.what.action.kind {
            ActionKind::Send(send) => send,
            // A room may have been made, and another of its name may be somebody else's.
            ActionKind::CreateConversation(_) => {
                return Err(SendError::InDoubt(
                    "nothing tells two spaces apart".to_owned(),
                ));
            }
            // Asked again these change nothing more.
            _ => return Ok(None),
        };
        let mark = mark_of(part);
        if let Some(place) = self.kept.sent.find(&mark) {
            return Ok(Some(Sent {
                message: Some(place.message),
                conversation: Some(place.room),
                ..Sent::default()
            }));
        }
        let since = part.origin.occurred_at.max(part.origin.received_at);
        let since = since.saturating_sub(MARGIN_MS);
        let said = self.own_said(part, send, since).await?;
        let wanted = words(&render(&send.content)?.markdown);
        let has_file = !send.attachments.is_empty();
        // Oldest first: equal texts went in their order, and those of other parts are theirs.
        let found = said.into_iter().rev().find(|message| {
            let is_mine = !self.kept.sent.is_of_another(&mark, &message.id);
            let text = message.markdown.as_ref().or(message.text.as_ref());
            let text = text.map(String::as_str).unwrap_or_default();
            let text = words(text);
            // Of signs alone nothing would be left to tell them apart by.
            let says_it =
                text == wanted || (!plain(&wanted).is_empty() && plain(&wanted) == plain(&text));
            is_mine && says_it && has_file != message.files.is_empty()
        });
        Ok(found.map(|message| {
            let place = Place {
                room: message.room_id,
                message: message.id,
            };
            // The next part of the same text has another.
            self.kept.sent.note(&mark, &place);
            Sent {
                message: Some(place.message),
                conversation: Some(place.room),
                ..Sent::default()
            }
        }))
    }

    /// What the bot has said there since then, newest first.
    async fn own_said(
        &self,
        part: &Part,
        send: &Send,
        since: u64,
    ) -> Result<Vec<Message>, SendError> {
        let later = |error: ApiError| error.repeat_error();
        let said: Vec<Message> = match &send.target {
            Target::User(user) => self.direct("personId", user).await.map_err(later)?,
            Target::Email(email) => self.direct("personEmail", email).await.map_err(later)?,
            Target::Users(users) if users.len() == 1 => {
                self.direct("personId", &users[0]).await.map_err(later)?
            }
            Target::Reply | Target::Conversation(_) => {
                let room = match &send.target {
                    Target::Conversation(id) => id.clone(),
                    _ => part.what.conversation.to_string(),
                };
                let place = self.room(&room).await.map_err(later)?;
                if place.and_then(|place| place.r#type).as_deref() != Some("direct") {
                    return Err(SendError::InDoubt(
                        "a bot cannot read back what it said in a space".to_owned(),
                    ));
                }
                self.said(&room, Some("direct"), since)
                    .await
                    .map_err(later)?
            }
            Target::Users(_) | Target::Conversations(_) => Vec::new(),
        };
        let own = self.known_own_id().await.map_err(later)?;
        let is_own = |message: &Message| {
            is_same(&message.person_id, &own) && moment(message.created.as_deref()) >= since
        };
        Ok(said.into_iter().filter(is_own).collect())
    }

    async fn direct(&self, who: &str, value: &str) -> Result<Vec<Message>, ApiError> {
        let found: Result<Page<Message>, ApiError> =
            self.api.get(&["messages", "direct"], &[(who, value)]).await;
        match found {
            Ok(page) => Ok(page.items),
            // There is no such space, so nothing was said in it.
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The bot's id. After a start the outbox may be here before the session knows it.
    pub(super) async fn known_own_id(&self) -> Result<String, ApiError> {
        let known = self.own_id();
        if !known.is_empty() {
            return Ok(known);
        }
        let own = self.api.get(&["people", "me"], &[]).await?;
        self.set_own(&own);
        Ok(own.id)
    }
}

/// What a text says, without its spaces.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is left of Markdown when its signs go: the platform gives the text without them.
fn plain(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    text.chars().filter(|sign| sign.is_alphanumeric()).collect()
}
