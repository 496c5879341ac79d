//! Messages: sent, changed, sent to many at once.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{SymphonyConnector, by_id, unsupported};
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::config::AgentsOnly;
use crate::connectors::symphony::ids::{USER_CONVERSATION, id_from_wire};
use crate::connectors::symphony::render::{RenderOptions, Rendered, render};
use crate::connectors::symphony::site::{Call, FormFile, MessageForm, Payload, TIME};
use crate::connectors::symphony::wire::event::V4Message;
use crate::connectors::symphony::wire::rest::MessageMade;
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::action::{Edit, Fallback, OutgoingAttachment, Send, Target};
use crate::model::event::Visibility;
use crate::model::payload::ActionError;

/// Bytes of all files of one message (symphony.md §5.2).
pub(in super::super) const FILES_BYTES: usize = 30 * 1024 * 1024;
/// Conversations of one blast.
const BLAST: usize = 100;

impl SymphonyConnector {
    pub(super) async fn send_message(&self, part: &Part, send: &Send) -> Result<Sent, SendError> {
        let mark = part_mark(part);
        let mut rendered = render(
            &send.content,
            RenderOptions {
                attachments: send.attachments.len(),
                mark: Some(&mark),
            },
        )?;
        let stream = self.stream_of(part, &send.target).await?;
        if send.visibility == Visibility::Agents {
            rendered.notes.push(self.agents_only(part, &stream).await?);
        }
        if send.thread.is_some() {
            rendered.notes.push("thread → the conversation".to_owned());
        }
        if send.quiet {
            rendered.notes.push("quiet → as any message".to_owned());
        }
        if send.fallback == Fallback::Fail && !rendered.notes.is_empty() {
            return Err(unsupported(&rendered.notes.join("; ")));
        }
        let chosen = rendered
            .files
            .iter()
            .filter_map(|place| send.attachments.get(*place));
        let files = self.files(part, chosen).await?;
        let notes = std::mem::take(&mut rendered.notes);
        let form = MessageForm {
            files,
            ..form(rendered)
        };
        let path = ["agent", "v4", "stream", &stream, "message", "create"];
        let made = self.post_message(part, &path, &form).await?;
        Ok(Sent {
            message: Some(id_from_wire(&made.message_id)),
            conversation: Some(stream),
            notes,
            was_member: false,
        })
    }

    pub(super) async fn edit_message(&self, part: &Part, edit: &Edit) -> Result<Sent, SendError> {
        let mut rendered = render(&edit.content, RenderOptions::default())?;
        let notes = std::mem::take(&mut rendered.notes);
        let stream = part.what.conversation.to_string();
        let message = by_id(&edit.message)?;
        let form = MessageForm {
            silent: Some(true),
            ..form(rendered)
        };
        let path = [
            "agent", "v4", "stream", &stream, "message", message, "update",
        ];
        let made = match self.post_message(part, &path, &form).await {
            Ok(made) => made,
            Err(error) => return Err(self.not_edited(part, message, error).await),
        };
        Ok(Sent {
            message: Some(id_from_wire(&made.message_id)),
            conversation: Some(stream),
            notes,
            was_member: false,
        })
    }

    /// Why a message was not changed. The platform refuses alike what it does not let anybody change
    /// and what another wrote; saying the latter again as one's own would be wrong.
    async fn not_edited(&self, part: &Part, message: &str, error: SendError) -> SendError {
        let SendError::Permanent { class, detail } = error else {
            // The same text again changes nothing more.
            return super::again(error);
        };
        match class {
            ActionError::Denied | ActionError::Failed | ActionError::NotFound => {}
            _ => return SendError::Permanent { class, detail },
        }
        let call = Call::get(&["agent", "v1", "message", message]);
        let call = call.on_behalf_of(part.what.action.as_user.as_deref());
        let said: Result<Option<V4Message>, ApiError> = self.api.ask_agent(&call).await;
        let author = said.ok().flatten().and_then(|it| it.user?.user_id);
        let is_own = match part.what.action.as_user {
            Some(_) => true,
            None => match self.known_own_id().await {
                Ok(own) => author == Some(own),
                Err(error) => return error,
            },
        };
        match author {
            Some(_) if !is_own => SendError::Permanent {
                class: ActionError::Denied,
                detail,
            },
            // Of a wall, taken away, or without the right to.
            _ => SendError::WillNotEdit(detail),
        }
    }

    /// One message to many conversations in one request (symphony.md §5.3).
    pub(super) async fn blast(&self, part: &Part, json: &str) -> Result<Sent, SendError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Blast {
            conversations: Vec<String>,
            message: String,
            #[serde(default)]
            data: Map<String, Value>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Blasted {
            errors: Option<Map<String, Value>>,
        }
        let wrong = |detail: String| SendError::Permanent {
            class: ActionError::Failed,
            detail,
        };
        let expected =
            "a blast is {\"conversations\": […], \"message\": \"<messageML>…\", \"data\"?: {…}}";
        let blast: Blast =
            serde_json::from_str(json).map_err(|error| wrong(format!("{error}; {expected}")))?;
        if blast.conversations.is_empty() || blast.conversations.len() > BLAST {
            let found = blast.conversations.len();
            return Err(wrong(format!(
                "{found} conversations; a blast goes to 1 to {BLAST}"
            )));
        }
        let form = MessageForm {
            message: blast.message,
            data: Value::Object(blast.data).to_string(),
            streams: blast.conversations,
            ..MessageForm::default()
        };
        let mut call = Call::new(Method::POST, &["agent", "v4", "message", "blast"]);
        call = call.on_behalf_of(part.what.action.as_user.as_deref());
        call = call.trace(&part.origin.trace_id);
        call.payload = Payload::Message(&form);
        let answer: Blasted = self
            .api
            .ask_agent(&call)
            .await
            .map_err(|error| error.send_error())?;
        // It says "done" even where some were not.
        let errors = answer.errors.unwrap_or_default();
        let notes = errors.iter().map(|(stream, error)| {
            let why = error["message"].as_str().unwrap_or("no reason given");
            format!("{stream}: {why}")
        });
        Ok(Sent {
            notes: notes.collect(),
            ..Sent::default()
        })
    }

    async fn post_message(
        &self,
        part: &Part,
        path: &[&str],
        form: &MessageForm,
    ) -> Result<MessageMade, SendError> {
        let mut call = Call::new(Method::POST, path);
        call = call.on_behalf_of(part.what.action.as_user.as_deref());
        call = call.trace(&part.origin.trace_id);
        call.payload = Payload::Message(form);
        let answer = self
            .api
            .agent(&call)
            .await
            .map_err(|error| error.send_error())?;
        // It was sent; an answer that cannot be read leaves only its id in doubt.
        serde_json::from_slice(&answer.body)
            .map_err(|error| SendError::InDoubt(format!("the agent's answer: {error}")))
    }

    pub(super) async fn stream_of(
        &self,
        part: &Part,
        target: &Target,
    ) -> Result<String, SendError> {
        match target {
            Target::Reply => Ok(part.what.conversation.to_string()),
            // Somebody who was picked in a room selector.
            Target::Conversation(id) if id.starts_with(USER_CONVERSATION) => {
                let user = id[USER_CONVERSATION.len()..].to_owned();
                self.open_direct(part, &[user]).await
            }
            Target::Conversation(id) => Ok(id_from_wire(id)),
            Target::Conversations(_) => {
                Err(unsupported("a broadcast is split before it is performed"))
            }
            Target::User(user) => self.open_direct(part, std::slice::from_ref(user)).await,
            Target::Users(users) => self.open_direct(part, users).await,
            Target::Email(email) => self.open_by_email(part, email).await,
        }
    }

    /// What becomes of a message for agents only; the note, where it is sent.
    async fn agents_only(&self, part: &Part, stream: &str) -> Result<String, SendError> {
        let said = part.origin.conversation.as_ref();
        let said = said.filter(|place| place.id == stream);
        // That an event says nothing of the kind (a webhook's, one of an older version) is no yes.
        let is_external = said.is_some_and(|place| place.external || place.cross_pod);
        if !is_external && self.is_internal(part, stream).await? {
            return Ok("agents only → everybody there, all of the company".to_owned());
        }
        match self.config.agents_only {
            AgentsOnly::All => Ok("agents only → everybody there".to_owned()),
            AgentsOnly::Refuse => Err(SendError::Permanent {
                class: ActionError::RefusedByPolicy,
                detail: "for agents only, and people of other companies may be there; \
                         `agents-only = \"all\"` of the bot lets it pass"
                    .to_owned(),
            }),
        }
    }

    async fn is_internal(&self, part: &Part, stream: &str) -> Result<bool, SendError> {
        if let Some(known) = self.places.is_internal(stream) {
            return Ok(known);
        }
        let user = part.what.action.as_user.as_deref();
        let found = self.ask_internal(stream, user, TIME).await;
        found.map_err(|error| super::again(error.send_error()))
    }

    /// Asks the pod whether everybody who may be in a conversation is of the company.
    pub(in super::super) async fn ask_internal(
        &self,
        stream: &str,
        user: Option<&str>,
        time: Duration,
    ) -> Result<bool, ApiError> {
        let mut call = Call::get(&["pod", "v2", "streams", stream, "info"]);
        call.time = time;
        let call = call.on_behalf_of(user);
        let info: Value = self.api.ask_pod(&call).await?;
        // What is not said is not known to be internal.
        let is_internal = info["crossPod"] == Value::Bool(false);
        self.places
            .learn(stream, |place| place.is_internal = Some(is_internal));
        Ok(is_internal)
    }

    async fn files<'a>(
        &self,
        part: &Part,
        attachments: impl Iterator<Item = &'a OutgoingAttachment>,
    ) -> Result<Vec<FormFile>, SendError> {
        let mut files = Vec::new();
        let mut left = FILES_BYTES;
        for attachment in attachments {
            let file = match attachment {
                OutgoingAttachment::File(file) => FormFile {
                    name: file.name.clone(),
                    media_type: file.media_type.clone(),
                    bytes: Bytes::from(file.bytes.clone()),
                },
                OutgoingAttachment::Received(id) => {
                    let size = super::find::attachment_of(&part.origin, id);
                    let size = size.and_then(|file| file.size);
                    if size.is_some_and(|size| size > left as u64) {
                        return Err(too_large());
                    }
                    let bytes = self.received(id, left).await.map_err(super::again)?;
                    FormFile {
                        name: received_name(part, id),
                        media_type: received_type(part, id),
                        bytes,
                    }
                }
                OutgoingAttachment::Kept(file) => {
                    return Err(SendError::Permanent {
                        class: ActionError::Failed,
                        detail: format!("the bytes of {} were not read", file.name),
                    });
                }
            };
            left = left.checked_sub(file.bytes.len()).ok_or_else(too_large)?;
            files.push(file);
        }
        Ok(files)
    }
}

fn too_large() -> SendError {
    SendError::Permanent {
        class: ActionError::TooLarge,
        detail: format!("the files have more than {FILES_BYTES} bytes together"),
    }
}

fn form(rendered: Rendered) -> MessageForm {
    MessageForm {
        message: rendered.message,
        data: rendered.data.unwrap_or_default(),
        ..MessageForm::default()
    }
}

/// Names a part for its platform, the same at every try.
pub(in super::super) fn part_mark(part: &Part) -> String {
    format!("{}-{}-{}", part.tenant, part.delivery, part.number)
}

/// A received file's name and type, where the event has them.
fn received_name(part: &Part, id: &str) -> String {
    let file = super::find::attachment_of(&part.origin, id);
    file.map_or_else(|| "file".to_owned(), |file| file.name.clone())
}

fn received_type(part: &Part, id: &str) -> String {
    let file = super::find::attachment_of(&part.origin, id);
    file.map_or_else(
        || "application/octet-stream".to_owned(),
        |file| file.media_type.clone(),
    )
}
