//! Section `[sentences]`: every sentence that the host itself says.

use super::read::{Item, Reader, one_of};
use crate::content::dialog::DialogSentences;
use crate::content::forms::FormSentences;
use crate::content::places;
use crate::outbox::{EditSentences, HostedSentences};
use crate::router;

/// Bytes of one sentence.
const MAX_BYTES: usize = 1_000;
/// Keys of the words by which a person steers questions: one word each, unlike one another.
const WORDS: &str = "word-";

/// What the host says, and the words that it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentences {
    /// About commands.
    pub commands: router::Sentences,
    /// About forms and buttons.
    pub hosted: HostedSentences,
    /// About what came to nothing.
    pub failure: FailureSentences,
}

/// What a person is told whose command, mention or direct message came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureSentences {
    /// One line; `{trace}` is the id by which an operator finds it. Empty says nothing.
    pub on_failure: String,
}

impl Default for FailureSentences {
    fn default() -> Self {
        Self {
            on_failure: "That did not work. Whoever runs this bot can look it up: {trace}"
                .to_owned(),
        }
    }
}

/// A sentence's key, the places that it may have, and where it is kept.
type Slot<T> = (
    &'static str,
    &'static [&'static str],
    fn(&mut T) -> &mut String,
);

const COMMANDS: &[Slot<router::Sentences>] = &[
    ("help-title", &[], |s| &mut s.help_title),
    ("help-none", &[], |s| &mut s.help_none),
    ("help-mention", &["bot"], |s| &mut s.mention_note),
    ("usage", &["usage"], |s| &mut s.usage),
    ("usage-or", &[], |s| &mut s.or),
    ("refused", &["command"], |s| &mut s.refused),
    ("refused-here", &["command"], |s| &mut s.refused_here),
];

const FAILURE: &[Slot<FailureSentences>] = &[("on-failure", &["trace"], |s| &mut s.on_failure)];

const EDITS: &[Slot<EditSentences>] = &[("updated", &[], |s| &mut s.updated)];

const CHECKS: &[Slot<FormSentences>] = &[
    ("wrong-required", &["field"], |s| &mut s.required),
    ("wrong-one-only", &["field"], |s| &mut s.one_only),
    ("wrong-too-large", &["field"], |s| &mut s.too_large),
    ("wrong-number", &["field"], |s| &mut s.number),
    ("wrong-flag", &["field"], |s| &mut s.flag),
    ("wrong-choice", &["field", "choices"], |s| &mut s.choice),
    ("wrong-date", &["field"], |s| &mut s.date),
    ("wrong-time", &["field"], |s| &mut s.time),
    ("wrong-time-zone", &["field"], |s| &mut s.time_zone),
    ("wrong-user", &["field", "value"], |s| &mut s.user),
    ("wrong-conversation", &["field", "value"], |s| {
        &mut s.conversation
    }),
    ("wrong-pattern", &["field"], |s| &mut s.pattern),
    ("wrong-min", &["field", "bound"], |s| &mut s.min),
    ("wrong-max", &["field", "bound"], |s| &mut s.max),
    ("wrong-min-length", &["field", "bound"], |s| {
        &mut s.min_length
    }),
    ("wrong-max-length", &["field", "bound"], |s| {
        &mut s.max_length
    }),
    ("wrong-min-count", &["field", "bound"], |s| &mut s.min_count),
    ("wrong-max-count", &["field", "bound"], |s| &mut s.max_count),
];

const DIALOG: &[Slot<DialogSentences>] = &[
    ("form-named", &["name", "text"], |s| &mut s.named),
    ("form-how", &["back", "cancel"], |s| &mut s.how),
    ("form-invite", &["form"], |s| &mut s.invite),
    ("form-numbers", &[], |s| &mut s.numbers),
    ("form-fixed", &["field", "value"], |s| &mut s.fixed),
    ("form-choose", &[], |s| &mut s.choose),
    ("form-submit", &[], |s| &mut s.submit),
    ("form-cancelled", &[], |s| &mut s.cancelled),
    ("form-given-up", &["form"], |s| &mut s.given_up),
    ("form-silent", &["form", "minutes"], |s| &mut s.silent),
    ("form-closed", &[], |s| &mut s.closed),
    ("form-not-yours", &[], |s| &mut s.not_yours),
    ("form-answered", &[], |s| &mut s.answered),
    ("form-taken", &["form"], |s| &mut s.taken),
    ("form-busy", &[], |s| &mut s.busy),
    ("button-closed", &[], |s| &mut s.button_closed),
    ("hint-skip", &["skip"], |s| &mut s.hint_skip),
    ("hint-default", &["skip", "value"], |s| &mut s.hint_default),
    ("hint-number", &[], |s| &mut s.hint_number),
    ("hint-flag", &["yes", "no"], |s| &mut s.hint_flag),
    ("hint-choice", &[], |s| &mut s.hint_choice),
    ("hint-choices", &[], |s| &mut s.hint_choices),
    ("hint-date", &[], |s| &mut s.hint_date),
    ("hint-time", &[], |s| &mut s.hint_time),
    ("hint-time-zone", &[], |s| &mut s.hint_time_zone),
    ("hint-user", &[], |s| &mut s.hint_user),
    ("hint-users", &[], |s| &mut s.hint_users),
    ("hint-conversation", &[], |s| &mut s.hint_conversation),
    ("hint-conversations", &[], |s| &mut s.hint_conversations),
    ("word-cancel", &[], |s| &mut s.word_cancel),
    ("word-back", &[], |s| &mut s.word_back),
    ("word-skip", &[], |s| &mut s.word_skip),
    ("word-yes", &[], |s| &mut s.word_yes),
    ("word-no", &[], |s| &mut s.word_no),
];

pub(super) fn read_sentences(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> Sentences {
    let mut sentences = Sentences::default();
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return sentences;
    };
    let mut read = |reader: &mut Reader<'_>, key, places: &[&str], sentence: &mut String| {
        if let Some(item) = table.get(reader, key)
            && let Some(text) = item.text(reader)
            && check(reader, &item, key, text, places)
        {
            text.clone_into(sentence);
        }
    };
    for (key, places, slot) in COMMANDS {
        read(reader, key, places, slot(&mut sentences.commands));
    }
    for (key, places, slot) in FAILURE {
        read(reader, key, places, slot(&mut sentences.failure));
    }
    for (key, places, slot) in EDITS {
        read(reader, key, places, slot(&mut sentences.hosted.edits));
    }
    for (key, places, slot) in CHECKS {
        read(reader, key, places, slot(&mut sentences.hosted.checks));
    }
    for (key, places, slot) in DIALOG {
        read(reader, key, places, slot(&mut sentences.hosted.dialog));
    }
    table.finish(reader);
    if let Some(item) = item {
        check_words(reader, item, &sentences.hosted.dialog);
    }
    sentences
}

fn check(reader: &mut Reader<'_>, item: &Item<'_>, key: &str, text: &str, places: &[&str]) -> bool {
    if text.len() > MAX_BYTES || text.chars().any(|c| c.is_control() && c != '\n') {
        let problem = item
            .problem("is no sentence")
            .expected(format!("text of at most {MAX_BYTES} bytes"));
        reader.report(problem);
        return false;
    }
    if key.starts_with(WORDS) && (text.trim().is_empty() || text.contains(char::is_whitespace)) {
        item.wrong(reader, "one word");
        return false;
    }
    let unknown = self::places(text)
        .into_iter()
        .find(|place| !places.contains(place));
    if let Some(unknown) = unknown {
        let mut problem = item.problem(format!("has the place `{{{unknown}}}`"));
        let known: Vec<String> = places.iter().map(|place| format!("{{{place}}}")).collect();
        problem = match known.is_empty() {
            true => problem.expected("a sentence without places"),
            false => problem.expected(one_of(known.iter().map(String::as_str))),
        };
        reader.report(problem);
        return false;
    }
    true
}

fn check_words(reader: &mut Reader<'_>, item: &Item<'_>, dialog: &DialogSentences) {
    let words = [
        &dialog.word_cancel,
        &dialog.word_back,
        &dialog.word_skip,
        &dialog.word_yes,
        &dialog.word_no,
    ];
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let twice = words
        .iter()
        .enumerate()
        .find(|(place, word)| words[..*place].contains(word));
    if let Some((_, word)) = twice {
        let problem = item
            .problem(format!("has the word \"{word}\" twice"))
            .expected("a word of its own for each `word-…`");
        reader.report(problem);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Settings;

    use super::*;

    fn parse(text: &str) -> Result<Sentences, String> {
        Settings::parse(Path::new("parlor.toml"), text, &|_| None)
            .map(|settings| settings.sentences)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn keys() -> Vec<(&'static str, &'static [&'static str])> {
        let commands = COMMANDS.iter().map(|(key, places, _)| (*key, *places));
        let checks = CHECKS.iter().map(|(key, places, _)| (*key, *places));
        let dialog = DIALOG.iter().map(|(key, places, _)| (*key, *places));
        let failure = FAILURE.iter().map(|(key, places, _)| (*key, *places));
        let edits = EDITS.iter().map(|(key, places, _)| (*key, *places));
        commands
            .chain(checks)
            .chain(dialog)
            .chain(failure)
            .chain(edits)
            .collect()
    }

    #[test]
    fn every_sentence_is_a_setting() {
        let lines: String = keys()
            .iter()
            .map(|(key, _)| format!("{key} = \"own-{key}\"\n"))
            .collect();
        let set = parse(&format!("[sentences]\n{lines}")).unwrap();
        let shown = format!("{set:#?}");
        let fields = shown.lines().filter(|line| line.contains(": \""));
        let mut count = 0;
        for field in fields {
            assert!(field.contains(": \"own-"), "not a setting: {field}");
            count += 1;
        }
        assert_eq!(count, keys().len(), "two keys for one sentence");
    }

    #[test]
    fn what_is_said_without_settings_has_only_known_places() {
        let mut own = Sentences::default();
        let check = |key: &str, known: &[&str], sentence: &str| {
            for place in places(sentence) {
                assert!(known.contains(&place), "{key}: {place}");
            }
        };
        for (key, known, slot) in COMMANDS {
            check(key, known, slot(&mut own.commands));
        }
        for (key, known, slot) in FAILURE {
            check(key, known, slot(&mut own.failure));
        }
        for (key, known, slot) in EDITS {
            check(key, known, slot(&mut own.hosted.edits));
        }
        for (key, known, slot) in CHECKS {
            check(key, known, slot(&mut own.hosted.checks));
        }
        for (key, known, slot) in DIALOG {
            check(key, known, slot(&mut own.hosted.dialog));
        }
    }

    #[test]
    fn a_wrong_sentence_is_named_with_its_line() {
        for (line, wanted) in [
            ("help-titel = \"x\"", "did you mean `help-title`?"),
            ("usage = \"{name}\"", "{usage}"),
            ("form-numbers = \"{number}\"", "a sentence without places"),
            ("word-back = \"go back\"", "one word"),
            ("word-back = \"cancel\"", "has the word \"cancel\" twice"),
            ("usage = 1", "text in quotes"),
            ("refused = \"\\u0007\"", "is no sentence"),
        ] {
            let problem = parse(&format!("[sentences]\n{line}")).unwrap_err();
            assert!(problem.contains(wanted), "{line}: {problem}");
            assert!(problem.contains("parlor.toml:"), "{line}: {problem}");
        }
    }
}
