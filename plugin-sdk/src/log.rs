//! Lines for the operator's log. Lines of one call beyond 64 KiB are dropped, and counted.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! log::info("price list loaded");
//! ```

use crate::backend::log as host;
pub use host::Level;

/// Writes a line of a level.
pub fn write(level: Level, text: &str) {
    host::write(level, text);
}

macro_rules! levels {
    ($($name:ident $level:ident $help:literal;)*) => {$(
        #[doc = $help]
        pub fn $name(text: impl AsRef<str>) {
            write(Level::$level, text.as_ref());
        }
    )*};
}

levels! {
    trace Trace "Writes a line about a step.";
    debug Debug "Writes a line for the author.";
    info Info "Writes a line for the operator.";
    warn Warn "Writes a line about something odd.";
    error Error "Writes a line about something that failed.";
}
