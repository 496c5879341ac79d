//! The pod's user endpoints: who am I, who is that, presence, the manifest.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, done, good, refuse};
use super::people::Person;
use super::sessions::Caller;
use super::streams::page;
use super::world::World;
use crate::sim::{Reply, Request};

/// Users that one look-up may name.
const LOOKUP: usize = 100;
/// Bytes that a manifest may have.
const MANIFEST: usize = 6_144;

const CATEGORIES: [&str; 11] = [
    "AVAILABLE",
    "BUSY",
    "DO_NOT_DISTURB",
    "ON_THE_PHONE",
    "BE_RIGHT_BACK",
    "IN_A_MEETING",
    "AWAY",
    "OUT_OF_OFFICE",
    "OFF_WORK",
    "OFFLINE",
    "UNDEFINED",
];

/// `GET /pod/v2/sessioninfo`.
pub(super) fn session_info(world: &World, caller: &Caller) -> Answer {
    good(&world.people[&caller.user].v2())
}

/// `GET /pod/v3/users`: by ids, by e-mails or by user names.
pub(super) fn lookup(world: &World, request: &Request) -> Answer {
    let kinds: Vec<(&str, &str)> = ["uid", "email", "username"]
        .into_iter()
        .filter_map(|kind| request.query(kind).map(|list| (kind, list)))
        .collect();
    let [(kind, wanted)] = kinds.as_slice() else {
        return Err(refuse(
            400,
            "Exactly one of uid, email and username is expected",
        ));
    };
    let local = request.query("local") == Some("true");
    let active = request.query("active").map(|active| active == "true");
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
    if wanted.len() > LOOKUP {
        return Err(refuse(400, "At most 100 users can be looked up"));
    }
    let (mut users, mut errors) = (Vec::new(), Vec::new());
    for name in wanted {
        let found = world.people.values().find(|person| match *kind {
            "uid" => name.parse() == Ok(person.id),
            "email" => person.email.eq_ignore_ascii_case(name),
            // User names are of the own pod only.
            _ => person.username == name && !person.is_external(),
        });
        let found = found.filter(|person| !local || !person.is_external());
        match found.filter(|person| active.is_none_or(|active| active == person.enabled)) {
            Some(person) => users.push(person.v2()),
            None if *kind == "email" && !name.contains('@') => {
                errors.push(json!({ "error": "invalid.format", "email": name }));
            }
            None if *kind == "uid" && name.parse::<i64>().is_err() => {
                errors.push(json!({ "error": "invalid.format", "id": name }));
            }
            None => {}
        }
    }
    if users.is_empty() && errors.is_empty() {
        return Ok(Reply::empty(204));
    }
    good(&json!({ "users": users, "errors": errors }))
}

/// `GET /pod/v2/user`: one user, the old way.
pub(super) fn lookup_one(world: &World, request: &Request) -> Answer {
    let found = ["uid", "email", "username"].into_iter().find_map(|kind| {
        let name = request.query(kind)?;
        world.find_person(name)
    });
    match found {
        Some(id) => good(&world.people[&id].v2()),
        None => Ok(Reply::empty(204)),
    }
}

/// `POST /pod/v1/user/search`.
pub(super) fn search(world: &World, request: &Request, body: &Value) -> Answer {
    let query = body.get("query").and_then(Value::as_str).unwrap_or("");
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let local = request.query("local") == Some("true");
    let company = body.pointer("/filters/company").and_then(Value::as_str);
    let found: Vec<&Person> = world
        .people
        .values()
        .filter(|person| !local || !person.is_external())
        .filter(|person| company.is_none_or(|company| person.company() == company))
        .filter(|person| {
            let text = format!("{} {} {}", person.display, person.email, person.username);
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        })
        .collect();
    let page = page(request, 50, 1_000)?;
    if found.is_empty() {
        return Ok(Reply::empty(204));
    }
    let users: Vec<Value> = page.of(&found).map(|person| person.v2()).collect();
    let asked =
        json!({ "query": query, "filters": body.get("filters").cloned().unwrap_or(json!({})) });
    good(&json!({
        "count": found.len(), "skip": page.skip, "limit": page.limit,
        "searchQuery": asked, "users": users,
    }))
}

fn presence_of(person: &Person) -> Value {
    json!({
        "category": person.presence, "userId": person.id, "timestamp": person.presence_at,
    })
}

/// Where the caller stands.
pub(super) fn own_presence(world: &World, caller: &Caller) -> Answer {
    let person = world.people.get(&caller.user);
    good(&presence_of(
        person.ok_or_else(|| refuse(404, "User not found"))?,
    ))
}

/// Where a user stands, as far as the caller may know: of other pods' people only those are asked for
/// who are connected with the caller, and none at all in a local query.
pub(super) fn presence(world: &World, caller: &Caller, request: &Request, user: i64) -> Answer {
    let person = world.people.get(&user);
    let person = person.ok_or_else(|| refuse(404, "User not found"))?;
    let mut shown = presence_of(person);
    let local = request.query("local") == Some("true");
    if person.is_external() && (local || !world.are_connected(caller.user, user)) {
        shown["category"] = "OFFLINE".into();
    }
    good(&shown)
}

/// `GET /pod/v2/users/presence`.
pub(super) fn presences(world: &World, request: &Request) -> Answer {
    let last = request.number("lastUserId").unwrap_or(0);
    let page = page(request, 1_000, 5_000)?;
    let own = world
        .people
        .range(last.saturating_add(1)..)
        .map(|(_, person)| person);
    let own = own.filter(|person| !person.is_external()).take(page.limit);
    good(&Value::Array(own.map(presence_of).collect()))
}

/// Sets where a user stands.
pub(super) fn set_presence(
    world: &mut World,
    request: &Request,
    body: &Value,
    user: i64,
) -> Answer {
    let category = body.get("category").and_then(Value::as_str).unwrap_or("");
    if !CATEGORIES.contains(&category) {
        return Err(refuse(
            400,
            &format!("Invalid presence category: {category}"),
        ));
    }
    let now = world.clock.now();
    let person = world
        .people
        .get_mut(&user)
        .ok_or_else(|| refuse(404, "User not found"))?;
    // A soft change does not take somebody out of what they chose to be.
    let is_chosen = matches!(
        person.presence.as_str(),
        "DO_NOT_DISTURB" | "BUSY" | "OUT_OF_OFFICE"
    );
    if !(request.query("soft") == Some("true") && is_chosen) {
        category.clone_into(&mut person.presence);
        person.presence_at = now;
    }
    let shown = presence_of(person);
    world.did("presence", "", category, shown.clone());
    good(&shown)
}

/// `POST /pod/v1/user/presence/register`.
pub(super) fn register_presence(world: &World, body: &Value) -> Answer {
    let ids = body
        .as_array()
        .ok_or_else(|| refuse(400, "A list of user ids is expected"))?;
    let known = |id: &Value| id.as_i64().is_some_and(|id| world.people.contains_key(&id));
    if !ids.iter().all(known) {
        return Err(refuse(404, "User not found"));
    }
    done("OK")
}

/// `POST /pod/v1/user/manifest/own`.
pub(super) fn set_manifest(world: &mut World, caller: &Caller, body: &Value) -> Answer {
    let manifest = body.get("manifest").and_then(Value::as_str);
    let manifest = manifest.ok_or_else(|| refuse(400, "A manifest is required"))?;
    if manifest.len() > MANIFEST {
        return Err(refuse(400, "The manifest is too long"));
    }
    let parsed: Result<Value, _> = serde_json::from_str(manifest);
    let parsed = parsed.map_err(|_| refuse(400, "The manifest is not JSON"))?;
    service(world, caller)?.manifest = Some(manifest.to_owned());
    world.did("manifest", "", manifest, parsed);
    done("OK")
}

/// `GET /pod/v1/user/manifest/own`.
pub(super) fn manifest(world: &mut World, caller: &Caller) -> Answer {
    let manifest = service(world, caller)?.manifest.clone();
    good(&json!({ "manifest": manifest.unwrap_or_default() }))
}

fn service<'a>(world: &'a mut World, caller: &Caller) -> Result<&'a mut Person, Refusal> {
    let person = world.people.get_mut(&caller.user);
    let person = person.filter(|person| person.is_service());
    person.ok_or_else(|| refuse(403, "Only service accounts have a manifest"))
}
