//! What a fault on probation does to a plugin and its deliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::fakes::{Bench, FakeBuild, eventually, fault, reply};
use super::{OnFault, OnVerdict, PluginSpec, PluginState, Probation, Verdict};
use crate::journal::StateDelta;
use crate::runtime::guest::{CallEnd, FaultKind};

#[tokio::test]
async fn a_fault_on_probation_holds_the_plugin_and_the_next_build_gets_the_delivery() {
    let bench = Bench::new();
    let heard = Arc::new(AtomicU64::new(0));
    let hears = Arc::clone(&heard);
    let hear: OnVerdict = Box::new(move || {
        hears.fetch_add(1, Ordering::Relaxed);
    });
    let probation = Probation::new(Duration::from_secs(60), OnFault::Hold, hear);
    let probation = Arc::new(probation);
    // `Failed` would be a dead letter at once.
    let faulty = FakeBuild::new(|_| async { (fault(FaultKind::Failed), StateDelta::default()) });
    bench.lanes.install(PluginSpec {
        probation: Some(Arc::clone(&probation)),
        ..Bench::spec(faulty)
    });
    bench.say("1", "one").await;
    eventually(|| bench.status().state == PluginState::Quarantined).await;
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    assert!(matches!(probation.verdict(), Some(Verdict::Fault(_))));
    // What comes waits, and nothing is tried by itself.
    bench.say("2", "two").await;
    let status = bench.status();
    assert_eq!((status.waiting, status.dead, status.faults), (2, 0, 1));
    assert_eq!(status.probe_in, None);
    assert_eq!(status.recent[0].event, "1");

    bench.install(FakeBuild::new(|_| async {
        (CallEnd::Done(vec![reply("ok")]), StateDelta::default())
    }));
    eventually(|| bench.outbox.len() == 2).await;
    let status = bench.status();
    assert_eq!(status.dead, 0);
    assert_eq!(status.last_fault, None, "it was another build's");
    assert_eq!(status.recent.len(), 1, "what led there is still told");
}

#[tokio::test]
async fn a_build_that_is_reopened_fails_like_any_other() {
    let bench = Bench::new();
    let hear: OnVerdict = Box::new(|| {});
    let probation = Probation::new(Duration::from_secs(60), OnFault::Hold, hear);
    let faulty = FakeBuild::new(|_| async { (fault(FaultKind::Failed), StateDelta::default()) });
    bench.lanes.install(PluginSpec {
        probation: Some(Arc::new(probation)),
        ..Bench::spec(faulty)
    });
    bench.say("1", "one").await;
    eventually(|| bench.status().state == PluginState::Quarantined).await;
    bench.lanes.reopen("default", "joke");
    eventually(|| bench.status().dead == 1).await;
    assert_eq!(bench.status().state, PluginState::Serving);
}
