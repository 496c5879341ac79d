//! Messages: posted, edited, blasted, suppressed.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, good, refuse};
use super::forms::Form;
use super::ids::{Ids, url_safe};
use super::messageml::{self, Who};
use super::multipart::{Draft, Upload};
use super::sessions::{Caller, lacks_entitlement};
use super::streams::{Kind, Stream};
use super::world::World;

/// Conversations that one blast may have.
const BLAST: usize = 100;

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) stream: String,
    pub(super) author: i64,
    pub(super) at: i64,
    /// As it was sent.
    pub(super) source: String,
    pub(super) presentation: String,
    pub(super) data: Map<String, Value>,
    pub(super) text: String,
    pub(super) attachments: Vec<Attachment>,
    pub(super) parent: Option<String>,
    pub(super) shared: Option<String>,
    pub(super) replacing: Option<String>,
    pub(super) replaced_by: Option<String>,
    pub(super) initial: Option<(String, i64)>,
    pub(super) silent: Option<bool>,
    pub(super) suppressed: bool,
    pub(super) forms: Vec<Form>,
    /// Who submitted which form, so that it is closed to them.
    pub(super) submitted: BTreeSet<(String, i64)>,
    pub(super) agent: String,
    pub(super) sid: String,
}

/// A file of a message.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: Bytes,
    /// The id and bytes of its thumbnail.
    pub(super) preview: Option<(String, Bytes)>,
}

impl World {
    pub(super) fn message(&self, id: &str) -> Option<&Message> {
        self.messages.get(*self.places.get(&url_safe(id))?)
    }

    pub(super) fn message_mut(&mut self, id: &str) -> Option<&mut Message> {
        let place = *self.places.get(&url_safe(id))?;
        self.messages.get_mut(place)
    }

    /// A message as the agent shows it.
    pub(super) fn v4_message(&self, message: &Message) -> Value {
        let attachments = message.attachments.iter().map(|file| {
            let images = file
                .preview
                .iter()
                .map(|(id, _)| json!({ "id": id, "dimension": "600" }));
            json!({
                "id": file.id, "name": file.name, "size": file.bytes.len(),
                "images": images.collect::<Vec<_>>(),
            })
        });
        let external = self
            .streams
            .get(&message.stream)
            .is_some_and(Stream::is_external);
        let mut shown = json!({
            "messageId": message.id,
            "timestamp": message.at,
            "message": message.presentation,
            // A text that holds JSON.
            "data": Value::Object(message.data.clone()).to_string(),
            "attachments": attachments.collect::<Vec<_>>(),
            "user": self.v4(message.author),
            "stream": self.v4_stream(&message.stream),
            "externalRecipients": external,
            "userAgent": message.agent,
            "originalFormat": "com.symphony.messageml.v2",
            "sid": message.sid,
        });
        let links = [
            ("parentMessageId", &message.parent),
            ("replacing", &message.replacing),
            ("replacedBy", &message.replaced_by),
        ];
        for (key, value) in links {
            if let Some(value) = value {
                shown[key] = value.as_str().into();
            }
        }
        if let Some((id, at)) = &message.initial {
            shown["initialMessageId"] = id.as_str().into();
            shown["initialTimestamp"] = (*at).into();
        }
        if let Some(silent) = message.silent {
            shown["silent"] = silent.into();
        }
        if let Some(shared) = message.shared.as_ref().and_then(|id| self.message(id)) {
            shown["sharedMessage"] = self.v4_message(shared);
        }
        shown
    }

    /// Makes a message of MessageML; it is not posted yet.
    pub(super) fn compose(
        &self,
        author: i64,
        stream: &str,
        source: &str,
        data: Option<&str>,
    ) -> Result<Message, Refusal> {
        let find = |who: Who<'_>| {
            let person = match who {
                Who::Id(id) => self.people.get(&id),
                Who::Email(email) => {
                    let mut people = self.people.values();
                    people.find(|person| person.email.eq_ignore_ascii_case(email))
                }
            };
            person.map(|person| (person.id, person.display.clone()))
        };
        let read = messageml::read(source, data, &find);
        let read = read.map_err(|why| refuse(400, &format!("Error parsing message: {why}")))?;
        let mut message = self.blank(author, stream);
        source.clone_into(&mut message.source);
        message.presentation = read.presentation;
        message.data = read.data;
        message.text = read.text;
        message.forms = read.forms;
        Ok(message)
    }

    /// A message without content.
    pub(super) fn blank(&self, author: i64, stream: &str) -> Message {
        let at = self.clock.now();
        Message {
            id: Ids::message(at),
            stream: stream.to_owned(),
            author,
            at,
            source: String::new(),
            presentation: String::new(),
            data: Map::new(),
            text: String::new(),
            attachments: Vec::new(),
            parent: None,
            shared: None,
            replacing: None,
            replaced_by: None,
            initial: None,
            silent: None,
            suppressed: false,
            forms: Vec::new(),
            submitted: BTreeSet::new(),
            agent: "DESKTOP-45.0.0-windows-10".to_owned(),
            sid: Ids::uuid(),
        }
    }

    /// Keeps a message and tells everybody in its conversation.
    pub(super) fn post(&mut self, message: Message) -> String {
        let id = message.id.clone();
        let shown = self.v4_message(&message);
        let (author, shared) = (message.author, message.shared.clone());
        let mut to = Vec::new();
        if let Some(stream) = self.streams.get_mut(&message.stream) {
            stream.last_message = Some(message.at);
            to = stream.users();
        }
        self.places.insert(id.clone(), self.messages.len());
        self.messages.push(message);
        let shared = shared.and_then(|id| self.message(&id).map(|it| self.v4_message(it)));
        match shared {
            None => self.emit(
                "MESSAGESENT",
                author,
                json!({ "messageSent": { "message": shown } }),
                &to,
            ),
            Some(shared) => {
                let payload =
                    json!({ "sharedPost": { "message": shown, "sharedMessage": shared } });
                self.emit("SHAREDPOST", author, payload, &to);
            }
        }
        id
    }

    /// The conversation, where the caller may post there.
    fn postable(&self, id: &str, caller: &Caller) -> Result<String, Refusal> {
        let stream = self.stream(id)?;
        let is_public = stream.kind == Kind::Room && stream.room.public;
        if !stream.has(caller.user) && !is_public {
            return Err(refuse(403, "The user is not a member of this stream"));
        }
        if !stream.active {
            return Err(refuse(400, "The stream is not active"));
        }
        let owner = stream
            .member(caller.user)
            .is_some_and(|member| member.owner);
        if stream.room.read_only && !owner {
            return Err(refuse(403, "Only owners may write into a read-only room"));
        }
        Ok(stream.id.clone())
    }

    /// Notes a message that a bot wrote.
    fn did_write(&mut self, kind: &str, id: &str) {
        let Some(message) = self.message(id) else {
            return;
        };
        let mut raw = self.v4_message(message);
        raw["messageML"] = message.source.as_str().into();
        raw["onWhat"] = message.replacing.as_deref().into();
        let (stream, text) = (message.stream.clone(), message.text.clone());
        self.did(kind, &stream, &text, raw);
    }
}

fn kept(uploads: Vec<Upload>, previews: Vec<Upload>) -> Vec<Attachment> {
    let id = || format!("internal_{}%2F{}", Ids::hex(7), Ids::short(4));
    let mut previews = previews.into_iter();
    let files = uploads.into_iter().map(|file| Attachment {
        id: id(),
        name: file.name,
        kind: file.kind,
        bytes: file.bytes,
        preview: previews.next().map(|preview| (id(), preview.bytes)),
    });
    files.collect()
}

fn text(draft: &Draft) -> Result<&str, Refusal> {
    let text = draft.message.as_deref().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| {
        refuse(
            400,
            "Error parsing message: the message cannot be null or empty",
        )
    })?;
    // A blank is what a message of nothing but files is sent with.
    let blank = text.trim().is_empty() && !draft.attachments.is_empty();
    Ok(if blank {
        "<messageML> </messageML>"
    } else {
        text
    })
}

/// `POST /agent/v4/stream/{sid}/message/create`.
pub(super) fn create(
    world: &mut World,
    caller: &Caller,
    sid: &str,
    draft: Draft,
    agent: &str,
) -> Answer {
    world.permit(caller, "SEND_MESSAGES")?;
    let stream = world.postable(sid, caller)?;
    let mut message = world.compose(caller.user, &stream, text(&draft)?, draft.data.as_deref())?;
    agent.clone_into(&mut message.agent);
    message.attachments = kept(draft.attachments, draft.previews);
    let id = world.post(message);
    world.did_write("message", &id);
    let message = world.message(&id).map(|message| world.v4_message(message));
    good(&message.unwrap_or_default())
}

/// `POST /agent/v4/stream/{sid}/message/{mid}/update`.
pub(super) fn update(
    world: &mut World,
    caller: &Caller,
    sid: &str,
    mid: &str,
    draft: Draft,
    agent: &str,
) -> Answer {
    world.permit(caller, "SEND_MESSAGES")?;
    let stream = world.postable(sid, caller)?;
    let old = world
        .message(mid)
        .filter(|message| message.stream == stream);
    let old = old.ok_or_else(|| refuse(400, "Message not found"))?.clone();
    if old.author != caller.user {
        return Err(refuse(403, "Only the author may update a message"));
    }
    if !world.people[&caller.user].entitlements.update_message {
        return Err(lacks_entitlement());
    }
    if old.suppressed {
        return Err(refuse(400, "A deleted message cannot be updated"));
    }
    if world.streams[&stream].kind == Kind::Post {
        return Err(refuse(400, "Wall posts cannot be updated"));
    }
    let silent = draft.silent.as_deref().unwrap_or("").trim().to_lowercase();
    let silent = match silent.as_str() {
        // The Python BDK writes `True`.
        "" | "true" => true,
        "false" => false,
        _ => return Err(refuse(400, "Invalid value of silent")),
    };
    let mut message = world.compose(caller.user, &stream, text(&draft)?, draft.data.as_deref())?;
    agent.clone_into(&mut message.agent);
    message.attachments = if draft.attachments.is_empty() {
        old.attachments.clone()
    } else {
        kept(draft.attachments, draft.previews)
    };
    message.replacing = Some(old.id.clone());
    message.initial = Some(old.initial.clone().unwrap_or((old.id.clone(), old.at)));
    message.silent = Some(silent);
    let new = message.id.clone();
    if let Some(old) = world.message_mut(&old.id) {
        old.replaced_by = Some(new);
    }
    let id = world.post(message);
    world.did_write("edit", &id);
    let message = world.message(&id).map(|message| world.v4_message(message));
    good(&message.unwrap_or_default())
}

/// `POST /agent/v4/message/blast`: good even where some conversations refuse.
pub(super) fn blast(world: &mut World, caller: &Caller, draft: &Draft, agent: &str) -> Answer {
    world.permit(caller, "SEND_MESSAGES")?;
    let sids: Vec<&str> = draft
        .sids
        .iter()
        .flat_map(|sids| sids.split(','))
        .map(str::trim)
        .collect();
    if sids.iter().all(|sid| sid.is_empty()) {
        return Err(refuse(400, "The stream ids are required"));
    }
    if sids.len() > BLAST {
        return Err(refuse(
            400,
            "A message can be blasted to 100 streams at most",
        ));
    }
    let source = text(draft)?;
    // What is wrong with the message is wrong everywhere.
    world.compose(caller.user, "", source, draft.data.as_deref())?;
    let (mut messages, mut errors) = (Vec::new(), Map::new());
    for sid in sids {
        let posted = world.postable(sid, caller).and_then(|stream| {
            let mut message = world.compose(caller.user, &stream, source, draft.data.as_deref())?;
            agent.clone_into(&mut message.agent);
            message.attachments = kept(draft.attachments.clone(), draft.previews.clone());
            Ok(world.post(message))
        });
        match posted {
            Ok(id) => {
                world.did_write("message", &id);
                messages.extend(world.message(&id).map(|message| world.v4_message(message)));
            }
            Err(refusal) => {
                errors.insert(sid.to_owned(), refusal.body);
            }
        }
    }
    good(&json!({ "messages": messages, "errors": errors }))
}

/// `POST /pod/v1/admin/messagesuppression/{id}/suppress`.
pub(super) fn suppress(world: &mut World, caller: &Caller, id: &str) -> Answer {
    world.permit(caller, "SUPPRESS_MESSAGES")?;
    let may = world.people[&caller.user].entitlements.suppress;
    let message = world
        .message(id)
        .ok_or_else(|| refuse(400, "Message not found"))?;
    if message.author != caller.user && !may {
        return Err(lacks_entitlement());
    }
    let (id, stream) = (message.id.clone(), message.stream.clone());
    world.withdraw(&id, caller.user);
    world.did("delete", &stream, "", json!({ "messageId": id }));
    good(&json!({
        "messageId": id, "suppressed": true, "suppressionDate": world.clock.now(),
    }))
}

impl World {
    /// Takes a message away from everybody's sight.
    pub(super) fn withdraw(&mut self, id: &str, by: i64) {
        let Some(message) = self.message_mut(id) else {
            return;
        };
        message.suppressed = true;
        let (id, stream) = (message.id.clone(), message.stream.clone());
        let to = self
            .streams
            .get(&stream)
            .map(Stream::users)
            .unwrap_or_default();
        let shown = json!({ "streamId": stream });
        let payload = json!({ "messageSuppressed": { "messageId": id, "stream": shown } });
        self.emit("MESSAGESUPPRESSED", by, payload, &to);
    }
}
