//! Which request goes where, in which version's words.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::http::Method;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::accounts;
use super::answer::{Answer, refuse};
use super::who::who;
use super::world::{Spoken, World};
use super::{chats, configuration};
use crate::sim::{Reply, Request};

/// Bytes of a file.
const MAX_FILE: usize = 10 * 1024 * 1024;

/// Answers one request.
pub(super) async fn answer(world: &Mutex<World>, request: &Request) -> Reply {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let uploads = matches!(
        parts.as_slice(),
        [_, "agent", "action", "upload_file"] | ["agent", _, "action", "upload_image"]
    );
    let file = match uploads {
        true => Some(upload(request).await),
        false => None,
    };
    let mut world = world.lock();
    if let Some(reply) = throttled(&mut world) {
        return reply;
    }
    match parts.as_slice() {
        [] => accounts::authorize(&mut world, request),
        ["ooops"] => Reply::text(200, "text/html", "<p>Something went wrong.</p>"),
        ["v2", what @ ("token" | "info")] => {
            reply(accounts::answer(&mut world, request, what, false))
        }
        [what @ ("token" | "info")] => reply(accounts::answer(&mut world, request, what, true)),
        ["files", name] => match world.files.get(*name) {
            Some((kind, bytes)) => Reply::text(200, kind, bytes.clone()),
            None => Reply::empty(404),
        },
        [version, api, "action", action] if version.starts_with('v') => {
            let Some(spoken) = spoken(version) else {
                return refuse("unsupported_version", "no such version").into();
            };
            let answered = answer_new(&mut world, request, spoken, api, action, file);
            let answered = reply(answered);
            match spoken {
                Spoken::Three(5) => answered.header("legacy", "2027-12-31"),
                Spoken::Three(4) => answered.header("deprecation", "2026-12-31"),
                _ => answered,
            }
        }
        ["agent", "v0.3" | "v0.4", "action", action] => {
            reply(answer_old(&mut world, request, action, file))
        }
        ["configuration", "v0.3" | "v0.4", group, method] => {
            let asked = body(request).and_then(|body| {
                let who = who(&world, request, Spoken::ChatIo, None)?;
                configuration::answer_old(&mut world, &who, &format!("{group}/{method}"), &body)
            });
            reply(asked)
        }
        _ => Reply::empty(404),
    }
}

pub(super) fn spoken(version: &str) -> Option<Spoken> {
    match version {
        "v3.4" => Some(Spoken::Three(4)),
        "v3.5" => Some(Spoken::Three(5)),
        "v3.6" => Some(Spoken::Three(6)),
        "v3.7" => Some(Spoken::Three(7)),
        _ => None,
    }
}

fn reply(answer: Answer) -> Reply {
    match answer {
        Ok(body) => Reply::json(200, &body),
        Err(refusal) => refusal.into(),
    }
}

fn body(request: &Request) -> Answer {
    if request.method != Method::POST {
        return Err(refuse("validation", "POST is expected"));
    }
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(refuse("validation", "Content-Type is not application/json"));
    }
    let body = request.json();
    let body = body.map_err(|error| refuse("validation", &error.to_string()))?;
    body.is_object()
        .then_some(body)
        .ok_or_else(|| refuse("validation", "an object is expected"))
}

fn answer_new(
    world: &mut World,
    request: &Request,
    spoken: Spoken,
    api: &str,
    action: &str,
    file: Option<File>,
) -> Answer {
    if let Some(file) = file {
        who(world, request, spoken, None)?;
        return keep(world, file);
    }
    // A wrapper was optional since 3.1.
    let mut body = body(request)?;
    if body
        .as_object()
        .is_some_and(|it| it.len() == 1 && it.contains_key("payload"))
    {
        body = body["payload"].take();
    }
    match api {
        "configuration" => {
            let asks = who(world, request, spoken, None);
            let is_free = matches!(action, "issue_bot_token" | "list_webhook_names");
            let asks = match (asks, is_free) {
                (Ok(who), _) => Some(who),
                (Err(_), true) => None,
                (Err(refusal), false) => return Err(refusal),
            };
            if let Some(requests) = body.get("requests").and_then(Value::as_array).cloned() {
                // A batch is answered in order; one that is refused is an answer too.
                return Ok(requests
                    .iter()
                    .map(|one| {
                        let one = configuration::answer(world, asks.as_ref(), action, one);
                        one.unwrap_or_else(|refusal| {
                            let reply = Reply::from(refusal);
                            serde_json::from_slice(&reply.body).unwrap_or_default()
                        })
                    })
                    .collect());
            }
            configuration::answer(world, asks.as_ref(), action, &body)
        }
        "agent" => {
            let old = ["join_chat", "remove_from_chat", "close_thread"];
            if old.contains(&action) {
                return Err(refuse("validation", "no such method in this version"));
            }
            let who = who(world, request, spoken, None)?;
            chats::answer(world, &who, spoken, action, &body)
        }
        _ => Err(refuse("not_found", "no such API")),
    }
}

fn answer_old(world: &mut World, request: &Request, action: &str, file: Option<File>) -> Answer {
    if let Some(file) = file {
        who(world, request, Spoken::ChatIo, None)?;
        return keep(world, file);
    }
    let body = body(request)?;
    let author = body["author_id"].as_str().map(str::to_owned);
    let payload = body.get("payload").cloned();
    let payload = payload.ok_or_else(|| refuse("validation", "`payload` is required"))?;
    let known = [
        "join_chat",
        "remove_from_chat",
        "send_event",
        "close_thread",
        "start_chat",
        "send_typing_indicator",
    ];
    if !known.contains(&action) {
        return Err(refuse(
            "validation",
            "no such method, or one of the socket only",
        ));
    }
    let who = who(world, request, Spoken::ChatIo, author.as_deref())?;
    chats::answer(world, &who, Spoken::ChatIo, action, &payload)
}

struct File {
    name: String,
    kind: String,
    bytes: Bytes,
}

async fn upload(request: &Request) -> File {
    let empty = || File {
        name: String::new(),
        kind: String::new(),
        bytes: Bytes::new(),
    };
    let kind = request.header("content-type").unwrap_or("");
    let Ok(boundary) = multer::parse_boundary(kind) else {
        return empty();
    };
    let body = request.body.clone();
    let stream = futures::stream::once(async move { Ok::<Bytes, Infallible>(body) });
    let mut multipart = multer::Multipart::new(stream, boundary);
    while let Ok(Some(field)) = multipart.next_field().await {
        if !matches!(field.name(), Some("file" | "payload.image")) {
            continue;
        }
        let name = field.file_name().unwrap_or("file").to_owned();
        let kind = field.content_type().map(ToString::to_string);
        if let Ok(bytes) = field.bytes().await {
            return File {
                name,
                kind: kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes,
            };
        }
    }
    empty()
}

fn keep(world: &mut World, file: File) -> Answer {
    if file.name.is_empty() || file.bytes.is_empty() {
        return Err(refuse("validation", "no file"));
    }
    if file.bytes.len() > MAX_FILE {
        return Err(refuse("entity_too_large", "10 MB at most"));
    }
    let ends = |end: &str| file.name.to_ascii_lowercase().ends_with(end);
    if [".exe", ".bat", ".sh"].iter().any(|end| ends(end)) {
        return Err(refuse("validation", "no programs"));
    }
    let id = format!("{}-{}", world.short('F'), file.name.replace('/', "_"));
    let url = format!("{}/files/{id}", world.base);
    world.files.insert(id, (file.kind, file.bytes.to_vec()));
    Ok(json!({"url": url}))
}

/// The answer to a call too many.
fn throttled(world: &mut World) -> Option<Reply> {
    let rate = usize::try_from(world.knobs.rate?).ok()?;
    let now = Instant::now();
    let second = world.clock.wait(Duration::from_secs(1));
    world
        .knobs
        .calls
        .retain(|at| now.duration_since(*at) < second);
    if world.knobs.calls.len() < rate {
        world.knobs.calls.push_back(now);
        return None;
    }
    Some(refuse("too_many_requests", "too many requests").into())
}
