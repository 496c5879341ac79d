//! What scripts do: people who speak, press, come and go, and how the platform behaves.

use serde_json::{Value, json};

use super::answer::{Refusal, Upload};
use super::messages::Draft;
use super::world::World;
use super::{cards, ids, markdown};

type Done = Result<Value, String>;

/// Does what a script asks.
///
/// | Verb | Fields |
/// |---|---|
/// | `say` | `user`, `text` or `markdown`, and `direct: true` or `room`; `mention_bot`, `parent`, `file: {name, text}` |
/// | `edit`, `delete` | `message_id`, `user`; `text` |
/// | `press` | `user`, `message_id` or the newest card of `room`, `inputs` or `button` with its `values` |
/// | `room` | `title`, `user`; `public`, `bot: false` |
/// | `member` | `room`, `user`, `change`: `add`, `remove`, `promote`, `demote`; `by` |
/// | `rename` | `room`, `title`, `user` |
/// | `hook` | `off`: a part of its name |
/// | `devices` | forgets them; `move: true` gives them other addresses |
/// | `set` | a knob |
pub(super) fn act(world: &mut World, bot: &str, verb: &str, what: &Value) -> Done {
    match verb {
        "say" => say(world, bot, what),
        "edit" => edit(world, what),
        "delete" => delete(world, what),
        "press" => press(world, what),
        "room" => {
            let user = world.somebody(needed(what, "user")?);
            let room = room(
                world,
                bot,
                needed(what, "title")?,
                &user,
                what["bot"] != false,
            );
            if let Some(found) = world.rooms.get_mut(&room) {
                found.is_public = what["public"] == true;
            }
            Ok(json!({ "room_id": world.room_id(&room) }))
        }
        "member" => member(world, bot, what),
        "rename" => {
            let user = world.somebody(needed(what, "user")?);
            let room = known_room(world, needed(what, "room")?)?;
            let title = needed(what, "title")?;
            let now = world.moment();
            if let Some(found) = world.rooms.get_mut(&room) {
                title.clone_into(&mut found.title);
                found.active = now;
            }
            world.tell_room("updated", &room, &user);
            Ok(json!({}))
        }
        "hook" => {
            world.switch_off(needed(what, "off")?);
            Ok(json!({}))
        }
        "devices" => {
            match what["move"] == true {
                true => world.move_devices(),
                false => world.forget_devices(),
            }
            Ok(json!({}))
        }
        "sockets" => Ok(json!({ "open": world.sockets() })),
        "set" => set(world, what),
        other => Err(format!("there is no \"{other}\"")),
    }
}

fn text<'v>(what: &'v Value, name: &str) -> Option<&'v str> {
    what[name].as_str()
}

fn needed<'v>(what: &'v Value, name: &str) -> Result<&'v str, String> {
    text(what, name).ok_or_else(|| format!("\"{name}\" is missing"))
}

fn why(refusal: Refusal) -> String {
    refusal.body["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn known_room(world: &World, title: &str) -> Result<String, String> {
    let found = world.rooms.values().find(|room| room.title == title);
    let found = found.map(|room| room.key.clone());
    let by_id = || ids::key(title).filter(|key| world.rooms.contains_key(key));
    found
        .or_else(by_id)
        .ok_or_else(|| format!("there is no space \"{title}\""))
}

fn room(world: &mut World, bot: &str, title: &str, user: &str, with_bot: bool) -> String {
    let room = match known_room(world, title) {
        Ok(room) => room,
        Err(_) => {
            let room = world.add_room(title, false, user);
            world.join(&room, user, user);
            if with_bot {
                world.join(&room, bot, user);
            }
            room
        }
    };
    world.join(&room, user, user);
    room
}

fn say(world: &mut World, bot: &str, what: &Value) -> Done {
    let user = world.somebody(needed(what, "user")?);
    let place = match what["direct"] == true {
        true => world.direct(&user, bot),
        false => room(world, bot, needed(what, "room")?, &user, true),
    };
    let mut source = text(what, "markdown").map(str::to_owned);
    let mut plain = text(what, "text").map(str::to_owned);
    if what["mention_bot"] == true {
        let email = &world.people[bot].email;
        let said = source.take().or(plain.take()).unwrap_or_default();
        let said = markdown::escaped(&said).replace('_', "\\_");
        source = Some(format!("<@personEmail:{email}> {said}"));
    }
    let mut draft = Draft {
        text: plain,
        markdown: source,
        parent: text(what, "parent").and_then(ids::key),
        ..Draft::default()
    };
    if let Some(name) = what["file"]["name"].as_str() {
        let bytes = what["file"]["text"].as_str().unwrap_or_default();
        draft.files.push(Upload {
            name: name.to_owned(),
            kind: "text/plain".to_owned(),
            bytes: bytes.as_bytes().to_vec().into(),
        });
    }
    let said = world.say(&place, &user, draft).map_err(why)?;
    Ok(json!({
        "message_id": World::public("MESSAGE", &said.key),
        "room_id": world.room_id(&place),
        "person_id": ids::person(&user),
    }))
}

fn edit(world: &mut World, what: &Value) -> Done {
    let key = ids::key(needed(what, "message_id")?).unwrap_or_default();
    let place = world.messages.iter().position(|it| it.key == key);
    let place = place.ok_or("there is no such message")?;
    let now = world.moment();
    let said = needed(what, "text")?;
    let message = &mut world.messages[place];
    message.text = Some(said.to_owned());
    (message.html, message.markdown) = (None, None);
    message.updated = Some(now);
    let message = message.clone();
    world.tell_message("updated", &message, &message.person);
    Ok(json!({}))
}

fn delete(world: &mut World, what: &Value) -> Done {
    let key = ids::key(needed(what, "message_id")?).unwrap_or_default();
    let place = world.messages.iter().position(|it| it.key == key);
    let message = world
        .messages
        .remove(place.ok_or("there is no such message")?);
    world.tell_message("deleted", &message, &message.person);
    Ok(json!({}))
}

fn press(world: &mut World, what: &Value) -> Done {
    let user = world.somebody(needed(what, "user")?);
    let message = match text(what, "message_id") {
        Some(id) => ids::key(id).unwrap_or_default(),
        None => {
            let mut newest = world
                .messages
                .iter()
                .rev()
                .filter(|it| !it.attachments.is_empty());
            let newest = match text(what, "room") {
                Some(title) => {
                    let room = known_room(world, title)?;
                    newest.find(|it| it.room == room)
                }
                None => newest.find(|it| world.is_in(&user, &it.room)),
            };
            newest.ok_or("there is no card")?.key.clone()
        }
    };
    let inputs = match text(what, "button") {
        None => what.get("inputs").cloned().unwrap_or_else(|| json!({})),
        Some(label) => {
            let found = world.messages.iter().find(|it| it.key == message);
            let card = found
                .map(|it| it.attachments[0]["content"].clone())
                .unwrap_or_default();
            let data =
                button(&card, label).ok_or_else(|| format!("there is no button \"{label}\""))?;
            let mut inputs = defaults(&card);
            let values = what["values"].as_object().cloned().unwrap_or_default();
            for (name, value) in values.into_iter().chain(data) {
                inputs.insert(name, value);
            }
            Value::Object(inputs)
        }
    };
    let action = cards::press(world, &user, &message, inputs).map_err(why)?;
    Ok(json!({ "action_id": World::public("ATTACHMENT_ACTION", &action.key) }))
}

/// What a button carries, by what is written on it.
fn button(card: &Value, label: &str) -> Option<serde_json::Map<String, Value>> {
    match card {
        Value::Object(object) => {
            let is_it = object.get("type") == Some(&"Action.Submit".into())
                && object.get("title") == Some(&label.into());
            if is_it {
                return Some(
                    object
                        .get("data")
                        .and_then(Value::as_object)
                        .cloned()
                        .unwrap_or_default(),
                );
            }
            object.values().find_map(|value| button(value, label))
        }
        Value::Array(items) => items.iter().find_map(|item| button(item, label)),
        _ => None,
    }
}

/// What inputs give that nobody touched.
fn defaults(card: &Value) -> serde_json::Map<String, Value> {
    let mut found = serde_json::Map::new();
    let mut walk = vec![card];
    while let Some(value) = walk.pop() {
        match value {
            Value::Object(object) => {
                let kind = object
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                if kind.starts_with("Input.")
                    && let Some(id) = object.get("id").and_then(Value::as_str)
                {
                    let value = object.get("value").cloned().unwrap_or_else(|| "".into());
                    found.insert(id.to_owned(), value);
                }
                walk.extend(object.values());
            }
            Value::Array(items) => walk.extend(items),
            _ => {}
        }
    }
    found
}

fn member(world: &mut World, bot: &str, what: &Value) -> Done {
    let name = needed(what, "user")?;
    let user = if name == "bot" {
        bot.to_owned()
    } else {
        world.somebody(name)
    };
    let by = match text(what, "by") {
        Some(by) => world.somebody(by),
        None => user.clone(),
    };
    let room = known_room(world, needed(what, "room")?)?;
    match needed(what, "change")? {
        "add" => world.join(&room, &user, &by),
        "remove" => world.leave(&room, &user, &by),
        change @ ("promote" | "demote") => {
            let place = world
                .members
                .iter()
                .position(|member| member.person == user && member.room == room);
            let place = place.ok_or("nobody of this name is there")?;
            world.members[place].is_moderator = change == "promote";
            let member = world.members[place].clone();
            world.tell_member("updated", &member, &by);
        }
        other => return Err(format!("\"{other}\" is no change")),
    }
    Ok(json!({}))
}

fn set(world: &mut World, what: &Value) -> Done {
    let map = what.as_object().ok_or("an object is expected")?;
    for (key, value) in map {
        let flag = || {
            value
                .as_bool()
                .ok_or_else(|| format!("\"{key}\" is true or false"))
        };
        let number = || {
            value
                .as_u64()
                .ok_or_else(|| format!("\"{key}\" is a number"))
        };
        let knobs = &mut world.knobs;
        match key.as_str() {
            "drops_mentioned" => knobs.drops_mentioned = flag()?,
            "null_max" => knobs.null_max = flag()?,
            "empty_page" => knobs.empty_page = flag()?,
            "page_size" => knobs.page_size = Some(usize::try_from(number()?).unwrap_or(usize::MAX)),
            "edits_cards" => knobs.edits_cards = flag()?,
            "bare_mentions" => knobs.bare_mentions = flag()?,
            "lag" => knobs.lag = u32::try_from(number()?).unwrap_or(u32::MAX),
            "broken_title" => knobs.broken_title = flag()?,
            "object_errors" => knobs.object_errors = flag()?,
            "binary_frames" => knobs.binary_frames = flag()?,
            "silent" => knobs.silent = flag()?,
            "lost_frames" => knobs.lost_frames = number()?,
            "double_share" => knobs.double_share = flag()?,
            "no_greeting" => knobs.no_greeting = flag()?,
            "update_hooks" => knobs.update_hooks = flag()?,
            "lost_deliveries" => {
                knobs.lost_deliveries = u32::try_from(number()?).unwrap_or(u32::MAX);
            }
            other => return Err(format!("there is no \"{other}\" to set")),
        }
    }
    Ok(json!({}))
}
