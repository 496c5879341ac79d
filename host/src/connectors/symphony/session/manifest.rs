//! The account's manifest: the commands that people are shown (symphony.md §7).

use std::convert::Infallible;

use serde_json::{Value, json};

use super::Hearing;
use crate::connectors::symphony::site::Call;
use crate::mailbox::session::ShownCommand;

/// The most characters of a manifest.
const MAX_CHARS: usize = 6_144;

impl Hearing<'_> {
    /// Keeps the manifest as the plugins are, as long as the session lives. A pod that does not take
    /// it is no reason to end anything.
    pub(super) async fn show_manifest(&self) -> Infallible {
        let mut commands = self.connector.commands.subscribe();
        loop {
            let manifest = manifest(&commands.borrow_and_update());
            let call = Call::post(
                &["pod", "v1", "user", "manifest", "own"],
                json!({"manifest": manifest}),
            );
            if let Err(error) = self.connector.api.pod(&call).await {
                tracing::debug!(bot = self.connector.name(), %error, "manifest not taken");
            }
            if commands.changed().await.is_err() {
                // The connector is going, and this session with it.
                return std::future::pending().await;
            }
        }
    }
}

/// The commands as JSON, as many as there is room for. What is in it beside "commands" in JSON is
/// `[unknown]`.
fn manifest(commands: &[ShownCommand]) -> String {
    let mut shown: Vec<Value> = commands
        .iter()
        .map(|command| json!({"command": command.pattern, "description": command.help}))
        .collect();
    loop {
        let text = json!({"commands": shown}).to_string();
        if text.chars().count() <= MAX_CHARS || shown.pop().is_none() {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_room_for_so_much() {
        let command = |number: usize| ShownCommand {
            pattern: format!("/command-{number}"),
            help: "x".repeat(100),
        };
        let one = manifest(&[command(1)]);
        assert!(one.contains("/command-1"), "{one}");
        let commands: Vec<ShownCommand> = (0..200).map(command).collect();
        let many = manifest(&commands);
        assert!(many.chars().count() <= MAX_CHARS && many.contains("/command-0"));
        assert!(serde_json::from_str::<Value>(&many).is_ok());
    }
}
