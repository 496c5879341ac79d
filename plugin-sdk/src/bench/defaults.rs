//! Settings that are not set: what the plugin's description gives them.

use std::collections::BTreeMap;

use super::Value;
use crate::description::{ConfigKey, ConfigKind, Description};

/// Reads the defaults, written as in the settings. One that cannot be read is not set: the host
/// refuses the plugin for it.
pub(super) fn defaults(description: &Description) -> BTreeMap<String, Value> {
    let keys = description.config.iter();
    keys.filter_map(|key| Some((key.name.clone(), value(key)?)))
        .collect()
}

fn value(key: &ConfigKey) -> Option<Value> {
    let text = key.default.as_deref()?.trim();
    match &key.kind {
        ConfigKind::Text | ConfigKind::Choice(_) => Some(Value::Text(unquoted(text).to_owned())),
        ConfigKind::Number => text.parse().ok().map(Value::Number),
        ConfigKind::Flag => text.parse().ok().map(Value::Flag),
        ConfigKind::Duration => duration(unquoted(text)).map(Value::Duration),
        ConfigKind::List => list(text).map(Value::Texts),
    }
}

fn unquoted(text: &str) -> &str {
    let inside = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or(text)
}

fn list(text: &str) -> Option<Vec<String>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    let items = inside.split(',').map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    Some(items.map(|item| unquoted(item).to_owned()).collect())
}

/// Milliseconds of `300ms`, `5m` or `1h30m`.
fn duration(mut text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let mut all: Option<u64> = None;
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, rest) = text.split_at(digits);
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, rest) = rest.split_at(letters.unwrap_or(rest.len()));
        let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*ms)?;
        all = Some(all.unwrap_or(0).checked_add(part)?);
        text = rest.trim_start();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: ConfigKind, default: &str, wanted: Option<Value>) {
        let key = ConfigKey {
            name: "key".into(),
            kind,
            required: false,
            default: Some(default.into()),
            help: String::new(),
        };
        assert_eq!(value(&key), wanted, "{default}");
    }

    #[test]
    fn each_kind_is_read_as_in_the_settings() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        check(ConfigKind::Text, "EUR", text("EUR"));
        check(ConfigKind::Text, "\"two words\"", text("two words"));
        check(ConfigKind::Choice(vec!["a".into()]), "a", text("a"));
        check(ConfigKind::Number, "2.5", Some(Value::Number(2.5)));
        check(ConfigKind::Flag, "true", Some(Value::Flag(true)));
        check(ConfigKind::Duration, "5m", Some(Value::Duration(300_000)));
        check(
            ConfigKind::Duration,
            "1h30m",
            Some(Value::Duration(5_400_000)),
        );
        let two = vec!["p".to_owned(), "q".to_owned()];
        check(ConfigKind::List, "[\"p\", \"q\"]", Some(Value::Texts(two)));
        check(ConfigKind::List, "[]", Some(Value::Texts(Vec::new())));
        for (kind, wrong) in [
            (ConfigKind::Number, "many"),
            (ConfigKind::Flag, "maybe"),
            (ConfigKind::Duration, "5 parsecs"),
            (ConfigKind::Duration, ""),
            (ConfigKind::List, "p, q"),
        ] {
            check(kind, wrong, None);
        }
    }
}
