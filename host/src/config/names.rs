//! Names that settings may use.

use super::read::{Item, Reader};

/// Bytes of a name in the settings.
const MAX_NAME_BYTES: usize = 64;

/// Tells whether a text can name a bot, a role or a plugin: it becomes part of keys and of log lines.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_NAME_BYTES
        && !text.starts_with('.')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

pub(super) fn report_bad_name(reader: &mut Reader<'_>, item: &Item<'_>, name: &str) -> bool {
    let bad = !is_name(name);
    if bad {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let problem = item
            .spot
            .problem(format!("\"{shown}\" is no name"))
            .expected(format!(
                "at most {MAX_NAME_BYTES} letters, digits, `-`, `_` and `.`"
            ));
        reader.report(problem);
    }
    bad
}
