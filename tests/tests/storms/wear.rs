//! Plugins that leak and trap, for a while; `parlor-storm --wear` is the longer form.

use std::path::PathBuf;

use parlor_tests::scale;
use parlor_tests::wear::{self, WearOptions};

/// How much memory the host may take after a quarter of its messages, in MiB. Here it is not warm yet: the
/// local platform remembers its last 20,000 sends and offers 32,768 events again. The longer form allows 8.
const GROWTH_MIB: f64 = 32.0;

#[tokio::test(flavor = "multi_thread")]
async fn plugins_that_leak_and_trap_wear_nothing_and_every_event_has_a_known_end() {
    let _turn = scale::turn().await;
    let events = scale::choose("wear, messages", 8_000, 20_000);
    let report = wear::run(&WearOptions {
        program: PathBuf::from(env!("CARGO_BIN_EXE_parlor-under-test")),
        arguments: vec!["run"],
        events,
        rooms: 60,
    })
    .await
    .expect("the host only ever answers");
    assert!(report.is_clean(), "{report:?} {}", report.findings);
    assert_eq!(report.events, events);
    // It was tried, came to nothing, was left alone, and got what waited when it was mended.
    assert!(report.always_dead > 0, "{report:?}");
    assert!(report.rss_growth_mib <= GROWTH_MIB, "{report:?}");
}
