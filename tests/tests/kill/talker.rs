//! Somebody who talks without end, over every restart of the host, and remembers what was said.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail, ensure};
use parlor_host::mailbox::rooms::RoomMessage;
use parlor_tests::harness::PATIENCE;
use parlor_tests::process::PageSocket;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Messages of one talker that may be without an answer: a page that is opened anew shows the last
/// hundred of a room, and those must reach back to what was seen before.
const UNANSWERED: usize = 16;
/// Messages of a room that a page shows at first.
const SHOWN: usize = 100;
/// The bot's id.
const BOT: &str = "parlor";
/// What the counter counts.
const ADD: &str = "+1";
const TOTAL: &str = "total";
const ECHO: &str = "/echo ";
/// Of so many messages one is counted, the rest are repeated.
const ADD_EVERY: usize = 3;
/// The number of the command that opens the room; messages count from 0.
const OPEN: u64 = u64::MAX;

/// How many messages of all talkers are acknowledged, up to where something is to happen.
pub(crate) struct Progress {
    left: AtomicU64,
    over: Notify,
}

impl Progress {
    pub(crate) fn new(count: u64) -> Self {
        Self {
            left: AtomicU64::new(count),
            over: Notify::new(),
        }
    }

    fn note(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.over.notify_one();
        }
    }

    /// Resolves when so many are acknowledged.
    pub(crate) async fn reached(&self) {
        self.over.notified().await;
    }
}

/// A message that was sent to the host once.
struct Sent {
    text: String,
    /// The id that the host acknowledged it with.
    id: Option<String>,
}

/// One user in one room.
pub(crate) struct Talker {
    number: usize,
    user: String,
    room: Option<String>,
    sent: Vec<Sent>,
    /// Messages of this connection that have not been seen in the room.
    on_their_way: usize,
    /// The room's messages, oldest first, each once.
    seen: Vec<RoomMessage>,
    places: HashMap<String, usize>,
    asks_for_total: bool,
}

impl Talker {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            user: format!("talker{number}"),
            room: None,
            sent: Vec::new(),
            on_their_way: 0,
            seen: Vec::new(),
            places: HashMap::new(),
            asks_for_total: false,
        }
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The id of its room.
    pub(crate) fn room(&self) -> anyhow::Result<&str> {
        self.room.as_deref().context("the room was never opened")
    }

    /// Takes note that somebody asked the counter for its sum in this room.
    pub(crate) fn allow_total(&mut self) {
        self.asks_for_total = true;
    }

    /// Talks until the host is gone.
    pub(crate) async fn talk(
        mut self,
        url: String,
        progress: Arc<Progress>,
    ) -> anyhow::Result<Self> {
        // The host may be killed before everybody is in.
        if let Ok(mut page) = PageSocket::open(&url).await {
            self.talk_on(&mut page, &progress).await?;
        }
        Ok(self)
    }

    async fn talk_on(&mut self, page: &mut PageSocket, progress: &Progress) -> anyhow::Result<()> {
        self.on_their_way = 0;
        let open = json!({ "open-room": { "name": format!("Room {}", self.number) } });
        if page.speak_as(&self.user).await.is_err() || page.ask(OPEN, open).await.is_err() {
            return Ok(());
        }
        let mut is_in = false;
        loop {
            while is_in && self.unanswered() < UNANSWERED {
                let number = self.sent.len();
                let text = match number % ADD_EVERY {
                    0 => ADD.to_owned(),
                    _ => format!("{ECHO}{}.{number}", self.number),
                };
                let say = json!({ "say": { "conversation": self.room()?, "text": text } });
                // It may reach the host though its sending fails.
                self.sent.push(Sent { text, id: None });
                self.on_their_way += 1;
                if page.ask(number.try_into()?, say).await.is_err() {
                    return Ok(());
                }
            }
            let Some(frame) = page.next().await? else {
                return Ok(());
            };
            let answer = &frame["answer"];
            if answer.is_null() {
                self.look(&frame)?;
                continue;
            }
            ensure!(answer["error"].is_null(), "refused: {answer}");
            let made = |what: &str| {
                let made = answer["done"][what].as_str().map(str::to_owned);
                made.with_context(|| format!("nothing is made: {answer}"))
            };
            let number = answer["id"].as_u64().context("an answer to nothing")?;
            if number == OPEN {
                self.room = Some(made("conversation")?);
                is_in = true;
                continue;
            }
            let sent = self.sent.get_mut(usize::try_from(number)?);
            sent.context("an answer to nothing")?.id = Some(made("message")?);
            progress.note();
        }
    }

    /// Looks on until everything in the room is answered.
    pub(crate) async fn wait_for_answers(&mut self, url: &str) -> anyhow::Result<()> {
        let wait = async {
            let mut page = PageSocket::open(url).await?;
            page.speak_as(&self.user).await?;
            self.on_their_way = 0;
            let mut has_looked = false;
            while !has_looked || self.unanswered() > 0 {
                let frame = page.next().await?.context("the host is gone")?;
                has_looked |= frame.get("snapshot").is_some();
                self.look(&frame)?;
            }
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(end) => end,
            Err(_) => bail!(
                "{}: {} messages are not answered, of {} that the host has",
                self.user,
                self.unanswered(),
                self.questions().count()
            ),
        }
    }

    fn unanswered(&self) -> usize {
        (self.questions().count() + self.on_their_way).saturating_sub(self.answers().count())
    }

    fn questions(&self) -> impl Iterator<Item = &RoomMessage> {
        self.seen.iter().filter(|message| *message.author != *BOT)
    }

    fn answers(&self) -> impl Iterator<Item = &RoomMessage> {
        self.seen.iter().filter(|message| *message.author == *BOT)
    }

    /// Takes what a frame shows of the room.
    fn look(&mut self, frame: &Value) -> anyhow::Result<()> {
        ensure!(frame.get("failed").is_none(), "{frame}");
        let Some(room) = self.room.clone() else {
            return Ok(());
        };
        let posted = &frame["event"]["change"]["posted"];
        if posted["conversation"] == *room {
            self.see(serde_json::from_value(posted.clone())?);
        }
        let rooms = frame["snapshot"]["rooms"].as_array();
        let view = rooms
            .into_iter()
            .flatten()
            .find(|view| view["room"]["id"] == *room);
        if let Some(view) = view {
            let shown: Vec<RoomMessage> = serde_json::from_value(view["messages"].clone())?;
            self.see_again(shown)?;
        }
        Ok(())
    }

    fn see(&mut self, message: RoomMessage) {
        if self.places.contains_key(&*message.id) {
            return;
        }
        if *message.author != *BOT {
            self.on_their_way = self.on_their_way.saturating_sub(1);
        }
        self.places.insert(message.id.to_string(), self.seen.len());
        self.seen.push(message);
    }

    /// Takes the last messages of the room: those seen before must be there still, in their order.
    fn see_again(&mut self, shown: Vec<RoomMessage>) -> anyhow::Result<()> {
        let known = shown
            .iter()
            .take_while(|message| self.places.contains_key(&*message.id));
        let known = known.count();
        let before = self.seen.len().checked_sub(known);
        let before = before.context("a message is shown twice")?;
        ensure!(
            self.seen[before..]
                .iter()
                .map(|message| &message.id)
                .eq(shown[..known].iter().map(|message| &message.id)),
            "{}: what was seen is gone, or in another order",
            self.user
        );
        ensure!(
            known > 0 || before == 0 && shown.len() < SHOWN,
            "{}: too much was said unseen",
            self.user
        );
        for message in shown {
            self.see(message);
        }
        Ok(())
    }

    /// Checks the room; gives what the counter answered.
    fn check(&self) -> Vec<u64> {
        let user = &self.user;
        for sent in &self.sent {
            if let Some(id) = &sent.id {
                let place = self.places.get(id);
                let place = place.unwrap_or_else(|| panic!("{user}: {} was accepted", sent.text));
                assert_eq!(self.seen[*place].text, sent.text, "{user}");
            }
        }
        let mut next = 0;
        let mut asked: Vec<&str> = Vec::new();
        for question in self.questions() {
            let text = question.text.as_str();
            if self.asks_for_total && text == TOTAL {
                continue;
            }
            let may_be = |sent: &Sent| {
                sent.text == text && sent.id.as_ref().is_none_or(|id| **id == *question.id)
            };
            let found = self.sent[next..].iter().position(may_be);
            let found = found.unwrap_or_else(|| panic!("{user}: {text} is not in its place"));
            next += found + 1;
            asked.push(text);
        }
        let echoes = asked.iter().filter_map(|text| text.strip_prefix(ECHO));
        let additions = asked.iter().filter(|text| **text == ADD).count();
        let answers = self.answers().map(|answer| answer.text.as_str());
        let (counted, echoed): (Vec<&str>, Vec<&str>) =
            answers.partition(|answer| !answer.contains('.'));
        let echoes: Vec<&str> = echoes.collect();
        let differs =
            (0..echoes.len().max(echoed.len())).find(|at| echoes.get(*at) != echoed.get(*at));
        assert_eq!(
            differs.map(|at| (&echoes[at..], &echoed[at..])),
            None,
            "{user}: each is answered once, in order; from here on asked and answered differ"
        );
        let counted: Result<Vec<u64>, _> = counted.iter().map(|count| count.parse()).collect();
        let mut counted = counted.expect("the counter answers numbers");
        if self.asks_for_total {
            counted.pop();
        }
        assert_eq!(counted.len(), additions, "{user}: each is counted once");
        assert!(counted.is_sorted(), "{user}: counted in order");
        counted
    }
}

/// Checks every room, and the counter over all of them; gives its sum.
pub(crate) fn audit(talkers: &[Talker]) -> u64 {
    let mut counted: Vec<u64> = talkers.iter().flat_map(Talker::check).collect();
    counted.sort_unstable();
    let sum = counted.len() as u64;
    assert!(
        counted.into_iter().eq(1..=sum),
        "each addition is in the sum once"
    );
    sum
}
