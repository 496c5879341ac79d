//! Builds in the shadow: what is compared, what is left out, and that the one that serves goes its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;

use super::fakes::{Bench, Door, FakeBuild, eventually, fault, policy, reply};
use super::shadow::{ShadowSpec, ShadowStatus};
use crate::journal::{StateChange, StateDelta, StateKey, StateScope};
use crate::model::Name;
use crate::model::delivery::Delivery;
use crate::runtime::guest::{CallEnd, FaultKind, TrialBuild, TrialView, Tried};

type Try = dyn Fn(Delivery, TrialView) -> BoxFuture<'static, CallEnd> + Send + Sync;

/// A build on trial whose calls are a closure.
struct FakeTrial(Box<Try>);

#[async_trait]
impl TrialBuild for FakeTrial {
    async fn try_out(&self, delivery: Delivery, view: TrialView) -> Tried {
        Tried {
            end: (self.0)(delivery, view).await,
            state: StateDelta::default(),
        }
    }
}

fn shadow<F>(bench: &Bench, handle: impl Fn(Delivery, TrialView) -> F + Send + Sync + 'static)
where
    F: Future<Output = CallEnd> + Send + 'static,
{
    let handle: Box<Try> = Box::new(move |delivery, view| Box::pin(handle(delivery, view)));
    let spec = ShadowSpec {
        version: "2.0.0".to_owned(),
        build: Arc::new(FakeTrial(handle)),
        policy: Arc::new(policy(&[])),
        hear: Box::new(|| {}),
    };
    let (tenant, name) = (Name::from("default"), Name::from("joke"));
    bench.lanes.compare(&tenant, &name, Some(spec));
}

fn answers(text: impl Into<String>) -> CallEnd {
    CallEnd::Done(vec![reply(&text.into())])
}

fn status(bench: &Bench) -> ShadowStatus {
    bench.status().shadow.expect("there is a shadow")
}

async fn until_compared(bench: &Bench, compared: u64) -> ShadowStatus {
    eventually(|| status(bench).compared + status(bench).skipped >= compared).await;
    status(bench)
}

fn key(name: &str) -> StateKey {
    StateKey {
        scope: StateScope {
            tenant: Name::from("default"),
            plugin: Name::from("joke"),
            scope: Name::from("p"),
        },
        key: name.to_owned(),
    }
}

#[tokio::test]
async fn what_comes_to_the_same_and_what_does_not_is_counted() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo("old "));
    shadow(&bench, |delivery, _| async move {
        match &*delivery.event.id {
            "same" => answers("old same"),
            "fails" => fault(FaultKind::Trap),
            id => answers(format!("new {id}")),
        }
    });
    for id in ["same", "other", "fails"] {
        bench.say(id, "room").await;
    }
    let found = until_compared(&bench, 3).await;
    assert_eq!((found.compared, found.differ, found.skipped), (3, 2, 0));
    let [other, fails] = found.recent.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (other.event.as_str(), fails.event.as_str()),
        ("other", "fails")
    );
    assert_eq!(other.conversation.as_deref(), Some("room"));
    assert_eq!(other.difference.was, ["send in room: old other"]);
    assert_eq!(other.difference.now, ["send in room: new other"]);
    assert_eq!(fails.difference.now, ["failed: Trap: it broke"]);
    // The room hears one build only.
    let said = bench.outbox.texts("room");
    assert_eq!(said, ["old same", "old other", "old fails"]);
    bench.lanes.stop().await;
}

#[tokio::test]
async fn a_list_that_is_not_granted_is_told_as_such() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo(""));
    shadow(&bench, |_, _| async {
        let kind = crate::model::action::ActionKind::Close(None);
        CallEnd::Done(vec![super::fakes::action(kind)])
    });
    bench.say("a", "room").await;
    let found = until_compared(&bench, 1).await;
    assert_eq!(found.differ, 1);
    let now = &found.recent[0].difference.now[0];
    assert!(now.contains("needs the grant \"close\""), "{now}");
    bench.lanes.stop().await;
}

#[tokio::test]
async fn a_shadow_that_hangs_slows_nothing_and_what_it_misses_is_counted() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo("old "));
    let door = Door::closed();
    let held = door.clone();
    shadow(&bench, move |delivery, _| {
        let held = held.clone();
        async move {
            held.pass().await;
            answers(format!("old {}", delivery.event.id))
        }
    });
    const EVENTS: usize = 300;
    for n in 0..EVENTS {
        bench.say(&n.to_string(), &format!("room-{}", n % 7)).await;
    }
    // All are answered while the shadow stands still.
    eventually(|| bench.outbox.len() == EVENTS).await;
    let stuck = status(&bench);
    assert_eq!(stuck.compared, 0);
    assert!(stuck.skipped >= (EVENTS - 70) as u64, "{stuck:?}");
    let why = stuck.last_skipped.as_deref();
    assert_eq!(why, Some("too many others waited to be compared"));
    door.open();
    let found = until_compared(&bench, EVENTS as u64).await;
    assert_eq!(found.differ, 0);
    assert_eq!(found.compared + found.skipped, EVENTS as u64);
    // It is up with the others again.
    bench.say("late", "room").await;
    until_compared(&bench, EVENTS as u64 + 1).await;
    assert_eq!(status(&bench).compared, found.compared + 1);
    bench.lanes.stop().await;
}

#[tokio::test]
async fn state_that_may_have_changed_is_not_compared_on() {
    let bench = Bench::new();
    // It writes without a look at what was there.
    let build = FakeBuild::new(|delivery| async move {
        let set = StateChange::Set(delivery.event.id.clone().into_bytes(), None);
        let writes = match &*delivery.event.id {
            "reads nothing" => Vec::new(),
            _ => vec![(key("last"), set)],
        };
        let state = StateDelta {
            writes,
            ..StateDelta::default()
        };
        (answers("ok"), state)
    });
    bench.install(build);
    let looked = Arc::new(AtomicU64::new(0));
    let looks = looked.clone();
    shadow(&bench, move |delivery, view| {
        let looks = looks.clone();
        async move {
            let name = match &*delivery.event.id {
                "own" => "last",
                _ => "other",
            };
            view.state.get(&key(name)).await.expect("it reads");
            looks.fetch_add(1, Ordering::Relaxed);
            answers("ok")
        }
    });
    // What the call itself has written is not what was there before.
    bench.say("own", "room").await;
    let found = until_compared(&bench, 1).await;
    assert_eq!((found.compared, found.skipped), (0, 1));
    let why = found.last_skipped.unwrap_or_default();
    assert!(why.contains("may have changed"), "{why}");
    // Another key was written by nobody.
    bench.say("else", "room").await;
    bench.say("reads nothing", "room").await;
    eventually(|| looked.load(Ordering::Relaxed) == 3).await;
    let found = until_compared(&bench, 3).await;
    assert_eq!((found.compared + found.skipped, found.differ), (3, 0));
    assert!(found.compared >= 1, "{found:?}");
    bench.lanes.stop().await;
}

#[tokio::test]
async fn a_comparison_ends_with_its_shadow() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo(""));
    shadow(&bench, |_, _| async { answers("x") });
    bench.say("a", "room").await;
    until_compared(&bench, 1).await;
    let (tenant, name) = (Name::from("default"), Name::from("joke"));
    bench.lanes.compare(&tenant, &name, None);
    assert_eq!(bench.status().shadow, None);
    bench.say("b", "room").await;
    eventually(|| bench.outbox.len() == 2).await;
    // One that begins has no counts of the one before.
    shadow(&bench, |_, _| async { answers("x") });
    assert_eq!(status(&bench).compared, 0);
    bench.lanes.stop().await;
}
