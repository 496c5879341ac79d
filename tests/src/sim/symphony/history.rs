//! Messages read back: one, a conversation's, those that are like something, their files and their readers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, good, list, refuse};
use super::ids::url_safe;
use super::messages::Message;
use super::sessions::Caller;
use super::streams::{Stream, page};
use super::world::World;
use crate::sim::{Reply, Request};

/// Kinds of files that people may send here.
const ALLOWED: [&str; 14] = [
    ".bmp", ".csv", ".doc", ".docx", ".gif", ".jpeg", ".jpg", ".mp4", ".pdf", ".png", ".ppt",
    ".txt", ".xls", ".xlsx",
];

/// `GET /agent/v1/message/{id}`.
pub(super) fn one(world: &World, caller: &Caller, id: &str) -> Answer {
    let message = world
        .message(id)
        .filter(|message| !message.suppressed && world.visible(&message.stream, caller).is_ok());
    match message {
        Some(message) => good(&world.v4_message(message)),
        None => Ok(Reply::empty(204)),
    }
}

/// `GET /agent/v4/stream/{sid}/message`: the oldest first.
pub(super) fn of_stream(
    world: &mut World,
    caller: &Caller,
    request: &Request,
    sid: &str,
) -> Answer {
    let stream = world.visible(sid, caller)?.id.clone();
    let since = request.number("since");
    let since = since.ok_or_else(|| refuse(400, "The parameter since is required"))?;
    let until = request.number("until").unwrap_or(i64::MAX);
    let page = page(request, 50, 500)?;
    let messages = world.messages.iter().enumerate();
    let found = messages
        .filter(|(_, it)| it.stream == stream && !it.suppressed && it.at >= since && it.at < until);
    let found: Vec<usize> = found.map(|(place, _)| place).collect();
    let places: Vec<usize> = page.of(&found).copied().collect();
    let shown = places
        .iter()
        .map(|place| world.v4_message(&world.messages[*place]));
    let shown = shown.collect();
    world.handouts.give(places, None);
    list(shown)
}

/// What a search asks for.
#[derive(Debug, Default)]
struct Wanted {
    text: Option<String>,
    stream: Option<String>,
    stream_type: Option<String>,
    author: Option<i64>,
    mention: Option<i64>,
    tag: Option<(char, String)>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Wanted {
    fn set(&mut self, field: &str, value: &Value) -> Result<(), Refusal> {
        let text = || match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let number = || {
            let text = text();
            text.parse::<i64>()
                .map_err(|_| refuse(400, &format!("Invalid value of {field}: {text}")))
        };
        match field.to_lowercase().as_str() {
            "text" => self.text = Some(text().to_lowercase()),
            "streamid" => self.stream = Some(url_safe(&text())),
            "streamtype" => {
                let kind = text().to_uppercase();
                let kind = if kind == "CHATROOM" {
                    "ROOM".to_owned()
                } else {
                    kind
                };
                if !["CHAT", "IM", "MIM", "ROOM", "POST"].contains(&kind.as_str()) {
                    return Err(refuse(400, &format!("Invalid streamType: {kind}")));
                }
                self.stream_type = Some(kind);
            }
            "author" => self.author = Some(number()?),
            "mention" => self.mention = Some(number()?),
            "hashtag" => self.tag = Some(('#', text().trim_start_matches('#').to_lowercase())),
            "cashtag" => self.tag = Some(('$', text().trim_start_matches('$').to_lowercase())),
            "fromdate" => self.from = Some(number()?),
            "todate" => self.to = Some(number()?),
            "signal" => {}
            other => return Err(refuse(400, &format!("Invalid search field: {other}"))),
        }
        Ok(())
    }

    fn is_met(&self, world: &World, message: &Message) -> bool {
        let kind = world.streams.get(&message.stream).map(|it| it.kind.name());
        let has = |text: &str| {
            message.data.values().any(|data| {
                let ids = data.get("id").and_then(Value::as_array);
                ids.is_some_and(|ids| {
                    ids.iter().any(|id| {
                        id.get("value")
                            .and_then(Value::as_str)
                            .is_some_and(|it| it.to_lowercase() == text)
                    })
                })
            })
        };
        let chat = |wanted: &String| match wanted.as_str() {
            "CHAT" => matches!(kind, Some("IM" | "MIM" | "ROOM")),
            wanted => kind == Some(wanted),
        };
        self.text
            .as_ref()
            .is_none_or(|text| message.text.to_lowercase().contains(text))
            && self
                .stream
                .as_ref()
                .is_none_or(|stream| *stream == message.stream)
            && self.stream_type.as_ref().is_none_or(chat)
            && self.author.is_none_or(|author| author == message.author)
            && self.mention.is_none_or(|user| has(&user.to_string()))
            && self.tag.as_ref().is_none_or(|(_, tag)| has(tag))
            && self.from.is_none_or(|from| message.at >= from)
            && self.to.is_none_or(|to| message.at < to)
    }
}

/// `POST` and `GET /agent/v1/message/search`.
pub(super) fn search(world: &World, caller: &Caller, request: &Request) -> Answer {
    let mut wanted = Wanted::default();
    if request.method == "GET" {
        let query = request.query("query").unwrap_or("");
        for part in query.split(" AND ") {
            let (field, value) = part
                .trim()
                .split_once(':')
                .ok_or_else(|| refuse(400, "Invalid query"))?;
            wanted.set(field.trim(), &Value::from(value.trim()))?;
        }
    } else {
        let body = request
            .json()
            .map_err(|_| refuse(400, "Invalid request body"))?;
        let fields = body
            .as_object()
            .ok_or_else(|| refuse(400, "Invalid request body"))?;
        for (field, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            wanted.set(field, value)?;
        }
    }
    if wanted.text.is_some() && wanted.stream.is_none() {
        return Err(refuse(400, "A search by text needs a streamId"));
    }
    let mut found: Vec<&Message> = world
        .messages
        .iter()
        .filter(|it| !it.suppressed && world.visible(&it.stream, caller).is_ok())
        .filter(|message| wanted.is_met(world, message))
        .collect();
    if request.query("sortDir") != Some("ASC") {
        found.reverse();
    }
    let page = page(request, 50, 1_000)?;
    list(
        page.of(&found)
            .map(|message| world.v4_message(message))
            .collect(),
    )
}

/// `POST /agent/v4/message/search/semantic`: here, messages that share a word with what is asked.
pub(super) fn semantic(world: &World, caller: &Caller, request: &Request) -> Answer {
    let body = request
        .json()
        .map_err(|_| refuse(400, "Invalid request body"))?;
    let text = body
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_lowercase();
    let thread = body.get("threadId").and_then(Value::as_str).map(url_safe);
    let words: Vec<&str> = text.split_whitespace().collect();
    let found: Vec<&Message> = world
        .messages
        .iter()
        .filter(|it| !it.suppressed && world.visible(&it.stream, caller).is_ok())
        .filter(|it| thread.as_ref().is_none_or(|thread| *thread == it.stream))
        .filter(|it| {
            let text = it.text.to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
        .collect();
    let page = page(request, 50, 500)?;
    list(
        page.of(&found)
            .map(|message| world.v4_message(message))
            .collect(),
    )
}

/// `GET /agent/v1/stream/{sid}/attachment`: the file as base64 text.
pub(super) fn attachment(world: &World, caller: &Caller, request: &Request, sid: &str) -> Answer {
    let stream = world.visible(sid, caller)?.id.clone();
    let parameter = |name: &str| {
        request
            .query(name)
            .ok_or_else(|| refuse(400, &format!("The parameter {name} is required")))
    };
    let (file, message) = (parameter("fileId")?, parameter("messageId")?);
    let message = world
        .message(message)
        .filter(|it| it.stream == stream && !it.suppressed);
    let files = message.map_or(&[][..], |message| &message.attachments);
    // The id holds an escaped slash; some clients take that out, as addresses are read.
    let is_it = |id: &str| id == file || id.replace("%2F", "/") == file;
    let bytes = files.iter().find_map(|it| match &it.preview {
        _ if is_it(&it.id) => Some(&it.bytes),
        Some((id, bytes)) if is_it(id) => Some(bytes),
        _ => None,
    });
    let bytes = bytes.ok_or_else(|| refuse(400, "Attachment not found"))?;
    Ok(Reply::text(200, "text/plain", STANDARD.encode(bytes)))
}

/// `GET /pod/v1/streams/{sid}/attachments`.
pub(super) fn attachments(world: &World, caller: &Caller, request: &Request, sid: &str) -> Answer {
    let stream = world.visible(sid, caller)?.id.clone();
    let (since, to) = (request.number("since").unwrap_or(0), request.number("to"));
    let mut items: Vec<Value> = Vec::new();
    let messages = world
        .messages
        .iter()
        .filter(|it| it.stream == stream && !it.suppressed);
    for message in messages.filter(|it| it.at >= since && it.at <= to.unwrap_or(i64::MAX)) {
        for file in &message.attachments {
            let previews = file
                .preview
                .iter()
                .map(|(id, _)| json!({ "fileId": id, "width": 600 }));
            items.push(json!({
                "messageId": message.id, "ingestionDate": message.at, "userId": message.author,
                "fileId": file.id, "name": file.name, "size": file.bytes.len(),
                "content-type": file.kind, "previews": previews.collect::<Vec<_>>(),
            }));
        }
    }
    if request.query("sortDir") == Some("DESC") {
        items.reverse();
    }
    let page = page(request, 50, 100)?;
    good(&page.of(&items).cloned().collect())
}

/// `GET /pod/v1/message/{mid}/status`: here users are written otherwise than anywhere else.
pub(super) fn status(world: &World, caller: &Caller, id: &str) -> Answer {
    let message = world
        .message(id)
        .ok_or_else(|| refuse(404, "Message not found"))?;
    let stream = world.visible(&message.stream, caller)?;
    let shown = |user: i64| {
        let mut shown = json!({ "userId": user.to_string(), "timestamp": message.at.to_string() });
        if let Some(person) = world.people.get(&user) {
            shown["displayName"] = person.display.as_str().into();
            shown["email"] = person.email.as_str().into();
            shown["userName"] = person.username.as_str().into();
            if let (Some(first), Some(last)) = (&person.first, &person.last) {
                shown["firstName"] = first.as_str().into();
                shown["lastName"] = last.as_str().into();
            }
        }
        shown
    };
    let others = stream
        .members
        .iter()
        .filter(|member| member.user != message.author);
    let delivered: Vec<Value> = others.map(|member| shown(member.user)).collect();
    good(&json!({
        "author": shown(message.author), "read": [], "delivered": delivered, "sent": [],
    }))
}

/// `GET /pod/v1/admin/messages/{id}/metadata/relationships`.
pub(super) fn relationships(world: &World, request: &Request, id: &str) -> Answer {
    if request.header("user-agent").is_none_or(str::is_empty) {
        return Err(refuse(400, "The header User-Agent is required"));
    }
    let message = world
        .message(id)
        .ok_or_else(|| refuse(400, "Message not found"))?;
    let ids = |messages: &mut dyn Iterator<Item = &Message>| -> Vec<String> {
        messages.map(|message| message.id.clone()).collect()
    };
    let all = || world.messages.iter();
    let mut shown = json!({
        "messageId": message.id,
        "replies": ids(&mut all().filter(|it| it.parent.as_ref() == Some(&message.id))),
        "forwards": ids(&mut all().filter(|it| it.shared.as_ref() == Some(&message.id))),
        "formReplies": [],
    });
    if let Some(parent) = &message.parent {
        shown["parent"] = json!({ "messageId": parent, "relationshipType": "REPLY" });
    }
    good(&shown)
}

/// `GET /pod/v1/files/allowedTypes`.
pub(super) fn allowed_types() -> Answer {
    good(&json!(ALLOWED))
}

/// `GET /pod/v2/streams/{sid}/info`.
pub(super) fn stream_info(world: &World, caller: &Caller, sid: &str) -> Answer {
    good(&world.visible(sid, caller).map(Stream::info)?)
}
