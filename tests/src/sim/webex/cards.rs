//! Adaptive Cards: what the platform refuses of them, and presses of their buttons (webex.md §7).

use serde_json::{Value, json};

use super::answer::{Answer, Fields, Refusal, good, refuse};
use super::ids;
use super::world::{CardAction, Person, World};

const KIND: &str = "application/vnd.microsoft.card.adaptive";
/// Actions of one card.
const MAX_ACTIONS: usize = 5;
/// What must be there.
const REQUIRED: [(&str, &str); 7] = [
    ("TextBlock", "text"),
    ("Image", "url"),
    ("FactSet", "facts"),
    ("Container", "items"),
    ("ActionSet", "actions"),
    ("Action.OpenUrl", "url"),
    ("Input.Toggle", "title"),
];
/// What is newer than 1.3, or not supported.
const UNKNOWN: [&str; 4] = ["Table", "Action.Execute", "Media", "Input.Rating"];

/// Checks the attachments of a message.
pub(super) fn check(world: &World, attachments: &[Value]) -> Result<(), Refusal> {
    if attachments.len() > 1 {
        return Err(refuse(400, "Only one attachment is allowed per message."));
    }
    for attachment in attachments {
        if attachment["contentType"] != KIND {
            return Err(refuse(400, "Unsupported attachment contentType."));
        }
        let card = &attachment["content"];
        let mut wrong = Vec::new();
        if card["type"] != "AdaptiveCard" {
            wrong.push("#: type must be AdaptiveCard".to_owned());
        }
        match card["version"].as_str() {
            Some("1.0" | "1.1" | "1.2" | "1.3") => {}
            _ => wrong.push("#/version: unsupported".to_owned()),
        }
        let mut actions = 0;
        walk(card, "#", &mut wrong, &mut actions);
        if actions > MAX_ACTIONS {
            wrong.push(format!("#/actions: {actions} are too many"));
        }
        if !wrong.is_empty() {
            return Err(invalid(world, wrong));
        }
    }
    Ok(())
}

fn invalid(world: &World, wrong: Vec<String>) -> Refusal {
    let message = "Unable to post a message: invalid attachments";
    if !world.knobs.object_errors {
        return refuse(400, message);
    }
    let body = json!({
        "message": message,
        "errors": { "attachments": {
            "code": "invalid_attachments",
            "reason": "Invalid Adaptive Card Json",
            "attachmentErrors": wrong,
        } },
    });
    Refusal { status: 400, body }
}

fn walk(value: &Value, place: &str, wrong: &mut Vec<String>, actions: &mut usize) {
    match value {
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                walk(item, &format!("{place}/{number}"), wrong, actions);
            }
        }
        Value::Object(object) => {
            let kind = object
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let mut need = |name: &str| {
                if !object.contains_key(name) {
                    wrong.push(format!("{place}: required key [{name}] not found"));
                }
            };
            for (known, needed) in REQUIRED {
                if known == kind {
                    need(needed);
                }
            }
            if kind.starts_with("Input.") {
                need("id");
            }
            if UNKNOWN.contains(&kind) {
                wrong.push(format!("{place}: {kind} is unknown"));
            }
            if kind.starts_with("Action.") {
                *actions += 1;
            }
            for (name, value) in object {
                // What a button carries is its owner's.
                if name != "data" {
                    walk(value, &format!("{place}/{name}"), wrong, actions);
                }
            }
        }
        _ => {}
    }
}

pub(super) fn shown(world: &World, action: &CardAction) -> Value {
    let message = world.messages.iter().find(|it| it.key == action.message);
    json!({
        "id": World::public("ATTACHMENT_ACTION", &action.key),
        "type": "submit",
        "messageId": World::public("MESSAGE", &action.message),
        "personId": ids::person(&action.person),
        "roomId": message.map(|message| world.room_id(&message.room)),
        "created": World::written(action.created),
        "inputs": action.inputs,
    })
}

pub(super) fn read(world: &World, id: &str) -> Answer {
    let key = ids::key(id);
    let found = world
        .actions
        .iter()
        .find(|action| Some(&action.key) == key.as_ref());
    match found {
        Some(action) => good(&shown(world, action)),
        None => Err(refuse(404, "Unable to get attachment action.")),
    }
}

/// Presses a button for somebody, as their client does.
pub(super) fn press(
    world: &mut World,
    person: &str,
    message: &str,
    inputs: Value,
) -> Result<CardAction, Refusal> {
    let no = |why: &str| refuse(400, &format!("Unable to post attachment action: \"{why}\""));
    let found = world.messages.iter().find(|it| it.key == message);
    let Some(found) = found.filter(|it| !it.attachments.is_empty()) else {
        return Err(no("MessageId should point to an activity with cards"));
    };
    if found.person == person {
        return Err(no(
            "Author of a card cannot submit a cardAction on that card",
        ));
    }
    if !world.is_in(person, &found.room) {
        return Err(refuse(404, "Could not find a room with provided ID."));
    }
    let message = found.key.clone();
    let created = world.moment();
    let action = CardAction {
        key: ids::uuid(),
        message,
        person: person.to_owned(),
        inputs,
        created,
    };
    world.actions.push(action.clone());
    world.tell_action(&action);
    Ok(action)
}

pub(super) fn post(world: &mut World, caller: &Person, fields: &Fields) -> Answer {
    if fields.text("type") != Some("submit") {
        return Err(refuse(400, "type must be submit"));
    }
    let message = fields
        .text("messageId")
        .and_then(ids::key)
        .unwrap_or_default();
    let inputs = fields
        .values
        .get("inputs")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let action = press(world, &caller.key, &message, inputs)?;
    good(&shown(world, &action))
}
