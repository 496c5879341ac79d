//! The storm that has to pass before a change is taken; `parlor-storm` makes longer ones.

use parlor_tests::harness::PATIENCE;
use parlor_tests::storm::Amount;

use super::passes;

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_kills_faults_and_broken_builds_loses_nothing() {
    let small = Amount {
        events: 10_000,
        kills: 10,
        reloads: 40,
    };
    let whole = Amount {
        events: 100_000,
        kills: 50,
        reloads: 200,
    };
    let (wanted, report) = passes("a storm", None, 60, small, whole).await;
    assert!(report.reloads >= wanted.reloads, "{report:?}");
    assert!(report.broken >= wanted.reloads / 10, "{report:?}");
    assert!(report.full >= wanted.kills / 10, "{report:?}");
    let did = |what: &str| report.platform[what];
    for what in ["told_out_of_order", "slow_sends"] {
        assert!(did(what) > 0, "{what}: {report:?}");
    }
    for (what, of) in [("told_twice", "told_events"), ("failed_sends", "sends")] {
        let permille = did(what) * 1_000 / did(of);
        assert!((40..60).contains(&permille), "{what}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_there_twice_is_found_and_the_program_ends_with_1() {
    // Small, and without kills: its platform repeats one send in twenty.
    let size = ["--events", "300", "--kills", "0", "--reloads", "0"];
    let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-storm"))
        .args(size)
        .args(["--talkers", "3", "--json", "--doubling"])
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(PATIENCE * 3, ended).await;
    let ended = ended.expect("it ends").expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    let report: serde_json::Value = serde_json::from_str(&said).expect(&errors);
    assert!(report["duplicated"].as_u64() > Some(0), "{report}");
    assert_eq!(
        (&report["lost"], &report["inverted"]),
        (&0.into(), &0.into())
    );
    for what in ["sends", "failed_sends", "slow_sends", "told_events"] {
        assert!(report[what].as_u64() > Some(0), "{what}: {report}");
    }
    assert_eq!(ended.status.code(), Some(1), "{errors}");
}
