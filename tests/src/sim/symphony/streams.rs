//! Conversations: IMs, group IMs, rooms and walls, as the pod shows them.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, good, list, refuse};
use super::ids::{Ids, tenant_of, url_safe};
use super::sessions::Caller;
use super::world::World;
use crate::sim::Request;

/// What kind of conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Im,
    Mim,
    Room,
    Post,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Im => "IM",
            Self::Mim => "MIM",
            Self::Room => "ROOM",
            Self::Post => "POST",
        }
    }
}

/// Somebody in a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) user: i64,
    pub(super) owner: bool,
    pub(super) joined: i64,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) members: Vec<Member>,
    pub(super) active: bool,
    pub(super) created: i64,
    pub(super) creator: i64,
    pub(super) last_message: Option<i64>,
    pub(super) room: Room,
}

/// A room's attributes; those of other conversations are empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) keywords: Vec<Value>,
    pub(super) members_can_invite: bool,
    pub(super) discoverable: bool,
    pub(super) public: bool,
    pub(super) read_only: bool,
    pub(super) copy_protected: bool,
    pub(super) cross_pod: bool,
    pub(super) view_history: bool,
    pub(super) multi_lateral: bool,
    pub(super) pinned: Option<String>,
}

impl Stream {
    pub(super) fn has(&self, user: i64) -> bool {
        self.member(user).is_some()
    }

    pub(super) fn member(&self, user: i64) -> Option<&Member> {
        self.members.iter().find(|member| member.user == user)
    }

    pub(super) fn users(&self) -> Vec<i64> {
        self.members.iter().map(|member| member.user).collect()
    }

    pub(super) fn owners(&self) -> Vec<i64> {
        let owners = self.members.iter().filter(|member| member.owner);
        owners.map(|member| member.user).collect()
    }

    pub(super) fn shown_name(&self) -> Option<String> {
        (self.kind == Kind::Room).then(|| self.room.name.clone())
    }

    /// Whether people of several companies are in it.
    pub(super) fn is_external(&self) -> bool {
        let mut tenants = self.members.iter().map(|member| tenant_of(member.user));
        let first = tenants.next();
        self.room.cross_pod || tenants.any(|tenant| Some(tenant) != first)
    }

    fn attributes(&self) -> Value {
        let room = &self.room;
        let mut attributes = json!({
            "name": room.name,
            "description": room.description,
            "keywords": room.keywords,
            "membersCanInvite": room.members_can_invite,
            "discoverable": room.discoverable,
            "public": room.public,
            "readOnly": room.read_only,
            "copyProtected": room.copy_protected,
            "crossPod": room.cross_pod,
            "viewHistory": room.view_history,
            "multiLateralRoom": room.multi_lateral,
            "scheduledMeeting": false,
            "groupChat": false,
        });
        if let Some(pinned) = &room.pinned {
            attributes["pinnedMessageId"] = pinned.as_str().into();
        }
        attributes
    }

    pub(super) fn system_info(&self) -> Value {
        json!({
            "id": self.id,
            "creationDate": self.created,
            "createdByUserId": self.creator,
            "active": self.active,
        })
    }

    pub(super) fn detail(&self) -> Value {
        json!({
            "roomAttributes": self.attributes(),
            "roomSystemInfo": self.system_info(),
            "groups": [],
        })
    }

    /// As `GET /v2/streams/{sid}/info` shows it.
    pub(super) fn info(&self) -> Value {
        let mut info = json!({
            "id": self.id,
            "crossPod": self.is_external(),
            "origin": "INTERNAL",
            "active": self.active,
            "streamType": { "type": self.kind.name() },
        });
        if let Some(at) = self.last_message {
            info["lastMessageDate"] = at.into();
        }
        if self.kind == Kind::Room {
            info["roomAttributes"] = json!({ "name": self.room.name, "groups": [] });
        } else {
            info["streamAttributes"] = json!({ "members": self.users() });
        }
        info
    }

    fn listed(&self) -> Value {
        let mut entry = json!({
            "id": self.id,
            "crossPod": self.is_external(),
            "active": self.active,
            "streamType": { "type": self.kind.name() },
        });
        match self.kind {
            Kind::Room => entry["roomAttributes"] = json!({ "name": self.room.name }),
            Kind::Im | Kind::Mim => entry["streamAttributes"] = json!({ "members": self.users() }),
            Kind::Post => {}
        }
        entry
    }
}

impl World {
    pub(super) fn stream(&self, id: &str) -> Result<&Stream, Refusal> {
        let id = url_safe(id);
        self.streams
            .get(&id)
            .ok_or_else(|| refuse(400, &format!("Invalid stream id: {id}")))
    }

    /// A conversation that the caller may look into.
    pub(super) fn visible(&self, id: &str, caller: &Caller) -> Result<&Stream, Refusal> {
        let stream = self.stream(id)?;
        if stream.has(caller.user) || (stream.kind == Kind::Room && stream.room.public) {
            return Ok(stream);
        }
        Err(refuse(403, "The user is not a member of this stream"))
    }

    /// As messages and events show a conversation.
    pub(super) fn v4_stream(&self, id: &str) -> Value {
        let Some(stream) = self.streams.get(id) else {
            return json!({ "streamId": id });
        };
        let mut shown = Map::new();
        shown.insert("streamId".into(), stream.id.as_str().into());
        shown.insert("streamType".into(), stream.kind.name().into());
        if let Some(name) = stream.shown_name() {
            shown.insert("roomName".into(), name.into());
        } else if stream.kind != Kind::Post {
            let members = stream.members.iter().map(|member| self.v4(member.user));
            shown.insert("members".into(), members.collect::<Vec<_>>().into());
        }
        shown.insert("external".into(), stream.is_external().into());
        shown.insert("crossPod".into(), stream.is_external().into());
        let mut tenants: Vec<i64> = stream
            .members
            .iter()
            .map(|member| tenant_of(member.user))
            .collect();
        tenants.sort_unstable();
        tenants.dedup();
        shown.insert("recipientTenantIds".into(), tenants.into());
        Value::Object(shown)
    }

    pub(super) fn add_stream(&mut self, kind: Kind, users: &[i64], creator: i64) -> String {
        let now = self.clock.now();
        let stream = Stream {
            id: Ids::stream(now),
            kind,
            members: users
                .iter()
                .map(|user| Member {
                    user: *user,
                    owner: *user == creator && kind == Kind::Room,
                    joined: now,
                })
                .collect(),
            active: true,
            created: now,
            creator,
            last_message: None,
            room: Room::default(),
        };
        let id = stream.id.clone();
        self.streams.insert(id.clone(), stream);
        id
    }

    /// The IM or group IM of exactly these people.
    pub(super) fn chat_of(&self, users: &[i64]) -> Option<String> {
        let mut wanted = users.to_vec();
        wanted.sort_unstable();
        let found = self.streams.values().find(|stream| {
            let mut members = stream.users();
            members.sort_unstable();
            matches!(stream.kind, Kind::Im | Kind::Mim) && members == wanted
        });
        found.map(|stream| stream.id.clone())
    }

    /// Opens the IM or group IM of these people: the one there is, else a new one.
    pub(super) fn open_chat(&mut self, users: &[i64], creator: i64) -> String {
        if let Some(id) = self.chat_of(users) {
            return id;
        }
        let kind = if users.len() == 2 {
            Kind::Im
        } else {
            Kind::Mim
        };
        let id = self.add_stream(kind, users, creator);
        let mut stream = self.v4_stream(&id);
        stream["members"] = users.iter().map(|user| json!({ "userId": user })).collect();
        let payload = json!({ "instantMessageCreated": { "stream": stream } });
        self.emit("INSTANTMESSAGECREATED", creator, payload, users);
        id
    }
}

/// `POST /pod/v1/im/create`.
pub(super) fn create_im(world: &mut World, caller: &Caller, body: &Value, admin: bool) -> Answer {
    let ids = body
        .as_array()
        .ok_or_else(|| refuse(400, "A list of user ids is expected"))?;
    let mut users: Vec<i64> = Vec::new();
    if !admin {
        users.push(caller.user);
    }
    for id in ids {
        let id = id.as_i64().filter(|id| world.people.contains_key(id));
        let id = id.ok_or_else(|| refuse(400, "User not found"))?;
        if !users.contains(&id) {
            users.push(id);
        }
    }
    if users.len() < 2 {
        return Err(refuse(400, "At least two users are needed"));
    }
    let mine = users[0];
    for other in &users[1..] {
        let across = tenant_of(*other) != tenant_of(mine);
        if across && !world.are_connected(mine, *other) {
            return Err(refuse(403, "The users are not connected"));
        }
    }
    let id = world.open_chat(&users, mine);
    world.did("create-im", &id, "", json!({ "users": users }));
    good(&json!({ "id": id }))
}

/// `GET /pod/v1/im/{id}/info`, and the answer of the update.
pub(super) fn im_info(world: &World, caller: &Caller, id: &str) -> Answer {
    let stream = world.visible(id, caller)?;
    let pinned = stream.room.pinned.clone().unwrap_or_default();
    good(&json!({
        "V1IMAttributes": { "pinnedMessageId": pinned },
        "IMSystemInfo": { "id": stream.id, "creationDate": stream.created, "active": stream.active },
    }))
}

/// `POST /pod/v1/im/{id}/update`.
pub(super) fn update_im(world: &mut World, caller: &Caller, id: &str, body: &Value) -> Answer {
    let id = world.visible(id, caller)?.id.clone();
    let pinned = body.get("pinnedMessageId").and_then(Value::as_str);
    if let (Some(pinned), Some(stream)) = (pinned, world.streams.get_mut(&id)) {
        stream.room.pinned = (!pinned.is_empty()).then(|| pinned.to_owned());
    }
    im_info(world, caller, &id)
}

/// `POST /pod/v1/streams/list`.
pub(super) fn list_streams(
    world: &World,
    caller: &Caller,
    request: &Request,
    body: &Value,
) -> Answer {
    let kinds: Vec<&str> = body
        .get("streamTypes")
        .and_then(Value::as_array)
        .map(|kinds| {
            kinds
                .iter()
                .filter_map(|kind| kind.get("type")?.as_str())
                .collect()
        })
        .unwrap_or_default();
    let inactive = body.get("includeInactiveStreams").and_then(Value::as_bool);
    let mut streams: Vec<&Stream> = world
        .streams
        .values()
        .filter(|stream| stream.has(caller.user))
        .filter(|stream| stream.active || inactive == Some(true))
        .filter(|stream| kinds.is_empty() || kinds.contains(&stream.kind.name()))
        .collect();
    streams.sort_by_key(|stream| (stream.created, stream.id.clone()));
    let page = page(request, 50, 500)?;
    list(page.of(&streams).map(|stream| stream.listed()).collect())
}

/// Part of a list.
pub(super) struct Page {
    pub(super) skip: usize,
    pub(super) limit: usize,
}

impl Page {
    pub(super) fn of<'a, T>(&self, items: &'a [T]) -> impl Iterator<Item = &'a T> + use<'a, T> {
        items.iter().skip(self.skip).take(self.limit)
    }
}

/// Which part of a list is asked for.
pub(super) fn page(request: &Request, usual: usize, most: usize) -> Result<Page, Refusal> {
    let number = |name: &str, usual: usize| match request.query(name) {
        None => Ok(usual),
        Some(text) => {
            let number: Result<usize, _> = text.parse();
            number.map_err(|_| refuse(400, &format!("Invalid value of {name}: {text}")))
        }
    };
    Ok(Page {
        skip: number("skip", 0)?,
        limit: number("limit", usual)?.min(most),
    })
}
