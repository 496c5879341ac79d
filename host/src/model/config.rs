//! Values of a plugin's settings, as they reach the plugin.

use serde::{Deserialize, Serialize};

/// A value of a plugin's setting, checked against its [`ConfigKey`](super::description::ConfigKey).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigValue {
    /// Text, or the choice taken.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A duration in milliseconds.
    Duration(u64),
    /// Texts.
    Texts(Vec<String>),
}
