//! Rooms: made, changed, closed, found.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, good, refuse};
use super::sessions::{Caller, lacks_entitlement};
use super::streams::{Kind, Room, Stream, page};
use super::world::World;
use crate::sim::Request;

/// Letters that a room's name may have.
const NAME_LENGTH: usize = 50;

impl Room {
    /// Takes over what a body says.
    fn change(&mut self, body: &Value) -> Result<(), Refusal> {
        let texts = [
            ("name", &mut self.name),
            ("description", &mut self.description),
        ];
        for (key, place) in texts {
            match body.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => place.clone_from(text),
                Some(_) => return Err(refuse(400, &format!("Invalid value of {key}"))),
            }
        }
        let flags = [
            ("membersCanInvite", &mut self.members_can_invite),
            ("discoverable", &mut self.discoverable),
            ("public", &mut self.public),
            ("readOnly", &mut self.read_only),
            ("copyProtected", &mut self.copy_protected),
            ("crossPod", &mut self.cross_pod),
            ("viewHistory", &mut self.view_history),
            ("multiLateralRoom", &mut self.multi_lateral),
        ];
        for (key, place) in flags {
            match body.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::Bool(flag)) => *place = *flag,
                Some(_) => return Err(refuse(400, &format!("Invalid value of {key}"))),
            }
        }
        if let Some(keywords) = body.get("keywords").and_then(Value::as_array) {
            self.keywords.clone_from(keywords);
        }
        if let Some(pinned) = body.get("pinnedMessageId").and_then(Value::as_str) {
            self.pinned = (!pinned.is_empty()).then(|| pinned.to_owned());
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.name.trim().is_empty() {
            return Err(refuse(400, "Room name is required"));
        }
        if self.name.chars().count() >= NAME_LENGTH {
            return Err(refuse(400, "Room name must have fewer than 50 characters"));
        }
        if self.public && !(self.view_history && self.discoverable && self.members_can_invite) {
            return Err(refuse(
                400,
                "A public room must be discoverable, show its history and let members invite",
            ));
        }
        if self.cross_pod && (self.read_only || self.public || self.discoverable) {
            return Err(refuse(
                400,
                "A cross-pod room cannot be read-only, public or discoverable",
            ));
        }
        Ok(())
    }
}

/// A room's name without what does not tell two apart.
fn plain(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect()
}

impl World {
    fn is_name_free(&self, name: &str, but: Option<&str>) -> bool {
        let mut rooms = self
            .streams
            .values()
            .filter(|stream| stream.kind == Kind::Room);
        !rooms.any(|room| Some(room.id.as_str()) != but && plain(&room.room.name) == plain(name))
    }

    fn properties(&self, stream: &Stream) -> Value {
        let room = &stream.room;
        json!({
            "name": room.name,
            "description": room.description,
            "creatorUser": self.v4(stream.creator),
            "createdDate": stream.created,
            "external": stream.is_external(),
            "crossPod": stream.is_external(),
            "public": room.public,
            "copyProtected": room.copy_protected,
            "readOnly": room.read_only,
            "discoverable": room.discoverable,
            "membersCanInvite": room.members_can_invite,
            "keywords": room.keywords,
            "canViewHistory": room.view_history,
        })
    }

    /// Makes a room, and tells its creator.
    pub(super) fn add_room(&mut self, room: Room, creator: i64) -> String {
        let id = self.add_stream(Kind::Room, &[creator], creator);
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.room = room;
        }
        let properties = self.properties(&self.streams[&id]);
        let payload = json!({ "roomCreated": { "stream": self.v4_stream(&id), "roomProperties": properties } });
        self.emit("ROOMCREATED", creator, payload, &[creator]);
        id
    }

    /// A room of this name, as a person makes one.
    pub(super) fn plain_room(&mut self, name: &str, creator: i64) -> String {
        let room = Room {
            name: name.to_owned(),
            description: format!("about {name}"),
            members_can_invite: true,
            view_history: true,
            ..Room::default()
        };
        self.add_room(room, creator)
    }

    pub(super) fn room(&self, id: &str) -> Result<&Stream, Refusal> {
        let stream = self.stream(id)?;
        if stream.kind == Kind::Room {
            return Ok(stream);
        }
        Err(refuse(400, "This stream is not a room"))
    }

    /// A room that the caller owns.
    fn owned(&self, id: &str, caller: &Caller) -> Result<String, Refusal> {
        let room = self.room(id)?;
        match room.member(caller.user) {
            Some(member) if member.owner => Ok(room.id.clone()),
            _ => Err(refuse(403, "The user is not an owner of this room")),
        }
    }

    /// Opens or closes a room, and tells its members.
    pub(super) fn set_active(&mut self, id: &str, active: bool, by: i64) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if stream.active == active {
            return;
        }
        stream.active = active;
        let users = stream.users();
        let (kind, payload) = if active {
            let payload = json!({ "roomReactivated": { "stream": self.v4_stream(id) } });
            ("ROOMREACTIVATED", payload)
        } else {
            // What the platform leaves out once a room is closed.
            let stream = json!({ "streamId": id, "streamType": "ROOM" });
            (
                "ROOMDEACTIVATED",
                json!({ "roomDeactivated": { "stream": stream } }),
            )
        };
        self.emit(kind, by, payload, &users);
    }
}

/// `POST /pod/v3/room/create`.
pub(super) fn create(world: &mut World, caller: &Caller, body: &Value) -> Answer {
    // A public room needs what is not said to be so.
    let public = body.get("public").and_then(Value::as_bool) == Some(true);
    let mut room = Room {
        members_can_invite: true,
        discoverable: public,
        view_history: public,
        ..Room::default()
    };
    room.change(body)?;
    room.check()?;
    if room.description.is_empty() {
        return Err(refuse(400, "Room description is required"));
    }
    let may = world
        .people
        .get(&caller.user)
        .map(|person| person.entitlements);
    let may = may.unwrap_or_default();
    if (room.public && !may.create_public_room) || (room.cross_pod && !may.external_rooms) {
        return Err(lacks_entitlement());
    }
    if !world.is_name_free(&room.name, None) {
        return Err(refuse(400, "A room with the same name already exists"));
    }
    let id = world.add_room(room, caller.user);
    world.did("create-room", &id, "", world.streams[&id].detail());
    good(&world.streams[&id].detail())
}

/// `POST /pod/v3/room/{id}/update`.
pub(super) fn update(world: &mut World, caller: &Caller, id: &str, body: &Value) -> Answer {
    let id = world.owned(id, caller)?;
    let mut room = world.streams[&id].room.clone();
    room.change(body)?;
    room.check()?;
    if !world.is_name_free(&room.name, Some(&id)) {
        return Err(refuse(400, "A room with the same name already exists"));
    }
    if let Some(stream) = world.streams.get_mut(&id) {
        if !stream.active {
            return Err(refuse(400, "The room is not active"));
        }
        stream.room = room;
    }
    let stream = &world.streams[&id];
    let (users, detail) = (stream.users(), stream.detail());
    let properties = world.properties(stream);
    let payload = json!({ "roomUpdated": { "stream": world.v4_stream(&id), "newRoomProperties": properties } });
    world.emit("ROOMUPDATED", caller.user, payload, &users);
    world.did("update-room", &id, "", body.clone());
    good(&detail)
}

/// `GET /pod/v3/room/{id}/info`.
pub(super) fn info(world: &World, caller: &Caller, id: &str) -> Answer {
    let room = world.room(id)?;
    let is_open = room.has(caller.user) || room.room.public || room.room.discoverable;
    if !is_open {
        return Err(refuse(403, "The user is not a member of this room"));
    }
    good(&room.detail())
}

/// `POST /pod/v1/room/{id}/setActive`.
pub(super) fn set_active(
    world: &mut World,
    caller: &Caller,
    id: &str,
    request: &Request,
) -> Answer {
    let active = match request.query("active") {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(refuse(400, "Invalid value of active")),
    };
    let id = world.owned(id, caller)?;
    world.set_active(&id, active, caller.user);
    let kind = if active { "reactivate" } else { "deactivate" };
    world.did(kind, &id, "", json!({}));
    let stream = &world.streams[&id];
    let room = &stream.room;
    good(&json!({
        "roomAttributes": {
            "name": room.name, "description": room.description,
            "membersCanInvite": room.members_can_invite, "discoverable": room.discoverable,
        },
        "roomSystemInfo": stream.system_info(),
        "immutableRoomAttributes": {
            "public": room.public, "readOnly": room.read_only, "copyProtected": room.copy_protected,
        },
    }))
}

/// `POST /pod/v3/room/search`.
pub(super) fn search(world: &World, caller: &Caller, request: &Request, body: &Value) -> Answer {
    let query = body.get("query").and_then(Value::as_str);
    let query = query
        .ok_or_else(|| refuse(400, "A query is required"))?
        .to_lowercase();
    let flag = |key: &str| body.get(key).and_then(Value::as_bool);
    let user = |key: &str| body.get(key).and_then(|user| user.get("id")?.as_i64());
    let labels: Vec<&str> = body
        .get("labels")
        .and_then(Value::as_array)
        .map(|labels| labels.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let hidden = request.query("includeNonDiscoverable") == Some("true");
    let mut found: Vec<&Stream> = world
        .streams
        .values()
        .filter(|stream| stream.kind == Kind::Room)
        .filter(|stream| {
            let room = &stream.room;
            let is_seen = stream.has(caller.user) || room.public || room.discoverable || hidden;
            let text = format!("{} {}", room.name, room.description).to_lowercase();
            is_seen
                && text.contains(&query)
                && labels.iter().all(|label| {
                    room.keywords
                        .iter()
                        .any(|it| it.get("key").and_then(Value::as_str) == Some(label))
                })
                && flag("active").is_none_or(|active| active == stream.active)
                && flag("private").is_none_or(|private| private != room.public)
                && user("owner").is_none_or(|owner| stream.owners().contains(&owner))
                && user("creator").is_none_or(|creator| creator == stream.creator)
                && user("member").is_none_or(|member| stream.has(member))
        })
        .collect();
    found.sort_by_key(|stream| (stream.room.name.clone(), stream.id.clone()));
    let page = page(request, 50, 100)?;
    let rooms: Vec<Value> = page.of(&found).map(|stream| stream.detail()).collect();
    good(&json!({
        "count": found.len(),
        "skip": page.skip,
        "limit": page.limit,
        "query": body,
        "rooms": rooms,
        "facetedMatchCount": [],
    }))
}
