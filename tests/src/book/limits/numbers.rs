//! Numbers as pages write them and as sources do: bytes, milliseconds, counts.

const UNITS: [(&str, f64); 11] = [
    ("KiB", 1024.0),
    ("MiB", 1024.0 * 1024.0),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
    ("bytes", 1.0),
    ("ms", 1.0),
    ("s", 1_000.0),
    ("min", 60_000.0),
    ("h", 3_600_000.0),
    ("days", 86_400_000.0),
    ("day", 86_400_000.0),
    ("", 1.0),
];

/// `64 KiB`, `10,000`, `1.5 GiB`, `5 min`: in bytes, milliseconds, or as it is.
pub(super) fn read_value(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: f64 = number.replace(',', "").parse().ok()?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some((number * factor).round() as u64)
}

/// The value of a constant, or of a field where a struct is made.
pub(super) fn constant(source: &str, name: &str) -> Option<u64> {
    evaluate(source, &definition(source, name)?)
}

/// What stands behind a name, to the end of its statement.
fn definition(source: &str, name: &str) -> Option<String> {
    let from_const = source
        .match_indices(&format!("const {name}: "))
        .next()
        .map(|(at, _)| at);
    if let Some(at) = from_const {
        let rest = source[at..].split_once('=')?.1;
        return Some(rest.split_once(';')?.0.trim().to_owned());
    }
    // Of a field, where it is given a value and not its type.
    let field = format!(" {name}: ");
    let values = source.match_indices(&field).filter_map(|(at, _)| {
        let rest = &source[at + field.len()..];
        let value = rest.split_once(",\n")?.0.trim().to_owned();
        evaluate(source, &value).map(|_| value)
    });
    values.last()
}

/// A product or sum of numbers and names of constants, or a duration of one.
fn evaluate(source: &str, text: &str) -> Option<u64> {
    let text = text.trim();
    for (function, factor) in [
        ("Duration::from_millis(", 1),
        ("Duration::from_secs(", 1_000),
        ("Duration::from_mins(", 60_000),
        ("Duration::from_hours(", 3_600_000),
    ] {
        if let Some(inner) = text.strip_prefix(function) {
            return Some(evaluate(source, inner.strip_suffix(')')?)? * factor);
        }
    }
    if let Some((one, other)) = text.split_once('+') {
        return Some(evaluate(source, one)? + evaluate(source, other)?);
    }
    if let Some((one, other)) = text.split_once('*') {
        return evaluate(source, one)?.checked_mul(evaluate(source, other)?);
    }
    let plain = text.split(" as ").next().unwrap_or(text).replace('_', "");
    if let Ok(number) = plain.parse() {
        return Some(number);
    }
    let is_name = text
        .chars()
        .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_');
    if is_name && !text.is_empty() {
        return evaluate(source, &definition(source, text)?);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(read_value("64 KiB"), Some(65_536));
        assert_eq!(read_value("1.5 GiB"), Some(1_610_612_736));
        assert_eq!(read_value("10,000"), Some(10_000));
        assert_eq!(read_value("90 days"), Some(7_776_000_000));
        assert_eq!(read_value("a few"), None);
        let source = "const KIB: usize = 1024;\nconst SIZE: usize = 64 * KIB;\n\
            pub wait: Duration,\n    Self {\n        wait: Duration::from_secs(60 * 60),\n    }\n";
        assert_eq!(constant(source, "SIZE"), Some(65_536));
        assert_eq!(constant(source, "wait"), Some(3_600_000));
        assert_eq!(constant(source, "gone"), None);
    }
}
