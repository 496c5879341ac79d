//! The forms in which servers send a text back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The text itself and its forms, without repetitions.
pub(super) fn of(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        json(secret),
        // PHP, and pages that put JSON into a script.
        json(secret).replace('/', "\\/"),
        cautious_json(secret),
        html(secret),
    ];
    for set in [NON_ALPHANUMERIC, &RESERVED] {
        forms.push(utf8_percent_encode(secret, set).to_string());
    }
    let lower: Vec<String> = forms.iter().filter_map(|form| lower_hex(form)).collect();
    forms.extend(lower);
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON as .NET and Go write it: what could mean something to a browser is escaped too.
fn cautious_json(secret: &str) -> String {
    let mut form = String::new();
    for c in secret.chars() {
        match c {
            '"' | '&' | '\'' | '+' | '<' | '>' | '`' => {
                form.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => form.push_str(&json(c.encode_utf8(&mut [0; 4]))),
        }
    }
    form
}

fn html(secret: &str) -> String {
    let mut form = String::new();
    for c in secret.chars() {
        match c {
            '&' => form.push_str("&amp;"),
            '<' => form.push_str("&lt;"),
            '>' => form.push_str("&gt;"),
            '"' => form.push_str("&quot;"),
            '\'' => form.push_str("&#39;"),
            c => form.push(c),
        }
    }
    form
}

/// The same with `%2f` for `%2F` and `\u002b` for `\u002B`; none where that changes nothing.
fn lower_hex(form: &str) -> Option<String> {
    let mut lower = String::with_capacity(form.len());
    let mut left = 0;
    let mut before = ' ';
    for c in form.chars() {
        left = match c {
            '%' => 2,
            'u' if before == '\\' => 4,
            _ if left > 0 => {
                lower.push(c.to_ascii_lowercase());
                before = c;
                left -= 1;
                continue;
            }
            _ => 0,
        };
        lower.push(c);
        before = c;
    }
    (lower != form).then_some(lower)
}
