//! Memberships (webex.md §9).

use serde_json::{Value, json};

use super::answer::{Answer, Fields, gone, good, refuse};
use super::ids;
use super::list;
use super::world::{Member, Person, World};
use crate::sim::Request;

impl World {
    /// Takes somebody out of a space, and tells of it.
    pub(super) fn leave(&mut self, room: &str, person: &str, by: &str) {
        let Some(member) = self.member(person, room).cloned() else {
            return;
        };
        // Who is told is there still.
        self.tell_member("deleted", &member, by);
        self.members
            .retain(|it| it.person != person || it.room != room);
        self.ring();
    }
}

pub(super) fn shown(world: &World, member: &Member) -> Value {
    let person = world.people.get(&member.person);
    let is_direct = world
        .rooms
        .get(&member.room)
        .is_some_and(|room| room.is_direct);
    json!({
        "id": World::public("MEMBERSHIP", &format!("{}:{}", member.person, member.room)),
        "roomId": world.room_id(&member.room),
        "roomType": if is_direct { "direct" } else { "group" },
        "personId": ids::person(&member.person),
        "personEmail": person.map(|person| &person.email),
        "personDisplayName": person.map(|person| &person.name),
        "personOrgId": ids::public("us", "ORGANIZATION", "96abc2aa-3dcc-11e5-a152-fe34819cdc9a"),
        "isModerator": member.is_moderator,
        "isMonitor": false,
        "isRoomHidden": false,
        "created": World::written(member.created),
    })
}

pub(super) fn list(world: &World, caller: &Person, request: &Request) -> Answer {
    let room = match request.query("roomId") {
        Some(id) => {
            let key = ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
            if !world.is_in(&caller.key, &key) {
                return Err(refuse(404, "Could not find a room with provided ID."));
            }
            Some(key)
        }
        None => None,
    };
    let by_id = request
        .query("personId")
        .map(|id| ids::key(id).unwrap_or_default());
    let by_email = request.query("personEmail");
    if room.is_none() && (by_id.is_some() || by_email.is_some()) {
        return Err(refuse(400, "roomId cannot be null"));
    }
    let fits = |member: &&Member| {
        let in_room = match &room {
            Some(room) => member.room == *room,
            None => member.person == caller.key,
        };
        let email = world
            .people
            .get(&member.person)
            .map(|person| person.email.as_str());
        in_room
            && by_id.as_ref().is_none_or(|id| member.person == *id)
            && by_email.is_none_or(|wanted| email == Some(wanted))
    };
    let found = world
        .members
        .iter()
        .filter(fits)
        .map(|member| shown(world, member))
        .collect();
    list::page(world, request, found, (100, 1000))
}

fn place(world: &World, id: &str) -> Result<usize, super::answer::Refusal> {
    let key = ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
    let found = world
        .members
        .iter()
        .position(|member| format!("{}:{}", member.person, member.room) == key);
    found.ok_or_else(|| refuse(404, "Failed to get membership"))
}

pub(super) fn read(world: &World, id: &str) -> Answer {
    let place = place(world, id)?;
    good(&shown(world, &world.members[place]))
}

pub(super) fn create(world: &mut World, caller: &Person, fields: &Fields) -> Answer {
    let room = fields
        .text("roomId")
        .ok_or_else(|| refuse(400, "roomId cannot be null"))?;
    let room = ids::key(room).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
    let person = match (fields.text("personId"), fields.text("personEmail")) {
        (Some(id), _) => ids::key(id).filter(|key| world.people.contains_key(key)),
        (None, Some(email)) => Some(world.somebody(email)),
        (None, None) => return Err(refuse(400, "Must specify either personId or personEmail.")),
    };
    let person = person.ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
    let found = world.rooms.get(&room);
    let enters = found.is_some_and(|room| room.is_public) && person == caller.key;
    if !world.is_in(&caller.key, &room) && !enters {
        return Err(refuse(502, "Add participant failed."));
    }
    if world.is_in(&person, &room) {
        return Err(refuse(409, "Person is already in the room."));
    }
    world.join(&room, &person, &caller.key);
    let email = world.people[&person].email.clone();
    let made = world
        .member(&person, &room)
        .map(|member| shown(world, member));
    let made = made.unwrap_or_default();
    let kind = if person == caller.key {
        "join"
    } else {
        "invite"
    };
    world.note(&caller.key, kind, &room, &email, made.clone());
    good(&made)
}

pub(super) fn update(world: &mut World, caller: &Person, id: &str, fields: &Fields) -> Answer {
    let place = place(world, id)?;
    if let Some(is_moderator) = fields.flag("isModerator") {
        world.members[place].is_moderator = is_moderator;
        let member = world.members[place].clone();
        world.tell_member("updated", &member, &caller.key);
        let email = world.people[&member.person].email.clone();
        let kind = if is_moderator { "promote" } else { "demote" };
        let changed = shown(world, &member);
        world.note(&caller.key, kind, &member.room, &email, changed);
    }
    good(&shown(world, &world.members[place]))
}

pub(super) fn delete(world: &mut World, caller: &Person, id: &str) -> Answer {
    let key = ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
    let Ok(place) = place(world, id) else {
        return Err(match key.contains(':') {
            true => refuse(404, "User is not a participant of the room."),
            false => refuse(404, "Failed to get membership"),
        });
    };
    let member = world.members[place].clone();
    if world
        .rooms
        .get(&member.room)
        .is_some_and(|room| room.is_direct)
    {
        return Err(refuse(400, "Failed to leave room."));
    }
    let email = world.people[&member.person].email.clone();
    let kind = if member.person == caller.key {
        "leave"
    } else {
        "remove"
    };
    world.note(
        &caller.key,
        kind,
        &member.room,
        &email,
        shown(world, &member),
    );
    world.leave(&member.room, &member.person, &caller.key);
    gone()
}
