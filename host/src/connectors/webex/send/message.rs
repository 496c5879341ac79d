//! Messages: sent, changed.

use bytes::Bytes;
use http::{Method, StatusCode};
use reqwest::multipart;
use serde_json::{Map, Value};
use url::Url;

use super::{WebexConnector, by_id, unsupported};
use crate::connectors::webex::api::{ApiError, Body, read};
use crate::connectors::webex::render::{Rendered, render, render_stand_in};
use crate::connectors::webex::sent::{Place, mark_of};
use crate::connectors::webex::wire::Message;
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{Edit, Fallback, OutgoingAttachment, Send, Target};
use crate::model::event::{Event, ReceivedAttachment, Visibility};
use crate::model::payload::{ActionError, EventPayload};

/// Bytes of a file (webex.md §6.4).
pub(in super::super) const FILE_BYTES: usize = 100 * 1024 * 1024;

/// The field that names a thread.
const PARENT: &str = "parentId";

/// A file that goes along.
struct OutgoingFile {
    name: String,
    media_type: String,
    bytes: Bytes,
}

impl WebexConnector {
    pub(super) async fn send_message(&self, part: &Part, send: &Send) -> Result<Sent, SendError> {
        let mut rendered = render(&send.content)?;
        let mut notes = std::mem::take(&mut rendered.notes);
        if send.visibility == Visibility::Agents {
            notes.push("agents only → everybody there".to_owned());
        }
        if send.quiet {
            notes.push("quiet → as any message".to_owned());
        }
        if send.fallback == Fallback::Fail && !notes.is_empty() {
            return Err(unsupported(&notes.join("; ")));
        }
        let file = match send.attachments.first() {
            Some(attachment) => Some(self.file_of(part, attachment).await?),
            None => None,
        };
        let mut fields = destination(part, &send.target)?;
        if let Some(thread) = &send.thread {
            fields.insert(PARENT.to_owned(), thread.clone().into());
        }
        let mut posted = self
            .post_in_thread(&fields, &rendered, file.as_ref(), &mut notes)
            .await;
        // A card that nobody but its plugin knows is shown or refused by Webex: what stands in for it is
        // better than nothing.
        if let Err(error) = &posted
            && error.status() == Some(StatusCode::BAD_REQUEST)
            && rendered.has_own_card
            && send.fallback == Fallback::Degrade
        {
            tracing::warn!(bot = self.name(), %error, "a plugin's own card is refused; its stand-in is sent");
            rendered = render_stand_in(&send.content)?;
            notes.append(&mut rendered.notes);
            posted = self
                .post_in_thread(&fields, &rendered, file.as_ref(), &mut notes)
                .await;
        }
        let made = posted.map_err(|error| error.send_error())?;
        let place = Place {
            room: made.room_id.clone(),
            message: made.id.clone(),
        };
        self.kept.sent.note(&mark_of(part), &place);
        Ok(Sent {
            message: Some(made.id),
            conversation: Some(made.room_id),
            notes,
            was_member: false,
        })
    }

    /// Posts in the thread that the fields name; where that cannot be, in its root's, else in the space.
    async fn post_in_thread(
        &self,
        fields: &Map<String, Value>,
        rendered: &Rendered,
        file: Option<&OutgoingFile>,
        notes: &mut Vec<String>,
    ) -> Result<Message, ApiError> {
        let posted = self.post(fields, rendered, file).await;
        let thread = fields.get(PARENT).and_then(Value::as_str);
        // Not every message can be answered in a thread: one that is an answer itself, and some cards
        // (webex.md §6.5).
        let is_refused = |posted: &Result<Message, ApiError>| {
            let error = posted.as_ref().err();
            error.is_some_and(|error| error.status() == Some(StatusCode::BAD_REQUEST))
        };
        let Some(thread) = thread.filter(|_| is_refused(&posted)) else {
            return posted;
        };
        let mut fields = fields.clone();
        let root = self.root_of(thread).await;
        let is_elsewhere = root.is_none();
        match root {
            Some(root) => fields.insert(PARENT.to_owned(), root.into()),
            None => fields.remove(PARENT),
        };
        let posted = self.post(&fields, rendered, file).await;
        if posted.is_ok() && is_elsewhere {
            notes.push("thread → the space".to_owned());
        }
        posted
    }

    async fn post(
        &self,
        fields: &Map<String, Value>,
        rendered: &Rendered,
        file: Option<&OutgoingFile>,
    ) -> Result<Message, ApiError> {
        let body = match file {
            None => Body::Json(body(fields, rendered)),
            Some(file) => Body::Form(form(fields, rendered, file)),
        };
        let url = self.api.url(&["messages"], &[]);
        let answer = self.api.ask(Method::POST, url, body).await?;
        read(&answer)
    }

    /// The first message of the thread that a message is in; none where it is in none.
    async fn root_of(&self, message: &str) -> Option<String> {
        // Where it cannot be asked for, it is answered in the space.
        let message: Message = self.api.get(&["messages", message], &[]).await.ok()?;
        message.parent_id
    }

    pub(super) async fn edit_message(&self, part: &Part, edit: &Edit) -> Result<Sent, SendError> {
        let mut rendered = render(&edit.content)?;
        let notes = std::mem::take(&mut rendered.notes);
        let id = by_id(&edit.message)?;
        let room = part.what.conversation.to_string();
        let mut fields = Map::new();
        fields.insert("roomId".to_owned(), room.clone().into());
        let body = Body::Json(body(&fields, &rendered));
        let changed: Result<Message, ApiError> =
            self.api.send(Method::PUT, &["messages", id], body).await;
        match changed {
            Ok(message) => Ok(Sent {
                message: Some(message.id).filter(|id| !id.is_empty()),
                conversation: Some(room),
                notes,
                was_member: false,
            }),
            // Ten edits, a file, a card with images: what cannot be changed is said anew, and what it
            // was goes (webex.md §6.6).
            Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => {
                Err(SendError::WillNotEdit(error.to_string()))
            }
            Err(error) => Err(error.repeat_error()),
        }
    }

    async fn file_of(
        &self,
        part: &Part,
        attachment: &OutgoingAttachment,
    ) -> Result<OutgoingFile, SendError> {
        let file = match attachment {
            OutgoingAttachment::File(file) => OutgoingFile {
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                bytes: Bytes::from(file.bytes.clone()),
            },
            OutgoingAttachment::Received(id) => {
                let known = attachment_of(&part.origin, id);
                let bytes = self.received(id, FILE_BYTES).await;
                OutgoingFile {
                    name: known.map_or_else(|| "file".to_owned(), |file| file.name.clone()),
                    media_type: known.map_or_else(
                        || "application/octet-stream".to_owned(),
                        |file| file.media_type.clone(),
                    ),
                    bytes: bytes.map_err(|error| error.repeat_error())?,
                }
            }
            OutgoingAttachment::Kept(file) => {
                return Err(SendError::Permanent {
                    class: ActionError::Failed,
                    detail: format!("the bytes of {} were not read", file.name),
                });
            }
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
    pub(in super::super) async fn received(
        &self,
        id: &str,
        most: usize,
    ) -> Result<Bytes, ApiError> {
        let url = Url::parse(id).ok().filter(is_file);
        let url = url.ok_or_else(|| ApiError::Nonsense("no file has this id".to_owned()))?;
        let answer = self
            .api
            .ask_most(Method::GET, url, Body::None, most)
            .await?;
        Ok(answer.body)
    }
}

/// Tells whether an address is that of a file: with it the token is shown, and everything else of the
/// platform is no plugin's business.
fn is_file(url: &Url) -> bool {
    let mut path = url.path_segments().into_iter().flatten();
    path.any(|part| part == "contents") && path.next().is_some() && path.next().is_none()
}

/// A file of an event's message.
fn attachment_of<'a>(event: &'a Event, id: &str) -> Option<&'a ReceivedAttachment> {
    let EventPayload::Message(message) = &event.payload else {
        return None;
    };
    message.attachments.iter().find(|file| file.id == id)
}

/// Where a message goes: exactly one of three.
fn destination(part: &Part, target: &Target) -> Result<Map<String, Value>, SendError> {
    let (name, id) = match target {
        Target::Reply => ("roomId", part.what.conversation.to_string()),
        Target::Conversation(id) => ("roomId", id.clone()),
        Target::User(user) => ("toPersonId", user.clone()),
        Target::Email(email) => ("toPersonEmail", email.clone()),
        Target::Users(users) => match users.as_slice() {
            [user] => ("toPersonId", user.clone()),
            _ => {
                return Err(unsupported(
                    "a message to several people needs a space with them",
                ));
            }
        },
        Target::Conversations(_) => {
            return Err(unsupported("a broadcast is split before it is performed"));
        }
    };
    let mut fields = Map::new();
    fields.insert(name.to_owned(), id.into());
    Ok(fields)
}

fn body(fields: &Map<String, Value>, rendered: &Rendered) -> Value {
    let mut body = fields.clone();
    let attachments = rendered.attachments();
    let markdown = match (rendered.markdown.trim(), &attachments) {
        // A card has something in its place, and a message says something.
        ("", _) => "…",
        (_, _) => &rendered.markdown,
    };
    body.insert("markdown".to_owned(), markdown.into());
    if let Some(attachments) = attachments {
        body.insert("attachments".to_owned(), attachments);
    }
    Value::Object(body)
}

fn form(fields: &Map<String, Value>, rendered: &Rendered, file: &OutgoingFile) -> multipart::Form {
    let mut form = multipart::Form::new();
    for (name, value) in fields {
        let text = value.as_str().unwrap_or_default().to_owned();
        form = form.text(name.clone(), text);
    }
    if !rendered.markdown.trim().is_empty() {
        form = form.text("markdown", rendered.markdown.clone());
    }
    let part = || {
        let length = file.bytes.len() as u64;
        let body = reqwest::Body::from(file.bytes.clone());
        multipart::Part::stream_with_length(body, length).file_name(file.name.clone())
    };
    let part = part()
        .mime_str(&file.media_type)
        .or_else(|_| part().mime_str("application/octet-stream"))
        .unwrap_or_else(|_| part());
    form.part("files", part)
}
