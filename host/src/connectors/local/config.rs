//! What the local platform is told at its start.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Settings of the local platform.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// Where it keeps its rooms; none keeps them in memory only.
    pub folder: Option<PathBuf>,
    /// Rooms that are there from the start.
    pub rooms: Vec<String>,
    /// People who are known from the start, in no room.
    pub users: Vec<String>,
    /// Groups that customer chats can be handed to, with the people who answer for them, by name or id.
    pub groups: BTreeMap<String, Vec<String>>,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            folder: None,
            rooms: vec!["Lobby".to_owned()],
            users: Vec::new(),
            groups: BTreeMap::from([("support".to_owned(), vec!["you".to_owned()])]),
        }
    }
}
