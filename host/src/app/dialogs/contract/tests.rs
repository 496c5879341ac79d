//! What the tests judge by, where no plugin can be made to break it.

use std::time::Duration;

use super::stage::Seen;
use super::{Most, is_alike, is_once, left_nothing, within_limits};

fn seen(said: &[&str], failed: &[&str], calls: usize) -> Seen {
    let texts = |all: &[&str]| all.iter().map(|&it| it.to_owned()).collect();
    Seen {
        said: texts(said),
        failed: texts(failed),
        calls,
    }
}

#[test]
fn an_event_that_came_twice_is_one_call() {
    assert!(is_once("hi", &seen(&["hello"], &[], 1)).is_ok());
    assert!(is_once("hi", &seen(&[], &[], 0)).is_ok());
    let wrong = is_once("hi", &seen(&["hello", "hello"], &[], 2)).unwrap_err();
    assert!(
        wrong.text.contains("was handled 2 times: hello · hello"),
        "{wrong:?}"
    );
}

#[test]
fn a_call_that_was_stopped_says_nothing() {
    assert!(left_nothing("hi", &seen(&[], &["Limit"], 3)).is_ok());
    // What is not stopped may speak: the host's usage, for one.
    assert!(left_nothing("hi", &seen(&["Usage"], &[], 0)).is_ok());
    let wrong = left_nothing("hi", &seen(&["half"], &["Limit"], 3)).unwrap_err();
    assert!(
        wrong
            .text
            .contains("was stopped (Limit), and it said: half"),
        "{wrong:?}"
    );
}

#[test]
fn chance_is_no_difference_and_memory_is() {
    let said = |all: &[&str]| -> Vec<String> { all.iter().map(|&it| it.to_owned()).collect() };
    let (one, two, none) = (said(&["a"]), said(&["b"]), said(&[]));
    assert!(is_alike("x", &one, &one, &one).is_ok());
    assert!(is_alike("x", &one, &one, &two).is_err());
    assert!(is_alike("x", &one, &two, &said(&["c"])).is_ok());
    assert!(is_alike("x", &one, &two, &none).is_err());
}

#[test]
fn each_limit_is_looked_at() {
    let used = Most {
        cpu: Duration::from_millis(100),
        took: Duration::from_secs(5),
        memory_bytes: 64 * 1024 * 1024,
    };
    let (found, note) = within_limits(&used);
    assert!(found.is_ok());
    assert_eq!(
        note,
        "at most 100.0 of 100 ms processor time, 64.0 of 64 MiB memory, 5000 of 5000 ms"
    );
    for over in [
        Most {
            cpu: Duration::from_micros(100_001),
            ..used
        },
        Most {
            took: Duration::from_millis(5_001),
            ..used
        },
        Most {
            memory_bytes: used.memory_bytes + 1,
            ..used
        },
    ] {
        assert!(within_limits(&over).0.is_err(), "{over:?}");
    }
}
