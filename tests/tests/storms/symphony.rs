//! The storm over a bot on Symphony that has to pass before a change is taken; `parlor-storm --platform
//! symphony` makes longer ones.

use parlor_tests::storm::{Amount, Remote};

use super::passes;

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
    let what = "a storm over Symphony";
    let (_, report) = passes(what, Some(Remote::Symphony), 40, small, whole).await;
    assert!(report.reloads >= 10 && report.broken >= 1, "{report:?}");
    for (what, count) in &report.platform {
        // Whether the platform's order shows in an answer is a matter of moments.
        let is_sure = !matches!(*what, "handed_out_of_order" | "polls_closed");
        assert!(!is_sure || *count > 0, "{what}: {report:?}");
    }
}
