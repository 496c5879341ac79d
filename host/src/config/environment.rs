//! The only place where the process's environment is read.

/// Reads a variable of the environment; none where it is not set or not Unicode.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place for it: everything else takes an `Environment`"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What to log in the place of the settings' levels: `PARLOR_LOG`, where it is set.
pub fn log_override() -> Option<String> {
    variable("PARLOR_LOG").filter(|filter| !filter.trim().is_empty())
}
