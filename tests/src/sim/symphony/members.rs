//! Who is in a room: joined, left, promoted, demoted.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, done, good, refuse};
use super::ids::tenant_of;
use super::sessions::Caller;
use super::streams::Member;
use super::world::World;

/// A change of who is in a room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    Add,
    Remove,
    Promote,
    Demote,
}

impl Change {
    /// By the last part of its address.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "add" | "join" => Some(Self::Add),
            "remove" | "leave" => Some(Self::Remove),
            "promoteOwner" | "promote" => Some(Self::Promote),
            "demoteOwner" | "demote" => Some(Self::Demote),
            _ => None,
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Add => "Member added",
            Self::Remove => "Member removed",
            Self::Promote => "Member promoted to owner",
            Self::Demote => "Member demoted to participant",
        }
    }

    fn event(self) -> (&'static str, &'static str) {
        match self {
            Self::Add => ("USERJOINEDROOM", "userJoinedRoom"),
            Self::Remove => ("USERLEFTROOM", "userLeftRoom"),
            Self::Promote => ("ROOMMEMBERPROMOTEDTOOWNER", "roomMemberPromotedToOwner"),
            Self::Demote => ("ROOMMEMBERDEMOTEDFROMOWNER", "roomMemberDemotedFromOwner"),
        }
    }
}

impl World {
    /// Changes who is in a room and tells everybody; tells whether anything changed.
    pub(super) fn change_members(&mut self, id: &str, change: Change, user: i64, by: i64) -> bool {
        let now = self.clock.now();
        let Some(stream) = self.streams.get_mut(id) else {
            return false;
        };
        let mut told = stream.users();
        let place = stream.members.iter().position(|member| member.user == user);
        match (change, place) {
            (Change::Add, None) => {
                stream.members.push(Member {
                    user,
                    owner: stream.members.is_empty(),
                    joined: now,
                });
                told.push(user);
            }
            (Change::Remove, Some(place)) => {
                stream.members.remove(place);
            }
            (Change::Promote, Some(place)) if !stream.members[place].owner => {
                stream.members[place].owner = true;
            }
            (Change::Demote, Some(place)) if stream.members[place].owner => {
                stream.members[place].owner = false;
            }
            _ => return false,
        }
        let (kind, member) = change.event();
        let mut payload = json!({});
        payload[member] = json!({ "stream": self.v4_stream(id), "affectedUser": self.v4(user) });
        self.emit(kind, by, payload, &told);
        true
    }

    fn may_change(
        &self,
        id: &str,
        change: Change,
        user: i64,
        caller: &Caller,
    ) -> Result<String, Refusal> {
        let room = self.room(id)?;
        if !room.active {
            return Err(refuse(400, "The room is not active"));
        }
        let own = room.member(caller.user);
        let is_owner = own.is_some_and(|member| member.owner);
        let may = match change {
            Change::Add if user == caller.user => room.room.public || own.is_some(),
            Change::Add => is_owner || (own.is_some() && room.room.members_can_invite),
            Change::Remove => user == caller.user || is_owner,
            Change::Promote | Change::Demote => is_owner,
        };
        if !may {
            return Err(refuse(
                403,
                "The user may not change the members of this room",
            ));
        }
        if change != Change::Add && !room.has(user) {
            return Err(refuse(400, "The user is not a member of this room"));
        }
        if change == Change::Add {
            let across = tenant_of(user) != tenant_of(caller.user);
            if across && !room.room.cross_pod {
                return Err(refuse(403, "The room does not take members of other pods"));
            }
            if across && !self.are_connected(caller.user, user) {
                return Err(refuse(403, "The users are not connected"));
            }
        }
        Ok(room.id.clone())
    }
}

/// `POST /pod/v1/room/{id}/membership/{change}`.
pub(super) fn change(
    world: &mut World,
    caller: &Caller,
    id: &str,
    change: Change,
    body: &Value,
) -> Answer {
    let user = body.get("id").and_then(Value::as_i64);
    let user = user.filter(|user| world.people.contains_key(user));
    let user = user.ok_or_else(|| refuse(400, "User not found"))?;
    let id = world.may_change(id, change, user, caller)?;
    if world.change_members(&id, change, user, caller.user) {
        let kind = match change {
            Change::Add if user == caller.user => "join",
            Change::Add => "invite",
            Change::Remove if user == caller.user => "leave",
            Change::Remove => "remove",
            Change::Promote => "promote",
            Change::Demote => "demote",
        };
        world.did(kind, &id, "", json!({ "user": user }));
    }
    done(change.done())
}

/// `GET /pod/v2/room/{id}/membership/list`.
pub(super) fn list(world: &World, caller: &Caller, id: &str) -> Answer {
    let room = world.room(id)?;
    if !room.has(caller.user) && !room.room.public {
        return Err(refuse(403, "The user is not a member of this room"));
    }
    let members = room.members.iter().map(|member| {
        json!({
            "id": member.user, "owner": member.owner, "joinDate": member.joined,
            "addedThroughGroups": [],
        })
    });
    good(&Value::Array(members.collect()))
}
