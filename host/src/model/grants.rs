//! The names of grants: what a plugin may do and read only where the operator says so.

use std::collections::BTreeSet;

/// The grant of everything that is done and read on behalf of a user.
pub const AS_USER: &str = "as-user";

/// Actions that need a grant, as `grants.actions` names them, with what each allows. Without one a
/// plugin may answer in the event's conversation, edit and delete its own messages, join that
/// conversation, leave what it joined, set and end timers.
pub const ACTION_GRANTS: [(&str, &str); 26] = [
    (
        "send-conversation",
        "send to a conversation that is not the event's, or with another bot",
    ),
    (
        "send-conversations",
        "send one message to up to 1,000 conversations",
    ),
    ("send-user", "send to a user, by id"),
    ("send-users", "send to several users, by id"),
    ("send-email", "send to a user, by e-mail address"),
    (
        "edit",
        "edit a message of the bot that the plugin did not send",
    ),
    ("delete", "delete a message that the plugin did not send"),
    ("react", "put an emoji on a message or take it off"),
    ("typing", "show that the bot is typing"),
    (
        "join",
        "join a conversation that is not the event's, or with another bot",
    ),
    ("invite", "bring a user into a conversation"),
    ("remove", "take a user out of a conversation"),
    ("promote", "make a user an owner"),
    ("demote", "make an owner a member"),
    ("create-conversation", "make a conversation"),
    ("update-conversation", "change a conversation"),
    ("accept-contact", "accept a contact request"),
    ("reject-contact", "reject a contact request"),
    ("request-contact", "ask a user to be a contact"),
    ("remove-contact", "end a contact"),
    ("set-presence", "say whether the bot is there"),
    ("transfer", "hand a customer chat on"),
    ("close", "end a customer chat"),
    ("tag", "put a tag on a customer chat or take it off"),
    ("other", "anything of one platform"),
    (AS_USER, "act and read on behalf of a user"),
];

/// Reads that need a grant, as `grants.reads` names them, with what each allows. Members and
/// capabilities of the event's own conversation, whom its chat can be handed to, and the files that
/// the event carries are read without one.
pub const READ_GRANTS: [(&str, &str); 11] = [
    ("find-conversation", "find a conversation by name"),
    ("conversations", "list the conversations of a bot"),
    ("members", "list who is in another conversation"),
    ("find-user", "find a user by e-mail address or user name"),
    ("contact", "see whether a user is a contact"),
    ("presence", "see whether a user is there"),
    ("message", "read a message by id"),
    ("history", "read earlier messages of a conversation"),
    (
        "attachment",
        "read or send on a file that the event does not carry",
    ),
    (
        "transfer-targets",
        "list whom a chat elsewhere can be handed to",
    ),
    (
        "capabilities",
        "see what the platform can do in another conversation",
    ),
];

/// The names that are granted in one list of a plugin's settings, and where a missing one belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantList {
    /// What is granted.
    pub names: BTreeSet<String>,
    /// The list's key as it is to be written, `grants.actions`.
    pub key: String,
    /// Where, ``in `[plugin.joke]` of parlor.toml``.
    pub place: String,
}

impl GrantList {
    /// Tells whether a name is granted.
    pub fn allows(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Gives the line of the settings that grants one more name, whole, with its place.
    pub fn line_with(&self, name: &str) -> String {
        let mut names: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        names.insert(name);
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        format!("`{} = [{}]` {}", self.key, quoted.join(", "), self.place)
    }
}

/// What a plugin is granted by name, and with which bots it takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginGrants {
    /// Actions.
    pub actions: GrantList,
    /// Reads.
    pub reads: GrantList,
    /// The only bots that it may use; empty: all.
    pub bots: Vec<String>,
}

impl PluginGrants {
    /// Tells whether the plugin takes part with a bot.
    pub fn covers_bot(&self, bot: &str) -> bool {
        self.bots.is_empty() || self.bots.iter().any(|name| name == bot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_line_holds_what_is_granted_already() {
        let list = GrantList {
            names: ["send-user".to_owned(), "join".to_owned()].into(),
            key: "grants.actions".to_owned(),
            place: "in `[plugin.joke]` of parlor.toml".to_owned(),
        };
        assert_eq!(
            list.line_with("close"),
            "`grants.actions = [\"close\", \"join\", \"send-user\"]` in `[plugin.joke]` of parlor.toml"
        );
        let known = list.line_with("join");
        assert!(known.contains("[\"join\", \"send-user\"]"), "{known}");
    }
}
