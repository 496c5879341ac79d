//! How a bot was spoken to.

use crate::model::delivery::View;
use crate::model::event::{Addressing, Bot, Conversation, ConversationKind, Event, Mention};

/// Whether the bot is among those mentioned.
pub fn mentions_bot(bot: &Bot, mentions: &[Mention]) -> bool {
    mentions
        .iter()
        .any(|mention| mention.user_id == bot.user_id)
}

/// Says how the bot was spoken to, as one plugin sees it: for connectors with `View::Whole`, and
/// once more when a command matched, because only then is a first word known to be a prefix.
pub fn addressing(event: &Event, view: &View) -> Addressing {
    match (event.addressing, view) {
        (Addressing::Ambient, View::Command { .. }) => Addressing::Prefix,
        (Addressing::Ambient, _) if is_direct(event.conversation.as_ref()) => Addressing::Direct,
        (found, _) => found,
    }
}

fn is_direct(conversation: Option<&Conversation>) -> bool {
    conversation.is_some_and(|place| place.kind == ConversationKind::Direct)
}
