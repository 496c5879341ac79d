//! What people do on the pod, as scripts ask for it.

use serde_json::{Map, Value, json};

use super::ids::{standard, url_safe};
use super::knobs;
use super::members::Change;
use super::messageml::{escape, text_of};
use super::messages::{Attachment, Message};
use super::streams::{Kind, Stream};
use super::world::World;

pub(super) type Done = Result<Value, String>;

pub(super) fn text<'a>(what: &'a Value, key: &str) -> Option<&'a str> {
    what.get(key).and_then(Value::as_str)
}

pub(super) fn needed<'a>(what: &'a Value, key: &str) -> Result<&'a str, String> {
    text(what, key).ok_or_else(|| format!("\"{key}\" is missing, or no text"))
}

/// Refuses what has a key that nobody reads.
pub(super) fn only(what: &Value, known: &[&str]) -> Result<(), String> {
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
pub(super) fn act(world: &mut World, bot: i64, verb: &str, what: &Value) -> Done {
    match verb {
        "say" => say(world, bot, what),
        "submit" => submit(world, bot, what),
        "member" => member(world, bot, what),
        "room" => room(world, bot, what),
        "connection" => connection(world, bot, what),
        "suppress" => suppress(world, bot, what),
        "user" => knobs::user(world, what),
        "event" => event(world, bot, what),
        "set" => knobs::set(world, what),
        "restart" => knobs::restart(world, what),
        other => Err(format!(
            "\"{other}\" is nothing that this platform can be asked"
        )),
    }
}

/// The conversation of this name or id; made where there is none yet.
fn conversation(world: &mut World, bot: i64, user: i64, what: &Value) -> Result<String, String> {
    let name = needed(what, "conversation")?;
    let kind = match text(what, "kind").unwrap_or("room") {
        "room" => Kind::Room,
        "im" => Kind::Im,
        "mim" => Kind::Mim,
        "post" | "wall" => Kind::Post,
        other => {
            return Err(format!(
                "\"{other}\" is no kind of conversation: room, im, mim, post"
            ));
        }
    };
    let is_in = match text(what, "bot").unwrap_or("in") {
        "in" => true,
        "out" => false,
        other => return Err(format!("\"bot\" is in or out, not \"{other}\"")),
    };
    if let Some(id) = find(world, name) {
        return Ok(id);
    }
    let id = match kind {
        Kind::Room => {
            let id = world.plain_room(name, user);
            if is_in {
                world.change_members(&id, Change::Add, bot, user);
            }
            id
        }
        Kind::Im | Kind::Mim => {
            let mut users = vec![user];
            if is_in {
                users.push(bot);
            }
            if kind == Kind::Mim {
                let other = world.person(&format!("{name}.guest"));
                users.push(other);
            }
            world.open_chat(&users, user)
        }
        Kind::Post => {
            let users = if is_in { vec![user, bot] } else { vec![user] };
            world.add_stream(Kind::Post, &users, user)
        }
    };
    world.labels.insert(name.to_owned(), id.clone());
    Ok(id)
}

/// A conversation that there is.
fn find(world: &World, name: &str) -> Option<String> {
    if let Some(id) = world.labels.get(name) {
        return Some(id.clone());
    }
    let id = url_safe(name);
    if world.streams.contains_key(&id) {
        return Some(id);
    }
    let mut rooms = world.streams.values();
    let room = rooms.find(|stream| stream.kind == Kind::Room && stream.room.name == name);
    room.map(|stream| stream.id.clone())
}

fn existing(world: &World, what: &Value) -> Result<String, String> {
    let name = needed(what, "conversation")?;
    find(world, name).ok_or_else(|| format!("there is no conversation \"{name}\""))
}

fn say(world: &mut World, bot: i64, what: &Value) -> Done {
    only(
        what,
        &[
            "conversation",
            "kind",
            "user",
            "text",
            "mention_bot",
            "bot",
            "plain",
            "message_ml",
            "data",
            "presentation",
            "attachments",
            "reply_to",
            "edit",
            "share",
        ],
    )?;
    let user = world.person(needed(what, "user")?);
    let id = conversation(world, bot, user, what)?;
    if !world.streams[&id].active {
        return Err("the room is not active".to_owned());
    }
    if !world.streams[&id].has(user) {
        world.change_members(&id, Change::Add, user, user);
    }
    let mut message = if let Some(source) = text(what, "message_ml") {
        let data = what.get("data").map(|data| match data {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let composed = world.compose(user, &id, source, data.as_deref());
        composed.map_err(|refusal| refusal.body.to_string())?
    } else if let Some(presentation) = text(what, "presentation") {
        // As it comes, well-formed or not: what an old or a foreign client may have written.
        let mut message = world.blank(user, &id);
        presentation.clone_into(&mut message.presentation);
        message.text = text_of(presentation);
        if let Some(data) = what.get("data").and_then(Value::as_object) {
            message.data.clone_from(data);
        }
        message
    } else {
        typed(world, bot, user, &id, what)?
    };
    attach(&mut message, what)?;
    if let Some(parent) = text(what, "reply_to") {
        message.parent = Some(url_safe(parent));
    }
    if let Some(shared) = text(what, "share") {
        message.shared = Some(url_safe(shared));
    }
    if let Some(old) = text(what, "edit") {
        let new = message.id.clone();
        let old = world
            .message_mut(old)
            .ok_or("there is no such message to edit")?;
        old.replaced_by = Some(new);
        message.replacing = Some(old.id.clone());
        message.initial = Some(old.initial.clone().unwrap_or((old.id.clone(), old.at)));
        message.silent = Some(true);
    }
    let message_id = world.post(message);
    Ok(json!({ "message_id": message_id, "stream_id": id, "user_id": user }))
}

/// What a person types: `#word`, `$word` and `@user` become what the client makes of them.
fn typed(
    world: &mut World,
    bot: i64,
    user: i64,
    stream: &str,
    what: &Value,
) -> Result<Message, String> {
    let words = needed(what, "text")?;
    let is_plain = what.get("plain").and_then(Value::as_bool) == Some(true);
    let mut message = world.blank(user, stream);
    let mut inner = String::new();
    let mut data = Map::new();
    let mut entity = |shown: &str, value: Value| {
        let id = data.len().to_string();
        data.insert(id.clone(), value);
        format!(
            "<span class=\"entity\" data-entity-id=\"{id}\">{}</span>",
            escape(shown)
        )
    };
    if what.get("mention_bot").and_then(Value::as_bool) == Some(true) {
        let shown = format!("@{}", world.people[&bot].display);
        inner.push_str(&entity(&shown, super::messageml::mention(bot)));
        if !words.is_empty() {
            inner.push(' ');
        }
    }
    for (index, word) in words.split(' ').enumerate() {
        if index > 0 {
            inner.push(' ');
        }
        let mut letters = word.chars();
        let (sign, rest) = (letters.next(), letters.as_str());
        let begins = rest.chars().next().is_some_and(char::is_alphabetic);
        let made = match sign {
            Some('#') if begins && !is_plain => Some(entity(word, super::messageml::hashtag(rest))),
            Some('$') if begins && !is_plain => Some(entity(word, super::messageml::cashtag(rest))),
            Some('@') if begins && !is_plain => world.find_person(rest).map(|id| {
                let shown = format!("@{}", world.people[&id].display);
                entity(&shown, super::messageml::mention(id))
            }),
            _ => None,
        };
        inner.push_str(&made.unwrap_or_else(|| escape(word)));
    }
    let inner = inner.replace('\n', "<br/>");
    message.presentation = format!(
        "<div data-format=\"PresentationML\" data-version=\"2.0\" class=\"wysiwyg\"><p>{inner}</p></div>"
    );
    message.text = text_of(&message.presentation);
    message.data = data;
    Ok(message)
}

fn attach(message: &mut Message, what: &Value) -> Result<(), String> {
    use base64::Engine as _;
    let Some(files) = what.get("attachments").and_then(Value::as_array) else {
        return Ok(());
    };
    for file in files {
        only(file, &["name", "type", "base64", "size"])?;
        let bytes = match (
            text(file, "base64"),
            file.get("size").and_then(Value::as_u64),
        ) {
            (Some(encoded), None) => base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .map_err(|error| error.to_string())?,
            // A file of a size, where nobody looks at what is in it.
            (None, Some(size)) => vec![b'x'; usize::try_from(size).unwrap_or(usize::MAX)],
            _ => return Err("a file has \"base64\" or \"size\"".to_owned()),
        };
        message.attachments.push(Attachment {
            id: format!(
                "internal_{}%2F{}",
                super::ids::Ids::hex(7),
                super::ids::Ids::short(4)
            ),
            name: needed(file, "name")?.to_owned(),
            kind: text(file, "type")
                .unwrap_or("application/octet-stream")
                .to_owned(),
            bytes: bytes.into(),
            preview: None,
        });
    }
    Ok(())
}

fn submit(world: &mut World, _bot: i64, what: &Value) -> Done {
    only(
        what,
        &[
            "conversation",
            "user",
            "message_id",
            "form_id",
            "button",
            "values",
            "again",
        ],
    )?;
    let stream = existing(world, what)?;
    let user = world.person(needed(what, "user")?);
    if !world.streams[&stream].has(user) {
        return Err("the user is not in this conversation".to_owned());
    }
    let wanted = needed(what, "form_id")?;
    let has = |message: &&Message| {
        message.stream == stream
            && !message.suppressed
            && message.forms.iter().any(|form| form.id == wanted)
    };
    let found = match text(what, "message_id") {
        Some(id) => world.message(id).filter(has),
        None => world
            .messages
            .iter()
            .rev()
            .filter(|it| it.replaced_by.is_none())
            .find(has),
    };
    let message = found.ok_or_else(|| format!("no message here has the form {wanted}"))?;
    let form = message.forms.iter().find(|form| form.id == wanted);
    let form = form.ok_or("the message has no such form")?;
    let again = what.get("again").and_then(Value::as_bool) == Some(true);
    let key = (wanted.to_owned(), user);
    if message.submitted.contains(&key) && !form.multi_submit && !again {
        return Err("the form is closed to this user until they load the page again".to_owned());
    }
    let given = what
        .get("values")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let values = form.submitted(needed(what, "button")?, &given)?;
    let (id, author) = (message.id.clone(), message.author);
    let suffix = if world.knobs.form_id_suffix {
        "5454"
    } else {
        ""
    };
    // Ids of these events are in standard base64.
    let payload = json!({ "symphonyElementsAction": {
        "stream": {
            "streamId": standard(&stream),
            "streamType": world.streams[&stream].kind.name(),
        },
        "formMessageId": format!("{}{suffix}", standard(&id)),
        "formId": wanted,
        "formValues": values,
    } });
    if let Some(message) = world.message_mut(&id) {
        message.submitted.insert(key);
    }
    world.emit("SYMPHONYELEMENTSACTION", user, payload, &[author]);
    Ok(json!({ "message_id": id }))
}

fn member(world: &mut World, bot: i64, what: &Value) -> Done {
    only(
        what,
        &["conversation", "kind", "user", "change", "by", "bot"],
    )?;
    let user = match needed(what, "user")? {
        "bot" => bot,
        name => world.person(name),
    };
    let by = match text(what, "by") {
        Some("bot") => bot,
        Some(name) => world.person(name),
        None => user,
    };
    let id = conversation(world, bot, by, what)?;
    let change = needed(what, "change")?;
    if change == "request" {
        let stream = world.v4_stream(&id);
        let owners = world.streams[&id].owners();
        let mut to = owners.clone();
        to.push(user);
        let affected: Vec<Value> = owners.iter().map(|owner| world.v4(*owner)).collect();
        let payload = json!({ "userRequestedToJoinRoom": {
            "stream": stream, "affectedUsers": affected,
        } });
        world.emit("USERREQUESTEDTOJOINROOM", user, payload, &to);
        return Ok(json!({ "stream_id": id, "user_id": user }));
    }
    let change = Change::of(change).ok_or_else(|| {
        format!("\"{change}\" is no change: join, leave, promote, demote, request")
    })?;
    let changed = world.change_members(&id, change, user, by);
    Ok(json!({ "stream_id": id, "user_id": user, "changed": changed }))
}

fn room(world: &mut World, bot: i64, what: &Value) -> Done {
    only(
        what,
        &[
            "conversation",
            "user",
            "bot",
            "active",
            "public",
            "read_only",
            "external",
            "owner",
        ],
    )?;
    let user = world.person(text(what, "user").unwrap_or("ada"));
    let id = conversation(world, bot, user, what)?;
    let flag = |key: &str| what.get(key).and_then(Value::as_bool);
    if let Some(stream) = world.streams.get_mut(&id) {
        let room = &mut stream.room;
        if let Some(public) = flag("public") {
            (room.public, room.discoverable, room.view_history) = (public, public, public);
        }
        room.read_only = flag("read_only").unwrap_or(room.read_only);
        room.cross_pod = flag("external").unwrap_or(room.cross_pod);
        if text(what, "owner") == Some("bot") {
            for member in stream
                .members
                .iter_mut()
                .filter(|member| member.user == bot)
            {
                member.owner = true;
            }
        }
    }
    if let Some(active) = flag("active") {
        world.set_active(&id, active, user);
    }
    Ok(json!({ "stream_id": id, "user_id": user }))
}

fn connection(world: &mut World, bot: i64, what: &Value) -> Done {
    only(what, &["user", "with", "change"])?;
    let user = world.person(needed(what, "user")?);
    let other = text(what, "with").map_or(bot, |name| world.person(name));
    match needed(what, "change")? {
        "request" => world.request_connection(user, other),
        verb @ ("accept" | "reject") => {
            if !world.answer_connection(user, other, verb == "accept") {
                return Err("nobody has asked".to_owned());
            }
        }
        "connected" => world.connect(user, other),
        other => {
            return Err(format!(
                "\"{other}\" is no change: request, accept, reject, connected"
            ));
        }
    }
    Ok(json!({ "user_id": user }))
}

fn suppress(world: &mut World, _bot: i64, what: &Value) -> Done {
    only(what, &["message_id", "user"])?;
    let user = world.person(text(what, "user").unwrap_or("compliance.officer"));
    let id = needed(what, "message_id")?;
    if world.message(id).is_none() {
        return Err("there is no such message".to_owned());
    }
    world.withdraw(id, user);
    Ok(json!({}))
}

/// An event as it comes: what nobody on a pod can be made to do.
fn event(world: &mut World, bot: i64, what: &Value) -> Done {
    only(what, &["type", "payload", "user"])?;
    let by = world.person(text(what, "user").unwrap_or("system"));
    let payload = what
        .get("payload")
        .cloned()
        .ok_or("\"payload\" is missing")?;
    world.emit(needed(what, "type")?, by, payload, &[bot]);
    Ok(json!({}))
}

impl World {
    /// Who is in a conversation, for tests.
    pub(super) fn names_in(&self, name: &str) -> Vec<String> {
        let stream = find(self, name).and_then(|id| self.streams.get(&id));
        let users = stream.map(Stream::users).unwrap_or_default();
        let people = users.iter().filter_map(|user| self.people.get(user));
        people.map(|person| person.username.clone()).collect()
    }
}
