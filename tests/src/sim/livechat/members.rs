//! Chats with who is in them: how they begin, who comes and goes, how they end.

use serde_json::{Map, Value, json};

use super::answer::{Answer, refuse};
use super::chats::{active, of_thread};
use super::events::system;
use super::who::Who;
use super::world::{Chat, ChatUser, Spoken, Thread, World};

pub(super) fn add(
    world: &mut World,
    who: &Who,
    id: &str,
    user: &str,
    seen: &str,
    ignores_presence: bool,
) -> Answer {
    let org = who.organization.clone();
    let chat = active(world, who, id, ignores_presence)?;
    if chat.user(user).is_some() {
        return Err(refuse("validation", "the user is in the chat"));
    }
    let groups = chat.groups.clone();
    let licence = world.licence_of(&org);
    let added = licence.and_then(|licence| licence.agent_user(user));
    let mut added = added.ok_or_else(|| refuse("validation", "no such user"))?;
    let own = licence
        .map(|licence| licence.groups_of(user))
        .unwrap_or_default();
    if !own.iter().any(|group| groups.contains(group)) {
        return Err(refuse(
            "missing_access",
            "the user is in no group of the chat",
        ));
    }
    seen.clone_into(&mut added.visibility);
    let by = who.id.clone();
    put_in(world, &org, id, added.clone(), &by);
    if licence_has_bot(world, &org, user) {
        world.note(
            "join",
            id,
            "",
            seen,
            json!({"user_id": user, "requester_id": by}),
        );
    }
    Ok(json!({}))
}

pub(super) fn licence_has_bot(world: &World, organization: &str, user: &str) -> bool {
    let licence = world.licence_of(organization);
    licence.is_some_and(|licence| licence.bot(user).is_some())
}

/// Puts somebody into a chat, and tells.
pub(super) fn put_in(world: &mut World, organization: &str, id: &str, user: ChatUser, by: &str) {
    let (user_id, name) = (user.id.clone(), user.name.clone());
    let Some(licence) = world.licences.get_mut(organization) else {
        return;
    };
    let Some(chat) = licence.chat_mut(id) else {
        return;
    };
    chat.users.retain(|known| known.id != user.id);
    chat.users.push(user.clone());
    let thread = chat.thread().map(|thread| thread.id.clone());
    let by_name = by.to_owned();
    world.emit(organization, "user_added_to_chat", |spoken| {
        json!({
            "chat_id": id, "thread_id": thread, "user": user.json(spoken), "reason": "manual",
            "requester_id": by,
        })
    });
    let (kind, says) = match user_id == by {
        true => ("agent_joined", format!("{name} joined the chat")),
        false => (
            "agent_added",
            format!("{name} was added to the chat by {by_name}"),
        ),
    };
    system(
        world,
        organization,
        id,
        kind,
        &says,
        &json!({"agent": name, "initiator": by_name}),
    );
}

pub(super) fn remove(
    world: &mut World,
    who: &Who,
    id: &str,
    user: &str,
    ignores_presence: bool,
) -> Answer {
    let org = who.organization.clone();
    let found = active(world, who, id, ignores_presence)?;
    if found.user(user).is_none() {
        return Err(refuse("validation", "the user is not in the chat"));
    }
    let by = who.id.clone();
    put_out(world, &org, id, user, &by);
    if licence_has_bot(world, &org, user) {
        world.note(
            "leave",
            id,
            "",
            "all",
            json!({"user_id": user, "requester_id": by}),
        );
    }
    Ok(json!({}))
}

/// Takes somebody out of a chat, and tells.
pub(super) fn put_out(world: &mut World, organization: &str, id: &str, user: &str, by: &str) {
    let Some(licence) = world.licences.get_mut(organization) else {
        return;
    };
    let Some(chat) = licence.chat_mut(id) else {
        return;
    };
    let thread = chat.thread().map(|thread| thread.id.clone());
    let mut name = user.to_owned();
    for known in chat.users.iter_mut().filter(|known| known.id == user) {
        known.present = false;
        name.clone_from(&known.name);
    }
    world.emit(organization, "user_removed_from_chat", |_| {
        json!({
            "chat_id": id, "thread_id": thread, "user_id": user, "reason": "manual",
            "requester_id": by,
        })
    });
    let (kind, says) = match user == by {
        true => ("agent_left", format!("{name} left the chat")),
        false => (
            "agent_removed",
            format!("{name} was removed from the chat by {by}"),
        ),
    };
    system(
        world,
        organization,
        id,
        kind,
        &says,
        &json!({"agent": name, "initiator": by}),
    );
}

/// Begins a chat.
pub(super) fn start(
    world: &mut World,
    organization: &str,
    users: Vec<ChatUser>,
    groups: Vec<u64>,
) -> String {
    let id = world.short('P');
    let thread = new_thread(world);
    let Some(licence) = world.licences.get_mut(organization) else {
        return String::new();
    };
    licence.chats.push(Chat {
        id: id.clone(),
        users,
        threads: vec![thread],
        groups,
        properties: Map::new(),
    });
    id
}

pub(super) fn new_thread(world: &mut World) -> Thread {
    Thread {
        id: world.short('R'),
        active: true,
        created: world.now(),
        events: Vec::new(),
        tags: Vec::new(),
        count: 0,
        queue: None,
    }
}

/// Tells of a chat that begins, or begins again, or comes from elsewhere.
pub(super) fn tell_chat(world: &mut World, organization: &str, id: &str, from: Option<Value>) {
    let made: Vec<(Spoken, Value)> = {
        let Some(chat) = world.licence_of(organization).and_then(|it| it.chat(id)) else {
            return;
        };
        let Some(place) = chat.threads.len().checked_sub(1) else {
            return;
        };
        let all = [Spoken::ChatIo, Spoken::Three(6)];
        all.map(|spoken| {
            let mut payload = json!({"chat": of_thread(chat, spoken, place)});
            if let Some(from) = &from {
                payload["transferred_from"] = from.clone();
            }
            (spoken, payload)
        })
        .to_vec()
    };
    world.emit(organization, "incoming_chat", |spoken| {
        let is_old = spoken == Spoken::ChatIo;
        let found = made
            .iter()
            .find(|(known, _)| (*known == Spoken::ChatIo) == is_old);
        found
            .map(|(_, payload)| payload.clone())
            .unwrap_or_default()
    });
}

/// Closes a chat, and tells.
pub(super) fn close(world: &mut World, organization: &str, id: &str, by: Option<&str>) {
    let (kind, says) = match by {
        Some(by) => ("manual_archived_agent", format!("{by} archived the chat")),
        None => (
            "routing.archived_inactive",
            "archived for inactivity".to_owned(),
        ),
    };
    system(world, organization, id, kind, &says, &json!({"agent": by}));
    let Some(licence) = world.licences.get_mut(organization) else {
        return;
    };
    let Some(chat) = licence.chat_mut(id) else {
        return;
    };
    for user in chat.users.iter_mut().filter(|user| !user.is_customer) {
        user.present = false;
    }
    let Some(thread) = chat.threads.last_mut() else {
        return;
    };
    thread.active = false;
    let thread = thread.id.clone();
    world.emit(organization, "chat_deactivated", |_| match by {
        Some(by) => json!({"chat_id": id, "thread_id": thread, "user_id": by}),
        None => json!({"chat_id": id, "thread_id": thread}),
    });
}
