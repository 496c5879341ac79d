//! Answers everything from a template, with one of its bytes' own marker as `versioned` does. A package of
//! its own: the feature would be on for all guests that are built with it.

use std::collections::BTreeMap;

use parlor_sdk::prelude::*;
use parlor_sdk::templates;

static ANSWER: [u8; 17] = *b"ANSWER-0000000000";

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "templated", summary = "Answers from a template")]
impl Guest {
    #[message()]
    fn message(&mut self) -> Result<String, Error> {
        let answer = String::from_utf8_lossy(std::hint::black_box(&ANSWER));
        let values = BTreeMap::from([("answer", answer)]);
        templates::render("{{ answer }}", &values)
    }
}
