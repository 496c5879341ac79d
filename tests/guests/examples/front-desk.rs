//! Triage with buttons: asks a customer what it is about, tags the chat, hands it to the group that was
//! chosen, and says good-bye where nobody of it is there.

use parlor_sdk::events::{
    ActionError, ActionFailed, ButtonPressed, ConversationChanged, ConversationKind,
};
use parlor_sdk::prelude::*;

const CHOOSE: &str = "topic-";
const HAND_ON: &str = "hand-on";

/// The front desk.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "front-desk",
    summary = "Asks what a chat is about and hands it on",
    subscribe(action_failed)
)]
#[config(
    "groups",
    list,
    required,
    help = "The groups that a chat can be handed to"
)]
#[capability(action = "tag", reason = "Marks what a chat is about")]
#[capability(action = "transfer", reason = "Hands the chat to the group")]
#[capability(action = "close", reason = "Ends a chat that nobody can take")]
impl Guest {
    #[on(conversation_changed)]
    fn opened(&mut self, cx: &Context, change: &ConversationChanged) -> Reply {
        let is_chat = cx
            .conversation()
            .is_some_and(|chat| chat.kind == ConversationKind::CustomerChat);
        let is_new = matches!(
            change,
            ConversationChanged::Created | ConversationChanged::Reopened
        );
        if !is_chat || !is_new {
            return Reply::none();
        }
        let mut buttons = Buttons::new();
        for group in config::texts("groups") {
            buttons = buttons.action(format!("Group {group}"), format!("{CHOOSE}{group}"), group);
        }
        let asks = Blocks::new()
            .paragraph("What is it about?")
            .buttons(buttons);
        Reply::from(Action::join()).and(cx.reply(asks))
    }

    #[button(prefix = CHOOSE)]
    fn chosen(&mut self, cx: &Context, pressed: &ButtonPressed) -> Reply {
        let group = pressed.value.clone();
        cx.reply("One moment, please.")
            .and(Action::tag(["group-", &group].concat()))
            .and(Action::transfer_to_group(group).key(HAND_ON))
    }

    #[on(action_failed)]
    fn failed(&mut self, cx: &Context, failed: &ActionFailed) -> Reply {
        let is_it = failed.action.key.as_deref() == Some(HAND_ON) && !failed.retrying;
        if !is_it || failed.error != ActionError::Unavailable {
            return Reply::none();
        }
        cx.reply("Nobody is here right now. Please write again tomorrow.")
            .and(Action::close())
    }
}
