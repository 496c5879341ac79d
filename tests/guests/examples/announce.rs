//! Broadcast: says one thing in every room that the bot is in, once its author has seen it and says so.

use parlor_sdk::events::{ActionDone, ActionFailed, ButtonPressed, ConversationKind};
use parlor_sdk::prelude::*;

const BROADCAST: &str = "broadcast:";
const TEXT: &str = "text/";

/// The announcer.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "announce",
    summary = "Says something in every room",
    subscribe(action_done, action_failed)
)]
#[capability(read = "conversations", reason = "Finds the rooms")]
#[capability(action = "send-conversations", reason = "Says it in all of them")]
impl Guest {
    // Who may is the operator's: `allow = { announce = ["press"] }`.
    #[command("/announce {text...}", help = "Says something in every room")]
    fn announce(&mut self, cx: &Context, text: String) -> Result<Reply, Error> {
        let rooms = rooms(cx)?.len();
        let number = state::plugin().number("last")?.unwrap_or(0) + 1;
        state::plugin().set_number("last", number)?;
        let number = number.to_string();
        state::plugin().set(&format!("{TEXT}{number}"), &text)?;
        let buttons = Buttons::new()
            .button(Button::action(format!("Send to {rooms} rooms"), "send", &number).primary())
            .button(Button::action("Do not", "drop", &number));
        Ok(cx.reply(Blocks::new().quote(text).buttons(buttons)))
    }

    #[button("send")]
    fn send(&mut self, cx: &Context, pressed: &ButtonPressed) -> Result<Reply, Error> {
        let Some(text) = taken(&pressed.value)? else {
            return Ok(Reply::none());
        };
        let rooms = rooms(cx)?;
        let preview = MessageRef::by_id(pressed.message_id.as_str());
        let shown = Blocks::new().quote(text.as_str()).paragraph(format!(
            "On its way to {} rooms. /announced tells how far it is.",
            rooms.len()
        ));
        let key = format!("{BROADCAST}{}", pressed.value);
        Ok(Reply::from(Action::edit(preview, shown))
            .and(Message::to_conversations(rooms, text).key(key)))
    }

    #[button("drop")]
    fn drop(&mut self, pressed: &ButtonPressed) -> Result<Reply, Error> {
        taken(&pressed.value)?;
        Ok(Action::delete(MessageRef::by_id(pressed.message_id.as_str())).into())
    }

    #[command("/announced", help = "Tells how far the last announcement is")]
    fn announced(&mut self, cx: &Context) -> Result<Reply, Error> {
        let last = state::plugin().number("last")?.unwrap_or(0);
        let count = |name: &str| -> Result<i64, Error> {
            Ok(state::plugin()
                .number(&format!("{name}/{BROADCAST}{last}"))?
                .unwrap_or(0))
        };
        Ok(cx.reply(format!(
            "sent: {}, failed: {}",
            count("sent")?,
            count("failed")?
        )))
    }

    #[on(action_done)]
    fn done(&mut self, done: &ActionDone) -> Result<(), Error> {
        count("sent", done.action.key.as_deref())
    }

    #[on(action_failed)]
    fn failed(&mut self, failed: &ActionFailed) -> Result<(), Error> {
        match failed.retrying {
            true => Ok(()),
            false => count("failed", failed.action.key.as_deref()),
        }
    }
}

/// The rooms of the event's bot, page by page.
fn rooms(cx: &Context) -> Result<Vec<String>, Error> {
    let Some(bot) = cx.bot() else {
        return Ok(Vec::new());
    };
    let (mut rooms, mut cursor) = (Vec::new(), None);
    loop {
        let page = directory::conversations(&bot.name, cursor.as_deref())?;
        let is_room = |kind| kind == ConversationKind::Room;
        rooms.extend(
            page.items
                .into_iter()
                .filter(|place| is_room(place.kind))
                .map(|room| room.id),
        );
        cursor = page.next;
        if cursor.is_none() {
            return Ok(rooms);
        }
    }
}

/// Takes the text, so that it is sent once however often the button is pressed.
fn taken(number: &str) -> Result<Option<String>, Error> {
    let key = format!("{TEXT}{number}");
    let text = state::plugin().text(&key)?;
    state::plugin().delete(&key)?;
    Ok(text)
}

/// Counts an outcome. Adding reads nothing, so that the outcomes do not get in each other's way.
fn count(what: &str, key: Option<&str>) -> Result<(), Error> {
    match key.filter(|key| key.starts_with(BROADCAST)) {
        Some(key) => Ok(state::plugin().add(&format!("{what}/{key}"), 1)?),
        None => Ok(()),
    }
}
