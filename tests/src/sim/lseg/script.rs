//! What a script asks of the platform: `POST /_sim/{verb}`.

use serde_json::{Value, json};

use super::BOT;
use super::world::{Room, World};

type Done = Result<Value, String>;

/// Does what a script asks.
pub(super) fn act(world: &mut World, verb: &str, what: &Value) -> Done {
    match verb {
        "say" => say(world, what),
        "member" => member(world, what),
        "room" => make_room(world, what),
        "grey" => grey(world, what),
        "cut" => Ok(json!({ "streams": world.cut() })),
        "event" => event(world, what),
        "set" => {
            world.knobs.set(what)?;
            // Who hangs looks again.
            world.ring();
            Ok(json!({}))
        }
        "account" => account(world, what),
        "expire" => {
            world.expire();
            Ok(json!({}))
        }
        "submit" => Err("Messenger has no forms".to_owned()),
        _ => Err(format!(
            "\"{verb}\" is none of say, member, room, grey, cut, event, set, account, expire"
        )),
    }
}

fn text<'a>(what: &'a Value, name: &str) -> Option<&'a str> {
    what.get(name)?.as_str()
}

fn needed<'a>(what: &'a Value, name: &str) -> Result<&'a str, String> {
    text(what, name).ok_or_else(|| format!("\"{name}\" is missing"))
}

/// Somebody's address: a name alone is one of the company.
fn email(name: &str) -> String {
    match name {
        "bot" => BOT.to_owned(),
        name if name.contains('@') => name.to_owned(),
        name => format!("{name}@example.com"),
    }
}

/// A room by its name; one that there is none of is made, with the bot dragged into it and not joined.
fn room(world: &mut World, what: &Value) -> Result<String, String> {
    let name = needed(what, "conversation")?;
    if let Some(kind) = text(what, "kind")
        && !matches!(kind, "room" | "managed")
    {
        return Err(format!(
            "\"{kind}\" is no kind that Messenger tells of: room, managed"
        ));
    }
    if let Some(id) = world.find_room(name) {
        return Ok(id);
    }
    let is_managed = text(what, "kind") == Some("managed");
    let id = world.add_room(name, is_managed);
    let state = text(what, "bot").unwrap_or("listed");
    let room = world.rooms.entry(id.clone()).or_default();
    place_bot(room, state)?;
    Ok(id)
}

fn place_bot(room: &mut Room, state: &str) -> Result<(), String> {
    match state {
        "in" => {
            room.listed.insert(BOT.to_owned());
            room.joined.insert(BOT.to_owned());
        }
        "listed" => {
            room.listed.insert(BOT.to_owned());
        }
        "out" => {}
        other => return Err(format!("\"bot\" is in, listed or out, not \"{other}\"")),
    }
    Ok(())
}

fn say(world: &mut World, what: &Value) -> Done {
    let id = room(world, what)?;
    let user = email(needed(what, "user")?);
    let said = needed(what, "text")?;
    let text = match what.get("mention_bot").and_then(Value::as_bool) {
        // Mentions are words.
        Some(true) => format!("@{BOT} {said}"),
        _ => said.to_owned(),
    };
    if let Some(room) = world.rooms.get_mut(&id) {
        room.people.insert(user.to_lowercase());
    }
    let message_id = world.post(&id, &user, &text);
    Ok(json!({ "message_id": message_id, "conversation_id": id }))
}

/// Somebody drags a bot into a room, takes it out, or invites it.
fn member(world: &mut World, what: &Value) -> Done {
    let change = needed(what, "change")?;
    let user = needed(what, "user")?;
    let bot = email(user).to_lowercase();
    if !world.accounts.contains_key(&bot) {
        return Err("Messenger tells bots nothing of people who come and go".to_owned());
    }
    let unlisted = json!({"conversation": needed(what, "conversation")?, "bot": "out"});
    let id = room(world, &unlisted)?;
    let by = email(text(what, "by").unwrap_or("ada"));
    let Some(found) = world.rooms.get_mut(&id) else {
        return Err("there is no such room".to_owned());
    };
    match change {
        "join" => {
            found.listed.insert(bot);
        }
        "leave" => {
            found.listed.remove(&bot);
            found.joined.remove(&bot);
        }
        "invite" => {
            found.invited.insert(bot.clone());
            let status = text(what, "status").unwrap_or("pending");
            let frame = json!({
                "event": "chatroomInvite",
                "invite": {
                    "chatroomId": id,
                    "chatroomType": "chatroom",
                    "from": {"email": by, "company": "Example"},
                    "status": status,
                },
            });
            world.emit(&bot, &frame.to_string());
        }
        other => return Err(format!("\"{other}\" is no change: join, leave, invite")),
    }
    Ok(json!({ "conversation_id": id }))
}

/// A room is made, renamed or taken away.
fn make_room(world: &mut World, what: &Value) -> Done {
    let id = room(world, what)?;
    if let Some(name) = text(what, "name")
        && let Some(room) = world.rooms.get_mut(&id)
    {
        name.clone_into(&mut room.name);
    }
    if let Some(state) = text(what, "bot")
        && let Some(room) = world.rooms.get_mut(&id)
    {
        place_bot(room, state)?;
    }
    if let Some(creator) = text(what, "creator")
        && let Some(room) = world.rooms.get_mut(&id)
    {
        room.creator = Some(email(creator));
    }
    if what.get("gone").and_then(Value::as_bool) == Some(true) {
        world.rooms.remove(&id);
    }
    Ok(json!({ "conversation_id": id }))
}

/// The server drops the bot out of a room. It stays listed, and nobody says anything.
fn grey(world: &mut World, what: &Value) -> Done {
    let name = needed(what, "conversation")?;
    let id = world.find_room(name);
    let room = id.and_then(|id| world.rooms.get_mut(&id));
    let room = room.ok_or_else(|| format!("there is no room \"{name}\""))?;
    let was_in = room.joined.remove(BOT);
    Ok(json!({ "was_in": was_in }))
}

/// A frame as it comes, for every stream: what is not documented, or no JSON at all.
fn event(world: &mut World, what: &Value) -> Done {
    let frame = what.get("frame").ok_or("\"frame\" is missing")?;
    match frame {
        Value::String(text) => world.emit_all(text),
        other => world.emit_all(&other.to_string()),
    }
    Ok(json!({}))
}

fn account(world: &mut World, what: &Value) -> Done {
    world.add_account(needed(what, "username")?, needed(what, "password")?);
    Ok(json!({}))
}
