//! What a plugin is asked: its commands, written right and wrong, and messages of every kind. Pure.

use std::collections::BTreeMap;

use crate::model::description::{CommandSpec, Description, KeyWordMatch};
use crate::model::limits::Limits;

/// Texts of many scripts and signs: from right to left, combining, outside of the first plane, joined,
/// controls that are not a line's end, and what pretends to be nothing.
const STRANGE: [&str; 10] = [
    "שלום עולם مرحبا بالعالم",
    "e\u{301}\u{302}\u{303}\u{304} Z\u{351}\u{36b}\u{343}\u{36a}a\u{30a}lgo",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𓀀 𠜎",
    "nul\u{0}nul bell\u{7} escape\u{1b}[31m del\u{7f} c1\u{9b}",
    "\u{202e}drawkcab\u{202c} \u{2066}isolated\u{2069} \u{feff}bom \u{200b}zero",
    "日本語 한국어 ไทย हिन्दी",
    "\u{fffd}\u{fffe}\u{ffff}\u{10ffff}",
    "ß ẞ ſ İ ı ﬁ Ǆ",
    "<b>&amp;</b> ${x} {{y}} `z` *a* _b_ \\ \" ' ;--",
];
/// What is said where a plugin has nothing to be asked.
const HELLO: [&str; 2] = ["hello", "Where is it?"];

/// A command, as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asking {
    /// Its first words, up to the first argument; empty where it begins with one.
    pub(super) words: String,
    /// It is not in the list of commands.
    pub(super) hidden: bool,
    /// Written right.
    pub(super) right: String,
    /// Written right, up to an argument that takes any text; none where it has no such argument.
    pub(super) before_text: Option<String>,
    /// Written wrong.
    pub(super) wrong: Vec<String>,
}

/// A word of a pattern.
enum Word<'a> {
    Literal(String),
    Argument { name: &'a str, kind: &'a str },
}

/// What a plugin can be asked: its commands, and words that it listens for.
pub(super) fn askings(description: &Description, config: &BTreeMap<String, String>) -> Vec<Asking> {
    let commands = description.commands.iter();
    let mut asked: Vec<Asking> = commands.filter_map(|it| asking(it, config)).collect();
    let filters = description.subscriptions.messages.iter();
    for word in filters.flat_map(|filter| &filter.key_words) {
        let text = filled(&word.text, config);
        if let Some(text) = text.filter(|_| word.r#match != KeyWordMatch::Regex) {
            asked.push(Asking {
                words: String::new(),
                hidden: true,
                before_text: (word.r#match == KeyWordMatch::Contains).then(|| format!("{text} ")),
                right: text,
                wrong: Vec::new(),
            });
        }
    }
    asked
}

/// What anybody says.
pub(super) fn hello() -> impl Iterator<Item = String> {
    HELLO.into_iter().map(str::to_owned)
}

/// The largest message that a plugin gets: by itself, and behind each command that takes a text.
pub(super) fn large(asked: &[Asking]) -> Vec<String> {
    let most = Limits::DEFAULT.message_bytes as usize;
    with_texts(asked, |before| {
        let words = "words ".repeat(most / "words ".len() + 1);
        vec![words[..most - before.len().min(most)].trim_end().to_owned()]
    })
}

/// Messages of every script and sign, by themselves and behind each command that takes a text.
pub(super) fn strange(asked: &[Asking]) -> Vec<String> {
    with_texts(asked, |_| STRANGE.map(str::to_owned).to_vec())
}

fn with_texts(asked: &[Asking], texts: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let before = asked.iter().filter_map(|it| it.before_text.as_deref());
    let all = std::iter::once("").chain(before);
    all.flat_map(|before| {
        let texts = texts(before).into_iter();
        texts.map(move |text| format!("{before}{text}"))
    })
    .collect()
}

fn asking(command: &CommandSpec, config: &BTreeMap<String, String>) -> Option<Asking> {
    let pattern = filled(&command.pattern, config)?;
    let words: Vec<Word<'_>> = pattern.split_whitespace().map(word).collect();
    let literals = words.iter().map_while(|word| match word {
        Word::Literal(text) => Some(text.as_str()),
        Word::Argument { .. } => None,
    });
    let first = literals.collect::<Vec<_>>().join(" ");
    let right = join(words.iter().map(right));
    let takes_rest = |word: &Word<'_>| matches!(word, Word::Argument { kind: "rest", .. });
    let is_argument = |word: &Word<'_>| matches!(word, Word::Argument { .. });
    let mut wrong = Vec::new();
    // What begins with an argument is no command to anybody who writes it wrong.
    if !first.is_empty() {
        // Without its arguments, which may be right where each may be left out.
        if words.iter().any(is_argument) {
            let literal = words.iter().filter(|word| matches!(word, Word::Literal(_)));
            wrong.push(join(literal.map(right_of_literal)));
        }
        let typed = words.iter().position(|word| match word {
            Word::Argument { kind, .. } => !["", "rest"].contains(kind),
            Word::Literal(_) => false,
        });
        if let Some(typed) = typed {
            let of = |(place, word): (usize, &Word<'_>)| match place == typed {
                true => "wrong".to_owned(),
                false => self::right(word),
            };
            wrong.push(join(words.iter().enumerate().map(of)));
        }
        if !words.iter().any(takes_rest) {
            wrong.push(format!("{right} one too many, and more"));
        }
    }
    let text_at = words.iter().position(|word| match word {
        Word::Argument { kind, .. } => ["", "rest"].contains(kind),
        Word::Literal(_) => false,
    });
    // A text of several words is taken by the last argument only.
    let before_text = text_at
        .filter(|place| takes_rest(&words[*place]))
        .map(|place| {
            let before = join(words[..place].iter().map(self::right));
            format!("{before} ")
        });
    Some(Asking {
        words: first,
        hidden: command.hidden,
        right,
        before_text,
        wrong,
    })
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

/// A pattern with the values of the settings in it; none where one is not known.
fn filled(text: &str, config: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{=") {
        let (key, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(config.get(key)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

fn word(text: &str) -> Word<'_> {
    let inside = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    let Some(inside) = inside else {
        return Word::Literal(text.to_owned());
    };
    // `{rest...}` and `{note?}`, in either order.
    let bare = inside.trim_end_matches(['?', '.']);
    let is_rest = inside.contains("...");
    let sign = bare.get(..1).filter(|sign| ["@", "#", "$"].contains(sign));
    let (name, kind) = match (sign, bare.split_once(':')) {
        (Some(sign), _) => (&bare[1..], sign),
        (None, Some((name, kind))) => (name, kind),
        (None, None) => (bare, if is_rest { "rest" } else { "" }),
    };
    Word::Argument { name, kind }
}

fn right_of_literal(word: &Word<'_>) -> String {
    match word {
        Word::Literal(text) => text.clone(),
        Word::Argument { .. } => String::new(),
    }
}

/// A word that fits.
fn right(word: &Word<'_>) -> String {
    let Word::Argument { name, kind, .. } = word else {
        return right_of_literal(word);
    };
    let is_address = ["url", "link", "address", "source"]
        .iter()
        .any(|it| name.contains(it));
    match *kind {
        "int" => "3".to_owned(),
        "number" => "1.5".to_owned(),
        "bool" => "yes".to_owned(),
        "@" => "@ada".to_owned(),
        "#" => "#tea".to_owned(),
        "$" => "$goog".to_owned(),
        "rest" => "some more words".to_owned(),
        _ if is_address => "https://contract.example/x".to_owned(),
        _ => "word".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::description::MentionRule;

    fn of(pattern: &str) -> Option<Asking> {
        let command = CommandSpec {
            name: "x".to_owned(),
            pattern: pattern.to_owned(),
            mention: MentionRule::Optional,
            help: String::new(),
            arguments: Vec::new(),
            hidden: false,
        };
        let config = [("prefix".to_owned(), "!".to_owned())].into();
        asking(&command, &config)
    }

    fn check(pattern: &str, right: &str, before_text: Option<&str>, wrong: &[&str]) {
        let asked = of(pattern).unwrap();
        assert_eq!(asked.right, right, "{pattern}");
        assert_eq!(asked.before_text.as_deref(), before_text, "{pattern}");
        assert_eq!(asked.wrong, wrong, "{pattern}");
    }

    #[test]
    fn a_command_is_written_right_and_in_every_way_wrong() {
        check("/joke", "/joke", None, &["/joke one too many, and more"]);
        check(
            "/buy {n:int} {$ticker}",
            "/buy 3 $goog",
            None,
            &[
                "/buy",
                "/buy wrong $goog",
                "/buy 3 $goog one too many, and more",
            ],
        );
        check(
            "/echo {text...}",
            "/echo some more words",
            Some("/echo "),
            &["/echo"],
        );
        check(
            "/note {text...?}",
            "/note some more words",
            Some("/note "),
            &["/note"],
        );
        check(
            "{=prefix}go {@who?} {ok:bool}",
            "!go @ada yes",
            None,
            &[
                "!go",
                "!go wrong yes",
                "!go @ada yes one too many, and more",
            ],
        );
        check("{who} is here", "word is here", None, &[]);
        check(
            "fetch {url}",
            "fetch https://contract.example/x",
            None,
            &[
                "fetch",
                "fetch https://contract.example/x one too many, and more",
            ],
        );
        assert_eq!(of("{=unknown} x"), None);
        assert_eq!(of("/bot joke {n:int}").unwrap().words, "/bot joke");
    }

    #[test]
    fn the_largest_message_is_as_large_as_one_may_be() {
        let most = Limits::DEFAULT.message_bytes as usize;
        let texts = large(&[of("/echo {text...}").unwrap()]);
        assert_eq!(texts.len(), 2);
        assert!(
            texts
                .iter()
                .all(|text| text.len() <= most && text.len() > most - 8)
        );
        assert!(texts[1].starts_with("/echo words"));
        assert_eq!(
            strange(&[of("/echo {text...}").unwrap()]).len(),
            2 * STRANGE.len()
        );
    }
}
