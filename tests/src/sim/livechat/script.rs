//! What people do on the platform, as scripts ask for it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::{flag, text};
use super::chats::set_status;
use super::events::{push, tell_event};
use super::hooks::Delivery;
use super::members::{close, new_thread, put_in, put_out, start, tell_chat};
use super::world::{AGENT, Agent, ChatUser, Group, ORGANIZATION, World};

pub(super) type Done = Result<Value, String>;

fn needed<'a>(what: &'a Value, name: &str) -> Result<&'a str, String> {
    text(what, name).ok_or_else(|| format!("\"{name}\" is missing, or no text"))
}

/// Refuses what has a key that nobody reads.
fn only(what: &Value, known: &[&str]) -> Result<(), String> {
    let map = what.as_object().ok_or("an object is expected")?;
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!(
            "\"{key}\" is not known here; known: {}",
            known.join(", ")
        )),
        None => Ok(()),
    }
}

/// Does what a script asks.
///
/// | Verb | Does |
/// |---|---|
/// | `say` | somebody writes; a chat that is not there begins, one that is closed begins again |
/// | `submit`, `press` | somebody presses a button of the newest rich message |
/// | `member` | an agent, or the bot, comes or goes |
/// | `close` | a chat is closed |
/// | `edit`, `delete` | a message is changed or taken away |
/// | `agent`, `group`, `licence` | there is one, or it changes |
/// | `event` | a webhook of any action is sent |
/// | `secret` | gives what the first webhook shows |
/// | `disconnect` | the sockets of agents are closed, for a reason |
/// | `set` | how the platform behaves |
pub(super) fn act(world: &mut World, verb: &str, what: &Value) -> Done {
    match verb {
        "say" => say(world, what),
        "submit" | "press" => press(world, what),
        "member" => member(world, what),
        "close" => {
            only(what, &["conversation", "user"])?;
            let (org, chat) = existing(world, what)?;
            let by = text(what, "user").map(str::to_owned);
            close(world, &org, &chat, by.as_deref());
            Ok(json!({}))
        }
        "edit" | "delete" => change(world, verb, what),
        "agent" => agent(world, what),
        "group" => group(world, what),
        "licence" => {
            only(what, &["organization", "number", "account"])?;
            let organization = needed(what, "organization")?;
            let number = what["number"].as_u64().unwrap_or(2_000_000);
            let account = text(what, "account").unwrap_or("another-account");
            world.add_licence(organization, number, account);
            Ok(json!({}))
        }
        "event" => event(world, what),
        "secret" => {
            let first = world.hooks.first().ok_or("no webhook is registered")?;
            Ok(json!({"secret": first.secret}))
        }
        "disconnect" => {
            only(what, &["reason"])?;
            world.disconnect(needed(what, "reason")?);
            Ok(json!({}))
        }
        "set" => set(world, what),
        other => Err(format!(
            "\"{other}\" is nothing that this platform can be asked"
        )),
    }
}

fn organization(world: &World, what: &Value) -> Result<String, String> {
    let organization = text(what, "organization").unwrap_or(ORGANIZATION);
    match world.licence_of(organization) {
        Some(_) => Ok(organization.to_owned()),
        None => Err(format!("there is no licence {organization}")),
    }
}

fn find(world: &World, name: &str) -> Option<(String, String)> {
    if let Some(found) = world.labels.get(name) {
        return Some(found.clone());
    }
    let mut licences = world.licences.values();
    licences.find_map(|licence| {
        let chat = licence.chat(name)?;
        Some((licence.organization.clone(), chat.id.clone()))
    })
}

fn existing(world: &World, what: &Value) -> Result<(String, String), String> {
    let name = needed(what, "conversation")?;
    find(world, name).ok_or_else(|| format!("there is no conversation \"{name}\""))
}

/// A customer of this name, as they come with a visit.
fn customer(world: &mut World, name: &str, what: &Value) -> ChatUser {
    let id = world.uuid();
    let email = text(what, "email").map_or_else(|| format!("{name}@example.com"), str::to_owned);
    let page = text(what, "page").unwrap_or("https://shop.example/");
    let title = text(what, "page_title").unwrap_or("Shop");
    let country = text(what, "country").unwrap_or("PL");
    let at = super::world::moment(world.now());
    ChatUser {
        id,
        is_customer: true,
        name: name.to_owned(),
        email: Some(email),
        present: true,
        visibility: "all".to_owned(),
        visit: json!({
            "started_at": at, "ip": "203.0.113.9", "user_agent": "Mozilla/5.0",
            "referrer": "https://search.example/",
            "geolocation": {"country_code": country, "timezone": "Europe/Warsaw"},
            "last_pages": [
                {"opened_at": at, "url": "https://shop.example/first", "title": "First"},
                {"opened_at": at, "url": page, "title": title},
            ],
        }),
    }
}

/// An agent of this name or address, who is made where there is none.
fn agent_named(world: &mut World, organization: &str, name: &str) -> String {
    let id = match name.contains('@') {
        true => name.to_owned(),
        false => format!("{name}@example.com"),
    };
    let Some(licence) = world.licences.get_mut(organization) else {
        return id;
    };
    if !licence.agents.iter().any(|agent| agent.id == id) {
        licence.agents.push(Agent {
            id: id.clone(),
            name: name.to_owned(),
            status: "accepting_chats".to_owned(),
        });
        if let Some(everybody) = licence.groups.iter_mut().find(|group| group.id == 0) {
            everybody.agents.push(id.clone());
        }
    }
    id
}

fn say(world: &mut World, what: &Value) -> Done {
    only(
        what,
        &[
            "conversation",
            "kind",
            "user",
            "text",
            "mention_bot",
            "agents_only",
            "bot",
            "as",
            "organization",
            "page",
            "page_title",
            "country",
            "email",
            "form",
            "group",
            "more",
            "welcome",
            "event",
        ],
    )?;
    let name = needed(what, "conversation")?.to_owned();
    let user = needed(what, "user")?.to_owned();
    let is_for_agents = flag(what, "agents_only");
    let is_agent = is_for_agents || user.contains('@') || text(what, "as") == Some("agent");
    let said = match (flag(what, "mention_bot"), needed(what, "text")?) {
        (false, said) => said.to_owned(),
        (true, said) => {
            let org = organization(world, what)?;
            let licence = world.licence_of(&org);
            let bot = licence.and_then(|licence| licence.bots.first());
            let name = bot
                .and_then(|bot| bot.raw["name"].as_str())
                .unwrap_or("bot");
            format!("@{name} {said}")
        }
    };
    let known = find(world, &name);
    let is_new = known.is_none();
    let (org, chat) = match known {
        Some(known) => known,
        None => {
            let org = organization(world, what)?;
            let whose = if is_agent {
                format!("{name} customer")
            } else {
                user.clone()
            };
            let customer = customer(world, &whose, what);
            let group = what.get("group").and_then(Value::as_u64).unwrap_or(0);
            let chat = start(world, &org, vec![customer], vec![group]);
            world.labels.insert(name, (org.clone(), chat.clone()));
            match text(what, "bot").unwrap_or("out") {
                "out" => {}
                "in" => join_bot(world, &org, &chat)?,
                other => return Err(format!("\"bot\" is in or out, not \"{other}\"")),
            }
            (org, chat)
        }
    };
    let is_closed = world
        .licence_of(&org)
        .and_then(|licence| licence.chat(&chat))
        .is_some_and(|chat| chat.active().is_none());
    if is_closed {
        let thread = new_thread(world);
        let licence = world.licences.get_mut(&org);
        if let Some(chat) = licence.and_then(|licence| licence.chat_mut(&chat)) {
            chat.threads.push(thread);
        }
    }
    let author = author_of(world, &org, &chat, &user, is_agent);
    let begins = is_new || is_closed;
    if let Some(fields) = what.get("form").filter(|_| begins) {
        let mut form = Map::new();
        form.insert("type".to_owned(), "filled_form".into());
        form.insert("form_id".to_owned(), "1".into());
        form.insert("fields".to_owned(), fields.clone());
        push(world, &org, &chat, &author, form, "all");
    }
    if let Some(welcome) = text(what, "welcome").filter(|_| begins) {
        push(world, &org, &chat, AGENT, message(welcome), "all");
    }
    let seen = if is_for_agents { "agents" } else { "all" };
    let event = match what.get("event").and_then(Value::as_object) {
        Some(event) => event.clone(),
        None => message(&said),
    };
    let (id, made) = push(world, &org, &chat, &author, event, seen);
    for more in what["more"].as_array().into_iter().flatten() {
        let more = more.as_str().unwrap_or_default();
        push(world, &org, &chat, &author, message(more), seen);
    }
    match begins {
        // What opens a thread is told with it, and not once more.
        true => tell_chat(world, &org, &chat, None),
        false => tell_event(world, &org, &chat, &made),
    }
    Ok(json!({"message_id": id, "chat_id": chat, "user_id": author}))
}

fn message(says: &str) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("type".to_owned(), "message".into());
    event.insert("text".to_owned(), says.into());
    event
}

fn author_of(world: &mut World, org: &str, chat: &str, user: &str, is_agent: bool) -> String {
    if is_agent {
        return agent_named(world, org, user);
    }
    let licence = world.licence_of(org);
    let users = licence.and_then(|licence| licence.chat(chat));
    let users = users.map(|chat| chat.users.as_slice()).unwrap_or_default();
    let by_name = users.iter().find(|it| it.name == user || it.id == user);
    let customer = by_name.or_else(|| users.iter().find(|it| it.is_customer));
    customer.map(|it| it.id.clone()).unwrap_or_default()
}

fn join_bot(world: &mut World, org: &str, chat: &str) -> Result<(), String> {
    let licence = world.licence_of(org);
    let bot = licence.and_then(|licence| licence.bots.first());
    let bot = bot.map(|bot| bot.id.clone()).ok_or("there is no bot yet")?;
    let user = licence.and_then(|licence| licence.agent_user(&bot));
    if let Some(user) = user {
        put_in(world, org, chat, user, AGENT);
    }
    Ok(())
}

/// Somebody presses a button of the newest rich message: one of type message is said, of others it is
/// told.
fn press(world: &mut World, what: &Value) -> Done {
    only(
        what,
        &[
            "conversation",
            "user",
            "message_id",
            "form_id",
            "button",
            "values",
        ],
    )?;
    let (org, chat_id) = existing(world, what)?;
    let wanted = needed(what, "button")?;
    let user = needed(what, "user")?.to_owned();
    let author = author_of(world, &org, &chat_id, &user, false);
    let licence = world.licence_of(&org).ok_or("no licence")?;
    let chat = licence.chat(&chat_id).ok_or("no chat")?;
    let thread = chat.thread().ok_or("no thread")?;
    let of_message = |id: &str| text(what, "message_id").is_none_or(|wanted| wanted == id);
    let mut found = None;
    for event in thread
        .events
        .iter()
        .rev()
        .filter(|event| of_message(&event.id))
    {
        for element in event
            .raw
            .get("elements")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let buttons = element["buttons"].as_array().into_iter().flatten();
            for button in buttons {
                let is_it = button["text"] == wanted || button["postback_id"] == wanted;
                if is_it && found.is_none() {
                    found = Some((event.id.clone(), button.clone()));
                }
            }
        }
    }
    let (event_id, button) = found.ok_or_else(|| format!("there is no button \"{wanted}\""))?;
    let thread_id = thread.id.clone();
    let postback = button["postback_id"].clone();
    if button["type"] == "message" {
        let mut event = message(button["text"].as_str().unwrap_or_default());
        event.insert(
            "postback".to_owned(),
            json!({
                "id": postback, "thread_id": thread_id, "event_id": event_id, "type": "message",
                "value": button["value"],
            }),
        );
        let (id, made) = push(world, &org, &chat_id, &author, event, "all");
        tell_event(world, &org, &chat_id, &made);
        return Ok(json!({"message_id": id}));
    }
    world.emit(&org, "incoming_rich_message_postback", |_| {
        json!({
            "user_id": author, "chat_id": chat_id, "thread_id": thread_id, "event_id": event_id,
            "postback": {
                "id": postback, "toggled": true, "button_type": button["type"],
                "button_value": button["value"],
            },
        })
    });
    Ok(json!({}))
}

fn member(world: &mut World, what: &Value) -> Done {
    only(what, &["conversation", "user", "change", "visibility"])?;
    let (org, chat) = existing(world, what)?;
    let name = needed(what, "user")?;
    let licence = world.licence_of(&org);
    let bot = licence
        .and_then(|licence| licence.bots.first())
        .map(|bot| bot.id.clone());
    let id = match (name, bot) {
        ("bot", Some(bot)) => bot,
        (name, _) => agent_named(world, &org, name),
    };
    match needed(what, "change")? {
        "joined" => {
            let licence = world.licence_of(&org);
            let user = licence.and_then(|licence| licence.agent_user(&id));
            let mut user = user.ok_or("no such user")?;
            if let Some(seen) = text(what, "visibility") {
                seen.clone_into(&mut user.visibility);
            }
            put_in(world, &org, &chat, user, &id);
        }
        "left" => put_out(world, &org, &chat, &id, &id),
        other => return Err(format!("\"{other}\" is no change here: joined, left")),
    }
    Ok(json!({"user_id": id}))
}

fn change(world: &mut World, verb: &str, what: &Value) -> Done {
    only(what, &["conversation", "message_id", "text"])?;
    let (org, chat_id) = existing(world, what)?;
    let id = needed(what, "message_id")?.to_owned();
    let licence = world.licences.get_mut(&org).ok_or("no licence")?;
    let chat = licence.chat_mut(&chat_id).ok_or("no chat")?;
    let thread = chat.threads.last_mut().ok_or("no thread")?;
    let thread_id = thread.id.clone();
    let place = thread.events.iter().position(|event| event.id == id);
    let place = place.ok_or("no such message")?;
    if verb == "delete" {
        thread.events.remove(place);
        world.emit(
            &org,
            "event_deleted",
            |_| json!({"chat_id": chat_id, "thread_id": thread_id, "event_id": id}),
        );
        return Ok(json!({}));
    }
    let event = &mut thread.events[place];
    let says = needed(what, "text")?;
    event.raw.insert("text".to_owned(), says.into());
    let event = event.clone();
    world.emit(
        &org,
        "event_updated",
        |spoken| json!({"chat_id": chat_id, "thread_id": thread_id, "event": event.json(spoken)}),
    );
    Ok(json!({}))
}

fn agent(world: &mut World, what: &Value) -> Done {
    only(what, &["user", "status", "organization"])?;
    let org = organization(world, what)?;
    let id = agent_named(world, &org, needed(what, "user")?);
    if let Some(status) = text(what, "status") {
        if status == "gone" {
            let licence = world.licences.get_mut(&org).ok_or("no licence")?;
            licence.agents.retain(|agent| agent.id != id);
        } else {
            set_status(world, &org, &id, status).map_err(|_| "no such status".to_owned())?;
        }
    }
    Ok(json!({"user_id": id}))
}

fn group(world: &mut World, what: &Value) -> Done {
    only(what, &["id", "name", "agents", "organization"])?;
    let org = organization(world, what)?;
    let id = what["id"].as_u64().ok_or("\"id\" is a number")?;
    let name = text(what, "name").unwrap_or("Group").to_owned();
    let mut agents = Vec::new();
    for agent in what["agents"].as_array().into_iter().flatten() {
        let agent = agent.as_str().ok_or("\"agents\" are names")?;
        agents.push(agent_named(world, &org, agent));
    }
    let licence = world.licences.get_mut(&org).ok_or("no licence")?;
    licence.groups.retain(|group| group.id != id);
    licence.groups.push(Group { id, name, agents });
    Ok(json!({}))
}

/// A webhook that the platform sends, whatever is in it.
fn event(world: &mut World, what: &Value) -> Done {
    only(what, &["action", "payload", "organization"])?;
    let org = organization(world, what)?;
    let action = needed(what, "action")?;
    let payload = what.get("payload").cloned().unwrap_or_default();
    let hook = world
        .hooks
        .first()
        .map(|hook| (hook.url.clone(), hook.secret.clone()));
    let (url, secret) = hook.ok_or("no webhook is registered")?;
    let delivery = Delivery {
        url,
        body: json!({
            "webhook_id": "of a script", "secret_key": secret, "action": action,
            "organization_id": org, "payload": payload, "additional_data": {},
        }),
    };
    world.put(delivery);
    world.ring();
    Ok(json!({}))
}

fn set(world: &mut World, what: &Value) -> Done {
    only(
        what,
        &[
            "propagation_secs",
            "region",
            "denies",
            "installer",
            "public_app",
            "redirects",
            "rate",
            "wrong_secret",
            "bot_status",
            "lose_hooks",
        ],
    )?;
    for (name, value) in what.as_object().into_iter().flatten() {
        let words = || value.as_str().map(str::to_owned);
        match name.as_str() {
            "propagation_secs" => {
                let secs = value.as_u64().ok_or("a number of seconds")?;
                world.knobs.propagation = Duration::from_secs(secs);
            }
            "region" => world.knobs.region = words(),
            "denies" => world.knobs.denies = value.as_bool().unwrap_or_default(),
            "installer" => world.knobs.installer = words().ok_or("an organization")?,
            "public_app" => world.is_public = value.as_bool().unwrap_or_default(),
            "redirects" => {
                let all = value.as_array().cloned().unwrap_or_default();
                let all = all.iter().filter_map(|it| it.as_str().map(str::to_owned));
                world.redirects = all.collect();
            }
            "rate" => {
                world.knobs.rate = value.as_u64().and_then(|rate| u32::try_from(rate).ok());
            }
            "wrong_secret" => world.knobs.wrong_secret = words(),
            "lose_hooks" => world.knobs.loses_hooks = value.as_bool().unwrap_or_default(),
            _ => {
                let status = words().ok_or("a status")?;
                for licence in world.licences.values_mut() {
                    for bot in &mut licence.bots {
                        bot.status.clone_from(&status);
                    }
                }
            }
        }
    }
    Ok(json!({}))
}
