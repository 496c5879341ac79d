//! The joke in a service's answer: plain text, or JSON with `joke`, or with `setup` and `punchline`.

// More than this is no joke.
const LONGEST: usize = 2_000;

/// Finds the joke.
///
/// It reads bytes and takes them apart without indexes: slicing text brings 15 KiB of code for its
/// panics, and a JSON library more.
pub(crate) fn joke_in(answer: &[u8]) -> Option<String> {
    let answer = answer.trim_ascii();
    let joke = if matches!(answer.first(), Some(b'{' | b'[')) {
        member(answer, b"joke").or_else(|| {
            let mut joke = member(answer, b"setup")?;
            joke.push(b'\n');
            joke.extend(member(answer, b"punchline")?);
            Some(joke)
        })?
    } else {
        answer.to_vec()
    };
    let fits = !joke.trim_ascii().is_empty() && joke.len() <= LONGEST;
    String::from_utf8(joke).ok().filter(|_| fits)
}

/// The text of the first member of a name, at any depth.
fn member(mut json: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    while let Some((first, after)) = json.split_first() {
        json = after;
        if *first != b'"' {
            continue;
        }
        let (name, after) = string(json)?;
        json = after.trim_ascii_start();
        if let Some(value) = json.strip_prefix(b":") {
            json = value.trim_ascii_start();
            if name == wanted
                && let Some(value) = json.strip_prefix(b"\"")
            {
                return string(value).map(|(text, _)| text);
            }
        }
    }
    None
}

/// Reads a JSON string up to its closing quote, and gives what follows.
fn string(mut json: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (first, after) = json.split_first()?;
        json = after;
        match first {
            b'"' => return Some((text, json)),
            b'\\' => {
                let (escape, after) = json.split_first()?;
                json = after;
                match escape {
                    b'n' => text.push(b'\n'),
                    b't' => text.push(b'\t'),
                    b'r' | b'b' | b'f' => {}
                    b'u' => {
                        let (letter, after) = escaped(json)?;
                        json = after;
                        text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    other => text.push(*other),
                }
            }
            other => text.push(*other),
        }
    }
}

/// Reads what follows `\u`: one number, or the two of a pair.
fn escaped(json: &[u8]) -> Option<(char, &[u8])> {
    let (high, after) = hex(json)?;
    if let Some(rest) = after.strip_prefix(b"\\u")
        && (0xD800..0xDC00).contains(&high)
        && let Some((low, after)) = hex(rest)
        && (0xDC00..0xE000).contains(&low)
    {
        let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return Some((char::from_u32(code)?, after));
    }
    Some((
        char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
        after,
    ))
}

fn hex(json: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = json.split_first_chunk::<4>()?;
    let mut number = 0;
    for digit in digits {
        number = number * 16 + char::from(*digit).to_digit(16)?;
    }
    Some((number, after))
}

#[cfg(test)]
mod tests {
    use super::joke_in;

    #[track_caller]
    fn check(answer: &str, joke: Option<&str>) {
        assert_eq!(joke_in(answer.as_bytes()).as_deref(), joke, "{answer}");
    }

    #[test]
    fn reads_what_services_answer() {
        check("A plain joke.\n", Some("A plain joke."));
        check(r#"{"id": 7, "joke": "Ha"}"#, Some("Ha"));
        check(
            r#"{"type":"joke","setup":"Q","punchline":"A"}"#,
            Some("Q\nA"),
        );
        check(
            r#"{"error":false,"joke":"say \"hi\"\n\u00e9 \ud83d\ude00"}"#,
            Some("say \"hi\"\né 😀"),
        );
        check(r#"[{"setup": "Q", "punchline": "A"}]"#, Some("Q\nA"));
    }

    #[test]
    fn refuses_what_is_no_joke() {
        check("", None);
        check("{}", None);
        check(r#"{"joke": 7}"#, None);
        check(r#"{"joke": "unfinished"#, None);
        check(r#"{"joke": "\u12"}"#, None);
        check(&"x".repeat(2_001), None);
    }
}
