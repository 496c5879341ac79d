//! The API of chats: what is asked of them.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, flag, needed, refuse, text};
use super::events::{push, send_event, system};
use super::members::{add, close, remove, start, tell_chat};
use super::who::Who;
use super::world::{Chat, ChatEvent, Spoken, World, moment};

/// Chats or threads of a page.
const MAX_PAGE: usize = 100;

/// Answers what is asked of the API of chats.
pub(super) fn answer(
    world: &mut World,
    who: &Who,
    spoken: Spoken,
    action: &str,
    body: &Value,
) -> Answer {
    match action {
        "send_event" => send_event(world, who, spoken, body),
        "add_user_to_chat" => {
            let user = needed(body, "user_id")?.to_owned();
            let seen = needed(body, "visibility")?.to_owned();
            if needed(body, "user_type")? != "agent" {
                return Err(refuse("validation", "this copy adds agents only"));
            }
            let chat = needed(body, "chat_id")?.to_owned();
            add(
                world,
                who,
                &chat,
                &user,
                &seen,
                flag(body, "ignore_requester_presence"),
            )
        }
        "remove_user_from_chat" => {
            let user = needed(body, "user_id")?.to_owned();
            let chat = needed(body, "chat_id")?.to_owned();
            if needed(body, "user_type")? != "agent" {
                return Err(refuse("validation", "customers cannot be removed"));
            }
            remove(
                world,
                who,
                &chat,
                &user,
                flag(body, "ignore_requester_presence"),
            )
        }
        "join_chat" | "remove_from_chat" => {
            let chat = needed(body, "chat_id")?.to_owned();
            let agents = body["agent_ids"].as_array().cloned().unwrap_or_default();
            for agent in agents.iter().filter_map(Value::as_str) {
                if action == "join_chat" {
                    add(world, who, &chat, agent, "all", true)?;
                } else {
                    remove(world, who, &chat, agent, true)?;
                }
            }
            Ok(json!({}))
        }
        "deactivate_chat" | "close_thread" => {
            let name = if action == "close_thread" {
                "chat_id"
            } else {
                "id"
            };
            let chat = needed(body, name)?.to_owned();
            let ignores = flag(body, "ignore_requester_presence") || spoken == Spoken::ChatIo;
            active(world, who, &chat, ignores)?;
            close(world, &who.organization, &chat, Some(&who.id));
            world.note("close", &chat, "", "all", json!({"by": who.id}));
            Ok(json!({}))
        }
        "transfer_chat" => transfer(world, who, body),
        "tag_thread" | "untag_thread" => tag(world, who, action, body),
        "send_typing_indicator" => {
            let chat = needed(body, "chat_id")?.to_owned();
            active(world, who, &chat, false)?;
            let is_typing = flag(body, "is_typing");
            let (by, at) = (who.id.clone(), world.now());
            world.emit(&who.organization, "incoming_typing_indicator", |_| {
                json!({"chat_id": chat, "typing_indicator": {
                    "author_id": by, "visibility": "all", "timestamp": at / 1_000,
                    "is_typing": is_typing,
                }})
            });
            world.note("typing", &chat, "", "all", json!({"is_typing": is_typing}));
            Ok(json!({}))
        }
        "get_chat" => {
            let id = needed(body, "chat_id")?;
            let chat = chat(world, who, id)?;
            let wanted = text(body, "thread_id");
            let place = match wanted {
                None => chat.threads.len().checked_sub(1),
                Some(id) => chat.threads.iter().position(|thread| thread.id == id),
            };
            let place = place.ok_or_else(|| refuse("not_found", "no such thread"))?;
            Ok(of_thread(chat, spoken, place))
        }
        "list_chats" => list_chats(world, who, spoken, body),
        "list_threads" => {
            let id = needed(body, "chat_id")?;
            let chat = chat(world, who, id)?;
            let limit = limit(body, 3);
            let to = body["filters"]["to"].as_str().map(str::to_owned);
            let threads = chat.threads.iter().enumerate().rev();
            let threads = threads.filter(|(_, thread)| {
                let at = super::world::moment(thread.created);
                to.as_ref().is_none_or(|to| at <= *to)
            });
            let found: Vec<Value> = threads
                .take(limit)
                .map(|(place, _)| of_thread(chat, spoken, place)["thread"].clone())
                .collect();
            Ok(json!({"threads": found, "found_threads": chat.threads.len()}))
        }
        "set_routing_status" => {
            let status = needed(body, "status")?.to_owned();
            let id = text(body, "agent_id").unwrap_or(&who.id).to_owned();
            set_status(world, &who.organization, &id, &status)
        }
        "list_routing_statuses" => {
            let licence = world.licence_of(&who.organization);
            let licence = licence.ok_or_else(|| refuse("license_not_found", "no licence"))?;
            let agents = licence.agents.iter().map(|it| (&it.id, &it.status));
            let bots = licence.bots.iter().map(|it| (&it.id, &it.status));
            let all = agents.chain(bots);
            Ok(all
                .map(|(id, status)| json!({"agent_id": id, "status": status}))
                .collect())
        }
        "list_agents_for_transfer" => {
            let id = needed(body, "chat_id")?;
            let groups = chat(world, who, id)?.groups.clone();
            let licence = world.licence_of(&who.organization);
            let licence = licence.ok_or_else(|| refuse("license_not_found", "no licence"))?;
            let agents = licence.agents.iter().filter(|agent| {
                let own = licence.groups_of(&agent.id);
                agent.status == "accepting_chats" && own.iter().any(|it| groups.contains(it))
            });
            Ok(agents
                .map(|agent| json!({"agent_id": agent.id, "total_active_chats": 0}))
                .collect())
        }
        "get_customer" => {
            let id = needed(body, "id")?;
            let licence = world.licence_of(&who.organization);
            let mut chats = licence.into_iter().flat_map(|licence| &licence.chats);
            let user = chats.find_map(|chat| chat.users.iter().find(|user| user.id == id));
            user.map(|user| user.json(spoken))
                .ok_or_else(|| refuse("not_found", "no such customer"))
        }
        "mark_events_as_seen" | "follow_chat" | "unfollow_chat" | "send_thinking_indicator" => {
            let chat = text(body, "chat_id").or_else(|| text(body, "id"));
            chat.map(|_| json!({}))
                .ok_or_else(|| refuse("validation", "`chat_id` is required"))
        }
        "start_chat" => {
            let organization = who.organization.clone();
            let id = start(world, &organization, Vec::new(), vec![0]);
            let id = needed_chat(&id)?;
            let visible = body["chat"]["thread"]["events"].as_array().cloned();
            let mut events = Vec::new();
            for event in visible.into_iter().flatten() {
                let event = event.as_object().cloned().unwrap_or_default();
                events.push(push(world, &organization, &id, &who.id, event, "all").0);
            }
            let user = world
                .licence_of(&organization)
                .and_then(|licence| licence.agent_user(&who.id));
            let licence = world.licences.get_mut(&organization);
            if let (Some(chat), Some(user)) = (licence.and_then(|it| it.chat_mut(&id)), user) {
                chat.users.push(user);
            }
            let thread = chat(world, who, &id)?
                .thread()
                .map(|thread| thread.id.clone());
            tell_chat(world, &organization, &id, None);
            Ok(json!({"chat_id": id, "thread_id": thread, "event_ids": events}))
        }
        _ => Err(refuse("validation", "no such method")),
    }
}

pub(super) fn needed_chat(id: &str) -> Result<String, Refusal> {
    (!id.is_empty())
        .then(|| id.to_owned())
        .ok_or_else(|| refuse("internal", "no chat"))
}

pub(super) fn limit(body: &Value, usual: usize) -> usize {
    let asked = body.get("limit").and_then(Value::as_u64);
    let asked = asked.and_then(|asked| usize::try_from(asked).ok());
    asked.unwrap_or(usual).clamp(1, MAX_PAGE)
}

pub(super) fn of_thread(chat: &Chat, spoken: Spoken, place: usize) -> Value {
    let previous = place
        .checked_sub(1)
        .and_then(|place| chat.threads.get(place));
    chat.json(
        spoken,
        &chat.threads[place],
        previous.map(|thread| thread.id.as_str()),
    )
}

pub(super) fn chat<'w>(world: &'w World, who: &Who, id: &str) -> Result<&'w Chat, Refusal> {
    let licence = world.licence_of(&who.organization);
    let chat = licence.and_then(|licence| licence.chat(id));
    let chat = chat.ok_or_else(|| refuse("not_found", "no such chat"))?;
    // A bot's own token sees the chats of its groups.
    let groups = licence.map(|licence| licence.groups_of(&who.id));
    let shares = groups.is_some_and(|groups| groups.iter().any(|it| chat.groups.contains(it)));
    if who.is_bot && !shares {
        return Err(refuse(
            "missing_access",
            "the bot is in no group of the chat",
        ));
    }
    Ok(chat)
}

/// The chat, where it is open and who asks is in it, or need not be.
pub(super) fn active<'w>(
    world: &'w World,
    who: &Who,
    id: &str,
    ignores_presence: bool,
) -> Result<&'w Chat, Refusal> {
    let chat = chat(world, who, id)?;
    if chat.active().is_none() {
        return Err(refuse("chat_inactive", "the chat is not active"));
    }
    if !ignores_presence && chat.user(&who.id).is_none() {
        return Err(refuse("missing_access", "the requester is not in the chat"));
    }
    Ok(chat)
}

fn transfer(world: &mut World, who: &Who, body: &Value) -> Answer {
    let id = needed(body, "id")?.to_owned();
    let chat = active(world, who, &id, flag(body, "ignore_requester_presence"))?;
    let before = chat.groups.clone();
    let thread = chat.thread().map(|thread| thread.id.clone());
    let target = body.get("target").cloned().unwrap_or_default();
    let ignores = flag(body, "ignore_agents_availability");
    let licence = world.licence_of(&who.organization);
    let licence = licence.ok_or_else(|| refuse("license_not_found", "no licence"))?;
    let (mut groups, mut agents) = (Vec::new(), Vec::new());
    match needed(&target, "type")? {
        "group" => {
            let ids = target["ids"].as_array().cloned().unwrap_or_default();
            for id in &ids {
                let group = licence.groups.iter().find(|it| Some(it.id) == id.as_u64());
                let group = group.ok_or_else(|| refuse("group_not_found", "no such group"))?;
                if !ignores && !licence.is_answered(group) {
                    return Err(refuse("groups_offline", "nobody of the group is there"));
                }
                groups.push(group.id);
            }
        }
        "agent" => {
            let ids = target["ids"].as_array().cloned().unwrap_or_default();
            for id in ids.iter().filter_map(Value::as_str) {
                let agent = licence.agents.iter().find(|it| it.id == id);
                let agent = agent.ok_or_else(|| refuse("not_found", "no such agent"))?;
                if !ignores && agent.status != "accepting_chats" {
                    return Err(refuse("agent_offline", "the agent is not there"));
                }
                agents.push(agent.id.clone());
            }
        }
        _ => return Err(refuse("validation", "`target.type` is group or agent")),
    }
    if groups.is_empty() && agents.is_empty() {
        return Err(refuse("validation", "`target.ids` is empty"));
    }
    let (org, by) = (who.organization.clone(), who.id.clone());
    let to = json!({"group_ids": groups, "agent_ids": agents});
    if let Some(chat) = world.licences.get_mut(&org).and_then(|it| it.chat_mut(&id)) {
        if !groups.is_empty() {
            chat.groups.clone_from(&groups);
        }
        for user in chat.users.iter_mut().filter(|user| !user.is_customer) {
            user.present = false;
        }
    }
    world.emit(&org, "chat_transferred", |_| {
        json!({
            "chat_id": id, "thread_id": thread, "requester_id": by, "reason": "manual",
            "transferred_to": to,
        })
    });
    system(
        world,
        &org,
        &id,
        "chat_transferred",
        "the chat was transferred",
        &to,
    );
    tell_chat(
        world,
        &org,
        &id,
        Some(json!({"group_ids": before, "agent_ids": []})),
    );
    world.note("transfer", &id, "", "all", to);
    Ok(json!({}))
}

fn tag(world: &mut World, who: &Who, action: &str, body: &Value) -> Answer {
    let id = needed(body, "chat_id")?.to_owned();
    let thread_id = needed(body, "thread_id")?.to_owned();
    let tag = needed(body, "tag")?.to_owned();
    chat(world, who, &id)?;
    let organization = who.organization.clone();
    let licence = world.licences.get_mut(&organization);
    let chat = licence.and_then(|licence| licence.chat_mut(&id));
    let mut threads = chat.into_iter().flat_map(|chat| chat.threads.iter_mut());
    let thread = threads.find(|thread| thread.id == thread_id);
    let thread = thread.ok_or_else(|| refuse("not_found", "no such thread"))?;
    let told = if action == "tag_thread" {
        if !thread.tags.contains(&tag) {
            thread.tags.push(tag.clone());
        }
        "thread_tagged"
    } else {
        thread.tags.retain(|known| *known != tag);
        "thread_untagged"
    };
    world.emit(
        &organization,
        told,
        |_| json!({"chat_id": id, "thread_id": thread_id, "tag": tag}),
    );
    let kind = if action == "tag_thread" {
        "tag"
    } else {
        "untag"
    };
    world.note(kind, &id, &tag, "agents", json!({"thread_id": thread_id}));
    Ok(json!({}))
}

fn list_chats(world: &World, who: &Who, spoken: Spoken, body: &Value) -> Answer {
    let licence = world.licence_of(&who.organization);
    let licence = licence.ok_or_else(|| refuse("license_not_found", "no licence"))?;
    // A page says all that the first request said.
    let (skip, limit, wanted) = match text(body, "page_id") {
        Some(page) => {
            let mut parts = page.split('-');
            let mut number = || parts.next().and_then(|it| it.parse::<usize>().ok());
            let wrong = || refuse("validation", "no such page");
            let (skip, limit) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
            (skip, limit, number().map(|it| it == 1))
        }
        None => (0, limit(body, 10), body["filters"]["active"].as_bool()),
    };
    let chats = licence
        .chats
        .iter()
        .rev()
        .filter(|chat| wanted.is_none_or(|active| chat.active().is_some() == active));
    let all: Vec<&Chat> = chats.collect();
    let page: Vec<Value> = all
        .iter()
        .skip(skip)
        .take(limit)
        .map(|chat| {
            let place = chat.threads.len().saturating_sub(1);
            let mut whole = of_thread(chat, spoken, place);
            let mut thread = whole["thread"].take();
            if let Some(thread) = thread.as_object_mut() {
                thread.remove("events");
            }
            if let Some(whole) = whole.as_object_mut() {
                whole.remove("thread");
            }
            let name = match spoken {
                Spoken::Three(7..) => "last_thread_info",
                _ => "last_thread_summary",
            };
            whole[name] = thread;
            let last = chat.threads.iter().flat_map(|thread| {
                let of = move |event: &ChatEvent| (thread, event.clone());
                thread.events.iter().map(of)
            });
            let last: Map<String, Value> = last
                .map(|(thread, event)| {
                    let event = event.json(spoken);
                    let kind = event["type"].as_str().unwrap_or_default().to_owned();
                    let told = json!({
                        "thread_id": thread.id, "thread_created_at": moment(thread.created),
                        "event": event,
                    });
                    (kind, told)
                })
                .collect();
            whole["last_event_per_type"] = Value::Object(last);
            whole
        })
        .collect();
    let name = match spoken {
        Spoken::Three(7..) => "chats_info",
        _ => "chats_summary",
    };
    let mut found = json!({"found_chats": all.len(), name: page});
    if all.len() > skip + limit {
        let active = match wanted {
            Some(true) => "-1",
            Some(false) => "-0",
            None => "",
        };
        found["next_page_id"] = format!("{}-{limit}{active}", skip + limit).into();
    }
    Ok(found)
}

/// Sets whether somebody takes chats, and tells.
pub(super) fn set_status(world: &mut World, organization: &str, id: &str, status: &str) -> Answer {
    let known = ["accepting_chats", "not_accepting_chats", "offline"];
    if !known.contains(&status) {
        return Err(refuse("validation", "no such status"));
    }
    let licence = world.licences.get_mut(organization);
    let licence = licence.ok_or_else(|| refuse("license_not_found", "no licence"))?;
    let is_bot = licence.bot(id).is_some();
    if let Some(bot) = licence.bot_mut(id) {
        status.clone_into(&mut bot.status);
    } else if let Some(agent) = licence.agents.iter_mut().find(|agent| agent.id == id) {
        if status == "offline" {
            return Err(refuse("validation", "only bots are set offline"));
        }
        status.clone_into(&mut agent.status);
    } else {
        return Err(refuse("not_found", "no such agent"));
    }
    // The documents of this webhook write it with spaces.
    let told = status.replace('_', " ");
    world.emit(
        organization,
        "routing_status_set",
        |_| json!({"agent_id": id, "status": told}),
    );
    if is_bot {
        world.note("status", "", status, "agents", json!({"agent_id": id}));
    }
    Ok(json!({}))
}
