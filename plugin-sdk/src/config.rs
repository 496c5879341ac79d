//! What the operator set for the plugin, checked by the host against `describe`.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! fn greeting() -> String {
//!     config::text("greeting").unwrap_or_else(|| "Hello".into())
//! }
//! ```

use std::time::Duration;

use crate::backend::config as host;
pub use host::{Limits, Value};

/// Gets a setting of any kind, its default where it was not set.
pub fn get(key: &str) -> Option<Value> {
    host::get(key)
}

/// Gets a text or a choice.
pub fn text(key: &str) -> Option<String> {
    match host::get(key)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Gets a number.
pub fn number(key: &str) -> Option<f64> {
    match host::get(key)? {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// Gets a yes or no; no where it has no value.
pub fn flag(key: &str) -> bool {
    matches!(host::get(key), Some(Value::Flag(true)))
}

/// Gets a duration.
pub fn duration(key: &str) -> Option<Duration> {
    match host::get(key)? {
        Value::Duration(ms) => Some(Duration::from_millis(ms)),
        _ => None,
    }
}

/// Gets a list of texts; empty where it has no value.
pub fn texts(key: &str) -> Vec<String> {
    match host::get(key) {
        Some(Value::Texts(texts)) => texts,
        _ => Vec::new(),
    }
}

/// Tells what this plugin may use, each limit as it is enforced.
pub fn enforced() -> Limits {
    host::enforced()
}
