//! Tokens over restarts: the answer of the authentication with when it ends, as the vendor's samples
//! keep it.

use std::path::PathBuf;

use serde_json::{Map, Value};
use url::Url;

use super::files::{read_private, write_private};
use super::wire::TokenAnswer;
use crate::model::Timestamp;

/// When the token ends, in seconds since 1970.
const ENDS: &str = "expires_tm";
/// Whose it is.
const OWNER: &str = "username";
/// Who gave it: another is never shown it.
const GATEWAY: &str = "gateway";

/// The file of one bot.
pub(super) struct TokenFile {
    path: Option<PathBuf>,
    username: String,
    gateway: String,
}

/// Tokens of an earlier run.
pub(super) struct Kept {
    pub(super) answer: TokenAnswer,
    /// When the access token ends, in milliseconds since 1970.
    pub(super) ends: Timestamp,
}

impl TokenFile {
    pub(super) fn new(path: Option<PathBuf>, username: &str, gateway: &Url) -> Self {
        Self {
            path,
            username: username.to_owned(),
            gateway: gateway.origin().ascii_serialization(),
        }
    }

    /// What was kept of this account. Without the file, or with one that cannot be read, the bot logs in.
    pub(super) fn read(&self) -> Option<Kept> {
        let path = self.path.as_ref()?;
        let bytes = match read_private(path) {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "kept tokens not read");
                return None;
            }
        };
        // The error would quote what it has found.
        let Ok(whole) = serde_json::from_slice::<Map<String, Value>>(&bytes) else {
            tracing::warn!(path = %path.display(), "kept tokens are damaged");
            return None;
        };
        let is_another = |name: &str, own: &str| {
            let kept = whole.get(name).and_then(Value::as_str);
            kept.is_some_and(|kept| kept != own)
        };
        if is_another(OWNER, &self.username) || is_another(GATEWAY, &self.gateway) {
            return None;
        }
        let ends = whole.get(ENDS).and_then(Value::as_f64)?;
        Some(Kept {
            answer: TokenAnswer::of(whole)?,
            ends: millis(ends),
        })
    }

    /// Keeps tokens, or leaves it with a word in the log: the next run logs in then.
    pub(super) fn write(&self, answer: &TokenAnswer, ends: Timestamp) {
        let Some(path) = &self.path else {
            return;
        };
        let mut whole = answer.whole.clone();
        whole.insert(ENDS.to_owned(), seconds(ends).into());
        whole.insert(OWNER.to_owned(), self.username.clone().into());
        whole.insert(GATEWAY.to_owned(), self.gateway.clone().into());
        let bytes = Value::Object(whole).to_string();
        if let Err(error) = write_private(path, bytes.as_bytes()) {
            tracing::warn!(path = %path.display(), %error, "tokens not kept; the next start logs in");
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is out of bounds is long over, or far away"
)]
fn millis(seconds: f64) -> Timestamp {
    (seconds * 1_000.0) as Timestamp
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of our days are whole"
)]
fn seconds(millis: Timestamp) -> f64 {
    millis as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = "https://api.example.com";

    fn answer() -> TokenAnswer {
        let body = br#"{"access_token":"a","refresh_token":"r","expires_in":"600","scope":"s"}"#;
        TokenAnswer::read(body).unwrap()
    }

    #[test]
    fn tokens_come_back_to_their_account_and_their_gateway_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        let at = |name: &str, gateway: &str| {
            TokenFile::new(Some(path.clone()), name, &gateway.parse().unwrap())
        };
        let of = |name: &str| at(name, GATEWAY);
        of("bot").write(&answer(), 1_700_000_000_500);
        let kept = of("bot").read().unwrap();
        assert_eq!(kept.ends, 1_700_000_000_500);
        assert_eq!(kept.answer.access_token, "a");
        assert_eq!(kept.answer.refresh_token.as_deref(), Some("r"));
        assert!(of("other").read().is_none());
        assert!(at("bot", "https://beta.example.com").read().is_none());
    }

    #[test]
    fn a_file_of_the_samples_is_read_and_one_that_is_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rest-token.txt");
        let gateway = GATEWAY.parse().unwrap();
        let file = TokenFile::new(Some(path.clone()), "bot", &gateway);
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            file.read().map(|kept| kept.ends)
        };
        let sample = r#"{"access_token":"a","refresh_token":"r","expires_in":"600","expires_tm":1700000000.25}"#;
        assert_eq!(read(sample), Some(1_700_000_000_250));
        for damaged in [
            "",
            "{",
            "[]",
            r#"{"expires_tm":1}"#,
            r#"{"access_token":"a"}"#,
        ] {
            assert_eq!(read(damaged), None, "{damaged}");
        }
        assert!(TokenFile::new(None, "bot", &gateway).read().is_none());
    }
}
