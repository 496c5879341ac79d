//! What the pod's own record shows: each message answered once, and in an order that the host can answer for.
//!
//! The platform promises no order. It hands events out again that were not acknowledged, and what was said
//! while there was no feed is read back: so a later message of a conversation may well reach the host before
//! an earlier one. An answer before that of an earlier message counts as out of order, except where the record
//! shows a time of handing out from which the host may have taken the later message without the earlier one,
//! and a later time at which it can have got that. Once a batch is acknowledged the host has all of it, and
//! what is handed out after that excuses nothing.

use std::collections::{BTreeMap, HashMap};

use super::people::{echo_of, is_answer, wants_answer};
use crate::sim::symphony::{Handout, Posted};
use crate::storm::Findings;

/// What the platform did to the order of things.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    /// Messages that were handed out once more.
    pub(super) twice: u64,
    /// Answers out of order because the messages reached the host so.
    pub(super) out_of_order: u64,
}

/// Looks at everything that was said.
pub(super) fn audit(messages: &[Posted], handouts: &[Handout], findings: &mut Findings) -> Handed {
    let times = Times::of(messages.len(), handouts);
    let mut conversations: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        let conversation = conversations.entry(&message.conversation).or_default();
        conversation.push(place);
    }
    let mut handed = Handed {
        twice: times.twice,
        out_of_order: 0,
    };
    let mut sums = Vec::new();
    for (name, places) in &conversations {
        let talk = Talk::of(name, places, messages);
        handed.out_of_order += talk.check_echoes(&times, findings);
        sums.extend(talk.check_sums(findings));
    }
    check_all_sums(sums, findings);
    handed
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
    /// What people wanted repeated, and its place among all messages.
    asked: Vec<(&'a str, usize)>,
    additions: u64,
    /// What the bot repeated.
    echoed: Vec<&'a str>,
    /// What it counted.
    counted: Vec<u64>,
}

impl<'a> Talk<'a> {
    fn of(name: &'a str, places: &[usize], messages: &'a [Posted]) -> Self {
        let mut talk = Self {
            name,
            asked: Vec::new(),
            additions: 0,
            echoed: Vec::new(),
            counted: Vec::new(),
        };
        for place in places {
            let Posted { by_bot, text, .. } = &messages[*place];
            match (by_bot, echo_of(text)) {
                (false, Some(echo)) => talk.asked.push((echo, *place)),
                (false, None) => talk.additions += u64::from(wants_answer(text)),
                (true, _) if !is_answer(text) => {}
                (true, _) => match text.parse() {
                    Ok(sum) => talk.counted.push(sum),
                    Err(_) => talk.echoed.push(text),
                },
            }
        }
        talk
    }

    /// Each is answered once; gives how many answers are out of order because of the platform.
    fn check_echoes(&self, times: &Times, findings: &mut Findings) -> u64 {
        let name = self.name;
        let numbers: HashMap<&str, usize> =
            self.asked.iter().map(|(echo, _)| *echo).zip(0..).collect();
        let mut answers = vec![0_u64; self.asked.len()];
        let mut before: Vec<usize> = Vec::new();
        let mut excused = 0;
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
                None => excused += u64::from(is_late),
            }
            before.push(number);
        }
        for ((echo, _), count) in self.asked.iter().zip(answers) {
            findings.lost(u64::from(count == 0), || format!("{name}: {echo}"));
            findings.duplicated(count.saturating_sub(1), || {
                format!("{name}: {echo}, {count} times")
            });
        }
        excused
    }

    /// Each addition has one sum, and they rise: the counter gives them in the order in which it is
    /// called, whatever that is. Gives the sums.
    fn check_sums(&self, findings: &mut Findings) -> &[u64] {
        let (name, additions) = (self.name, self.additions);
        let found = self.counted.len() as u64;
        let what = || format!("{name}: {additions} additions, {found} sums");
        findings.lost(additions.saturating_sub(found), what);
        findings.duplicated(found.saturating_sub(additions), what);
        let falls = self.counted.windows(2).filter(|pair| pair[0] > pair[1]);
        findings.inverted(falls.count() as u64, || {
            format!("{name}: counted {:?}", self.counted)
        });
        &self.counted
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
        }
    }

    fn handout(messages: &[usize], is_acknowledged: bool) -> Handout {
        Handout {
            messages: messages.to_vec(),
            is_acknowledged,
        }
    }

    /// Two questions and what the bot says; lost, twice, out of order, and out of order by the platform.
    fn check(answers: &[&str], handouts: &[Handout]) -> (u64, u64, u64, u64) {
        let mut messages = vec![said(false, "/echo 0.0"), said(false, "/echo 0.1")];
        messages.extend(answers.iter().map(|answer| said(true, answer)));
        let mut findings = Findings::default();
        let handed = audit(&messages, handouts, &mut findings);
        let Findings {
            lost,
            duplicated,
            inverted,
            ..
        } = findings;
        (lost, duplicated, inverted, handed.out_of_order)
    }

    #[test]
    fn each_is_answered_once_in_its_order() {
        let once = [handout(&[0, 1], true)];
        assert_eq!(check(&["0.0", "0.1"], &once), (0, 0, 0, 0));
        assert_eq!(check(&["0.1"], &once), (1, 0, 0, 0));
        assert_eq!(check(&["0.0", "0.1", "0.1"], &once), (0, 1, 0, 0));
        assert_eq!(check(&["0.0", "0.1", "0.9"], &once), (0, 1, 0, 0));
        assert_eq!(check(&["0.1", "0.0"], &once), (0, 0, 1, 0));
    }

    #[test]
    fn the_platform_answers_for_the_order_in_which_it_hands_out() {
        let inverted = ["0.1", "0.0"];
        // A batch that nobody got comes after the next one.
        let lost = [
            handout(&[0], false),
            handout(&[1], true),
            handout(&[0], true),
        ];
        assert_eq!(check(&inverted, &lost), (0, 0, 0, 1));
        // It was acknowledged: that it comes again is no excuse.
        let again = [
            handout(&[0], true),
            handout(&[1], true),
            handout(&[0], true),
        ];
        assert_eq!(check(&inverted, &again), (0, 0, 1, 0));
        // Whoever took the later one took the earlier one before it.
        let together = [handout(&[0, 1], false), handout(&[0, 1], true)];
        assert_eq!(check(&inverted, &together), (0, 0, 1, 0));
    }

    #[test]
    fn sums_rise_and_none_is_missing() {
        let messages = [
            said(false, "+1"),
            said(false, "+1"),
            said(false, "+1"),
            said(true, "1"),
            said(true, "4"),
            said(true, "3"),
        ];
        let mut findings = Findings::default();
        audit(&messages, &[], &mut findings);
        let found = (findings.lost, findings.duplicated, findings.inverted);
        assert_eq!(found, (1, 0, 1));
    }
}
