//! A person on the page of a host that runs in a process of its own, who does one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use parlor_host::mailbox::rooms::{Command, Done};
use serde_json::{Value, json};

use crate::harness::PATIENCE;
use crate::process::PageSocket;

/// How often somebody who waits looks whether enough was said.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Somebody who has opened the page.
pub struct Person {
    socket: PageSocket,
    asked: u64,
}

impl Person {
    /// Opens the address that a host printed, as this user.
    ///
    /// # Errors
    /// When the page does not let one in.
    pub async fn open(page: &str, name: &str) -> anyhow::Result<Self> {
        let socket = PageSocket::open(page).await?;
        let mut person = Self { socket, asked: 0 };
        person.look(name).await?;
        Ok(person)
    }

    /// Does something, and waits until it is done.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn act(&mut self, command: Command) -> anyhow::Result<Done> {
        self.asked += 1;
        self.socket.ask(self.asked, json!(command)).await?;
        let done = self.socket.answer(self.asked).await?;
        Ok(serde_json::from_value(done)?)
    }

    /// Everything that is in a conversation now, oldest first.
    ///
    /// # Errors
    /// When the page is gone.
    pub async fn messages(&mut self, name: &str, room: &str) -> anyhow::Result<Vec<Value>> {
        let snapshot = self.look(name).await?;
        let rooms = snapshot["rooms"].as_array().cloned().unwrap_or_default();
        let view = rooms
            .into_iter()
            .find(|view| view["room"]["id"] == json!(room));
        let messages = view.and_then(|view| view["messages"].as_array().cloned());
        Ok(messages.unwrap_or_default())
    }

    /// Waits for a message whose text begins so; those before it are passed over.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn hears(&mut self, text: &str) -> anyhow::Result<Value> {
        loop {
            let event = self.frame("event").await;
            let event = event.with_context(|| format!("no {text:?}"))?;
            let message = &event["change"]["posted"];
            let said = message["text"].as_str();
            if said.is_some_and(|said| said.starts_with(text)) {
                return Ok(message.clone());
            }
        }
    }

    async fn look(&mut self, name: &str) -> anyhow::Result<Value> {
        self.socket.speak_as(name).await?;
        self.frame("snapshot").await
    }

    async fn frame(&mut self, kind: &str) -> anyhow::Result<Value> {
        while let Some(mut frame) = self.socket.next().await? {
            if let Some(found) = frame.get_mut(kind) {
                return Ok(found.take());
            }
        }
        bail!("the page ended before a {kind}")
    }
}

/// Somebody who only listens, and remembers everything that a bot says.
#[derive(Clone, Debug)]
pub struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    /// Opens the address that a host printed as this user, and listens to this bot until the host
    /// is gone.
    ///
    /// # Errors
    /// When the page does not let one in.
    pub async fn open(page: &str, name: &str, bot: &str) -> anyhow::Result<Self> {
        let mut socket = PageSocket::open(page).await?;
        socket.speak_as(name).await?;
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (all, bot) = (Arc::clone(&heard), bot.to_owned());
        tokio::spawn(async move {
            while let Ok(Some(frame)) = socket.next().await {
                let posted = &frame["event"]["change"]["posted"];
                if posted["author"] == *bot {
                    let text = posted["text"].as_str().unwrap_or_default();
                    all.lock().push(text.to_owned());
                }
            }
        });
        Ok(Self { heard })
    }

    /// What it has heard, in order.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().clone()
    }

    /// How many messages those were.
    pub fn count(&self) -> usize {
        self.heard.lock().len()
    }

    /// Waits until that many were heard.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn until(&self, count: usize) -> anyhow::Result<()> {
        let wait = async {
            while self.count() < count {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let waited = tokio::time::timeout(2 * PATIENCE, wait).await;
        waited.with_context(|| format!("{} of {count} were heard", self.count()))
    }
}
