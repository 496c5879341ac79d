//! Connections between people of different companies.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, done, good, refuse};
use super::ids::tenant_of;
use super::sessions::Caller;
use super::world::World;
use crate::sim::Request;

/// A request to connect, kept under (who asked, who was asked).
#[derive(Clone, Debug)]
pub(super) struct Connection {
    status: Status,
    first: i64,
    updated: i64,
    count: i64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Status {
    Pending,
    Accepted,
    Rejected,
}

impl World {
    /// Whether these two may talk: people of one pod always may.
    pub(super) fn are_connected(&self, one: i64, other: i64) -> bool {
        let accepted = |from, to| {
            let found = self.connections.get(&(from, to));
            found.is_some_and(|it| it.status == Status::Accepted)
        };
        tenant_of(one) == tenant_of(other) || accepted(one, other) || accepted(other, one)
    }

    /// Makes these two connected, without a word to anybody.
    pub(super) fn connect(&mut self, one: i64, other: i64) {
        let now = self.clock.now();
        let connection = Connection {
            status: Status::Accepted,
            first: now,
            updated: now,
            count: 1,
        };
        self.connections.insert((one, other), connection);
    }

    /// Somebody asks somebody to connect.
    pub(super) fn request_connection(&mut self, from: i64, to: i64) {
        let now = self.clock.now();
        let connection = self.connections.entry((from, to)).or_insert(Connection {
            status: Status::Pending,
            first: now,
            updated: now,
            count: 0,
        });
        connection.count += 1;
        connection.updated = now;
        if connection.status == Status::Rejected {
            connection.status = Status::Pending;
        }
        let payload = json!({ "connectionRequested": { "toUser": self.v4(to) } });
        self.emit("CONNECTIONREQUESTED", from, payload, &[from, to]);
    }

    /// Who was asked says yes or no; tells whether there was something to answer.
    pub(super) fn answer_connection(&mut self, by: i64, asker: i64, yes: bool) -> bool {
        let now = self.clock.now();
        let Some(connection) = self.connections.get_mut(&(asker, by)) else {
            return false;
        };
        if connection.status != Status::Pending {
            return false;
        }
        connection.status = if yes {
            Status::Accepted
        } else {
            Status::Rejected
        };
        connection.updated = now;
        if yes {
            let payload = json!({ "connectionAccepted": { "fromUser": self.v4(asker) } });
            self.emit("CONNECTIONACCEPTED", by, payload, &[by, asker]);
        }
        true
    }

    fn shown(&self, caller: i64, other: i64) -> Option<Value> {
        let (connection, incoming) = match self.connections.get(&(caller, other)) {
            Some(connection) => (connection, false),
            None => (self.connections.get(&(other, caller))?, true),
        };
        let status = match (connection.status, incoming) {
            (Status::Pending, true) => "PENDING_INCOMING",
            (Status::Pending, false) => "PENDING_OUTGOING",
            (Status::Accepted, _) => "ACCEPTED",
            (Status::Rejected, _) => "REJECTED",
        };
        Some(json!({
            "userId": other, "status": status, "firstRequestedAt": connection.first,
            "updatedAt": connection.updated, "requestCounter": connection.count,
        }))
    }

    /// How two stand; people of one pod are connected without having asked.
    fn connection(&self, caller: i64, other: i64) -> Option<Value> {
        let same = tenant_of(caller) == tenant_of(other);
        let implied = || same.then(|| json!({ "userId": other, "status": "ACCEPTED" }));
        self.shown(caller, other).or_else(implied)
    }
}

fn other(world: &World, body: &Value) -> Result<i64, Refusal> {
    let user = body.get("userId").and_then(Value::as_i64);
    let user = user.ok_or_else(|| refuse(400, "A user id is required"))?;
    if world.people.contains_key(&user) {
        return Ok(user);
    }
    Err(refuse(404, "User not found"))
}

/// `POST /pod/v1/connection/{create,accept,reject}`.
pub(super) fn change(world: &mut World, caller: &Caller, verb: &str, body: &Value) -> Answer {
    let user = other(world, body)?;
    match verb {
        "create" => world.request_connection(caller.user, user),
        verb => {
            if !world.answer_connection(caller.user, user, verb == "accept") {
                return Err(refuse(404, "No pending connection request"));
            }
        }
    }
    world.did(
        &format!("connection-{verb}"),
        "",
        "",
        json!({ "user": user }),
    );
    let shown = world.connection(caller.user, user);
    good(&shown.ok_or_else(|| refuse(404, "Connection not found"))?)
}

/// `GET /pod/v1/connection/list`.
pub(super) fn list(world: &World, caller: &Caller, request: &Request) -> Answer {
    let status = request.query("status").unwrap_or("pending").to_lowercase();
    let known = [
        "pending",
        "pending_incoming",
        "pending_outgoing",
        "accepted",
        "rejected",
        "all",
    ];
    if !known.contains(&status.as_str()) {
        return Err(refuse(400, &format!("Invalid status: {status}")));
    }
    let ids: Option<Vec<i64>> = match request.query("userIds") {
        None | Some("") => None,
        Some(ids) => {
            let ids: Result<_, _> = ids.split(',').map(|id| id.trim().parse()).collect();
            Some(ids.map_err(|_| refuse(400, "Invalid user ids"))?)
        }
    };
    let mut others: Vec<i64> = match &ids {
        Some(ids) => ids
            .iter()
            .copied()
            .filter(|id| world.people.contains_key(id))
            .collect(),
        None => world
            .people
            .keys()
            .copied()
            .filter(|id| *id != caller.user)
            .collect(),
    };
    others.sort_unstable();
    let shown = others.into_iter().filter_map(|user| {
        let explicit = world.shown(caller.user, user);
        // Those of the own pod are listed where they are asked for by name.
        if ids.is_some() {
            world.connection(caller.user, user)
        } else {
            explicit
        }
    });
    let wanted = shown.filter(|connection| {
        let found = connection["status"].as_str().unwrap_or("").to_lowercase();
        match status.as_str() {
            "all" => true,
            "pending" => found.starts_with("pending"),
            status => found == status,
        }
    });
    good(&Value::Array(wanted.collect()))
}

/// `GET /pod/v1/connection/user/{id}/info`.
pub(super) fn info(world: &World, caller: &Caller, id: &str) -> Answer {
    let id: Option<i64> = id.parse().ok();
    let id = id.filter(|id| world.people.contains_key(id));
    let id = id.ok_or_else(|| refuse(404, "User not found"))?;
    let shown = world.connection(caller.user, id);
    good(&shown.ok_or_else(|| refuse(404, "Connection not found"))?)
}

/// `POST /pod/v1/connection/user/{uid}/remove`.
pub(super) fn remove(world: &mut World, caller: &Caller, id: &str) -> Answer {
    let id: i64 = id.parse().map_err(|_| refuse(400, "Invalid user id"))?;
    let gone = [(caller.user, id), (id, caller.user)]
        .iter()
        .filter(|pair| world.connections.remove(pair).is_some())
        .count();
    if gone == 0 {
        return Err(refuse(404, "Connection not found"));
    }
    world.did("connection-remove", "", "", json!({ "user": id }));
    done("Connection removed.")
}
