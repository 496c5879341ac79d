//! Room moderation: takes away messages with words that the operator does not want, tells their author,
//! and takes out of the room who goes on.

use std::time::Duration;

use parlor_sdk::events::{ConversationRole, MessageEdited, MessageReceived, User};
use parlor_sdk::prelude::*;

const STRIKES: &str = "strikes/";

/// The moderator.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "moderation", summary = "Keeps rooms clean")]
#[config("words", list, required, help = "What is not to be said")]
#[config("strikes", number, default = "3", help = "The one that ends it")]
#[config("memory", duration, default = "24h", help = "How long a strike counts")]
#[capability(action = "delete", reason = "Takes away what breaks the rules")]
#[capability(action = "remove", reason = "Takes out who breaks them too often")]
#[capability(action = "send-user", reason = "Tells whom it takes out why")]
impl Guest {
    #[message()]
    fn said(&mut self, cx: &Context, got: &MessageReceived) -> Result<Reply, Error> {
        judge(cx, &got.message.id, &got.message.text)
    }

    // What was clean when it was sent may not stay so.
    #[on(message_edited)]
    fn edited(&mut self, cx: &Context, got: &MessageEdited) -> Result<Reply, Error> {
        judge(cx, &got.message.id, &got.message.text)
    }

    // Who may is the operator's: `allow = { forgive = ["moderators"] }`.
    #[command("/forgive {@who}", help = "Forgets somebody's strikes in this room")]
    fn forgive(&mut self, cx: &Context, who: Mention) -> Result<Reply, Error> {
        state::conversation().delete(&strikes_of(&who.user_id))?;
        Ok(cx.reply(
            Line::new()
                .mention_user(&who.user_id, &who.text)
                .text(" starts anew."),
        ))
    }
}

fn judge(cx: &Context, message: &str, text: &str) -> Result<Reply, Error> {
    let Some(author) = cx.actor().filter(|author| may_be_judged(author)) else {
        return Ok(Reply::none());
    };
    if !is_forbidden(text) {
        return Ok(Reply::none());
    }
    let (memory, key) = (state::conversation(), strikes_of(&author.id));
    let count = memory.number(&key)?.unwrap_or(0) + 1;
    let most = config::number("strikes").map_or(3, |most| most as i64);
    let taken = Reply::from(Action::delete(MessageRef::by_id(message)));
    if count >= most {
        memory.delete(&key)?;
        let room = cx.conversation().and_then(|room| room.name.as_deref());
        let why = format!(
            "You were taken out of {}: {count} strikes.",
            room.unwrap_or("a room")
        );
        return Ok(taken
            .and(Action::remove(&author.id))
            .and(Message::to_user(&author.id, why)));
    }
    let span = config::duration("memory").unwrap_or(Duration::from_secs(24 * 60 * 60));
    memory.set_for(&key, count.to_string(), span)?;
    let warning = Line::new()
        .mention_user(&author.id, &author.display_name)
        .text(format!(
            ": that is not said here. Strike {count} of {most}."
        ));
    Ok(taken.and(cx.reply(warning)))
}

/// Owners of the room keep order themselves.
fn may_be_judged(author: &User) -> bool {
    author.role_here != ConversationRole::Owner
}

fn is_forbidden(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut said = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = config::texts("words")
        .iter()
        .map(|word| word.to_lowercase())
        .collect();
    said.any(|said| words.iter().any(|word| word == said))
}

fn strikes_of(user: &str) -> String {
    format!("{STRIKES}{user}")
}
