//! People in rooms and alone with the bot, who talk whether the host lives or not.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::ground::Ground;

/// Messages of one person that may be without an answer.
const UNANSWERED: usize = 8;
/// People of one room; of so many rooms one is a person alone with the bot.
const TOGETHER: usize = 3;
/// What the counter counts.
const ADD: &str = "+1";
/// What the plugin that is shipped repeats.
const ECHO: &str = "/echo ";
/// Of so many messages one is counted, the rest are repeated.
const ADD_EVERY: usize = 3;
/// What upsets a plugin, and how often it is said; nothing answers it.
const TROUBLE: [(usize, &str); 2] = [(101, "trap"), (1_999, "loop")];

/// Everybody who talks.
pub(super) struct Crowd {
    places: Vec<Place>,
    /// By the id that the platform gave a conversation.
    by_stream: HashMap<String, usize>,
    /// Messages of the platform that were looked at.
    pub(super) seen: usize,
    life: u64,
    /// When what is to be repeated was said, and in which life.
    said_at: HashMap<String, (Instant, u64)>,
    /// From a message to its answer, where the host lived from one to the other.
    pub(super) times: Vec<Duration>,
    /// Messages so far, …
    pub(super) said: u64,
    /// … and answers.
    pub(super) answered: u64,
}

/// A conversation.
pub(super) struct Place {
    number: usize,
    people: Vec<String>,
    said: usize,
    /// Messages that want an answer and have none.
    open: usize,
}

/// The conversations of so many people, most of them together with others.
pub(super) fn places(people: usize) -> Vec<Place> {
    let mut places = Vec::new();
    let mut next = 0;
    while next < people {
        let number = places.len();
        let together = if number.is_multiple_of(2) {
            1
        } else {
            TOGETHER
        };
        let until = (next + together).min(people);
        places.push(Place {
            number,
            people: (next..until)
                .map(|person| format!("person{person}"))
                .collect(),
            said: 0,
            open: 0,
        });
        next = until;
    }
    places
}

impl Crowd {
    /// So many people.
    pub(super) fn new(people: usize) -> Self {
        Self {
            places: places(people),
            by_stream: HashMap::new(),
            seen: 0,
            life: 0,
            said_at: HashMap::new(),
            times: Vec::new(),
            said: 0,
            answered: 0,
        }
    }

    /// Where they talk.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Lets everybody go on who waits for answers: on a platform that forgets some never come.
    pub(super) fn forgive(&mut self) {
        for place in &mut self.places {
            place.open = 0;
        }
    }

    /// Notes that another host serves.
    pub(super) fn begin_life(&mut self) {
        self.life += 1;
    }

    /// Lets everybody say what they have to say until so many messages are said; most wait for answers.
    pub(super) fn talk(&mut self, ground: &impl Ground, most: u64) {
        loop {
            let before = self.said;
            for place in &mut self.places {
                if self.said >= most || place.open >= UNANSWERED * place.people.len() {
                    continue;
                }
                let text = place.next();
                let user = &place.people[place.said % place.people.len()];
                let conversation = ground.say(place, user, &text);
                place.said += 1;
                place.open += usize::from(wants_answer(&text));
                self.said += 1;
                if let Some(echo) = text.strip_prefix(ECHO) {
                    let now = (Instant::now(), self.life);
                    self.said_at.insert(echo.to_owned(), now);
                }
                self.by_stream.insert(conversation, place.number);
            }
            if self.said == before {
                return;
            }
        }
    }

    /// Looks at what the bot has said since.
    pub(super) fn look(&mut self, ground: &impl Ground) {
        for posted in ground.messages_from(self.seen) {
            self.seen += 1;
            if !posted.by_bot || !is_answer(&posted.text) {
                continue;
            }
            let place = self.by_stream.get(&posted.conversation);
            if let Some(place) = place.and_then(|place| self.places.get_mut(*place)) {
                // One answer too many is for the audit.
                place.open = place.open.saturating_sub(1);
            }
            self.answered += 1;
            let said = self.said_at.remove(&*posted.text);
            if let Some((at, _)) = said.filter(|(_, life)| *life == self.life) {
                self.times.push(at.elapsed());
            }
        }
    }

    /// Tells whether so many messages are said, and all are answered that want it.
    pub(super) fn is_done(&self, events: u64) -> bool {
        self.said >= events && self.places.iter().all(|place| place.open == 0)
    }

    /// Messages that wait for their answers.
    pub(super) fn waiting(&self) -> u64 {
        self.places.iter().map(|place| place.open as u64).sum()
    }

    /// Who waits for how much.
    pub(super) fn standing(&self) -> String {
        let waiting = self.places.iter().filter(|place| place.open > 0);
        let waiting = waiting.map(|place| format!("{}: {}", place.name(), place.open));
        let waiting: Vec<String> = waiting.take(10).collect();
        format!(
            "{} said, {} answered; {}",
            self.said,
            self.answered,
            waiting.join(", ")
        )
    }
}

impl Place {
    /// What scripts call it.
    pub(super) fn name(&self) -> String {
        let kind = if self.is_alone() { "im" } else { "room" };
        format!("{kind} {}", self.number)
    }

    /// One person is there, and the bot.
    pub(super) fn is_alone(&self) -> bool {
        self.people.len() == 1
    }

    /// Whoever is there first.
    pub(super) fn first(&self) -> &str {
        self.people.first().map_or("", String::as_str)
    }

    fn next(&self) -> String {
        match trouble_of(self.said) {
            Some(text) => text.to_owned(),
            None if self.said.is_multiple_of(ADD_EVERY) => ADD.to_owned(),
            None => format!("{ECHO}{}.{}", self.number, self.said),
        }
    }
}

fn trouble_of(number: usize) -> Option<&'static str> {
    let trouble = TROUBLE
        .iter()
        .find(|(every, _)| number % every == every / 2);
    trouble.map(|(_, text)| *text)
}

/// Tells whether a person's message is to be answered.
pub(super) fn wants_answer(text: &str) -> bool {
    text == ADD || text.starts_with(ECHO)
}

/// What a message wants repeated.
pub(super) fn echo_of(text: &str) -> Option<&str> {
    text.strip_prefix(ECHO)
}

/// Tells whether a message of the bot is an answer; the host itself may say something too.
pub(super) fn is_answer(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}
