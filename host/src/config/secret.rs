//! Secrets: written as `${NAME}` or `file:PATH`, hidden wherever they are printed.

use std::path::Path;

use super::read::read_file;
pub use crate::model::secret::Secret;

/// Bytes that a secret's file may have.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Tells whether a text asks for the environment or a file.
pub(super) fn is_reference(text: &str) -> bool {
    text.contains("${") || text.starts_with("file:")
}

/// Reads a secret as written: `file:PATH`, or text in which `${NAME}` stands for the environment.
/// The error never holds the secret.
pub(super) fn resolve(
    written: &str,
    folder: &Path,
    environment: Environment<'_>,
) -> Result<Secret, String> {
    let secret = match written.strip_prefix("file:") {
        Some(path) => Secret::new(read_text(&folder.join(path))?),
        None => fill(written, environment)?,
    };
    if secret.expose().is_empty() {
        return Err("the secret is empty".to_owned());
    }
    Ok(secret)
}

fn read_text(path: &Path) -> Result<String, String> {
    let bytes = read_file(path, MAX_SECRET_BYTES)?;
    let mut text =
        String::from_utf8(bytes).map_err(|_| format!("{} is not text", path.display()))?;
    // Editors and `echo` end a file with a line break that is no part of a password.
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

fn fill(written: &str, environment: Environment<'_>) -> Result<Secret, String> {
    let mut text = String::new();
    let mut parts = Vec::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| "`${` without `}`".to_owned())?;
        let value =
            environment(name).ok_or_else(|| format!("environment variable `{name}` is not set"))?;
        text.push_str(&value);
        parts.push(value);
        rest = after;
    }
    text.push_str(rest);
    parts.retain(|part| !part.is_empty() && *part != text);
    Ok(Secret::of_parts(text, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "s3cret".to_owned())
    }

    #[test]
    fn reads_environment_and_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "from file\n").unwrap();
        let read = |text: &str| resolve(text, folder.path(), &environment);
        assert_eq!(read("${TOKEN}").unwrap().expose(), "s3cret");
        assert_eq!(read("a-${TOKEN}-b").unwrap().expose(), "a-s3cret-b");
        assert_eq!(read("file:key").unwrap().expose(), "from file");
        let parts = read("a-${TOKEN}-b").unwrap();
        assert_eq!(
            parts.expose_all().collect::<Vec<_>>(),
            ["a-s3cret-b", "s3cret"]
        );
        assert!(read("${NONE}").unwrap_err().contains("`NONE` is not set"));
        assert!(read("${TOKEN").unwrap_err().contains("without"));
        assert!(read("file:nope").unwrap_err().contains("nope"));
        assert!(read("").unwrap_err().contains("empty"));
    }
}
