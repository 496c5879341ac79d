//! Lines about a build in the shadow of the one that serves.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// A build that sees what the one that serves sees, and of which nothing is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ShadowLine {
    /// Its version.
    pub version: String,
    /// Its hash.
    pub sha256: String,
    /// Since when it is compared.
    pub since: Timestamp,
    /// It declares other commands or subscriptions: it may hear of other events when it serves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hears_otherwise: bool,
    /// Calls compared.
    pub compared: u64,
    /// Calls among them that came to something else.
    pub differ: u64,
    /// Calls that were not compared.
    pub skipped: u64,
    /// Why the last of those was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_skipped: Option<String>,
    /// The newest differences, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<DifferenceLine>,
}

/// A call that came to something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DifferenceLine {
    /// When it was compared.
    pub at: Timestamp,
    /// The event, by its platform's id.
    pub event: String,
    /// The event's conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What goes, and would not go.
    pub was: Vec<String>,
    /// What would go, and does not go.
    pub now: Vec<String>,
    /// Fields in which lines differ that look alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}
