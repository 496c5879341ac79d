//! Messages (webex.md §5, §6).

use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, Upload, gone, good, refuse};
use super::world::{Message, Person, World};
use super::{cards, ids, list, markdown};
use crate::sim::Request;

/// Bytes of a text.
const MAX_BYTES: usize = 7_439;
/// Edits of a message.
const MAX_EDITS: u32 = 10;

/// What somebody says.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) text: Option<String>,
    pub(super) markdown: Option<String>,
    pub(super) files: Vec<Upload>,
    pub(super) attachments: Vec<Value>,
    pub(super) parent: Option<String>,
}

impl World {
    /// Says something in a space, and tells of it.
    pub(super) fn say(
        &mut self,
        room: &str,
        person: &str,
        draft: Draft,
    ) -> Result<Message, Refusal> {
        let too_long = |text: &Option<String>| text.as_ref().is_some_and(|it| it.len() > MAX_BYTES);
        if too_long(&draft.text) || too_long(&draft.markdown) {
            return Err(refuse(400, "Message length limited to 7439 bytes"));
        }
        if draft.text.is_none()
            && draft.markdown.is_none()
            && draft.files.is_empty()
            && draft.attachments.is_empty()
        {
            return Err(refuse(400, "Both text and file cannot be empty."));
        }
        if draft.files.len() > 1 {
            return Err(refuse(400, "Only one file is allowed per message"));
        }
        if !draft.files.is_empty() && !draft.attachments.is_empty() {
            return Err(refuse(400, "A message has a file or a card"));
        }
        cards::check(self, &draft.attachments)?;
        if let Some(parent) = &draft.parent {
            let parent = self
                .messages
                .iter()
                .find(|it| it.key == *parent && it.room == room);
            let is_reply = parent.is_some_and(|it| it.parent.is_some());
            if is_reply {
                return Err(refuse(400, "parentId cannot be a reply"));
            }
            if parent.is_none() {
                return Err(refuse(400, "Unable to find the parent message"));
            }
        }
        let mut message = Message {
            key: ids::uuid(),
            room: room.to_owned(),
            person: person.to_owned(),
            parent: draft.parent,
            files: draft.files,
            attachments: draft.attachments,
            hidden: self.knobs.lag,
            request: self.request,
            ..Message::default()
        };
        self.fill(&mut message, draft.text, draft.markdown);
        message.created = self.moment();
        let now = message.created;
        if let Some(room) = self.rooms.get_mut(room) {
            room.active = now;
        }
        let place = self.messages.len();
        self.places.insert(message.key.clone(), place);
        self.messages.push(message.clone());
        self.tell_message("created", &message, person);
        self.ring();
        Ok(message)
    }

    fn fill(&self, message: &mut Message, text: Option<String>, markdown: Option<String>) {
        message.markdown.clone_from(&markdown);
        (message.html, message.mentioned, message.groups) = (None, Vec::new(), Vec::new());
        message.text = text;
        if let Some(source) = markdown {
            let made = markdown::make(self, &message.room, &source);
            message.text = Some(made.text);
            message.html = Some(made.html);
            message.mentioned = made.mentioned;
            message.groups = made.groups;
        }
    }

    fn find_message(&self, id: &str) -> Result<usize, Refusal> {
        let key = ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
        let found = self.messages.iter().position(|message| message.key == key);
        found.ok_or_else(missing)
    }
}

fn missing() -> Refusal {
    refuse(404, "The requested resource could not be found.")
}

pub(super) fn post(world: &mut World, caller: &Person, fields: &Fields) -> Answer {
    let given = ["roomId", "toPersonId", "toPersonEmail"];
    let given: Vec<(&str, &str)> = given
        .into_iter()
        .filter_map(|name| Some((name, fields.text(name)?)))
        .collect();
    let [(name, id)] = given.as_slice() else {
        return Err(refuse(
            400,
            "Exactly one of the destination fields must not be empty (roomId, toPersonEmail, toPersonId)",
        ));
    };
    let room = match *name {
        "roomId" => {
            let key = ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
            if !world.is_in(&caller.key, &key) {
                return Err(refuse(404, "Could not find a room with provided ID."));
            }
            key
        }
        "toPersonId" => {
            let key = ids::key(id).filter(|key| world.people.contains_key(key));
            let key = key.ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
            world.direct(&caller.key, &key)
        }
        _ => {
            let key = world.somebody(id);
            world.direct(&caller.key, &key)
        }
    };
    let mut files = fields.uploads.clone();
    let urls = fields.values.get("files").and_then(Value::as_array);
    for url in urls.into_iter().flatten().filter_map(Value::as_str) {
        let name = url.rsplit('/').next().unwrap_or("file");
        files.push(Upload {
            name: name.to_owned(),
            kind: "application/octet-stream".to_owned(),
            bytes: url.as_bytes().to_vec().into(),
        });
    }
    let draft = Draft {
        text: fields.text("text").map(str::to_owned),
        markdown: fields.text("markdown").map(str::to_owned),
        files,
        attachments: attachments(fields),
        parent: parent(fields)?,
    };
    let said = world.say(&room, &caller.key, draft)?;
    let shown = world.shown_message(&said);
    world.note(
        &caller.key,
        "message",
        &room,
        said.text.as_deref().unwrap_or_default(),
        shown.clone(),
    );
    good(&shown)
}

fn attachments(fields: &Fields) -> Vec<Value> {
    let given = fields.values.get("attachments");
    given.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn parent(fields: &Fields) -> Result<Option<String>, Refusal> {
    let parent = fields.text("parentId");
    let key = parent.map(|id| ids::key(id).ok_or_else(|| refuse(400, "Expect base64 ID or UUID.")));
    key.transpose()
}

pub(super) fn read(world: &mut World, caller: &Person, id: &str) -> Answer {
    let place = world.find_message(id)?;
    let message = &mut world.messages[place];
    if message.hidden > 0 && message.person != caller.key {
        message.hidden -= 1;
        return Err(missing());
    }
    let message = world.messages[place].clone();
    if !world.sees(caller, &message) {
        return Err(missing());
    }
    good(&world.shown_message(&message))
}

pub(super) fn list(world: &World, caller: &Person, request: &Request) -> Answer {
    let room = request.query("roomId");
    let room =
        room.ok_or_else(|| refuse(400, "Required String parameter 'roomId' is not present"))?;
    let room = ids::key(room).ok_or_else(|| refuse(400, "Expect base64 ID or UUID."))?;
    if !world.is_in(&caller.key, &room) {
        return Err(refuse(404, "Could not find a room with provided ID."));
    }
    let mentioned = request.query("mentionedPeople");
    let is_direct = world.rooms.get(&room).is_some_and(|room| room.is_direct);
    if caller.is_bot && !is_direct && mentioned != Some("me") {
        return Err(refuse(403, "Failed to get activity."));
    }
    let before = request.query("before");
    let before_message = match request.query("beforeMessage") {
        Some(id) => Some(world.messages[world.find_message(id)?].created),
        None => None,
    };
    let parent = request
        .query("parentId")
        .map(|id| ids::key(id).unwrap_or_default());
    let fits = |message: &&Message| {
        message.room == room
            && (mentioned.is_none() || message.mentioned.contains(&caller.key))
            && before.is_none_or(|before| World::written(message.created).as_str() < before)
            && before_message.is_none_or(|at| message.created < at)
            && parent
                .as_ref()
                .is_none_or(|key| message.parent.as_ref() == Some(key))
    };
    let found = world.messages.iter().rev().filter(fits);
    let items = found.map(|message| world.shown_message(message)).collect();
    let most = if mentioned.is_some() { 100 } else { 1000 };
    list::page(world, request, items, (50, most))
}

pub(super) fn direct(world: &World, caller: &Person, request: &Request) -> Answer {
    let other = match (request.query("personId"), request.query("personEmail")) {
        (Some(id), _) => ids::key(id),
        (None, Some(email)) => {
            let mut people = world.people.values();
            people
                .find(|person| person.email == email)
                .map(|person| person.key.clone())
        }
        (None, None) => return Err(refuse(400, "personId or personEmail must be given")),
    };
    let room = other.and_then(|other| world.direct_known(&caller.key, &other));
    let room = room.ok_or_else(|| refuse(404, "Could not find a room with provided ID."))?;
    let said = world
        .messages
        .iter()
        .rev()
        .filter(|message| message.room == room);
    let items: Vec<Value> = said.map(|message| world.shown_message(message)).collect();
    good(&serde_json::json!({ "items": items }))
}

pub(super) fn edit(world: &mut World, caller: &Person, id: &str, fields: &Fields) -> Answer {
    let place = world.find_message(id)?;
    let mut message = world.messages[place].clone();
    if message.person != caller.key {
        return Err(refuse(403, "You are not allowed to edit this message."));
    }
    let room = fields.text("roomId").and_then(ids::key);
    if room.as_ref() != Some(&message.room) {
        return Err(refuse(400, "roomId does not match the message"));
    }
    if message.edits >= MAX_EDITS {
        return Err(refuse(400, "A message can be edited 10 times"));
    }
    let has_card = !message.attachments.is_empty();
    if !message.files.is_empty() || (has_card && !world.knobs.edits_cards) {
        return Err(refuse(400, "Messages with attachments cannot be edited"));
    }
    let (text, source) = (
        fields.text("text").map(str::to_owned),
        fields.text("markdown").map(str::to_owned),
    );
    if text.is_none() && source.is_none() {
        return Err(refuse(400, "Both text and file cannot be empty."));
    }
    let given = attachments(fields);
    cards::check(world, &given)?;
    message.attachments = given;
    world.fill(&mut message, text, source);
    message.edits += 1;
    message.updated = Some(world.moment());
    world.messages[place] = message.clone();
    world.tell_message("updated", &message, &caller.key);
    let shown = world.shown_message(&message);
    let text = message.text.clone().unwrap_or_default();
    world.note(&caller.key, "edit", &message.room, &text, shown.clone());
    good(&shown)
}

pub(super) fn delete(world: &mut World, caller: &Person, id: &str) -> Answer {
    let place = world.find_message(id)?;
    let message = world.messages[place].clone();
    let member = world.member(&caller.key, &message.room);
    let may = message.person == caller.key || member.is_some_and(|member| member.is_moderator);
    if !may {
        return Err(refuse(403, "You are not allowed to delete this message."));
    }
    world.messages.remove(place);
    world.tell_message("deleted", &message, &caller.key);
    let shown = world.shown_message(&message);
    let text = message.text.clone().unwrap_or_default();
    world.note(&caller.key, "delete", &message.room, &text, shown);
    gone()
}
