//! What the platform's own record shows: each message answered once, and in an order that the host can
//! answer for.
//!
//! No platform promises an order. They hand out again what was not acknowledged, and what was said while
//! nobody listened is read back: so a later message of a conversation may well reach the host before an
//! earlier one. An answer before that of an earlier message counts as out of order, except where the record
//! shows a time of handing out from which the host may have taken the later message without the earlier one,
//! and a later time at which it can have got that. Once it is acknowledged the host has it, and what is
//! handed out after that excuses nothing.
//!
//! Where a bot cannot read back what it has said, an answer whose end it could not know is given again. Such
//! an answer is told apart from one too many by the record too: a fault took away what was answered to the
//! one before, or the host was killed between the two.
//!
//! Where a platform keeps nothing for whoever does not listen, what nobody held need not be answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::people::{echo_of, is_answer, wants_answer};
use crate::sim::{Handout, Posted};
use crate::storm::Findings;

/// What the platform knows.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Everything that was said.
    pub(super) messages: Vec<Posted>,
    /// What the host was given.
    pub(super) handouts: Vec<Handout>,
    /// What people said while nobody held it.
    pub(super) unheld: BTreeSet<usize>,
    /// Requests whose answers were taken away.
    pub(super) hidden: BTreeSet<u64>,
    /// Between these places of the record the host was killed, and another served.
    pub(super) kills: Vec<(usize, usize)>,
    /// The conversations in which the bot cannot read back what it said.
    pub(super) blind: BTreeSet<String>,
}

/// What the platform did to the order and number of things.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    /// Messages that were handed out once more.
    pub(super) twice: u64,
    /// Answers out of order because the messages reached the host so.
    pub(super) out_of_order: u64,
    /// Answers that were given again because nobody could know whether they were given.
    pub(super) resent: u64,
    /// Messages that nobody held, and nobody answered.
    pub(super) unheld: u64,
}

/// Looks at everything that was said.
pub(super) fn audit(record: &Record, findings: &mut Findings) -> Handed {
    let messages = &record.messages;
    let times = Times::of(messages.len(), &record.handouts);
    let mut conversations: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        let conversation = conversations.entry(&message.conversation).or_default();
        conversation.push(place);
    }
    let mut handed = Handed {
        twice: times.twice,
        ..Handed::default()
    };
    let mut sums = Vec::new();
    for (name, places) in &conversations {
        let talk = Talk::of(name, places, record, &mut handed);
        talk.check_echoes(&times, findings, &mut handed);
        talk.check_sums(findings, &mut handed);
        sums.extend(&talk.counted);
    }
    check_all_sums(sums, findings);
    handed
}

impl Record {
    /// Tells whether an answer at `later` may stand for the same one at `earlier`.
    fn may_repeat(&self, earlier: usize, later: usize) -> bool {
        let message = &self.messages[earlier];
        let between = |(from, until): &(usize, usize)| earlier <= *until && later >= *from;
        self.blind.contains(&message.conversation)
            && (self.hidden.contains(&message.request) || self.kills.iter().any(between))
    }
}

/// The times at which the host may have taken messages.
struct Times {
    /// For each message where it was handed out, up to the first time that was acknowledged: the number
    /// of the time, and the place in it.
    of: Vec<Vec<(usize, usize)>>,
    twice: u64,
}

impl Times {
    fn of(messages: usize, handouts: &[Handout]) -> Self {
        let mut of = vec![Vec::new(); messages];
        let mut is_sure = vec![false; messages];
        let mut count = vec![0_u64; messages];
        for (time, handout) in handouts.iter().enumerate() {
            for (at, message) in handout.messages.iter().enumerate() {
                count[*message] += 1;
                if !is_sure[*message] {
                    of[*message].push((time, at));
                }
            }
            if handout.is_acknowledged {
                for message in &handout.messages {
                    is_sure[*message] = true;
                }
            }
        }
        let twice = count.iter().map(|count| count.saturating_sub(1)).sum();
        Self { of, twice }
    }

    /// Tells whether the host may have taken `later` before `earlier`, as it got them.
    fn may_invert(&self, earlier: usize, later: usize) -> bool {
        let (earlier, later) = (&self.of[earlier], &self.of[later]);
        later.iter().any(|taken| {
            let mut all = earlier.iter();
            let came_before = all.any(|other| other.0 == taken.0 && other.1 < taken.1);
            !came_before && earlier.iter().any(|other| other > taken)
        })
    }
}

/// What was said in one conversation.
struct Talk<'a> {
    name: &'a str,
    record: &'a Record,
    /// What people wanted repeated, and its place among all messages.
    asked: Vec<(&'a str, usize)>,
    /// Additions, and those of them that nobody held.
    additions: (u64, u64),
    /// What the bot repeated; what it gave again is not here.
    echoed: Vec<&'a str>,
    /// What it counted, likewise.
    counted: Vec<u64>,
}

impl<'a> Talk<'a> {
    fn of(name: &'a str, places: &[usize], record: &'a Record, handed: &mut Handed) -> Self {
        let mut talk = Self {
            name,
            record,
            asked: Vec::new(),
            additions: (0, 0),
            echoed: Vec::new(),
            counted: Vec::new(),
        };
        let mut given: HashMap<&str, usize> = HashMap::new();
        for &place in places {
            let Posted { by_bot, text, .. } = &record.messages[place];
            if !by_bot {
                match echo_of(text) {
                    Some(echo) => talk.asked.push((echo, place)),
                    None if wants_answer(text) => {
                        talk.additions.0 += 1;
                        talk.additions.1 += u64::from(record.unheld.contains(&place));
                    }
                    None => {}
                }
                continue;
            }
            if !is_answer(text) {
                continue;
            }
            let before = given.insert(text, place);
            if before.is_some_and(|before| record.may_repeat(before, place)) {
                handed.resent += 1;
                continue;
            }
            match text.parse() {
                Ok(sum) => talk.counted.push(sum),
                Err(_) => talk.echoed.push(text),
            }
        }
        talk
    }

    /// Each is answered once, in its order.
    fn check_echoes(&self, times: &Times, findings: &mut Findings, handed: &mut Handed) {
        let name = self.name;
        let numbers: HashMap<&str, usize> =
            self.asked.iter().map(|(echo, _)| *echo).zip(0..).collect();
        let mut answers = vec![0_u64; self.asked.len()];
        let mut before: Vec<usize> = Vec::new();
        for echo in &self.echoed {
            let Some(&number) = numbers.get(echo) else {
                findings.duplicated(1, || format!("{name}: {echo} was not asked"));
                continue;
            };
            answers[number] += 1;
            let (_, place) = self.asked[number];
            let mut overtook = before.iter().filter(|other| **other > number).peekable();
            let is_late = overtook.peek().is_some();
            let wrong = overtook.find(|other| !times.may_invert(place, self.asked[**other].1));
            match wrong {
                Some(other) => {
                    let other = self.asked[*other].0;
                    findings.inverted(1, || format!("{name}: {echo} after {other}"));
                }
                None => handed.out_of_order += u64::from(is_late),
            }
            before.push(number);
        }
        for ((echo, place), count) in self.asked.iter().zip(answers) {
            let is_missing = u64::from(count == 0);
            if self.record.unheld.contains(place) {
                handed.unheld += is_missing;
            } else {
                findings.lost(is_missing, || format!("{name}: {echo}"));
            }
            findings.duplicated(count.saturating_sub(1), || {
                format!("{name}: {echo}, {count} times")
            });
        }
    }

    /// Each addition has one sum, and they rise: the counter gives them in the order in which it is
    /// called, whatever that is.
    fn check_sums(&self, findings: &mut Findings, handed: &mut Handed) {
        let (name, (additions, unheld)) = (self.name, self.additions);
        let found = self.counted.len() as u64;
        let what = || format!("{name}: {additions} additions, {unheld} unheld, {found} sums");
        let sure = additions - unheld;
        findings.lost(sure.saturating_sub(found), what);
        findings.duplicated(found.saturating_sub(additions), what);
        handed.unheld += additions.saturating_sub(found.max(sure));
        let falls = self.counted.windows(2).filter(|pair| pair[0] > pair[1]);
        findings.inverted(falls.count() as u64, || {
            format!("{name}: counted {:?}", self.counted)
        });
    }
}

/// All sums together are each number once.
fn check_all_sums(mut sums: Vec<u64>, findings: &mut Findings) {
    sums.sort_unstable();
    let twice = sums.windows(2).filter(|pair| pair[0] == pair[1]).count();
    findings.duplicated(twice as u64, || "two additions have one sum".to_owned());
    sums.dedup();
    let last = sums.last().copied().unwrap_or_default();
    let missing = last - sums.len() as u64;
    findings.lost(missing, || format!("{missing} steps to the sum {last}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(by_bot: bool, text: &str) -> Posted {
        Posted {
            conversation: "room".to_owned(),
            by_bot,
            text: text.to_owned(),
            request: 0,
        }
    }

    fn handout(messages: &[usize], is_acknowledged: bool) -> Handout {
        Handout {
            messages: messages.to_vec(),
            is_acknowledged,
        }
    }

    /// Two questions, at 0 and 1, and what the bot says.
    fn record(answers: &[&str]) -> Record {
        let mut messages = vec![said(false, "/echo 0.0"), said(false, "/echo 0.1")];
        messages.extend(answers.iter().map(|answer| said(true, answer)));
        Record {
            messages,
            handouts: vec![handout(&[0, 1], true)],
            ..Record::default()
        }
    }

    /// Lost, twice, out of order; and what is the platform's.
    fn look(record: &Record) -> ((u64, u64, u64), Handed) {
        let mut findings = Findings::default();
        let handed = audit(record, &mut findings);
        let wrong = (findings.lost, findings.duplicated, findings.inverted);
        (wrong, handed)
    }

    #[test]
    fn each_is_answered_once_in_its_order() {
        for (answers, wrong) in [
            (vec!["0.0", "0.1"], (0, 0, 0)),
            (vec!["0.1"], (1, 0, 0)),
            (vec!["0.0", "0.1", "0.1"], (0, 1, 0)),
            (vec!["0.0", "0.1", "0.9"], (0, 1, 0)),
            (vec!["0.1", "0.0"], (0, 0, 1)),
        ] {
            let (found, handed) = look(&record(&answers));
            assert_eq!(found, wrong, "{answers:?}");
            assert_eq!(handed, Handed::default(), "{answers:?}");
        }
    }

    #[test]
    fn the_platform_answers_for_the_order_in_which_it_hands_out() {
        for (handouts, wrong, excused) in [
            // A batch that nobody got comes after the next one.
            (
                vec![
                    handout(&[0], false),
                    handout(&[1], true),
                    handout(&[0], true),
                ],
                0,
                1,
            ),
            // It was acknowledged: that it comes again is no excuse.
            (
                vec![
                    handout(&[0], true),
                    handout(&[1], true),
                    handout(&[0], true),
                ],
                1,
                0,
            ),
            // Whoever took the later one took the earlier one before it.
            (vec![handout(&[0, 1], false), handout(&[0, 1], true)], 1, 0),
        ] {
            let inverted = Record {
                handouts,
                ..record(&["0.1", "0.0"])
            };
            let (found, handed) = look(&inverted);
            assert_eq!((found, handed.out_of_order), ((0, 0, wrong), excused));
        }
    }

    #[test]
    fn an_answer_is_given_again_where_nobody_can_know_that_it_was_given() {
        let twice = record(&["0.0", "0.0", "0.1"]);
        let blind = BTreeSet::from(["room".to_owned()]);
        let killed = Record {
            blind: blind.clone(),
            kills: vec![(3, 3)],
            ..record(&["0.0", "0.0", "0.1"])
        };
        let mut hidden = Record {
            blind: blind.clone(),
            hidden: BTreeSet::from([7]),
            ..record(&["0.0", "0.0", "0.1"])
        };
        hidden.messages[2].request = 7;
        for (excused, count) in [(&killed, 1), (&hidden, 1)] {
            let (found, handed) = look(excused);
            assert_eq!((found, handed.resent), ((0, 0, 0), count));
        }
        // Nothing hid the first one, nor was there a kill between them; and whoever can look it up does.
        let too_soon = Record {
            blind,
            kills: vec![(4, 4)],
            ..record(&["0.0", "0.0", "0.1"])
        };
        let seeing = Record {
            blind: BTreeSet::new(),
            ..killed
        };
        for wrong in [&twice, &too_soon, &seeing] {
            let (found, handed) = look(wrong);
            assert_eq!((found, handed.resent), ((0, 1, 0), 0));
        }
    }

    #[test]
    fn what_nobody_held_need_not_be_answered_and_is_counted() {
        let mut record = record(&["0.0"]);
        record.messages.push(said(false, "+1"));
        record.messages.push(said(false, "+1"));
        record.messages.push(said(true, "1"));
        assert_eq!(look(&record).0, (2, 0, 0));
        record.unheld = BTreeSet::from([1, 3]);
        let (found, handed) = look(&record);
        assert_eq!((found, handed.unheld), ((0, 0, 0), 2));
        // What was held all the same is answered.
        record.messages.push(said(true, "0.1"));
        record.messages.push(said(true, "2"));
        let (found, handed) = look(&record);
        assert_eq!((found, handed.unheld), ((0, 0, 0), 0));
    }

    #[test]
    fn sums_rise_and_none_is_missing() {
        let messages = ["1", "4", "3"].map(|sum| said(true, sum));
        let additions = ["+1", "+1", "+1"].map(|text| said(false, text));
        let counted = Record {
            messages: additions.into_iter().chain(messages).collect(),
            ..Record::default()
        };
        assert_eq!(look(&counted).0, (1, 0, 1));
    }
}
