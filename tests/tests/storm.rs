//! The storm that has to pass before a change is taken; `parlor-storm` makes longer ones.

use std::path::PathBuf;

use parlor_tests::storm::{self, StormOptions, Subject};

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_kills_faults_and_broken_builds_loses_nothing() {
    let options = StormOptions {
        subject: Subject::Faulty(PathBuf::from(env!("CARGO_BIN_EXE_parlor-storm"))),
        seed: 1,
        events: 100_000,
        kills: 50,
        reloads: 200,
        talkers: 60,
    };
    let report = storm::run(options)
        .await
        .expect("the host only ever answers");
    assert!(report.is_clean(), "{}", report.findings);
    assert!(report.events >= 100_000 && report.kills >= 50, "{report:?}");
    assert!(report.reloads >= 200 && report.broken >= 20, "{report:?}");
    assert!(report.full >= 5 && report.in_doubt > 0, "{report:?}");
}
