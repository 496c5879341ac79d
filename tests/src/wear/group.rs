//! The conversations of one plugin that is worn, in one connection of a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::process::PageSocket;

/// Messages of one conversation that may be without an answer.
const UNANSWERED: usize = 8;
/// Messages that may be without an acknowledgement.
const UNTAKEN: usize = 64;
/// After so long without anything, what was said is here.
const QUIET: Duration = Duration::from_secs(1);
/// The bot's id.
const BOT: &str = "parlor";
/// What a plugin puts before a number, and what it is asked with.
const MARKER: &str = "ANSWER-0000000000";
const SAY: &str = "say";

/// How many messages of all groups the host took.
#[derive(Debug, Default)]
pub(super) struct Progress {
    said: AtomicU64,
    over: CancellationToken,
}

impl Progress {
    pub(super) fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }

    /// Lets the groups end: nothing more is answered.
    pub(super) fn end(&self) {
        self.over.cancel();
    }
}

/// One conversation.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) id: String,
    /// Messages in it; each is its number, from 0.
    pub(super) said: usize,
    /// The numbers of its answers, as they came.
    pub(super) answers: Vec<usize>,
}

impl Room {
    /// Messages after the last one that was answered: order is kept, so those before have ended.
    fn unanswered(&self) -> usize {
        let ended = self.answers.last().map_or(0, |last| last + 1);
        self.said.saturating_sub(ended)
    }
}

/// The conversations of one plugin.
#[derive(Debug)]
pub(super) struct Group {
    plugin: &'static str,
    messages: u64,
    /// Whether it waits for answers before it says more.
    is_patient: bool,
    pub(super) rooms: Vec<Room>,
    next: usize,
    untaken: usize,
}

impl Group {
    pub(super) fn new(plugin: &'static str, rooms: usize, messages: u64, is_patient: bool) -> Self {
        let rooms = (0..rooms).map(|number| Room {
            name: format!("{plugin} {number}"),
            ..Room::default()
        });
        Self {
            plugin,
            messages,
            is_patient,
            rooms: rooms.collect(),
            next: 0,
            untaken: 0,
        }
    }

    pub(super) fn plugin(&self) -> &'static str {
        self.plugin
    }

    pub(super) fn answers(&self) -> u64 {
        self.rooms
            .iter()
            .map(|room| room.answers.len() as u64)
            .sum()
    }

    /// Talks until everything is said and nothing more is answered.
    pub(super) async fn talk(
        mut self,
        url: String,
        progress: Arc<Progress>,
    ) -> anyhow::Result<Self> {
        let mut page = PageSocket::open(&url).await?;
        page.speak_as(self.plugin).await?;
        for number in 0..self.rooms.len() {
            let open = json!({ "open-room": { "name": self.rooms[number].name } });
            page.ask(number as u64, open).await?;
            let made = page.answer(number as u64).await?;
            let id = made["conversation"]
                .as_str()
                .context("a room without an id")?;
            id.clone_into(&mut self.rooms[number].id);
        }
        let mut left = self.messages;
        loop {
            while left > 0
                && self.untaken < UNTAKEN
                && let Some(place) = self.free()
            {
                let text = format!("{}{}", self.asked_with(), self.rooms[place].said);
                let room = &mut self.rooms[place];
                let say = json!({ "say": { "conversation": room.id, "text": text } });
                room.said += 1;
                left -= 1;
                self.untaken += 1;
                page.ask(u64::from(u32::MAX), say).await?;
            }
            let frame = tokio::select! {
                frame = page.next_at_last() => frame?.context("the host is gone")?,
                () = progress.over.cancelled() => break,
            };
            self.look(&frame, &progress)?;
        }
        while let Ok(frame) = tokio::time::timeout(QUIET, page.next_at_last()).await {
            let frame = frame?.context("the host is gone")?;
            self.look(&frame, &progress)?;
        }
        Ok(self)
    }

    fn asked_with(&self) -> &'static str {
        match self.is_patient {
            true => "",
            false => SAY,
        }
    }

    /// The next room that may be spoken to.
    fn free(&mut self) -> Option<usize> {
        let count = self.rooms.len();
        let places = (0..count).map(|step| (self.next + step) % count);
        let mut free =
            places.filter(|place| !self.is_patient || self.rooms[*place].unanswered() < UNANSWERED);
        let place = free.next()?;
        self.next = place + 1;
        Some(place)
    }

    fn look(&mut self, frame: &Value, progress: &Progress) -> anyhow::Result<()> {
        ensure!(frame.get("failed").is_none(), "{frame}");
        let answer = &frame["answer"];
        if !answer.is_null() {
            ensure!(answer["error"].is_null(), "refused: {answer}");
            self.untaken -= 1;
            progress.said.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let posted = &frame["event"]["change"]["posted"];
        if posted["author"] != BOT {
            return Ok(());
        }
        let room = self
            .rooms
            .iter_mut()
            .find(|room| posted["conversation"] == room.id);
        // A page shows the rooms of the other groups too.
        let Some(room) = room else {
            return Ok(());
        };
        let text = posted["text"]
            .as_str()
            .context("an answer without a text")?;
        let number = number_of(text).with_context(|| format!("{text} is no answer"))?;
        room.answers.push(number);
        Ok(())
    }
}

/// The number in a message or in its answer.
pub(super) fn number_of(text: &str) -> Option<usize> {
    let text = text.strip_prefix(MARKER).unwrap_or(text);
    text.strip_prefix(SAY).unwrap_or(text).parse().ok()
}
