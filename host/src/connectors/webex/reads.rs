//! What the platform tells its bots.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use url::Url;

use super::WebexConnector;
use super::api::ApiError;
use super::convert::{Known, message_of, moment, place, unknown_user, user};
use super::ids::is_same;
use super::render::MAX_TEXT_BYTES;
use super::send::FILE_BYTES;
use super::wire::{Membership, Message, Page, Person, Room};
use crate::mailbox::{Read, ReadAnswer};
use crate::model::directory::{
    Chunk, ConversationCapabilities, ConversationPage, PastMessage, ReadError, UserPage,
};
use crate::model::event::{ConversationRole, User};
use crate::model::payload::PresenceStatus;

/// Spaces or members of one page.
const PAGE: &str = "100";
/// Spaces that are looked through for a title.
const MAX_ROOMS: usize = 1_000;
/// Messages of one answer.
const MAX_HISTORY: u32 = 100;
/// Bytes of one chunk of a file.
const CHUNK: usize = 1024 * 1024;
/// How long a read waits for a file that is looked at for viruses.
const SCAN_TIME: Duration = Duration::from_secs(3);
/// Requests a minute that are documented (webex.md §2.8).
const RATE: u32 = 300;

impl WebexConnector {
    /// Answers a read.
    pub(super) async fn answer(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        match read {
            Read::FindConversation { name } => self.find_conversation(&name).await,
            Read::Conversations { cursor } => self.conversations(cursor.as_deref()).await,
            Read::Members {
                conversation,
                cursor,
            } => self.members(&conversation, cursor.as_deref()).await,
            Read::FindUser { name } => Ok(ReadAnswer::User(self.find_user(&name).await?)),
            Read::Presence { user } => {
                let found: Person = self.api.get(&["people", &user], &[]).await.map_err(no)?;
                Ok(ReadAnswer::Presence(presence(found.status.as_deref())?))
            }
            Read::Message { id } => {
                let found: Message = self.api.get(&["messages", &id], &[]).await.map_err(no)?;
                Ok(ReadAnswer::Message(self.past(&found).await))
            }
            Read::History {
                conversation,
                before,
                count,
            } => self.history(&conversation, before, count).await,
            Read::Attachment { id, offset } => {
                let bytes = self.scanned(&id).await.map_err(no)?;
                let total = bytes.len();
                let start = usize::try_from(offset).map_or(total, |offset| offset.min(total));
                let end = total.min(start + CHUNK);
                Ok(ReadAnswer::Attachment(Chunk {
                    bytes: bytes[start..end].to_vec(),
                    total: total as u64,
                }))
            }
            Read::Contact { .. } | Read::TransferTargets { .. } => Err(ReadError::Unsupported),
            Read::Capabilities { .. } => Ok(ReadAnswer::Capabilities(ConversationCapabilities {
                edit: true,
                forms: true,
                threads: true,
                visibility: false,
                message_bytes: MAX_TEXT_BYTES as u64,
                file_bytes: FILE_BYTES as u64,
                rate: RATE,
            })),
        }
    }

    /// The bytes of a file. One that is looked at for viruses still is waited for as long as a call may
    /// wait; who asked is told when to come again.
    async fn scanned(&self, id: &str) -> Result<Bytes, ApiError> {
        let mut left = SCAN_TIME;
        loop {
            let error = match self.received(id, FILE_BYTES).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            let wait = error.throttled().unwrap_or(Duration::MAX);
            if error.status() != Some(StatusCode::LOCKED) || wait > left {
                return Err(error);
            }
            left -= wait;
            tokio::time::sleep(wait).await;
        }
    }

    /// A space by its title, of those that the bot is in, else by its id.
    async fn find_conversation(&self, name: &str) -> Result<ReadAnswer, ReadError> {
        let query = [("sortBy", "lastactivity"), ("max", "1000")];
        let is_it = |room: &Room| {
            let title = room.title.as_deref();
            title.is_some_and(|title| title.eq_ignore_ascii_case(name))
        };
        let rooms: Vec<Room> = self
            .api
            .list(&["rooms"], &query, |found: &[Room]| {
                found.len() < MAX_ROOMS && !found.iter().any(is_it)
            })
            .await
            .map_err(no)?;
        let found = rooms.into_iter().find(is_it);
        let found = match found {
            Some(room) => room,
            None => match self.api.get::<Room>(&["rooms", name], &[]).await {
                Ok(room) => room,
                Err(error) => return Err(no(error)),
            },
        };
        self.directory.met_room(found.clone());
        let conversation = place(&found.id, found.r#type.as_deref(), Some(&found));
        Ok(ReadAnswer::Conversation(conversation))
    }

    async fn conversations(&self, cursor: Option<&str>) -> Result<ReadAnswer, ReadError> {
        let first = self.api.url(&["rooms"], &[("max", PAGE)]);
        let page = self.page_at::<Room>(first, cursor).await?;
        let items = page.items.iter();
        Ok(ReadAnswer::Conversations(ConversationPage {
            items: items
                .map(|room| place(&room.id, room.r#type.as_deref(), Some(room)))
                .collect(),
            next: page.next.map(String::from),
        }))
    }

    async fn members(
        &self,
        conversation: &str,
        cursor: Option<&str>,
    ) -> Result<ReadAnswer, ReadError> {
        let query = [("roomId", conversation), ("max", PAGE)];
        let first = self.api.url(&["memberships"], &query);
        let page = self.page_at::<Membership>(first, cursor).await?;
        let items = page.items.iter().map(|member| {
            let mut user = unknown_user(&member.person_id, member.person_email.as_deref());
            if let Some(name) = &member.person_display_name {
                user.display_name.clone_from(name);
            }
            user.role_here = match member.is_moderator {
                true => ConversationRole::Owner,
                false => ConversationRole::Member,
            };
            user
        });
        Ok(ReadAnswer::Members(UserPage {
            items: items.collect(),
            next: page.next.map(String::from),
        }))
    }

    /// The first page, or the one that a cursor names: an address of the same list, and no other.
    async fn page_at<T: serde::de::DeserializeOwned>(
        &self,
        first: Url,
        cursor: Option<&str>,
    ) -> Result<super::api::Listed<T>, ReadError> {
        let url = match cursor {
            None => first,
            Some(cursor) => {
                let url = Url::parse(cursor)
                    .ok()
                    .filter(|url| url.path() == first.path() && self.api.may_ask(url));
                url.ok_or_else(|| ReadError::Failed("this cursor is none of ours".to_owned()))?
            }
        };
        self.api.page(url).await.map_err(no)
    }

    async fn find_user(&self, name: &str) -> Result<User, ReadError> {
        let found = if name.contains('@') {
            self.people(&[("email", name)]).await?
        } else {
            match self.api.get::<Person>(&["people", name], &[]).await {
                Ok(person) => return Ok(user(&person)),
                Err(error) if is_no_id(&error) => self.people(&[("displayName", name)]).await?,
                Err(error) => return Err(no(error)),
            }
        };
        // A name is looked for by its beginning; the whole of it is meant.
        let is_it = |person: &&Person| {
            name.contains('@')
                || person
                    .display_name
                    .as_deref()
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        found
            .iter()
            .find(is_it)
            .map(user)
            .ok_or(ReadError::NotFound)
    }

    async fn people(&self, query: &[(&str, &str)]) -> Result<Vec<Person>, ReadError> {
        let page: Page<Person> = self.api.get(&["people"], query).await.map_err(no)?;
        Ok(page.items)
    }

    async fn history(
        &self,
        conversation: &str,
        before: Option<u64>,
        count: u32,
    ) -> Result<ReadAnswer, ReadError> {
        let room = self.room(conversation).await.map_err(no)?;
        let kind = room.and_then(|room| room.r#type);
        let count = count.clamp(1, MAX_HISTORY);
        let (max, before) = (count.to_string(), before.and_then(written));
        let mut query = vec![("roomId", conversation), ("max", max.as_str())];
        if kind.as_deref() != Some("direct") {
            query.push(("mentionedPeople", "me"));
        }
        if let Some(before) = &before {
            query.push(("before", before));
        }
        let wanted = count as usize;
        let said: Vec<Message> = self
            .api
            .list(&["messages"], &query, |said: &[Message]| {
                said.len() < wanted
            })
            .await
            .map_err(no)?;
        let mut found = Vec::new();
        for message in said.iter().take(wanted) {
            found.push(self.past(message).await);
        }
        Ok(ReadAnswer::History(found))
    }

    async fn past(&self, message: &Message) -> PastMessage {
        let person = self.person(&message.person_id).await.ok().flatten();
        let author = match person {
            Some(person) => user(&person),
            None => unknown_user(&message.person_id, message.person_email.as_deref()),
        };
        let bot = self.bot_now();
        let known = Known {
            own_names: self.own_names(),
            files: self.files_of(message, None).await,
            ..Known::default()
        };
        let author = if is_same(&author.id, &bot.user_id) {
            User::of_bot(&bot)
        } else {
            author
        };
        PastMessage {
            author,
            at: moment(message.created.as_deref()),
            message: message_of(&bot, message, &known),
        }
    }
}

fn is_no_id(error: &ApiError) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST)
    )
}

/// A moment as Webex reads it.
fn written(at: u64) -> Option<String> {
    let at = i64::try_from(at).ok()?;
    let at = jiff::Timestamp::from_millisecond(at).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

fn presence(status: Option<&str>) -> Result<PresenceStatus, ReadError> {
    Ok(match status {
        Some("active") => PresenceStatus::Available,
        Some("call" | "meeting" | "presenting") => PresenceStatus::Busy,
        Some("DoNotDisturb") => PresenceStatus::DoNotDisturb,
        Some("inactive" | "OutOfOffice") => PresenceStatus::Away,
        // Webex tells of people of the bot's own organisation only.
        Some("unknown") | None => return Err(ReadError::Unsupported),
        Some(_) => PresenceStatus::Offline,
    })
}

fn no(error: ApiError) -> ReadError {
    error.read_error()
}
