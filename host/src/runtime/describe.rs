//! What a plugin says of itself: asked once for each artifact, checked, and kept beside its code.

use super::artifact::Artifact;
use super::compile::CONTRACT_VERSION;
use super::engine::Engine;
use super::guest::Fault;
use super::plugin::{Weight, ask_description};
use crate::model::description::{Capability, ConfigKind, Description};
use crate::model::limits::{LARGEST_TABLE_ELEMENTS, Limits};

/// Bytes of a name.
const NAME_BYTES: usize = 128;
/// Bytes of a sentence.
const TEXT_BYTES: usize = 1_024;
/// Bytes of a pattern or key word.
const PATTERN_BYTES: usize = 256;
/// Items of one list.
const ITEMS: usize = 200;

/// Why a description cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DescribeError {
    /// The plugin failed while it was asked.
    #[error("describe failed: {0}")]
    Fault(#[from] Fault),
    /// What it said is out of bounds or contradicts itself.
    #[error("describe returned what cannot be used: {0}")]
    Invalid(String),
}

impl Engine {
    /// Asks an artifact what it is, or takes the answer it gave before to this version of the host. Its
    /// instance has the memory of its plugin: some need much to begin with.
    ///
    /// # Errors
    /// [`DescribeError`], in words for the author.
    pub async fn describe(
        &self,
        artifact: &std::sync::Arc<Artifact>,
        memory_bytes: u64,
    ) -> Result<Description, DescribeError> {
        let note = format!(
            "{}-{CONTRACT_VERSION}-{}.describe.json",
            artifact.hash,
            env!("CARGO_PKG_VERSION")
        );
        let known = self.inner.cache.read_note(&note);
        if let Some(known) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(known);
        }
        let (said, _) = ask_description(self, artifact.clone(), asking(memory_bytes)).await?;
        check_description(&said).map_err(DescribeError::Invalid)?;
        let kept = serde_json::to_vec(&said).map_err(|error| error.to_string());
        let kept = kept.and_then(|bytes| {
            let kept = self.inner.cache.write_note(&note, &bytes);
            kept.map_err(|error| error.to_string())
        });
        if let Err(error) = kept {
            // It is asked again at the next start.
            tracing::warn!(error, "description not kept");
        }
        Ok(said)
    }

    /// Weighs an instance of an artifact that has described itself.
    ///
    /// # Errors
    /// How it failed.
    pub async fn weigh(
        &self,
        artifact: &std::sync::Arc<Artifact>,
        memory_bytes: u64,
    ) -> Result<Weight, Fault> {
        let asked = ask_description(self, artifact.clone(), asking(memory_bytes)).await;
        asked.map(|(_, weight)| weight)
    }
}

/// What a plugin may use that is asked what it is. What a large table costs is little.
fn asking(memory_bytes: u64) -> Limits {
    Limits {
        memory_bytes: memory_bytes.max(Limits::DEFAULT.memory_bytes),
        table_elements: LARGEST_TABLE_ELEMENTS,
        ..Limits::DEFAULT
    }
}

/// Looks whether a description is within its bounds.
///
/// # Errors
/// What is wrong, and where.
fn check_description(said: &Description) -> Result<(), String> {
    let mut check = Check { problem: None };
    check.name("name", &said.name);
    check.text("version", &said.version, NAME_BYTES);
    check.text("summary", &said.summary, TEXT_BYTES);
    check.text("author", &said.author, TEXT_BYTES);
    check.text("licence", &said.licence, NAME_BYTES);
    check.text(
        "homepage",
        said.homepage.as_deref().unwrap_or(""),
        TEXT_BYTES,
    );
    let subscriptions = &said.subscriptions;
    check.items("subscriptions.kinds", &subscriptions.kinds);
    check.items("subscriptions.platforms", &subscriptions.platforms);
    check.items("subscriptions.messages", &subscriptions.messages);
    for filter in &subscriptions.messages {
        check.items("key-words", &filter.key_words);
        check.items("has", &filter.has);
        for word in &filter.key_words {
            check.filled("key word", &word.text);
            check.text("key word", &word.text, PATTERN_BYTES);
        }
    }
    check.items("commands", &said.commands);
    for (n, command) in said.commands.iter().enumerate() {
        check.name("command name", &command.name);
        check.filled("command pattern", &command.pattern);
        check.text("command pattern", &command.pattern, PATTERN_BYTES);
        check.text("command help", &command.help, TEXT_BYTES);
        check.items("command arguments", &command.arguments);
        for argument in &command.arguments {
            check.name("argument name", &argument.name);
            check.text("argument help", &argument.help, TEXT_BYTES);
        }
        let is_double = said.commands.iter().take(n).any(|c| c.name == command.name);
        check.once("command", &command.name, is_double);
    }
    check.items("config", &said.config);
    for (n, key) in said.config.iter().enumerate() {
        check.name("config key", &key.name);
        check.text("config help", &key.help, TEXT_BYTES);
        check.text(
            "config default",
            key.default.as_deref().unwrap_or(""),
            TEXT_BYTES,
        );
        if let ConfigKind::Choice(choices) = &key.kind {
            check.items("config choices", choices);
            for choice in choices {
                check.text("config choice", choice, NAME_BYTES);
            }
        }
        let is_double = said.config.iter().take(n).any(|k| k.name == key.name);
        check.once("config key", &key.name, is_double);
    }
    check.items("capabilities", &said.capabilities);
    for wish in &said.capabilities {
        check.text("reason", &wish.reason, TEXT_BYTES);
        let (Capability::Http(what)
        | Capability::Action(what)
        | Capability::Read(what)
        | Capability::Other(what)) = &wish.what;
        check.text("capability", what, TEXT_BYTES);
    }
    check.items("extras", &said.extras);
    for (name, value) in &said.extras {
        check.text("extra", name, NAME_BYTES);
        check.text("extra", value, TEXT_BYTES);
    }
    check.problem.map_or(Ok(()), Err)
}

/// Keeps the first problem.
struct Check {
    problem: Option<String>,
}

impl Check {
    fn fail(&mut self, problem: impl FnOnce() -> String) {
        self.problem.get_or_insert_with(problem);
    }

    fn text(&mut self, what: &str, text: &str, limit: usize) {
        if text.len() > limit {
            let len = text.len();
            self.fail(|| format!("{what} has {len} bytes; at most {limit} are taken"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            self.fail(|| format!("{what} holds control characters"));
        }
    }

    fn filled(&mut self, what: &str, text: &str) {
        if text.trim().is_empty() {
            self.fail(|| format!("{what} is empty"));
        }
    }

    fn name(&mut self, what: &str, text: &str) {
        self.filled(what, text);
        self.text(what, text, NAME_BYTES);
    }

    fn items<T>(&mut self, what: &str, items: &[T]) {
        if items.len() > ITEMS {
            let len = items.len();
            self.fail(|| format!("{what} has {len} items; at most {ITEMS} are taken"));
        }
    }

    fn once(&mut self, what: &str, name: &str, is_double: bool) {
        if is_double {
            self.fail(|| format!("{what} {name:?} is declared twice"));
        }
    }
}
