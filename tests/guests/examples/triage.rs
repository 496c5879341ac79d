//! Customer-chat triage: asks a customer what it is about, tags the chat, briefs the agents, and hands it
//! to the group that answers for it.

use parlor_sdk::events::{ActionFailed, ConversationChanged, ConversationKind};
use parlor_sdk::prelude::*;

const HAND_ON: &str = "hand-on";

/// The triage bot.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "triage",
    summary = "Hands customer chats to who can help",
    subscribe(action_failed)
)]
#[config(
    "groups",
    list,
    required,
    help = "What a chat can be about: the names of groups of agents"
)]
#[capability(action = "tag", reason = "Marks what a chat is about")]
#[capability(action = "transfer", reason = "Hands the chat to the group")]
#[capability(action = "close", reason = "Ends a chat that an agent calls solved")]
impl Guest {
    #[on(conversation_changed)]
    fn opened(&mut self, cx: &Context, change: &ConversationChanged) -> Reply {
        let is_chat = cx
            .conversation()
            .is_some_and(|chat| chat.kind == ConversationKind::CustomerChat);
        match change {
            ConversationChanged::Created if is_chat => Reply::from(Action::join())
                .and(cx.reply("Welcome! Two questions, so that the right person answers."))
                .and(cx.reply(form())),
            _ => Reply::none(),
        }
    }

    #[form("triage")]
    fn answered(&mut self, cx: &Context, topic: String, question: String) -> Reply {
        let brief = Blocks::new().heading(3, topic.as_str()).quote(question);
        Reply::from(Action::tag(topic.as_str()))
            .and(Message::reply(brief).agents_only())
            .and(cx.reply("Thank you. Somebody is with you in a moment."))
            .and(Action::transfer_to_group(topic).key(HAND_ON))
    }

    // A customer who does not want a form.
    #[message(word = "human")]
    fn human(&mut self, cx: &Context) -> Reply {
        let any = config::texts("groups")
            .into_iter()
            .next()
            .unwrap_or_default();
        cx.reply("Of course.")
            .and(Action::transfer_to_group(any).key(HAND_ON))
    }

    #[on(action_failed)]
    fn failed(&mut self, cx: &Context, failed: &ActionFailed) -> Reply {
        if failed.action.key.as_deref() != Some(HAND_ON) || failed.retrying {
            return Reply::none();
        }
        cx.reply("Nobody is here right now. Write on: it is kept, and answered in the morning.")
            .and(Action::tag("waiting"))
    }

    // Who may is the operator's: `allow = { solved = ["agents"] }`.
    #[command("/solved", help = "Ends the chat")]
    fn solved(&mut self, cx: &Context) -> Reply {
        cx.reply("Good-bye!")
            .and(Action::tag("solved"))
            .and(Action::close())
            .and(Action::leave())
    }
}

fn form() -> Form {
    let groups = config::texts("groups");
    let topics = groups.iter().map(|group| (group.as_str(), group.as_str()));
    Form::new("triage")
        .title("How can we help?")
        .select("topic", "It is about", topics)
        .text("question", "Your question")
        .submit("Send")
        .once()
}
