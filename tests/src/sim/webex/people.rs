//! People (webex.md §3).

use serde_json::{Value, json};

use super::answer::{Answer, good, refuse};
use super::world::{Person, World};
use super::{ids, list};
use crate::sim::Request;

/// Ids that one lookup takes.
const MAX_IDS: usize = 85;

pub(super) fn shown(person: &Person) -> Value {
    let first = super::markdown::first_word(&person.name);
    json!({
        "id": ids::person(&person.key),
        "emails": [person.email],
        "phoneNumbers": [],
        "displayName": person.name,
        "nickName": first,
        "firstName": first,
        "userName": person.email,
        "orgId": ids::public("us", "ORGANIZATION", "96abc2aa-3dcc-11e5-a152-fe34819cdc9a"),
        "created": World::written(person.created),
        "status": if person.is_bot { "unknown" } else { "active" },
        "type": if person.is_bot { "bot" } else { "person" },
    })
}

pub(super) fn one(world: &World, caller: &Person, id: &str) -> Answer {
    if id == "me" {
        return good(&shown(caller));
    }
    let found = ids::key(id).and_then(|key| world.people.get(&key));
    match found {
        Some(person) => good(&shown(person)),
        None => Err(refuse(404, "Person not found")),
    }
}

pub(super) fn find(world: &World, request: &Request) -> Answer {
    let people = world.people.values();
    let found: Vec<&Person> = if let Some(email) = request.query("email") {
        people
            .filter(|person| person.email.eq_ignore_ascii_case(email))
            .collect()
    } else if let Some(name) = request.query("displayName") {
        let name = name.to_lowercase();
        people
            .filter(|person| person.name.to_lowercase().starts_with(&name))
            .collect()
    } else if let Some(all) = request.query("id") {
        let keys: Vec<&str> = all.split(',').collect();
        if keys.len() > MAX_IDS {
            return Err(refuse(400, "Too many ids"));
        }
        keys.iter()
            .filter_map(|id| world.people.get(&ids::key(id)?))
            .collect()
    } else {
        return Err(refuse(
            400,
            "Email, displayName, or id list should be specified.",
        ));
    };
    let items = found.into_iter().map(shown).collect();
    list::page(world, request, items, (100, 1000))
}
