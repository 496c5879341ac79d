//! The mention of the bot in what a person typed, on platforms that have no mentions of their own.

/// Takes the mentions of the bot out of a text, and tells whether there were any.
pub fn without_mention(text: &str, display_name: &str, id: &str) -> (String, bool) {
    if !text.contains('@') {
        return (text.to_owned(), false);
    }
    let mut rest = String::with_capacity(text.len());
    let mut mentioned = false;
    let mut at = 0;
    while let Some(place) = text[at..].find('@').map(|p| p + at) {
        rest.push_str(&text[at..place]);
        let after = &text[place + 1..];
        let length = name_at(after, display_name).or_else(|| name_at(after, id));
        match length.filter(|_| begins_word(text, place)) {
            Some(length) => {
                mentioned = true;
                at = place + 1 + length;
                // One of the two spaces around it goes too, and what follows a leading mention: `@bot, hi`.
                if rest.trim().is_empty() {
                    rest.clear();
                    at += text[at..].len() - text[at..].trim_start_matches([' ', ',', ':']).len();
                } else if rest.ends_with(' ') && text[at..].starts_with(' ') {
                    at += 1;
                }
            }
            None => {
                rest.push('@');
                at = place + 1;
            }
        }
    }
    rest.push_str(&text[at..]);
    if mentioned {
        let trimmed = rest.trim_end().len();
        rest.truncate(trimmed);
    }
    (rest, mentioned)
}

fn begins_word(text: &str, place: usize) -> bool {
    text[..place]
        .chars()
        .next_back()
        .is_none_or(|c| !c.is_alphanumeric())
}

/// Length of `name` at the beginning of `text`, where a word ends with it; letter case is ignored.
fn name_at(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in name.chars() {
        let there = rest.next()?;
        if there != wanted && !there.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let length = text.len() - rest.as_str().len();
    let ends = rest.next().is_none_or(|c| !c.is_alphanumeric());
    (ends && length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::without_mention;

    #[test]
    fn takes_the_own_mention_out() {
        for (text, wanted, mentioned) in [
            ("hello", "hello", false),
            ("@parlor hello", "hello", true),
            ("@Parlor, hello", "hello", true),
            ("hello @parlor", "hello", true),
            ("hello @parlor you", "hello you", true),
            ("hello @parlors", "hello @parlors", false),
            ("mail me@parlor", "mail me@parlor", false),
            ("@parlor", "", true),
            ("@anna hi @parlor!", "@anna hi !", true),
        ] {
            let found = without_mention(text, "parlor", "parlor");
            assert_eq!(found, (wanted.to_owned(), mentioned), "{text}");
        }
    }
}
