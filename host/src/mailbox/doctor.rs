//! What `parlor doctor` finds out of a bot: checks, each with what should be, what is, and what helps.
//!
//! A connector looks with its own logins and requests, and changes nothing: neither on its platform,
//! but for a login where no host runs, nor of what a running host keeps.

mod way;

use std::time::Duration;

use serde::Serialize;

pub use way::{Way, check_way};

use super::control::{BotLine, BotState};
use crate::model::Name;
use crate::model::secret::Secret;
use crate::net::without_secrets;

/// What is said of what was not looked at because its host is not reached.
pub const NOT_REACHED: &str = "the platform is not reached";

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It is as it should be.
    Ok,
    /// It works, and should be known.
    Note,
    /// It is not as it should be.
    Wrong,
    /// It was not looked at.
    Skipped,
}

impl Finding {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Wrong => "wrong",
            Self::Skipped => "skipped",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// What: `login`, `tls (api)`.
    pub check: String,
    /// What became of it.
    pub finding: Finding,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// What to change, where something helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// Checks, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Checks {
    all: Vec<Check>,
    hidden: Vec<Secret>,
}

impl Checks {
    /// Takes this out of everything that is said, whoever says it: servers repeat what they were shown.
    pub fn hide(&mut self, secret: &Secret) {
        self.hidden.push(secret.clone());
    }

    /// Notes what is as it should be.
    pub fn ok(&mut self, check: &str, expected: &str, found: impl Into<String>) {
        self.add(check, Finding::Ok, expected, found.into(), None);
    }

    /// Notes what works, and should be known.
    pub fn note(&mut self, check: &str, expected: &str, found: impl Into<String>, change: &str) {
        self.add(check, Finding::Note, expected, found.into(), Some(change));
    }

    /// Notes what is not as it should be, and what helps.
    pub fn wrong(&mut self, check: &str, expected: &str, found: impl Into<String>, change: &str) {
        self.add(check, Finding::Wrong, expected, found.into(), Some(change));
    }

    /// Notes what was not looked at, and why.
    pub fn skip(&mut self, check: &str, expected: &str, why: impl Into<String>) {
        self.add(check, Finding::Skipped, expected, why.into(), None);
    }

    fn add(
        &mut self,
        check: &str,
        finding: Finding,
        expected: &str,
        found: String,
        change: Option<&str>,
    ) {
        self.all.push(Check {
            check: check.to_owned(),
            finding,
            expected: expected.to_owned(),
            found,
            change: change.map(str::to_owned),
        });
    }

    /// All checks, without a secret in any.
    pub fn into_all(self) -> Vec<Check> {
        let Self { mut all, hidden } = self;
        let secrets = || hidden.iter().flat_map(Secret::expose_all);
        for check in &mut all {
            check.found = without_secrets(secrets(), &check.found);
        }
        all
    }
}

/// A bot that is looked at, and what else is known of it.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The tenant.
    pub tenant: Name,
    /// Its name.
    pub name: Name,
    /// What the running host says of it; none where none runs.
    pub served: Option<BotLine>,
    /// Where its platform is to call it; none where it does not, or where nobody knows.
    pub address: Option<String>,
    /// How long one question may take.
    pub patience: Duration,
}

impl Patient {
    /// Whether a host runs that has the bot: what it holds is not taken from it.
    pub fn is_served(&self) -> bool {
        self.served.is_some()
    }

    /// Whether a running host hears its platform with it.
    pub fn is_connected(&self) -> bool {
        let served = self.served.as_ref();
        served.is_some_and(|line| line.state == BotState::Connected)
    }

    /// What something comes to in the time that a question may take, and else why not.
    ///
    /// # Errors
    /// Its own, or that it took too long.
    pub async fn within<T, E>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Unanswered<E>> {
        match tokio::time::timeout(self.patience, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Unanswered::Error(error)),
            Err(_) => Err(Unanswered::Late(self.patience)),
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered<E> {
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// There is none.
    #[error("{0}")]
    Error(E),
}

impl<E> Unanswered<E> {
    /// Why there is none, where it did not only take too long.
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Late(_) => None,
            Self::Error(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_repeats_of_a_secret_is_not_said() {
        let mut checks = Checks::default();
        checks.ok("first", "anything", "s3cret-token was taken");
        checks.hide(&Secret::new("s3cret-token".to_owned()));
        checks.wrong("login", "a token", "401: s3cret-token is wrong", "`token`");
        let all = checks.into_all();
        let found: Vec<&str> = all.iter().map(|check| check.found.as_str()).collect();
        assert_eq!(
            found,
            ["************ was taken", "401: ************ is wrong"]
        );
    }

    #[tokio::test]
    async fn a_question_takes_no_longer_than_it_may() {
        let patient = Patient {
            tenant: "default".into(),
            name: "desk".into(),
            served: None,
            address: None,
            patience: Duration::from_secs(1),
        };
        let never = std::future::pending::<Result<(), String>>();
        let late = patient.within(never).await.unwrap_err();
        assert_eq!(late.to_string(), "no answer within 1 s");
        let refused = async { Err::<(), _>("no".to_owned()) };
        let refused = patient.within(refused).await.unwrap_err();
        assert_eq!(refused, Unanswered::Error("no".to_owned()));
    }
}
