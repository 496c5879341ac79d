//! Which endpoint answers a request, and who may ask it.

use serde_json::{Value, json};

use super::answer::{Answer, Fields, Refusal, refuse};
use super::world::World;
use super::{cards, contents, hooks, members, messages, people, rooms, socket};
use crate::sim::{Reply, Request};

const NO_TOKEN: &str =
    "The request requires a valid access token set in the Authorization request header.";

pub(super) fn answer(
    world: &mut World,
    request: &Request,
    fields: Result<Fields, Refusal>,
) -> Answer {
    let token = request
        .header("authorization")
        .and_then(|it| it.strip_prefix("Bearer "));
    let caller = token.and_then(|token| {
        let mut people = world.people.values();
        people
            .find(|person| person.token.as_deref() == Some(token))
            .cloned()
    });
    let Some(caller) = caller else {
        return Err(refuse(401, NO_TOKEN));
    };
    let method = request.method.as_str();
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let fields = fields?;
    match path.as_slice() {
        ["v1", rest @ ..] => match (method, rest) {
            ("GET", ["people"]) => people::find(world, request),
            ("GET", ["people", id]) => people::one(world, &caller, id),
            ("GET", ["rooms"]) => rooms::list(world, &caller, request),
            ("POST", ["rooms"]) => rooms::create(world, &caller, &fields),
            ("GET", ["rooms", id]) => rooms::read(world, &caller, id),
            ("PUT", ["rooms", id]) => rooms::update(world, &caller, id, &fields),
            ("DELETE", ["rooms", id]) => rooms::delete(world, &caller, id),
            ("GET", ["memberships"]) => members::list(world, &caller, request),
            ("POST", ["memberships"]) => members::create(world, &caller, &fields),
            ("GET", ["memberships", id]) => members::read(world, id),
            ("PUT", ["memberships", id]) => members::update(world, &caller, id, &fields),
            ("DELETE", ["memberships", id]) => members::delete(world, &caller, id),
            ("GET", ["messages"]) => messages::list(world, &caller, request),
            ("POST", ["messages"]) => messages::post(world, &caller, &fields),
            ("GET", ["messages", "direct"]) => messages::direct(world, &caller, request),
            ("GET", ["messages", id]) => messages::read(world, &caller, id),
            ("PUT", ["messages", id]) => messages::edit(world, &caller, id, &fields),
            ("DELETE", ["messages", id]) => messages::delete(world, &caller, id),
            ("POST", ["attachment", "actions"]) => cards::post(world, &caller, &fields),
            ("GET", ["attachment", "actions", id]) => cards::read(world, id),
            ("GET", ["webhooks"]) => hooks::list(world, &caller, request),
            ("POST", ["webhooks"]) => hooks::create(world, &caller, &fields),
            ("GET", ["webhooks", id]) => hooks::read(world, &caller, id),
            ("PUT", ["webhooks", id]) => hooks::update(world, &caller, id, &fields),
            ("DELETE", ["webhooks", id]) => hooks::delete(world, &caller, id),
            ("GET" | "HEAD", ["contents", id]) => contents::read(world, &caller, request, id),
            (
                _,
                [
                    "people" | "rooms" | "memberships" | "messages" | "webhooks",
                    ..,
                ],
            ) => Err(refuse(405, "Method not allowed")),
            _ => Err(refuse(404, "The requested resource could not be found.")),
        },
        ["u2c", "api", "v1", "catalog"] => json_reply(&socket::catalog(world)),
        ["wdm", "api", "v1", "devices"] => socket::devices(world, &caller, method, &fields),
        ["wdm", "api", "v1", "devices", id] => socket::device(world, &caller, method, id),
        // By the address of a conversation: what it is in the API is not known otherwise.
        ["conversation", "api", "v1", "messages", key] => {
            json_reply(&json!({ "id": World::public("MESSAGE", key) }))
        }
        ["conversation", "api", "v1", "attachment", "actions", key] => {
            json_reply(&json!({ "id": World::public("ATTACHMENT_ACTION", key) }))
        }
        _ => Err(refuse(404, "The requested resource could not be found.")),
    }
}

fn json_reply(body: &Value) -> Answer {
    Ok(Reply::json(200, body))
}
