//! Names and the ids made from them, which stay the same for ever.

use std::sync::Arc;

use super::rules::NAME_MAX;
use super::state::{Room, State};
use crate::mailbox::rooms::{RoomMessage, RoomUser, RoomsError, is_private};
use crate::model::Name;
use crate::model::event::{ConversationKind, ConversationRole, User, UserKind, Visibility};
use crate::model::payload::PresenceStatus;

/// Characters of an id that is made from a name.
const ID_MAX: usize = 64;
/// What the e-mail addresses of local users end in.
const MAIL_DOMAIN: &str = "@local";

/// Makes an id from a name: lower-case letters and digits with dashes between.
pub fn id_from_name(name: &str) -> Name {
    let mut id = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    if id.is_empty() || id.chars().count() > ID_MAX {
        return format!("x{}", short_hash(&[name])).into();
    }
    id.into()
}

/// Makes the id of a conversation that is known by its people.
pub fn private_id(kind: ConversationKind, people: &[&str]) -> Name {
    let joined = people.join("+");
    match kind {
        ConversationKind::Direct => format!("direct:{joined}").into(),
        _ => format!("group:{}", short_hash(people)).into(),
    }
}

/// Hashes parts to 16 hexadecimal digits.
pub fn short_hash(parts: &[&str]) -> String {
    let [a, b, c, d, e, f, g, h, ..] = crate::journal::EventKey::new(parts).0;
    let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    format!("{first:016x}")
}

/// Makes a user.
///
/// # Errors
/// When the name is empty, too long or not printable.
pub fn new_user(name: &str, kind: UserKind) -> Result<Arc<RoomUser>, RoomsError> {
    check_name(name, NAME_MAX)?;
    Ok(Arc::new(RoomUser {
        id: id_from_name(name),
        name: name.trim().into(),
        kind,
    }))
}

/// Checks a name that people see.
///
/// # Errors
/// When it is empty, too long or not printable.
pub fn check_name(name: &str, max: usize) -> Result<(), RoomsError> {
    if name.trim().is_empty() {
        return Err(RoomsError::Denied("a name is missing".into()));
    }
    if name.len() > max {
        return Err(RoomsError::TooLarge(format!(
            "a name has at most {max} bytes"
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(RoomsError::Denied(
            "a name has no control characters".into(),
        ));
    }
    Ok(())
}

/// Finds a user by id, name or e-mail address.
pub fn find_user<'a>(state: &'a State, name: &str) -> Option<&'a Arc<RoomUser>> {
    if let Some(user) = state.users.get(name) {
        return Some(user);
    }
    let name = name.strip_prefix('@').unwrap_or(name);
    let name = name.strip_suffix(MAIL_DOMAIN).unwrap_or(name);
    state.users.get(&id_from_name(name))
}

/// Tells whether a user, by id, may see a message of a conversation.
pub fn sees(room: &Room, message: &RoomMessage, user: &str) -> bool {
    let role = room.member(user).map(|member| member.role);
    let is_hidden =
        message.visibility == Visibility::Agents && role == Some(ConversationRole::Customer);
    !is_hidden && (role.is_some() || !is_private(&room.info))
}

/// Tells whether a user is there to answer.
pub fn is_available(state: &State, user: &str) -> bool {
    state.presence.get(user) == Some(&PresenceStatus::Available)
}

/// Finds the first of some people, by name or id, who is there to answer.
pub fn somebody_there<'a>(state: &'a State, people: &[String]) -> Option<&'a Arc<RoomUser>> {
    let users = people.iter().filter_map(|name| find_user(state, name));
    let mut there = users.filter(|user| is_available(state, &user.id));
    there.next()
}

/// Finds a room by its name or id.
pub fn find_room<'a>(state: &'a State, name: &str) -> Option<&'a Room> {
    let named = |room: &&Room| {
        room.info.kind == ConversationKind::Room
            && (room.info.name.eq_ignore_ascii_case(name.trim()) || *room.info.id == *name)
    };
    let usual: Name = format!("room:{}", id_from_name(name)).into();
    state
        .rooms
        .get(&usual)
        .filter(|room| named(room))
        .or_else(|| {
            let mut found: Vec<&Room> = state.rooms.values().filter(named).collect();
            found.sort_by(|a, b| a.info.id.cmp(&b.info.id));
            found.first().copied()
        })
}

/// A user's e-mail address.
pub fn email(user: &RoomUser) -> String {
    format!("{}{MAIL_DOMAIN}", user.id)
}

/// A user as events and reads show it.
pub fn model_user(user: &RoomUser) -> User {
    User {
        id: user.id.to_string(),
        display_name: user.name.to_string(),
        user_name: Some(user.id.to_string()),
        first_name: None,
        last_name: None,
        email: Some(email(user)),
        time_zone: None,
        locale: None,
        kind: user.kind,
        role_here: ConversationRole::Unknown,
        roles: Vec::new(),
    }
}

/// A user as events and reads show it, with its part in a conversation.
pub fn model_member(user: &RoomUser, role: ConversationRole) -> User {
    let kind = match (user.kind, role) {
        (UserKind::Bot, _) => UserKind::Bot,
        (_, ConversationRole::Customer) => UserKind::Customer,
        (_, ConversationRole::Agent) => UserKind::Agent,
        (kind, _) => kind,
    };
    User {
        kind,
        role_here: role,
        ..model_user(user)
    }
}
