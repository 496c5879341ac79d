//! Answers with far too much: `actions` with a million actions, `text` with as much text as fits into
//! its memory. (`big-list` claims a list of 1 GiB.)

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "big-result", summary = "Answers with far too much")]
impl Guest {
    #[message(equals = "actions")]
    fn actions(&mut self) -> Vec<Action> {
        // Each takes 100 bytes and more; where memory ends, it is refused before the host sees it.
        let mut actions = Vec::new();
        while actions.len() < 1_000_000 && actions.try_reserve(1).is_ok() {
            actions.push(Action::join_conversation(""));
        }
        actions
    }

    #[message(equals = "text")]
    fn text(&mut self, cx: &Context) -> Reply {
        let mut bytes = 1 << 30;
        let mut text = Vec::new();
        while text.try_reserve_exact(bytes).is_err() {
            bytes /= 2;
        }
        text.resize(bytes, b'x');
        cx.reply(String::from_utf8(text).unwrap_or_default())
    }
}
