//! Users.

use crate::connectors::livechat::wire::WireUser;
use crate::model::event::{Bot, ConversationRole, User, UserKind};

/// Makes a user of what a chat says of one.
pub fn user_from_wire(user: &WireUser, bot: &Bot) -> User {
    let by_id = user_of_id(&user.id, bot);
    let (kind, role_here) = match user.kind.as_str() {
        "customer" => (UserKind::Customer, ConversationRole::Customer),
        // The platform calls bots agents too.
        "agent" if by_id.kind != UserKind::Bot => (UserKind::Agent, ConversationRole::Agent),
        "agent" => (UserKind::Bot, ConversationRole::Agent),
        _ => (by_id.kind, by_id.role_here),
    };
    let name = user.name.clone().or_else(|| user.email.clone());
    User {
        display_name: name.unwrap_or(by_id.display_name),
        email: user.email.clone().or(by_id.email),
        time_zone: user.time_zone.clone(),
        kind,
        role_here,
        ..User::of_id(&user.id)
    }
}

/// Makes a user of whom the id alone is known. It tells what somebody is: agents have their e-mail
/// address, bots 32 hexadecimal digits, customers a UUID.
pub fn user_of_id(id: &str, bot: &Bot) -> User {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_hexdigit());
    let is_bot = id == bot.user_id || (id.len() == 32 && is_hex(id));
    let is_uuid = id.len() == 36 && id.split('-').all(is_hex) && id.split('-').count() == 5;
    let (kind, role_here) = if is_bot {
        (UserKind::Bot, ConversationRole::Agent)
    } else if id.contains('@') {
        (UserKind::Agent, ConversationRole::Agent)
    } else if is_uuid {
        (UserKind::Customer, ConversationRole::Customer)
    } else {
        (UserKind::Other, ConversationRole::Unknown)
    };
    let mut user = User {
        kind,
        role_here,
        ..User::of_id(id)
    };
    if id == bot.user_id {
        user.display_name.clone_from(&bot.display_name);
    }
    if id.contains('@') {
        user.email = Some(id.to_owned());
    }
    user
}
