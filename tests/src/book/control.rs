//! Requests and answers of the control protocol, as the host itself reads them.

use parlor_host::mailbox::control::{Ask, Request};

use super::Block;

/// Marks what a host answers.
const ANSWER: char = '←';
/// Marks what it is sent.
const ASKED: char = '→';

pub(super) fn check(block: &Block) -> Result<(), String> {
    for (place, line) in block.text.lines().enumerate() {
        let told = |error: serde_json::Error| format!("line {} of the block: {error}", place + 1);
        if let Some(answer) = line.strip_prefix(ANSWER) {
            // An answer may be cut short, and says so.
            let whole = answer.replace(", …}", "}");
            serde_json::from_str::<serde_json::Value>(&whole).map_err(told)?;
        } else if let Some(asked) = line.strip_prefix(ASKED) {
            serde_json::from_str::<Request>(asked).map_err(told)?;
        } else {
            // Several of them may stand in a row.
            let asks = serde_json::Deserializer::from_str(line).into_iter::<Ask>();
            for ask in asks {
                ask.map_err(told)?;
            }
        }
    }
    Ok(())
}
