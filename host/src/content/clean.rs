//! Takes out of a text what could act on a terminal or hide what it says.

use std::borrow::Cow;

/// Stands where an invisible sign that changes the reading direction was.
const MARK: char = '\u{FFFD}';

/// Makes text safe to show: terminal escapes and control characters go, line ends become `\n`,
/// and signs that turn the direction of text become visible.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\r' => {
                if signs.peek() != Some(&'\n') {
                    safe.push('\n');
                }
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' => safe.push('\n'),
            '\u{1b}' => match signs.peek() {
                Some('[') => {
                    signs.next();
                    skip_control_sequence(&mut signs);
                }
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    signs.next();
                    skip_string(&mut signs);
                }
                _ => {}
            },
            '\u{9b}' => skip_control_sequence(&mut signs),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut signs),
            sign if turns_direction(sign) => safe.push(MARK),
            sign if is_unsafe(sign) => {}
            sign => safe.push(sign),
        }
    }
    Cow::Owned(safe)
}

/// Makes text safe to show on one line: as [`clean`], and line ends and tabs become spaces.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let safe = clean(text);
    if safe.contains(['\n', '\t']) {
        Cow::Owned(safe.replace(['\n', '\t'], " "))
    } else {
        safe
    }
}

type Signs<'a> = std::iter::Peekable<std::str::Chars<'a>>;

// ECMA-48: parameters and intermediates, then one final byte. Anything else ends the sequence, so
// that a cut one does not swallow the text behind it.
fn skip_control_sequence(signs: &mut Signs<'_>) {
    while let Some(&sign) = signs.peek() {
        match sign {
            '\u{20}'..='\u{3f}' => {
                signs.next();
            }
            '\u{40}'..='\u{7e}' => {
                signs.next();
                return;
            }
            _ => return,
        }
    }
}

// Up to BEL or ST; a string without an end stays as text, without its opening.
fn skip_string(signs: &mut Signs<'_>) {
    let mut ahead = signs.clone();
    while let Some(sign) = ahead.next() {
        match sign {
            '\u{07}' | '\u{9c}' => {
                *signs = ahead;
                return;
            }
            '\u{1b}' if ahead.peek() == Some(&'\\') => {
                ahead.next();
                *signs = ahead;
                return;
            }
            '\n' => return,
            _ => {}
        }
    }
}

fn turns_direction(sign: char) -> bool {
    matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_unsafe(sign: char) -> bool {
    match sign {
        '\n' | '\t' => false,
        sign if sign.is_control() || turns_direction(sign) => true,
        // Line separators, invisible operators, byte order mark, annotations, and the tag
        // characters that can carry a hidden text.
        '\u{2028}'
        | '\u{2029}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        // No text has these, and no XML.
        '\u{fffe}' | '\u{ffff}' => true,
        _ => false,
    }
}
