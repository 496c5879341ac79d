//! Webex, by webhooks. What a bot said in a space it cannot read back.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::ground::Ground;
use super::people::Place;
use super::weather::{Counts, Login, Weather};
use crate::bots::section;
use crate::harness::PATIENCE;
use crate::sim::webex::{BOT_NAME, TOKEN, Webex, WebexOptions};
use crate::sim::{Dice, Fault, Handout, Posted, Shared};

/// After so many messages the next webhook comes twice …
const TWICE_EVERY: u64 = 20;
/// … two change places …
const REORDER_EVERY: u64 = 70;
/// … and one of them is off, as after a hundred failures.
const OFF_EVERY: u64 = 400;

pub(super) struct Cloud {
    sim: Webex,
    twice: u64,
    reordered: u64,
    off: u64,
}

impl Cloud {
    pub(super) async fn start() -> anyhow::Result<Self> {
        Ok(Self {
            sim: Webex::start(WebexOptions::default()).await?,
            twice: 0,
            reordered: 0,
            off: 0,
        })
    }
}

impl Deref for Cloud {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.sim
    }
}

impl Ground for Cloud {
    const IS_CALLED: bool = true;
    const FORGETS: bool = false;

    fn section(&self, folder: &Path) -> anyhow::Result<String> {
        let token = folder.join("token");
        std::fs::write(&token, TOKEN)?;
        Ok(section::webex(&self.sim, "desk", &token, ""))
    }

    fn prepare(&self, _places: &[Place]) {}

    fn say(&self, place: &Place, user: &str, text: &str) -> String {
        // In a space nobody tells the bot what does not mention it.
        let said = self.act(
            "say",
            json!({
                "direct": place.is_alone(), "room": place.name(), "user": user, "text": text,
                "mention_bot": !place.is_alone(),
            }),
        );
        said["room_id"].as_str().unwrap_or_default().to_owned()
    }

    async fn is_heard(&self, after: u64) -> bool {
        let looked = self.request_like(after, PATIENCE, |request| {
            request.method == "GET" && request.path == "/v1/webhooks" && request.status == Some(200)
        });
        if looked.await.is_none() {
            return false;
        }
        let is_on = |sim: &Webex| {
            let hooks = sim.hooks();
            let mut messages = hooks.iter().filter(|hook| {
                hook["status"] == "active"
                    && hook["resource"] == "messages"
                    && hook["event"] != "deleted"
            });
            messages.next().is_some()
        };
        self.sim.until(PATIENCE, is_on).await
    }

    fn messages_from(&self, place: usize) -> Vec<Posted> {
        let mut messages = self.sim.messages_from(place);
        for message in messages.iter_mut().filter(|message| !message.by_bot) {
            // A mention is in the text, by the first word of the name.
            let name = BOT_NAME.split(' ').next().unwrap_or(BOT_NAME);
            if let Some(said) = message.text.strip_prefix(name) {
                message.text = said.trim_start().to_owned();
            }
        }
        messages
    }

    fn handouts(&self) -> Vec<Handout> {
        self.sim.handouts()
    }

    fn shows_own(&self, conversation: &str) -> bool {
        self.sim.is_direct(conversation)
    }

    fn dice(&self, seed: u64, counts: Arc<Counts>) -> Dice {
        let body = json!({ "message": "Too many requests", "trackingId": "ROUTER_sim" });
        let throttles = vec![Fault::default().status(429).body(body)];
        let mut weather = Weather::new(seed, counts, throttles);
        Box::new(move |method, path| {
            let is_read = [
                "/v1/messages",
                "/v1/rooms",
                "/v1/people/",
                "/v1/memberships",
            ]
            .iter()
            .any(|start| path.starts_with(start));
            match method {
                "POST" if path == "/v1/messages" => weather.send(),
                "GET" if path == "/v1/people/me" || path == "/v1/webhooks" => {
                    weather.call(Login::Yes)
                }
                "GET" if is_read => weather.call(Login::No),
                _ => None,
            }
        })
    }

    fn trouble(&mut self, answered: u64) {
        if answered / TWICE_EVERY > self.twice {
            self.twice += 1;
            self.fault(Fault::default().duplicate());
        }
        if answered / REORDER_EVERY > self.reordered {
            self.reordered += 1;
            self.fault(Fault::default().reorder());
        }
        if answered / OFF_EVERY > self.off {
            self.off += 1;
            self.act("hook", json!({ "off": "" }));
        }
    }

    fn told(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("webhooks_twice", self.twice),
            ("webhooks_reordered", self.reordered),
            ("webhooks_off", self.off),
        ]
    }
}
