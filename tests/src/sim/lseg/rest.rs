//! Rooms and messages (§3).

use axum::http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::world::{Room, World};
use crate::sim::{Reply, Request};

/// What stands before every path.
const BASE: [&str; 2] = ["messenger", "beta1"];
/// One message in this time.
const MESSAGE: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers a request with a token.
pub(super) fn answer(world: &mut World, request: &Request) -> Reply {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(path) = segments.strip_prefix(BASE.as_slice()) else {
        return error(world, 404, "Not Found", "no such resource");
    };
    let token = request.header("authorization");
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    let Some(bot) = token.and_then(|token| world.account_of(token)) else {
        return error(world, 401, "Unauthorized", "token expired");
    };
    match (&request.method, path) {
        (&Method::GET, ["chatrooms"]) => list(world, &bot, false),
        (&Method::GET, ["managed_chatrooms"]) if world.knobs.no_managed => {
            error(world, 403, "Forbidden", "not entitled")
        }
        (&Method::GET, ["managed_chatrooms"]) => list(world, &bot, true),
        (&Method::GET, ["chatrooms", "invites"]) => invites(world, &bot),
        (&Method::POST, ["chatrooms"]) => create(world, &bot, request),
        (&Method::POST, ["message"]) => message(world, &bot, request),
        (&Method::POST, [kind @ ("chatrooms" | "managed_chatrooms"), id, what @ ..]) => {
            let is_managed = *kind == "managed_chatrooms";
            let found = world.rooms.get(*id);
            let room = found.filter(|room| room.managed == is_managed && is_for(room, &bot));
            match room {
                Some(_) => in_room(world, &bot, id, what, request),
                None => error(world, 404, "Not Found", "no such chatroom"),
            }
        }
        _ => error(world, 404, "Not Found", "no such resource"),
    }
}

fn is_for(room: &Room, bot: &str) -> bool {
    room.listed.contains(bot) || room.invited.contains(bot)
}

fn list(world: &World, bot: &str, managed: bool) -> Reply {
    let rooms = world.rooms.iter();
    let rooms = rooms.filter(|(_, room)| room.managed == managed && room.listed.contains(bot));
    let rooms: Vec<Value> = rooms
        .map(|(id, room)| json!({"chatroomId": id, "name": room.name, "createdTime": room.created}))
        .collect();
    Reply::json(200, &json!({ "chatrooms": rooms }))
}

fn invites(world: &mut World, bot: &str) -> Reply {
    if !world.knobs.lists_invites {
        return error(world, 401, "Unauthorized", "not authorized for API access");
    }
    let rooms = world.rooms.iter();
    let rooms = rooms.filter(|(_, room)| room.invited.contains(bot));
    let rooms: Vec<Value> = rooms
        .map(|(id, room)| json!({"chatroomId": id, "name": room.name, "status": "pending"}))
        .collect();
    Reply::json(200, &json!({ "invites": rooms }))
}

fn create(world: &mut World, bot: &str, request: &Request) -> Reply {
    let name = match field(request, "name") {
        Ok(name) => name,
        Err(why) => return invalid(world, &why),
    };
    let id = world.add_room(&name, false);
    if let Some(room) = world.rooms.get_mut(&id) {
        room.creator = Some(bot.to_owned());
        room.listed.insert(bot.to_owned());
    }
    world.did("create", &name, "", json!({ "chatroomId": id }));
    Reply::json(200, &json!({"room": {"chatroomId": id, "name": name}}))
}

fn message(world: &mut World, bot: &str, request: &Request) -> Reply {
    let fields = field(request, "recipientEmail").and_then(|email| {
        let message = field(request, "message")?;
        Ok((email, message))
    });
    let (email, text) = match fields {
        Ok(fields) => fields,
        Err(why) => return invalid(world, &why),
    };
    if !email.contains('@') {
        return invalid(world, "recipientEmail is no address");
    }
    if let Some(reply) = throttled(world, bot) {
        return reply;
    }
    world.did("message", &email, &text, request.json().unwrap_or_default());
    Reply::json(200, &json!({}))
}

fn in_room(world: &mut World, bot: &str, id: &str, what: &[&str], request: &Request) -> Reply {
    let name = world.rooms.get(id).map(|room| room.name.clone());
    let name = name.unwrap_or_default();
    match what {
        ["join"] => {
            if let Some(room) = world.rooms.get_mut(id) {
                room.invited.remove(bot);
                room.listed.insert(bot.to_owned());
                // Safe to repeat.
                room.joined.insert(bot.to_owned());
            }
            world.did("join", &name, "", json!({ "chatroomId": id }));
            Reply::json(200, &json!({}))
        }
        ["leave"] => {
            let was_in = world
                .rooms
                .get_mut(id)
                .is_some_and(|room| room.joined.remove(bot));
            if !was_in {
                let status = world.knobs.not_joined_status;
                return error(world, status, "Forbidden", "the bot is not in the chatroom");
            }
            world.did("leave", &name, "", json!({ "chatroomId": id }));
            Reply::json(200, &json!({}))
        }
        ["post"] => {
            let text = match field(request, "message") {
                Ok(text) => text,
                Err(why) => return invalid(world, &why),
            };
            if !world
                .rooms
                .get(id)
                .is_some_and(|room| room.joined.contains(bot))
            {
                let status = world.knobs.not_joined_status;
                return error(world, status, "Forbidden", "the bot is not in the chatroom");
            }
            if let Some(reply) = throttled(world, bot) {
                return reply;
            }
            let email = world.accounts.get(bot).map(|account| account.email.clone());
            world.post(id, &email.unwrap_or_default(), &text);
            let raw = json!({"chatroomId": id, "message": text});
            world.did("message", &name, &text, raw);
            Reply::json(200, &json!({}))
        }
        ["invite"] => people(world, id, &name, request, "invite", |room, email| {
            room.people.insert(email);
        }),
        ["participants", "remove"] => {
            let creator = world.rooms.get(id).and_then(|room| room.creator.clone());
            if creator.as_deref() != Some(bot) {
                return error(
                    world,
                    403,
                    "Forbidden",
                    "the bot did not create the chatroom",
                );
            }
            people(world, id, &name, request, "remove", |room, email| {
                room.people.remove(&email);
            })
        }
        _ => error(world, 404, "Not Found", "no such resource"),
    }
}

fn people(
    world: &mut World,
    id: &str,
    name: &str,
    request: &Request,
    kind: &str,
    change: impl Fn(&mut Room, String),
) -> Reply {
    let body = request.json().unwrap_or_default();
    let emails: Option<Vec<String>> = body["emails"].as_array().map(|emails| {
        let texts = emails.iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    });
    let Some(emails) = emails.filter(|emails| !emails.is_empty()) else {
        return invalid(world, "emails is missing");
    };
    if let Some(room) = world.rooms.get_mut(id) {
        for email in &emails {
            change(room, email.to_lowercase());
        }
    }
    world.did(kind, name, &emails.join(" "), body);
    Reply::json(200, &json!({}))
}

/// One message a second; whether of a bot or in a room is not documented, so of a bot.
fn throttled(world: &mut World, bot: &str) -> Option<Reply> {
    let least = world.clock.wait(MESSAGE);
    let now = Instant::now();
    let account = world.accounts.get_mut(bot)?;
    let is_early = account
        .last_message
        .is_some_and(|last| now.duration_since(last) < least);
    if is_early {
        let status = world.knobs.throttle_status;
        return Some(error(
            world,
            status,
            "Too Many Requests",
            "too many requests",
        ));
    }
    account.last_message = Some(now);
    None
}

fn field(request: &Request, name: &str) -> Result<String, String> {
    let body = request.json().map_err(|error| error.to_string())?;
    match body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("{name} is missing")),
    }
}

fn error(world: &mut World, status: u16, name: &str, message: &str) -> Reply {
    let id = world.id();
    let error = json!({
        "id": id, "code": status.to_string(), "message": message, "status": name,
    });
    Reply::json(status, &json!({ "error": error }))
}

fn invalid(world: &mut World, reason: &str) -> Reply {
    let id = world.id();
    let error = json!({
        "id": id, "code": "400", "message": "Validation error", "status": "Bad Request",
        "errors": [{"key": "json", "reason": reason}],
    });
    Reply::json(400, &json!({ "error": error }))
}
