//! Which endpoint answers a request, and who may ask it.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, refuse};
use super::members::Change;
use super::multipart::Draft;
use super::sessions::Caller;
use super::world::World;
use super::{
    agent, connections, feeds, history, login, members, messages, rooms, signals, streams, users,
};
use crate::sim::Request;

/// Where the components begin in an address; what stands before is the context that an operator set.
const COMPONENTS: [&str; 6] = ["login", "relay", "sessionauth", "keyauth", "pod", "agent"];

/// The part of a path that the platform knows.
pub(super) fn known_part(segments: &[String]) -> Vec<&str> {
    let start = segments
        .iter()
        .position(|it| COMPONENTS.contains(&it.as_str()));
    segments[start.unwrap_or(0)..]
        .iter()
        .map(String::as_str)
        .collect()
}

/// Which read of a feed this is, where it is one.
pub(super) fn feed_read(request: &Request, path: &[&str]) -> Option<feeds::Read> {
    match (request.method.as_str(), path) {
        ("GET", ["agent", "v4", "datafeed", id, "read"]) => {
            Some(feeds::Read::Old((*id).to_owned()))
        }
        ("POST", ["agent", "v5", "datafeeds", id, "read"]) => {
            Some(feeds::Read::Fanout((*id).to_owned()))
        }
        ("POST", ["agent", "v5", "events", "read"]) => Some(feeds::Read::Hose),
        _ => None,
    }
}

/// Whether a request has the multipart body of a message.
pub(super) fn has_draft(request: &Request, path: &[&str]) -> bool {
    request.method == "POST"
        && matches!(
            path,
            ["agent", "v4", "stream", _, "message", "create"]
                | ["agent", "v4", "stream", _, "message", _, "update"]
                | ["agent", "v4", "message", "blast"]
        )
}

/// Answers everything but reads of feeds.
pub(super) fn answer(
    world: &mut World,
    request: &Request,
    path: &[&str],
    draft: Draft,
    notes: &mut Map<String, Value>,
) -> Answer {
    match path {
        ["login" | "relay" | "sessionauth" | "keyauth", ..] => {
            login::answer(world, request, path, notes)
        }
        ["pod", rest @ ..] => pod(world, request, rest, notes),
        ["agent", rest @ ..] => agent_part(world, request, rest, draft, notes),
        _ => Err(refuse(404, "Not found")),
    }
}

/// What a request is wrong about that a server would let pass: for tests to look at.
pub(super) fn complaints(request: &Request, path: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    if request.header("user-agent").is_none_or(str::is_empty) {
        found.push("no User-Agent".to_owned());
    }
    if let Some(trace) = request.header("x-trace-id") {
        let is_trace = trace.len() == 6 && trace.chars().all(|it| it.is_ascii_alphanumeric());
        if !is_trace {
            found.push(format!("X-Trace-Id is not six letters and digits: {trace}"));
        }
    }
    let has = |name: &str| request.header(name).is_some();
    match path {
        ["agent", "v3", "health", ..] | ["agent", "v1", "info"] | ["pod", "v1", "podcert"] => {}
        ["agent", ..] if !has("sessiontoken") => found.push("no sessionToken".to_owned()),
        ["pod", ..] if !has("sessiontoken") && !has("authorization") => {
            found.push("no sessionToken".to_owned());
        }
        ["pod", ..] if has("keymanagertoken") => {
            found.push("the pod was shown a keyManagerToken".to_owned());
        }
        ["sessionauth" | "keyauth", _, "authenticate"] if !request.body.is_empty() => {
            found.push("a body in certificate authentication".to_owned());
        }
        _ => {}
    }
    found
}

fn body(request: &Request) -> Result<Value, Refusal> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    let kind = request.header("content-type").unwrap_or("");
    if !kind.starts_with("application/json") {
        return Err(refuse(415, "HTTP 415 Unsupported Media Type"));
    }
    request
        .json()
        .map_err(|_| refuse(400, "Invalid request body"))
}

/// Notes whose session was shown, for tests to look at: the caller's name, and the app's that acts.
fn note_caller(world: &World, caller: &Caller, notes: &mut Map<String, Value>) {
    if let Some(person) = world.people.get(&caller.user) {
        notes.insert("caller".to_owned(), person.username.as_str().into());
    }
    if let Some(app) = &caller.app {
        notes.insert("app".to_owned(), app.as_str().into());
    }
}

fn agent_part(
    world: &mut World,
    request: &Request,
    path: &[&str],
    draft: Draft,
    notes: &mut Map<String, Value>,
) -> Answer {
    let method = request.method.as_str();
    match (method, path) {
        ("GET", ["v1", "info"]) => return agent::info(world, request),
        ("GET", ["v3", "health"]) => return agent::health(),
        ("GET", ["v3", "health", "extended"]) => return agent::health_extended(world),
        _ => {}
    }
    let caller = world.agent_caller(request)?;
    let caller = &caller;
    note_caller(world, caller, notes);
    let client = request.header("user-agent").unwrap_or("");
    match (method, path) {
        ("POST", ["v1", "util", "echo"]) => agent::echo(&body(request)?),
        ("GET", ["v5", "datafeeds"]) => feeds::list(world, caller, request),
        ("POST", ["v5", "datafeeds"]) => not_for_apps(caller)
            .and_then(|()| body(request))
            .and_then(|body| feeds::create(world, caller, &body)),
        ("DELETE", ["v5", "datafeeds", id]) => feeds::delete(world, caller, id),
        ("POST", ["v4", "datafeed", "create"]) => {
            not_for_apps(caller)?;
            feeds::create_old(world, caller)
        }
        ("POST", ["v4", "stream", sid, "message", "create"]) => {
            messages::create(world, caller, sid, draft, client)
        }
        ("POST", ["v4", "stream", sid, "message", mid, "update"]) => {
            messages::update(world, caller, sid, mid, draft, client)
        }
        ("POST", ["v4", "message", "blast"]) => messages::blast(world, caller, &draft, client),
        ("GET" | "POST", ["v1", "message", "search"]) => history::search(world, caller, request),
        ("POST", ["v4", "message", "search", "semantic"]) => {
            history::semantic(world, caller, request)
        }
        ("GET", ["v1", "message", id]) => history::one(world, caller, id),
        ("GET", ["v4", "stream", sid, "message"]) => {
            history::of_stream(world, caller, request, sid)
        }
        ("GET", ["v1", "stream", sid, "attachment"]) => {
            history::attachment(world, caller, request, sid)
        }
        (_, ["v1", "signals", rest @ ..]) => signals::answer(world, caller, request, rest),
        _ => Err(refuse(404, "Not found")),
    }
}

fn not_for_apps(caller: &Caller) -> Result<(), Refusal> {
    if caller.app.is_none() {
        return Ok(());
    }
    Err(refuse(403, "There is no datafeed on behalf of a user"))
}

fn pod(
    world: &mut World,
    request: &Request,
    path: &[&str],
    notes: &mut Map<String, Value>,
) -> Answer {
    let method = request.method.as_str();
    let caller = world.pod_caller(request)?;
    let caller = &caller;
    note_caller(world, caller, notes);
    if let Some(permission) = permission(method, path) {
        world.permit(caller, permission)?;
    }
    match path {
        [_, "room", ..] => return room(world, caller, request, path),
        [_, "user" | "users", ..] | ["v2", "sessioninfo"] => {
            return user(world, caller, request, path);
        }
        _ => {}
    }
    match (method, path) {
        ("POST", ["v1", "im", "create"]) => {
            streams::create_im(world, caller, &body(request)?, false)
        }
        ("POST", ["v1", "admin", "im", "create"]) => {
            streams::create_im(world, caller, &body(request)?, true)
        }
        ("GET", ["v1", "im", id, "info"]) => streams::im_info(world, caller, id),
        ("POST", ["v1", "im", id, "update"]) => {
            streams::update_im(world, caller, id, &body(request)?)
        }
        ("POST", ["v1", "streams", "list"]) => {
            streams::list_streams(world, caller, request, &body(request)?)
        }
        ("GET", ["v2", "streams", sid, "info"]) => history::stream_info(world, caller, sid),
        ("GET", ["v1", "streams", sid, "attachments"]) => {
            history::attachments(world, caller, request, sid)
        }
        ("POST", ["v1", "connection", verb @ ("create" | "accept" | "reject")]) => {
            connections::change(world, caller, verb, &body(request)?)
        }
        ("GET", ["v1", "connection", "list"]) => connections::list(world, caller, request),
        ("GET", ["v1", "connection", "user", id, "info"]) => connections::info(world, caller, id),
        ("POST", ["v1", "connection", "user", id, "remove"]) => {
            connections::remove(world, caller, id)
        }
        ("POST", ["v1", "admin", "messagesuppression", id, "suppress"]) => {
            messages::suppress(world, caller, id)
        }
        ("GET", ["v1", "admin", "messages", id, "metadata", "relationships"]) => {
            history::relationships(world, request, id)
        }
        ("GET", ["v1", "message", id, "status"]) => history::status(world, caller, id),
        ("GET", ["v1", "files", "allowedTypes"]) => history::allowed_types(),
        _ => Err(refuse(404, "Not found")),
    }
}

fn room(world: &mut World, caller: &Caller, request: &Request, path: &[&str]) -> Answer {
    match (request.method.as_str(), path) {
        ("POST", ["v3", "room", "create"]) => rooms::create(world, caller, &body(request)?),
        ("POST", ["v3", "room", "search"]) => {
            rooms::search(world, caller, request, &body(request)?)
        }
        ("GET", ["v3", "room", id, "info"]) => rooms::info(world, caller, id),
        ("POST", ["v3", "room", id, "update"]) => rooms::update(world, caller, id, &body(request)?),
        ("POST", ["v1", "room", id, "setActive"]) => rooms::set_active(world, caller, id, request),
        ("GET", ["v1" | "v2", "room", id, "membership", "list"]) => {
            members::list(world, caller, id)
        }
        ("POST", ["v1", "room", id, "membership", verb]) => {
            let change = Change::of(verb).ok_or_else(|| refuse(404, "Not found"))?;
            members::change(world, caller, id, change, &body(request)?)
        }
        _ => Err(refuse(404, "Not found")),
    }
}

fn user(world: &mut World, caller: &Caller, request: &Request, path: &[&str]) -> Answer {
    let id = |text: &str| text.parse().map_err(|_| refuse(400, "Invalid user id"));
    match (request.method.as_str(), path) {
        ("GET", ["v2", "sessioninfo"]) => users::session_info(world, caller),
        ("GET", ["v3", "users"]) => users::lookup(world, request),
        ("GET", ["v2", "user"]) => users::lookup_one(world, request),
        ("POST", ["v1", "user", "search"]) => users::search(world, request, &body(request)?),
        ("GET", ["v2", "user", "presence"]) => users::own_presence(world, caller),
        ("GET", ["v3", "user", uid, "presence"]) => {
            users::presence(world, caller, request, id(uid)?)
        }
        ("GET", ["v2", "users", "presence"]) => users::presences(world, request),
        ("POST", ["v2", "user", "presence"]) => {
            users::set_presence(world, request, &body(request)?, caller.user)
        }
        ("POST", ["v3", "user", "presence"]) => {
            let body = body(request)?;
            let user = body.get("userId").and_then(Value::as_i64);
            let user = user.ok_or_else(|| refuse(400, "A user id is required"))?;
            users::set_presence(world, request, &body, user)
        }
        ("POST", ["v1", "user", "presence", "register"]) => {
            users::register_presence(world, &body(request)?)
        }
        ("GET", ["v1", "user", "manifest", "own"]) => users::manifest(world, caller),
        ("POST", ["v1", "user", "manifest", "own"]) => {
            users::set_manifest(world, caller, &body(request)?)
        }
        _ => Err(refuse(404, "Not found")),
    }
}

/// What an app must be permitted for this.
fn permission(method: &str, path: &[&str]) -> Option<&'static str> {
    match (method, path) {
        (_, ["v1", "streams", "list"]) => Some("LIST_USER_STREAMS"),
        ("GET", ["v1", "connection", ..]) => Some("GET_USER_CONNECTIONS"),
        ("POST", ["v1", "connection", ..]) => Some("REQUEST_USER_CONNECTIONS"),
        ("GET", [_, "user" | "users", .., "presence"]) => Some("GET_PRESENCE"),
        ("POST", [_, "user", "presence"]) => Some("SET_PRESENCE"),
        ("GET", ["v3", "users"] | ["v2", "user"]) | ("POST", ["v1", "user", "search"]) => {
            Some("GET_BASIC_USER_INFO")
        }
        _ => None,
    }
}
