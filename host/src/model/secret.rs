//! A text that is hidden wherever it is printed.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// A secret; its `Debug` hides it.
#[derive(Clone)]
pub struct Secret {
    text: SecretString,
    parts: Vec<SecretString>,
}

impl Secret {
    /// Makes a secret of a text.
    pub fn new(text: String) -> Self {
        Self {
            text: SecretString::from(text),
            parts: Vec::new(),
        }
    }

    /// Makes a secret of a text that is put together from secrets: `Token ${KEY}`.
    pub fn of_parts(text: String, parts: Vec<String>) -> Self {
        Self {
            text: SecretString::from(text),
            parts: parts.into_iter().map(SecretString::from).collect(),
        }
    }

    /// Shows the secret, for use in a request.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Shows everything in it that nobody may see: itself and the secrets it was put together from.
    pub fn expose_all(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().map(|part| part.expose_secret());
        std::iter::once(self.expose()).chain(parts)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides() {
        let secret = Secret::of_parts("Token s3cret".into(), vec!["s3cret".into()]);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let all: Vec<&str> = secret.expose_all().collect();
        assert_eq!(all, ["Token s3cret", "s3cret"]);
    }
}
