//! The `[[bot]]` section of a bot on each simulator.

use std::path::Path;

use crate::sim::livechat::{ACCOUNT, CLIENT_ID, LiveChat, ORGANIZATION};
use crate::sim::lseg::{self, Lseg};
use crate::sim::symphony::{self, Symphony};
use crate::sim::webex::Webex;

/// The pod's bot, with more lines for it.
pub fn symphony(sim: &Symphony, name: &str, more: &str) -> String {
    format!(
        "[[bot]]\nname = \"{name}\"\nplatform = \"symphony\"\nhost = \"{}\"\nusername = \"{}\"\n\
         private-key = \"file:{}\"\n{more}\n",
        sim.base_url(),
        symphony::BOT,
        sim.file("bot.pem").display()
    )
}

/// The bot of Webex, its token in this file, with more lines for it.
pub fn webex(sim: &Webex, name: &str, token: &Path, more: &str) -> String {
    format!(
        "[[bot]]\nname = \"{name}\"\nplatform = \"webex\"\napi = \"{}/v1\"\n\
         token = \"file:{}\"\nwebhook-check-secs = 1\n{more}\n",
        sim.base_url(),
        token.display()
    )
}

/// A bot of LiveChat that a personal token in this file owns, with more lines for it.
pub fn livechat(sim: &LiveChat, name: &str, token: &Path, more: &str) -> String {
    let base = sim.base_url();
    format!(
        "[[bot]]\nname = \"{name}\"\nplatform = \"livechat\"\nclient-id = \"{CLIENT_ID}\"\n\
         account-id = \"{ACCOUNT}\"\npersonal-token = \"file:{}\"\n\
         organization-id = \"{ORGANIZATION}\"\ndisplay-name = \"Desk Bot\"\napi = \"{base}\"\n\
         accounts = \"{base}\"\n{more}\n",
        token.display()
    )
}

/// A bot of LiveChat that is installed by consent, the app's secret in this file, with more lines for it.
pub fn installed(sim: &LiveChat, name: &str, secret: &Path, redirect: &str, more: &str) -> String {
    let base = sim.base_url();
    format!(
        "[[bot]]\nname = \"{name}\"\nplatform = \"livechat\"\nclient-id = \"{CLIENT_ID}\"\n\
         client-secret = \"file:{}\"\nredirect-uri = \"{redirect}\"\n\
         display-name = \"Pizza BOT\"\napi = \"{base}\"\naccounts = \"{base}\"\n{more}\n",
        secret.display()
    )
}

/// The bot of Messenger, with more lines for it.
pub fn lseg(sim: &Lseg, name: &str, more: &str) -> String {
    format!(
        "[[bot]]\nname = \"{name}\"\nplatform = \"lseg\"\nhost = \"{}\"\nstream = \"{}\"\n\
         username = \"{}\"\npassword = \"file:{}\"\napp-key = \"file:{}\"\n{more}\n",
        sim.base_url(),
        sim.ws_url(),
        lseg::BOT,
        sim.file("password").display(),
        sim.file("app-key").display(),
    )
}
