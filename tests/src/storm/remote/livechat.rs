//! LiveChat: chats of a customer, and of a customer with agents.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::ground::Ground;
use super::people::Place;
use super::weather::{Counts, Login, Weather};
use crate::bots::section;
use crate::harness::PATIENCE;
use crate::sim::livechat::{LiveChat, LiveChatOptions, PAT, error};
use crate::sim::{Clock, Dice, Fault, Handout, Posted, Shared};

/// How much faster than the real one the platform tries a webhook again: after half a second, a second and
/// a half, three and a half.
const SPEED: f64 = 10.0;
/// After so many messages the next webhook comes twice …
const TWICE_EVERY: u64 = 20;
/// … two change places …
const REORDER_EVERY: u64 = 70;
/// … and all tokens end.
const EXPIRE_EVERY: u64 = 250;

pub(super) struct Desk {
    sim: LiveChat,
    twice: u64,
    reordered: u64,
    expired: u64,
}

impl Desk {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let options = LiveChatOptions {
            clock: Clock::faster(SPEED),
            ..LiveChatOptions::default()
        };
        Ok(Self {
            sim: LiveChat::start(options).await?,
            twice: 0,
            reordered: 0,
            expired: 0,
        })
    }
}

impl Deref for Desk {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.sim
    }
}

impl Ground for Desk {
    const IS_CALLED: bool = true;
    const FORGETS: bool = false;

    fn section(&self, folder: &Path) -> anyhow::Result<String> {
        let token = folder.join("pat");
        std::fs::write(&token, PAT)?;
        Ok(section::livechat(&self.sim, "desk", &token, ""))
    }

    fn prepare(&self, _places: &[Place]) {}

    fn say(&self, place: &Place, user: &str, text: &str) -> String {
        // The first of a chat is the customer.
        let is_agent = place.first() != user;
        let mut what = json!({ "conversation": place.name(), "user": user, "text": text });
        if is_agent {
            what["as"] = "agent".into();
        }
        let said = self.act("say", what);
        said["chat_id"].as_str().unwrap_or_default().to_owned()
    }

    async fn is_heard(&self, after: u64) -> bool {
        if after > 0 {
            // Whoever comes again reads back first.
            let read = self.request_like(after, PATIENCE, |request| {
                request.path.ends_with("/list_chats") && request.status == Some(200)
            });
            return read.await.is_some();
        }
        // A bot that is offline is told nothing.
        let is_registered = |sim: &LiveChat| {
            let hooks = sim.hooks();
            let is_there = |action: &&str| hooks.iter().any(|(known, _)| known == action);
            let is_on = sim.bots().iter().any(|(_, _, status)| status != "offline");
            is_on && ["incoming_chat", "incoming_event"].iter().all(is_there)
        };
        self.sim.until(PATIENCE, is_registered).await
    }

    fn messages_from(&self, place: usize) -> Vec<Posted> {
        self.sim.messages_from(place)
    }

    fn handouts(&self) -> Vec<Handout> {
        self.sim.handouts()
    }

    fn dice(&self, seed: u64, counts: Arc<Counts>) -> Dice {
        let throttles = vec![error("", "too_many_requests")];
        let mut weather = Weather::new(seed, counts, throttles);
        Box::new(move |_, path| {
            let action = path.rsplit('/').next().unwrap_or_default();
            match action {
                "send_event" => weather.send(),
                "get_chat" | "list_chats" | "add_user_to_chat" => weather.call(Login::No),
                "token" | "issue_bot_token" | "list_bots" | "list_webhooks" => {
                    weather.call(Login::Yes)
                }
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
        if answered / EXPIRE_EVERY > self.expired {
            self.expired += 1;
            self.fault(Fault::default().expire_tokens());
        }
    }

    fn told(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("webhooks_twice", self.twice),
            ("webhooks_reordered", self.reordered),
            ("tokens_expired", self.expired),
        ]
    }
}
