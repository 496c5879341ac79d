//! The storm over a bot on Symphony that has to pass before a change is taken; `parlor-storm --platform
//! symphony` makes longer ones.

use std::path::PathBuf;

use parlor_tests::scale;
use parlor_tests::storm::{self, Amount, Remote, StormOptions, Subject};

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_a_pod_that_fails_in_every_way_loses_nothing() {
    // Of the builds the tenth is broken; the last ones may come too late to be shipped.
    let small = Amount {
        events: 1_200,
        kills: 3,
        reloads: 12,
    };
    let whole = Amount {
        events: 3_000,
        kills: 5,
        reloads: 12,
    };
    let _turn = scale::turn().await;
    let wanted = scale::choose("a storm over Symphony", small, whole);
    let options = StormOptions {
        subject: Subject::Faulty(PathBuf::from(env!("CARGO_BIN_EXE_parlor-storm"))),
        seed: 1,
        events: wanted.events,
        kills: wanted.kills,
        reloads: wanted.reloads,
        talkers: 40,
    };
    let report = storm::run_on(Remote::Symphony, options)
        .await
        .expect("the host only ever answers");
    assert!(report.is_clean(), "{}", report.findings);
    assert!(report.events >= wanted.events, "{report:?}");
    assert!(report.kills >= wanted.kills, "{report:?}");
    assert!(report.reloads >= 10 && report.broken >= 1, "{report:?}");
    assert!(report.in_doubt > 0, "{report:?}");
    for (what, count) in &report.platform {
        // Whether the platform's order shows in an answer is a matter of moments.
        let is_sure = !matches!(*what, "handed_out_of_order" | "polls_closed");
        assert!(!is_sure || *count > 0, "{what}: {report:?}");
    }
}
