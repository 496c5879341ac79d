//! `max-age` of a plugin: how old an event may be when the plugin gets it.

use super::duration::parse_duration_ms;
use super::read::{Item, Reader};
use crate::model::age::MaxAge;

/// What is written for no bound.
const NONE: &str = "none";
/// The shortest and the longest that can be set.
const RANGE_MS: std::ops::RangeInclusive<u64> = 1_000..=365 * 24 * 60 * 60 * 1_000;

pub(super) fn read_max_age(reader: &mut Reader<'_>, item: &Item<'_>) -> MaxAge {
    let mut ages = MaxAge::DEFAULT;
    if !item.is_table() {
        if let Some(age) = read_age(reader, item) {
            ages = MaxAge {
                commands: age,
                forms: age,
                rest: age,
            };
        }
        return ages;
    }
    let Some(mut table) = item.table(reader) else {
        return ages;
    };
    for (name, age) in [
        ("commands", &mut ages.commands),
        ("forms", &mut ages.forms),
        ("rest", &mut ages.rest),
    ] {
        if let Some(item) = table.get(reader, name)
            && let Some(read) = read_age(reader, &item)
        {
            *age = read;
        }
    }
    table.finish(reader);
    ages
}

fn read_age(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Option<u64>> {
    let text = item.value().as_str();
    if text == Some(NONE) {
        return Some(None);
    }
    let age = text.and_then(parse_duration_ms);
    let age = age.filter(|age| RANGE_MS.contains(age));
    if age.is_none() {
        item.wrong(reader, "a time from \"1s\" to \"365d\", or \"none\"");
    }
    age.map(Some)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Settings;

    fn parse(text: &str) -> Result<MaxAge, String> {
        let text = format!("[plugin.joke]\n{text}\n");
        let settings = Settings::parse(Path::new("parlor.toml"), &text, &|_| None);
        settings
            .map(|settings| settings.plugins["joke"].max_age)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn one_age_is_for_all_and_a_table_for_some() {
        assert_eq!(parse("").unwrap(), MaxAge::DEFAULT);
        let all = parse("max-age = \"10m\"").unwrap();
        assert_eq!(
            (all.commands, all.forms, all.rest),
            (Some(600_000), Some(600_000), Some(600_000))
        );
        let some = parse("max-age = { commands = \"90s\", rest = \"none\" }").unwrap();
        assert_eq!(
            (some.commands, some.forms, some.rest),
            (Some(90_000), Some(3_600_000), None)
        );
    }

    #[test]
    fn a_wrong_age_is_named_with_its_line() {
        for line in [
            "max-age = 10",
            "max-age = \"10\"",
            "max-age = \"1ms\"",
            "max-age = { rest = \"400d\" }",
            "max-age = { command = \"1h\" }",
        ] {
            let problem = parse(line).unwrap_err();
            assert!(problem.contains("parlor.toml:2"), "{line}: {problem}");
        }
    }
}
