//! A host that is killed again and again while people talk to it: what it took is answered once.

use std::path::PathBuf;

use parlor_tests::scale;
use parlor_tests::storm::{self, StormOptions, Subject};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_leave_no_accepted_message_unanswered_and_none_answered_twice() {
    let _turn = scale::turn().await;
    let options = StormOptions {
        // The `parlor` command, built from its own source as part of these tests.
        subject: Subject::Parlor(PathBuf::from(env!("CARGO_BIN_EXE_parlor-under-test"))),
        seed: 20,
        events: 4_000,
        kills: 20,
        reloads: 8,
        talkers: 6,
    };
    let report = storm::run(options)
        .await
        .expect("the host only ever answers");
    assert!(report.is_clean(), "{}", report.findings);
    assert!(report.kills >= 20 && report.events >= 4_000, "{report:?}");
}
