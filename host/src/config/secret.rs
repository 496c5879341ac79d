//! Secrets: written as `${NAME}` or `file:PATH`, hidden wherever they are printed.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

/// Bytes that a secret's file may have.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A secret; its `Debug` hides it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Makes a secret of a text.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Shows the secret, for use in a request.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.expose().as_bytes(), other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

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
    match written.strip_prefix("file:") {
        Some(path) => read_file(&folder.join(path)),
        None => fill(written, environment),
    }
    .and_then(|text| {
        if text.is_empty() {
            Err("the secret is empty".to_owned())
        } else {
            Ok(Secret::new(text))
        }
    })
}

fn read_file(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!(
            "{} is larger than {MAX_SECRET_BYTES} bytes",
            path.display()
        ));
    }
    // Editors and `echo` end a file with a line break that is no part of a password.
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

fn fill(written: &str, environment: Environment<'_>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| "`${` without `}`".to_owned())?;
        let value =
            environment(name).ok_or_else(|| format!("environment variable `{name}` is not set"))?;
        text.push_str(&value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
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
        assert!(read("${NONE}").unwrap_err().contains("`NONE` is not set"));
        assert!(read("${TOKEN").unwrap_err().contains("without"));
        assert!(read("file:nope").unwrap_err().contains("nope"));
        assert!(read("").unwrap_err().contains("empty"));
    }

    #[test]
    fn debug_hides() {
        assert!(!format!("{:?}", Secret::new("s3cret".into())).contains("s3cret"));
    }
}
