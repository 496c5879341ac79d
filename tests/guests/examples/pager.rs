//! Passes on what its webhook `pager` is called with, to where the settings say that it belongs.

use parlor_sdk::events::WebhookReceived;
use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "pager", version = "1.0.0", summary = "Passes alerts on")]
impl Guest {
    #[webhook("pager")]
    fn page(&mut self, cx: &Context, call: &WebhookReceived) -> Reply {
        let text = String::from_utf8_lossy(&call.body);
        cx.reply(["alert: ", &*text].concat())
    }
}
