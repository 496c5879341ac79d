//! Spaces (webex.md §8).

use serde_json::{Value, json};

use super::answer::{Answer, Fields, gone, good, refuse};
use super::ids;
use super::list;
use super::world::{Person, Room, World};
use crate::sim::Request;

pub(super) fn shown(world: &World, room: &Room, for_whom: &str) -> Value {
    let mut shown = json!({
        "id": world.room_id(&room.key),
        "title": world.name_of(&room.key, for_whom),
        "type": if room.is_direct { "direct" } else { "group" },
        "isLocked": room.is_locked,
        "isPublic": room.is_public,
        "isReadOnly": false,
        "isAnnouncementOnly": false,
        "lastActivity": World::written(room.active),
        "creatorId": ids::person(&room.creator),
        "ownerId": ids::public("us", "ORGANIZATION", "96abc2aa-3dcc-11e5-a152-fe34819cdc9a"),
        "created": World::written(room.created),
    });
    if let Some(description) = &room.description {
        shown["description"] = description.clone().into();
    }
    if world.knobs.broken_title {
        shown["title"] = "eyJhbGciOiIiLCJlbmMiOiJub25lIn0".into();
        shown["errors"] = json!({"title": {
            "code": "kms_failure",
            "reason": "Key management server failed to respond appropriately. For more information: https://developer.webex.com/errors",
        }});
    }
    shown
}

pub(super) fn list(world: &World, caller: &Person, request: &Request) -> Answer {
    let kind = request.query("type");
    let mut rooms: Vec<&Room> = world
        .rooms
        .values()
        .filter(|room| world.is_in(&caller.key, &room.key))
        .filter(|room| kind.is_none_or(|kind| (kind == "direct") == room.is_direct))
        .collect();
    match request.query("sortBy") {
        Some("lastactivity") => rooms.sort_by_key(|room| -room.active),
        Some("created") => rooms.sort_by_key(|room| -room.created),
        _ => {}
    }
    let items = rooms
        .into_iter()
        .map(|room| shown(world, room, &caller.key))
        .collect();
    list::page(world, request, items, (100, 1000))
}

fn find<'w>(
    world: &'w World,
    caller: &Person,
    id: &str,
) -> Result<&'w Room, super::answer::Refusal> {
    let key = ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
    let room = world
        .rooms
        .get(&key)
        .filter(|room| world.is_in(&caller.key, &room.key));
    room.ok_or_else(|| refuse(404, "Room not found"))
}

pub(super) fn read(world: &World, caller: &Person, id: &str) -> Answer {
    let room = find(world, caller, id)?;
    good(&shown(world, room, &caller.key))
}

pub(super) fn create(world: &mut World, caller: &Person, fields: &Fields) -> Answer {
    let title = fields
        .text("title")
        .ok_or_else(|| refuse(400, "Title cannot be empty."))?;
    let is_public = fields.flag("isPublic").unwrap_or_default();
    let description = fields.text("description").map(str::to_owned);
    if is_public && description.is_none() {
        return Err(refuse(400, "A public space needs a description."));
    }
    let key = world.add_room(title, false, &caller.key);
    if let Some(room) = world.rooms.get_mut(&key) {
        room.is_public = is_public;
        room.description = description;
    }
    world.tell_room("created", &key, &caller.key);
    world.join(&key, &caller.key, &caller.key);
    let made = shown(world, &world.rooms[&key], &caller.key);
    world.note(&caller.key, "room", &key, title, made.clone());
    good(&made)
}

pub(super) fn update(world: &mut World, caller: &Person, id: &str, fields: &Fields) -> Answer {
    let key = find(world, caller, id)?.key.clone();
    let title = fields
        .text("title")
        .ok_or_else(|| refuse(400, "Title cannot be empty."))?;
    let now = world.moment();
    if let Some(room) = world.rooms.get_mut(&key) {
        room.active = now;
        if !room.is_direct {
            title.clone_into(&mut room.title);
        }
        if let Some(description) = fields.text("description") {
            room.description = Some(description.to_owned());
        }
        room.is_public = fields.flag("isPublic").unwrap_or(room.is_public);
        room.is_locked = fields.flag("isLocked").unwrap_or(room.is_locked);
    }
    world.tell_room("updated", &key, &caller.key);
    let changed = shown(world, &world.rooms[&key], &caller.key);
    world.note(&caller.key, "update-room", &key, title, changed.clone());
    good(&changed)
}

pub(super) fn delete(world: &mut World, caller: &Person, id: &str) -> Answer {
    let room = find(world, caller, id)?;
    if room.is_direct {
        return Err(refuse(400, "Failed to delete room."));
    }
    let (key, is_locked) = (room.key.clone(), room.is_locked);
    let is_moderator = world
        .member(&caller.key, &key)
        .is_some_and(|member| member.is_moderator);
    if is_locked && !is_moderator {
        return Err(refuse(400, "Failed to delete moderated room."));
    }
    // Who does not moderate it only goes.
    world.leave(&key, &caller.key, &caller.key);
    gone()
}
