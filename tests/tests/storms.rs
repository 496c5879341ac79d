//! What goes on for long: storms, kills and wear. Small ones pass side by side, since each waits more than it computes;
//! whole ones take turns.

use std::path::PathBuf;

use parlor_tests::scale;
use parlor_tests::storm::{self, Amount, Remote, Report, StormOptions, Subject};

#[path = "storms/kill.rs"]
mod kill;
#[path = "storms/local.rs"]
mod local;
#[path = "storms/platforms.rs"]
mod platforms;
#[path = "storms/symphony.rs"]
mod symphony;
#[path = "storms/wear.rs"]
mod wear;

/// Lets a storm pass over a platform that fails, as large as is chosen, in its turn. It loses, repeats and turns round
/// nothing but what the platform's own rules allow; as much happened as was wanted, which it gives too.
async fn passes(
    what: &str,
    remote: Option<Remote>,
    talkers: usize,
    small: Amount,
    whole: Amount,
) -> (Amount, Report) {
    let _turn = scale::turn().await;
    let wanted = scale::choose(what, small, whole);
    let options = StormOptions {
        subject: Subject::Faulty(PathBuf::from(env!("CARGO_BIN_EXE_parlor-storm"))),
        seed: 1,
        events: wanted.events,
        kills: wanted.kills,
        reloads: wanted.reloads,
        talkers,
    };
    let report = match remote {
        None => storm::run(options).await,
        Some(remote) => storm::run_on(remote, options).await,
    };
    let report = report.expect("the host only ever answers");
    assert!(report.is_clean(), "{}\n{report:?}", report.findings);
    assert!(report.events >= wanted.events, "{report:?}");
    assert!(report.kills >= wanted.kills, "{report:?}");
    assert!(report.in_doubt > 0, "{report:?}");
    (wanted, report)
}
