//! Answers everything with one of its bytes' own marker: `ANSWER-0000000000`, and `say N` with N after it.
//! A test that replaces the 17 bytes in the `.wasm` has a new build without a compiler; one that begins with
//! `FAULT-` traps.

use parlor_sdk::prelude::*;

// Read as a whole at run time, so that the compiler leaves the 17 bytes together, and once.
static ANSWER: [u8; 17] = *b"ANSWER-0000000000";

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(
    name = "versioned",
    summary = "Answers with a marker that tests replace"
)]
impl Guest {
    #[message()]
    fn message(&mut self, text: String) -> String {
        let mut answer = String::from_utf8_lossy(std::hint::black_box(&ANSWER)).into_owned();
        assert!(!answer.starts_with("FAULT-"), "as the marker says");
        if let Some(number) = text.strip_prefix("say") {
            answer.push_str(number);
        }
        answer
    }
}
