//! Users, streams and rooms.

use super::extra;
use crate::connectors::symphony::ids::id_from_wire;
use crate::connectors::symphony::wire::event::{RoomProperties, V4Stream, V4User};
use crate::model::event::{Conversation, ConversationKind, Extra, User, UserKind};

/// Makes a user. Service accounts are known by having a user name, and neither a first nor a last name:
/// a person of the bot's own pod has all three, one of another pod no user name.
pub fn user_from_wire(user: &V4User) -> User {
    let given = |text: &Option<String>| {
        let text = text.as_ref()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let id = given(&user.user_id).unwrap_or_default();
    let first_name = given(&user.first_name);
    let last_name = given(&user.last_name);
    let user_name = given(&user.username).or_else(|| given(&user.user_name));
    let email = given(&user.email);
    let whole_name = || {
        let names = [first_name.as_deref(), last_name.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        (!names.is_empty()).then(|| names.join(" "))
    };
    let display_name = given(&user.display_name)
        .or_else(whole_name)
        .or_else(|| user_name.clone())
        .or_else(|| email.clone());
    let is_service = first_name.is_none() && last_name.is_none() && user_name.is_some();
    User {
        display_name: display_name.unwrap_or_else(|| id.clone()),
        user_name,
        first_name,
        last_name,
        email,
        kind: if is_service {
            UserKind::Bot
        } else {
            UserKind::Human
        },
        ..User::of_id(&id)
    }
}

/// Makes a conversation. Where the type is left out, the room's name or the members say what it is.
pub fn conversation_from_wire(stream: &V4Stream) -> Conversation {
    let name = stream.room_name.as_deref().map(str::trim);
    let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
    let kind = match (stream.stream_type.as_deref(), stream.members.len()) {
        (Some("IM"), _) => ConversationKind::Direct,
        (Some("MIM"), _) => ConversationKind::Group,
        (Some("ROOM"), _) => ConversationKind::Room,
        (Some("POST"), _) => ConversationKind::Post,
        (Some(_), _) => ConversationKind::Other,
        (None, _) if name.is_some() => ConversationKind::Room,
        (None, 2) => ConversationKind::Direct,
        (None, 3..) => ConversationKind::Group,
        (None, _) => ConversationKind::Other,
    };
    Conversation {
        id: id_from_wire(stream.stream_id.as_deref().unwrap_or_default()),
        kind,
        name,
        // People of other companies may be there until somebody says that they are not.
        external: stream.external.or(stream.cross_pod).unwrap_or(true),
        cross_pod: stream.cross_pod.or(stream.external).unwrap_or(true),
        thread: None,
    }
}

/// Tells whether a stream says who may be there.
pub(super) fn says_who_is_there(stream: &V4Stream) -> bool {
    stream.external.or(stream.cross_pod).is_some()
}

/// Says what a room is: `description`, `public`, `read-only`, …
pub(super) fn room_extras(extras: &mut Vec<Extra>, room: &RoomProperties) {
    extra(extras, "room-name", room.name.as_deref());
    extra(extras, "description", room.description.as_deref());
    let creator = room.creator_user.as_ref();
    let creator = creator.and_then(|user| user.user_id.as_deref());
    extra(extras, "creator", creator);
    for (name, flag) in [
        ("public", room.public),
        ("discoverable", room.discoverable),
        ("read-only", room.read_only),
        ("copy-protected", room.copy_protected),
        ("members-can-invite", room.members_can_invite),
        ("can-view-history", room.can_view_history),
    ] {
        extra(
            extras,
            name,
            flag.map(|flag| if flag { "true" } else { "false" }),
        );
    }
    let words: Vec<String> = room
        .keywords
        .iter()
        .filter_map(|word| {
            let value = word.value.as_deref().unwrap_or_default();
            Some(format!("{}={value}", word.key.as_deref()?))
        })
        .collect();
    extra(extras, "keywords", Some(&words.join(" ")));
}
