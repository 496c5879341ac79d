//! People, places and messages, as the contract has them.

use super::content_to_wit::block_to_wit;
use crate::model::event;
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn bot_to_wit(x: &event::Bot) -> wit::events::Bot {
    wit::events::Bot {
        name: x.name.clone(),
        platform: x.platform.clone(),
        user_id: x.user_id.clone(),
        display_name: x.display_name.clone(),
    }
}

pub(in crate::runtime) fn conversation_to_wit(
    x: &event::Conversation,
) -> wit::events::Conversation {
    wit::events::Conversation {
        id: x.id.clone(),
        kind: conversation_kind_to_wit(&x.kind),
        name: x.name.clone(),
        external: x.external,
        cross_pod: x.cross_pod,
        thread: x.thread.clone(),
    }
}

pub(in crate::runtime) fn conversation_kind_to_wit(
    x: &event::ConversationKind,
) -> wit::events::ConversationKind {
    match x {
        event::ConversationKind::Direct => wit::events::ConversationKind::Direct,
        event::ConversationKind::Group => wit::events::ConversationKind::Group,
        event::ConversationKind::Room => wit::events::ConversationKind::Room,
        event::ConversationKind::CustomerChat => wit::events::ConversationKind::CustomerChat,
        event::ConversationKind::Post => wit::events::ConversationKind::Post,
        event::ConversationKind::Other => wit::events::ConversationKind::Other,
    }
}

pub(in crate::runtime) fn user_to_wit(x: &event::User) -> wit::events::User {
    wit::events::User {
        id: x.id.clone(),
        display_name: x.display_name.clone(),
        user_name: x.user_name.clone(),
        first_name: x.first_name.clone(),
        last_name: x.last_name.clone(),
        email: x.email.clone(),
        time_zone: x.time_zone.clone(),
        locale: x.locale.clone(),
        kind: user_kind_to_wit(&x.kind),
        role_here: conversation_role_to_wit(&x.role_here),
        roles: x.roles.clone(),
    }
}

pub(in crate::runtime) fn user_kind_to_wit(x: &event::UserKind) -> wit::events::UserKind {
    match x {
        event::UserKind::Human => wit::events::UserKind::Human,
        event::UserKind::Bot => wit::events::UserKind::Bot,
        event::UserKind::Customer => wit::events::UserKind::Customer,
        event::UserKind::Agent => wit::events::UserKind::Agent,
        event::UserKind::System => wit::events::UserKind::System,
        event::UserKind::Other => wit::events::UserKind::Other,
    }
}

pub(in crate::runtime) fn conversation_role_to_wit(
    x: &event::ConversationRole,
) -> wit::events::ConversationRole {
    match x {
        event::ConversationRole::Owner => wit::events::ConversationRole::Owner,
        event::ConversationRole::Member => wit::events::ConversationRole::Member,
        event::ConversationRole::Agent => wit::events::ConversationRole::Agent,
        event::ConversationRole::Customer => wit::events::ConversationRole::Customer,
        event::ConversationRole::Unknown => wit::events::ConversationRole::Unknown,
    }
}

pub(in crate::runtime) fn addressing_to_wit(x: &event::Addressing) -> wit::events::Addressing {
    match x {
        event::Addressing::Direct => wit::events::Addressing::Direct,
        event::Addressing::Mention => wit::events::Addressing::Mention,
        event::Addressing::Prefix => wit::events::Addressing::Prefix,
        event::Addressing::Ambient => wit::events::Addressing::Ambient,
    }
}

pub(in crate::runtime) fn extra_to_wit(x: &event::Extra) -> wit::events::Extra {
    wit::events::Extra {
        name: x.name.clone(),
        value: x.value.clone(),
    }
}

pub(in crate::runtime) fn message_to_wit(x: &event::Message) -> wit::events::Message {
    wit::events::Message {
        id: x.id.clone(),
        text: x.text.clone(),
        content: x.content.iter().map(block_to_wit).collect(),
        mentions: x.mentions.iter().map(mention_to_wit).collect(),
        cashtags: x.cashtags.iter().map(cashtag_to_wit).collect(),
        hashtags: x.hashtags.clone(),
        entities: x.entities.iter().map(entity_to_wit).collect(),
        attachments: x
            .attachments
            .iter()
            .map(received_attachment_to_wit)
            .collect(),
        reply_to: x.reply_to.clone(),
        quoted: x.quoted.as_ref().map(quoted_message_to_wit),
        visibility: visibility_to_wit(&x.visibility),
    }
}

pub(in crate::runtime) fn mention_to_wit(x: &event::Mention) -> wit::events::Mention {
    wit::events::Mention {
        user_id: x.user_id.clone(),
        text: x.text.clone(),
    }
}

pub(in crate::runtime) fn cashtag_to_wit(x: &event::Cashtag) -> wit::events::Cashtag {
    wit::events::Cashtag {
        ticker: x.ticker.clone(),
        ids: x.ids.clone(),
    }
}

pub(in crate::runtime) fn entity_to_wit(x: &event::Entity) -> wit::events::Entity {
    wit::events::Entity {
        type_: x.r#type.clone(),
        version: x.version.clone(),
        json: x.json.clone(),
    }
}

pub(in crate::runtime) fn received_attachment_to_wit(
    x: &event::ReceivedAttachment,
) -> wit::events::ReceivedAttachment {
    wit::events::ReceivedAttachment {
        id: x.id.clone(),
        name: x.name.clone(),
        media_type: x.media_type.clone(),
        size: x.size,
    }
}

pub(in crate::runtime) fn quoted_message_to_wit(
    x: &event::QuotedMessage,
) -> wit::events::QuotedMessage {
    wit::events::QuotedMessage {
        id: x.id.clone(),
        author: x.author.clone(),
        text: x.text.clone(),
        at: x.at,
    }
}

pub(in crate::runtime) fn visibility_to_wit(x: &event::Visibility) -> wit::events::Visibility {
    match x {
        event::Visibility::All => wit::events::Visibility::All,
        event::Visibility::Agents => wit::events::Visibility::Agents,
    }
}

pub(in crate::runtime) fn argument_to_wit(x: &event::Argument) -> wit::events::Argument {
    wit::events::Argument {
        name: x.name.clone(),
        value: argument_value_to_wit(&x.value),
    }
}

pub(in crate::runtime) fn argument_value_to_wit(
    x: &event::ArgumentValue,
) -> wit::events::ArgumentValue {
    match x {
        event::ArgumentValue::Text(x) => wit::events::ArgumentValue::Text(x.clone()),
        event::ArgumentValue::Integer(x) => wit::events::ArgumentValue::Integer(*x),
        event::ArgumentValue::Number(x) => wit::events::ArgumentValue::Number(*x),
        event::ArgumentValue::Flag(x) => wit::events::ArgumentValue::Flag(*x),
        event::ArgumentValue::Mention(x) => wit::events::ArgumentValue::Mention(mention_to_wit(x)),
        event::ArgumentValue::Hashtag(x) => wit::events::ArgumentValue::Hashtag(x.clone()),
        event::ArgumentValue::Cashtag(x) => wit::events::ArgumentValue::Cashtag(cashtag_to_wit(x)),
    }
}

pub(in crate::runtime) fn header_to_wit(x: &event::Header) -> wit::events::Header {
    wit::events::Header {
        name: x.name.clone(),
        value: x.value.clone(),
    }
}
