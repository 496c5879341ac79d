//! How large those tests are that show more the longer they run. In CI each is whole. Elsewhere it is smaller,
//! so that whoever has just cloned the repository knows within minutes whether all of it works; it says so, and
//! what the whole would be.

use std::fmt::Debug;

use parlor_host::config::variable;
use tokio::sync::{Mutex, MutexGuard};

/// The variable that decides whatever runs the tests: `small` or `whole`.
pub const VARIABLE: &str = "PARLOR_TEST_SIZE";

/// How large tests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Large enough to find what is wrong as a rule.
    Small,
    /// As large as is promised.
    Whole,
}

/// Whether these tests are those that decide about a change: what is missing there is a failure.
pub fn is_ci() -> bool {
    variable("CI").is_some_and(|value| value == "true")
}

/// How large the tests of this process are.
///
/// # Panics
/// When the variable says neither of the two.
pub fn size() -> Size {
    chosen(variable(VARIABLE).as_deref(), is_ci()).unwrap_or_else(|why| panic!("{why}"))
}

fn chosen(said: Option<&str>, is_ci: bool) -> Result<Size, String> {
    match said {
        None if is_ci => Ok(Size::Whole),
        None => Ok(Size::Small),
        Some("small") => Ok(Size::Small),
        Some("whole") => Ok(Size::Whole),
        Some(other) => Err(format!("{VARIABLE} is {other:?}; `small` or `whole`")),
    }
}

/// Waits until no other of those that load the machine runs in this program, where they are whole: a host of one
/// would be late because of another's. Smaller ones pass side by side.
pub async fn turn() -> Option<MutexGuard<'static, ()>> {
    static ONE: Mutex<()> = Mutex::const_new(());
    match size() {
        Size::Small => None,
        Size::Whole => Some(ONE.lock().await),
    }
}

/// Chooses how large a test is, and says so past the capture of its output: a test that is smaller than what
/// it stands for must not look like it.
pub fn choose<T: Debug>(test: &str, small: T, whole: T) -> T {
    use std::io::Write as _;
    let size = size();
    let line = line(test, size, &small, &whole);
    // Where nobody listens nothing can be said.
    let _ = writeln!(std::io::stderr(), "{line}");
    match size {
        Size::Small => small,
        Size::Whole => whole,
    }
}

fn line(test: &str, size: Size, small: &impl Debug, whole: &impl Debug) -> String {
    match size {
        Size::Small => {
            format!("SMALL: {test}: {small:?}; {VARIABLE}=whole, as in CI, is {whole:?}")
        }
        Size::Whole => format!("WHOLE: {test}: {whole:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_whole_in_ci_and_small_elsewhere_where_nobody_says() {
        assert_eq!(chosen(None, true), Ok(Size::Whole));
        assert_eq!(chosen(None, false), Ok(Size::Small));
        assert_eq!(chosen(Some("whole"), false), Ok(Size::Whole));
        assert_eq!(chosen(Some("small"), true), Ok(Size::Small));
        assert!(chosen(Some("tiny"), true).is_err());
        assert!(chosen(Some(""), false).is_err());
    }

    #[test]
    fn a_smaller_test_says_what_the_whole_would_be() {
        let small = line("storm", Size::Small, &10, &100);
        let wanted = "SMALL: storm: 10; PARLOR_TEST_SIZE=whole, as in CI, is 100";
        assert_eq!(small, wanted);
        assert_eq!(line("storm", Size::Whole, &10, &100), "WHOLE: storm: 100");
    }
}
