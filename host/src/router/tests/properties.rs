//! What holds for every pattern and every text.

use proptest::prelude::*;

use crate::content::tokens;
use crate::model::description::KeyWordMatch;
use crate::router::{Pattern, Roles, Table};

use super::support::{direct, message, plugin, route, said, table, with_commands, with_words};

/// The base grammar in its simplest form: as many words as tokens, each equal or taken.
fn base_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<&str> = pattern.split_whitespace().collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    pattern.len() == words.len()
        && pattern
            .iter()
            .zip(&words)
            .all(|(token, word)| token.starts_with('{') || token == word)
}

fn base_pattern() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("/buy".to_owned()),
        Just("\"a".to_owned()),
        Just("b\"".to_owned()),
        "[a-c]{1,2}",
        (0..100_u32).prop_map(|number| format!("{{n{number}}}")),
    ];
    prop::collection::vec(token, 0..5).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #[test]
    fn no_pattern_and_text_panics(pattern in ".{0,60}", text in ".{0,60}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let message = message(&text);
            let found = tokens(&message, false);
            let _ = pattern.matches(&found.line, &found.items);
            let _ = pattern.usage();
        }
    }

    #[test]
    fn no_extended_pattern_panics(
        pattern in prop::collection::vec("(/a|\\{[a-c](:int|:bool|:number|:text|\\?|\\.\\.\\.)?\\??\\}|\\{[@#$]d\\}) ", 0..6),
        text in "([a-c\"“” \n$#@1.]|é){0,40}",
    ) {
        if let Ok(pattern) = Pattern::parse(&pattern.concat()) {
            let message = message(&text);
            let found = tokens(&message, false);
            let _ = pattern.matches(&found.line, &found.items);
        }
    }

    #[test]
    fn extensions_change_nothing_in_base_patterns(
        pattern in base_pattern(),
        text in "((/buy|\"a|b\"|\"a b\"|[a-c]{1,2}|1|true) ?){0,5}",
    ) {
        if let Ok(compiled) = Pattern::parse(&pattern) {
            let message = message(&text);
            let found = tokens(&message, false);
            let matched = compiled.matches(&found.line, &found.items).is_some();
            prop_assert_eq!(matched, base_matches(&pattern, &text));
        }
    }

    #[test]
    fn no_message_panics_the_table(text in ".{0,80}", word in "\\PC{1,10}") {
        if word.trim().is_empty() {
            return Ok(());
        }
        let (table, _) = Table::new(vec![
            plugin("a", with_commands(&[("buy", "/buy {n:int} {rest...?}"), ("any", "{word}")])),
            plugin("b", with_words(&[(KeyWordMatch::Word, word.as_str()), (KeyWordMatch::Contains, "pizza")])),
        ], &Roles::default());
        let _ = route(&table, &said(&text));
        let _ = route(&table, &direct(said(&text)));
    }

    #[test]
    fn contains_is_what_it_says(before in "[ a-zA-Z]{0,10}", after in "[ a-zA-ZÄÖß]{0,10}") {
        let table = table(vec![plugin("p", with_words(&[(KeyWordMatch::Contains, "PiZZa")]))]);
        let text = format!("{before}pIzzA{after}");
        prop_assert_eq!(route(&table, &said(&text)).routes.len(), 1);
    }
}
