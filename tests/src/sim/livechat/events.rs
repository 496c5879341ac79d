//! What is said in chats.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, needed, refuse, text};
use super::chats::active;
use super::who::Who;
use super::world::{ChatEvent, Spoken, World};

/// Bytes of a message.
const MAX_TEXT: usize = 16 * 1024;
/// Elements of a rich message, and buttons of one.
const MAX_ELEMENTS: usize = 10;
const MAX_BUTTONS: usize = 13;

/// A message of the system, for agents.
pub(super) fn system(
    world: &mut World,
    organization: &str,
    chat: &str,
    kind: &str,
    says: &str,
    vars: &Value,
) {
    let mut event = Map::new();
    event.insert("type".to_owned(), "system_message".into());
    event.insert("system_message_type".to_owned(), kind.into());
    event.insert("text".to_owned(), says.into());
    event.insert("text_vars".to_owned(), vars.clone());
    let (_, made) = push(world, organization, chat, "", event, "all");
    tell_event(world, organization, chat, &made);
}

pub(super) fn send_event(world: &mut World, who: &Who, spoken: Spoken, body: &Value) -> Answer {
    let id = needed(body, "chat_id")?.to_owned();
    let chat = active(world, who, &id, false)?;
    let mut event = body["event"].as_object().cloned().unwrap_or_default();
    let name = match spoken {
        Spoken::ChatIo => "recipients",
        Spoken::Three(_) => "visibility",
    };
    let other = match spoken {
        Spoken::ChatIo => "visibility",
        Spoken::Three(_) => "recipients",
    };
    if event.contains_key(other) {
        return Err(refuse(
            "validation",
            &format!("`{other}` is nothing of this version"),
        ));
    }
    let seen = event.remove(name);
    let seen = seen
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or("all")
        .to_owned();
    if !["all", "agents"].contains(&seen.as_str()) {
        return Err(refuse("validation", &format!("`{name}` is all or agents")));
    }
    let own = chat.user(&who.id).map(|user| user.visibility.clone());
    if own.as_deref() == Some("agents") && seen == "all" {
        return Err(refuse(
            "not_allowed",
            "a user seen by agents speaks to agents",
        ));
    }
    check_event(world, &event, spoken)?;
    let organization = who.organization.clone();
    let (event_id, made) = push(world, &organization, &id, &who.id, event, &seen);
    tell_event(world, &organization, &id, &made);
    let says = made.text();
    world.note("message", &id, &says, &seen, made.json(spoken));
    Ok(match spoken {
        Spoken::ChatIo => {
            let thread = world
                .licence_of(&organization)
                .and_then(|licence| licence.chat(&id)?.thread())
                .map(|thread| thread.id.clone());
            json!({"thread_id": thread, "event": made.json(spoken)})
        }
        Spoken::Three(_) => json!({"event_id": event_id}),
    })
}

pub(super) fn check_event(
    world: &World,
    event: &Map<String, Value>,
    spoken: Spoken,
) -> Result<(), Refusal> {
    let event = Value::Object(event.clone());
    match needed(&event, "type")? {
        "message" => {
            let said = needed(&event, "text")?;
            if said.len() > MAX_TEXT {
                return Err(refuse("entity_too_large", "16 KB at most"));
            }
            Ok(())
        }
        "rich_message" if spoken != Spoken::ChatIo => {
            let template = needed(&event, "template_id")?;
            if !["cards", "quick_replies", "sticker"].contains(&template) {
                return Err(refuse("validation", "no such template"));
            }
            let elements = event["elements"].as_array().cloned().unwrap_or_default();
            if elements.is_empty() || elements.len() > MAX_ELEMENTS {
                return Err(refuse("validation", "1 to 10 elements"));
            }
            if template == "quick_replies" && elements.len() != 1 {
                return Err(refuse("validation", "quick replies have one element"));
            }
            elements.iter().try_for_each(check_element)
        }
        "file" => {
            let place = needed(&event, "url")?;
            let name = place.rsplit('/').next().unwrap_or_default();
            let is_there = place.starts_with(&world.base) && world.files.contains_key(name);
            is_there
                .then_some(())
                .ok_or_else(|| refuse("validation", "no such file"))
        }
        "custom" | "system_message" => Ok(()),
        _ => Err(refuse("validation", "no such type of event")),
    }
}

pub(super) fn check_element(element: &Value) -> Result<(), Refusal> {
    let buttons = element["buttons"].as_array().cloned().unwrap_or_default();
    if buttons.len() > MAX_BUTTONS {
        return Err(refuse("validation", "13 buttons at most"));
    }
    for button in &buttons {
        needed(button, "text")?;
        needed(button, "postback_id")?;
        match text(button, "type") {
            None => {}
            Some("message" | "url" | "phone" | "webview") => {
                needed(button, "value")?;
            }
            Some(_) => return Err(refuse("validation", "no such type of button")),
        }
    }
    let image = element.get("image");
    image.map_or(Ok(()), |image| needed(image, "url").map(drop))
}

/// Puts an event into the newest thread.
pub(super) fn push(
    world: &mut World,
    organization: &str,
    chat: &str,
    author: &str,
    mut event: Map<String, Value>,
    seen: &str,
) -> (String, ChatEvent) {
    let now = world.now();
    let named = chat;
    if !author.is_empty() {
        event.insert("author_id".to_owned(), author.into());
    }
    let licence = world.licences.get_mut(organization);
    let chat = licence.and_then(|licence| licence.chat_mut(chat));
    let thread = chat.and_then(|chat| chat.threads.last_mut());
    let (id, order) = match &thread {
        Some(thread) => (
            format!("{}_{}", thread.id, thread.count + 1),
            thread.count + 1,
        ),
        None => (String::new(), 0),
    };
    let last = thread.as_ref().and_then(|thread| thread.events.last());
    // Two events of one moment have an order all the same.
    let at = last.map_or(now, |last| now.max(last.at + 1));
    let made = ChatEvent {
        id: id.clone(),
        at,
        order,
        visibility: seen.to_owned(),
        raw: event,
    };
    if let Some(thread) = thread {
        thread.count += 1;
        thread.events.push(made.clone());
        world.keep_said(organization, named, &made);
    }
    (id, made)
}

/// Tells of an event, to those who may see it.
pub(super) fn tell_event(world: &mut World, organization: &str, chat: &str, event: &ChatEvent) {
    let thread = world
        .licence_of(organization)
        .and_then(|licence| licence.chat(chat)?.thread())
        .map(|thread| thread.id.clone());
    world.emit(organization, "incoming_event", |spoken| match spoken {
        Spoken::ChatIo => json!({"chat_id": chat, "event": event.json(spoken)}),
        Spoken::Three(_) => {
            json!({"chat_id": chat, "thread_id": thread, "event": event.json(spoken)})
        }
    });
}
