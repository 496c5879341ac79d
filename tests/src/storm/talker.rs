//! Somebody who talks without end, over every restart of the host, and remembers what was said.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use parlor_host::mailbox::rooms::RoomMessage;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::findings::Findings;
use crate::harness::PATIENCE;
use crate::process::PageSocket;

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

/// What upsets a plugin, and how often it is said; nothing answers it.
const TROUBLE: [(usize, &str); 2] = [(101, "trap"), (1_999, "loop")];

/// How many messages of all talkers are acknowledged.
#[derive(Debug)]
pub(super) struct Progress {
    count: watch::Sender<u64>,
    is_over: AtomicBool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            count: watch::Sender::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    fn note(&self) {
        self.count.send_modify(|count| *count += 1);
    }

    pub(super) fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Lets everybody end when all that they said is answered.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Resolves when so many are acknowledged.
    pub(super) async fn reached(&self, count: u64) {
        let mut counts = self.count.subscribe();
        // The sender is ours.
        let _here = counts.wait_for(|now| *now >= count).await;
    }
}

/// A message that was sent to the host once.
struct Sent {
    text: String,
    /// The id that the host acknowledged it with.
    id: Option<String>,
    at: Instant,
}

/// One user in one room.
pub(super) struct Talker {
    number: usize,
    user: String,
    room: Option<String>,
    sent: Vec<Sent>,
    /// Messages of this connection that have not been seen in the room.
    on_their_way: usize,
    /// The room's messages, oldest first, each once.
    seen: Vec<RoomMessage>,
    places: HashMap<String, usize>,
    /// How many of those seen want an answer.
    asked: usize,
    /// The answers, each once: one that came twice stands for no other.
    heard: HashSet<String>,
    asks_for_total: bool,
    /// It upsets plugins now and then.
    is_wild: bool,
    /// The first message of this connection.
    from: usize,
    /// From a message to its answer, where both were in one connection.
    pub(super) times: Vec<Duration>,
}

impl Talker {
    pub(super) fn new(number: usize, is_wild: bool) -> Self {
        Self {
            is_wild,
            asked: 0,
            heard: HashSet::new(),
            from: 0,
            times: Vec::new(),
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

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The id of its room.
    pub(super) fn room(&self) -> anyhow::Result<&str> {
        self.room.as_deref().context("the room was never opened")
    }

    /// Takes note that somebody asked the counter for its sum in this room.
    pub(super) fn allow_total(&mut self) {
        self.asks_for_total = true;
    }

    /// Talks until the host is gone.
    pub(super) async fn talk(
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
        self.from = self.sent.len();
        let open = json!({ "open-room": { "name": format!("Room {}", self.number) } });
        if page.speak_as(&self.user).await.is_err() || page.ask(OPEN, open).await.is_err() {
            return Ok(());
        }
        let mut is_in = false;
        loop {
            let is_over = progress.is_over();
            if is_over && self.unanswered() == 0 {
                return Ok(());
            }
            while is_in && !is_over && self.unanswered() < UNANSWERED {
                let number = self.sent.len();
                let text = self.text(number);
                let say = json!({ "say": { "conversation": self.room()?, "text": text } });
                // It may reach the host though its sending fails.
                self.on_their_way += usize::from(wants_answer(&text));
                self.sent.push(Sent {
                    text,
                    id: None,
                    at: Instant::now(),
                });
                if page.ask(number.try_into()?, say).await.is_err() {
                    return Ok(());
                }
            }
            let frame = page.next().await.with_context(|| self.standing())?;
            let Some(frame) = frame else {
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

    /// What the talker waits for.
    fn standing(&self) -> String {
        format!(
            "{}: {} said in all, {} on their way, {} in the room, {} answered",
            self.user,
            self.sent.len(),
            self.on_their_way,
            self.asked,
            self.heard.len()
        )
    }

    fn text(&self, number: usize) -> String {
        let trouble = TROUBLE
            .iter()
            .find(|(every, _)| number % every == every / 2);
        match trouble {
            Some((_, text)) if self.is_wild => (*text).to_owned(),
            _ if number.is_multiple_of(ADD_EVERY) => ADD.to_owned(),
            _ => format!("{ECHO}{}.{number}", self.number),
        }
    }

    /// Looks on until everything in the room is answered.
    pub(super) async fn wait_for_answers(&mut self, url: &str) -> anyhow::Result<()> {
        let wait = async {
            let mut page = PageSocket::open(url).await?;
            page.speak_as(&self.user).await?;
            self.on_their_way = 0;
            self.from = self.sent.len();
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
            Err(_) => bail!("not everything is answered: {}", self.standing()),
        }
    }

    fn unanswered(&self) -> usize {
        (self.asked + self.on_their_way).saturating_sub(self.heard.len())
    }

    fn questions(&self) -> impl Iterator<Item = &RoomMessage> {
        self.seen
            .iter()
            .filter(|message| *message.author != *BOT && wants_answer(&message.text))
    }

    fn answers(&self) -> impl Iterator<Item = &RoomMessage> {
        self.seen
            .iter()
            .filter(|message| *message.author == *BOT && is_answer(&message.text))
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
            let wants = usize::from(wants_answer(&message.text));
            self.asked += wants;
            self.on_their_way = self.on_their_way.saturating_sub(wants);
        } else if is_answer(&message.text) {
            self.heard.insert(message.text.clone());
            self.note_time(&message.text);
        }
        self.places.insert(message.id.to_string(), self.seen.len());
        self.seen.push(message);
    }

    /// Notes how long an answer took whose message is of this connection.
    fn note_time(&mut self, echo: &str) {
        let number = echo
            .split_once('.')
            .and_then(|(_, number)| number.parse::<usize>().ok());
        if let Some(number) = number.filter(|number| *number >= self.from)
            && let Some(sent) = self.sent.get(number)
        {
            self.times.push(sent.at.elapsed());
        }
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
    fn check(&self, findings: &mut Findings) -> Vec<u64> {
        let user = &self.user;
        for sent in &self.sent {
            let Some(id) = &sent.id else { continue };
            let place = self.places.get(id);
            if place.is_none_or(|place| self.seen[*place].text != sent.text) {
                findings.lost(1, || format!("{user}: {} was accepted", sent.text));
            }
        }
        let mut next = 0;
        let mut echoes: Vec<&str> = Vec::new();
        let mut additions = 0;
        for question in self.questions() {
            let text = question.text.as_str();
            let may_be = |sent: &Sent| {
                sent.text == text && sent.id.as_ref().is_none_or(|id| **id == *question.id)
            };
            match self.sent[next..].iter().position(may_be) {
                Some(found) => next += found + 1,
                None => findings.duplicated(1, || format!("{user}: {text} is not in its place")),
            }
            match text.strip_prefix(ECHO) {
                Some(echo) => echoes.push(echo),
                None => additions += 1,
            }
        }
        let answers = self.answers().map(|answer| answer.text.as_str());
        let (counted, echoed): (Vec<&str>, Vec<&str>) =
            answers.partition(|answer| !answer.contains('.'));
        self.check_echoes(&echoes, &echoed, findings);
        let mut counted: Vec<u64> = counted.iter().filter_map(|n| n.parse().ok()).collect();
        if self.asks_for_total {
            counted.pop();
        }
        let found = counted.len() as u64;
        let what = || format!("{user}: {additions} additions, {found} answers");
        findings.lost(u64::saturating_sub(additions, found), what);
        findings.duplicated(found.saturating_sub(additions), what);
        let steps = counted.windows(2).filter(|pair| pair[0] > pair[1]).count();
        findings.inverted(steps as u64, || format!("{user}: counted {counted:?}"));
        counted
    }

    fn check_echoes(&self, echoes: &[&str], echoed: &[&str], findings: &mut Findings) {
        let user = &self.user;
        let places: HashMap<&str, usize> = echoes.iter().copied().zip(0..).collect();
        let mut answered = vec![0_u64; echoes.len()];
        let mut last = 0;
        for echo in echoed {
            let Some(&place) = places.get(echo) else {
                findings.duplicated(1, || format!("{user}: {echo} was not asked"));
                continue;
            };
            answered[place] += 1;
            if place < last {
                findings.inverted(1, || format!("{user}: {echo} after {}", echoes[last]));
            }
            last = last.max(place);
        }
        for (echo, count) in echoes.iter().zip(answered) {
            findings.lost(u64::from(count == 0), || format!("{user}: {echo}"));
            findings.duplicated(count.saturating_sub(1), || {
                format!("{user}: {echo}, {count} times")
            });
        }
    }
}

/// Whoever asks for the total waits for it alone.
fn wants_answer(text: &str) -> bool {
    text != TOTAL && !TROUBLE.iter().any(|(_, trouble)| text == *trouble)
}

/// The host itself may say something too.
fn is_answer(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// Checks every room, and the counter over all of them; gives its sum.
pub(super) fn audit(talkers: &[Talker], findings: &mut Findings) -> u64 {
    let counted = talkers.iter().flat_map(|talker| talker.check(findings));
    let mut counted: Vec<u64> = counted.collect();
    counted.sort_unstable();
    let twice = counted.windows(2).filter(|pair| pair[0] == pair[1]).count();
    findings.duplicated(twice as u64, || "two additions have one sum".to_owned());
    counted.dedup();
    let sum = counted.last().copied().unwrap_or_default();
    let missing = sum - counted.len() as u64;
    findings.lost(missing, || format!("{missing} steps to the sum {sum}"));
    sum
}

#[cfg(test)]
mod tests;
