//! Gives up what waits for too long: where a plugin is in quarantine, is gone, or cannot keep up.

use std::sync::Arc;

use super::plugin::Plugin;
use super::{Shared, letters, refill};
use crate::journal::DeadReason;
use crate::model::age::MaxAge;
use crate::model::delivery::Delivery;

/// Says why a delivery is given up that is too old; none where it is not.
pub(super) fn reason(ages: &MaxAge, delivery: &Delivery, now: u64) -> Option<String> {
    let (age, most) = ages.excess(delivery, now)?;
    Some(format!("it is {} old, at most {}", shown(age), shown(most)))
}

/// Looks through what waits in memory, again and again, until the lanes stop.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let pause = tokio::time::sleep(shared.config.expiry);
        if shared.cancel.run_until_cancelled(pause).await.is_none() {
            return;
        }
        // Where the journal takes no writes, nothing can be given up.
        if shared.gate.is_closed() {
            continue;
        }
        for plugin in shared.all() {
            sweep(&shared, &plugin).await;
        }
    }
}

async fn sweep(shared: &Arc<Shared>, plugin: &Arc<Plugin>) {
    let now = shared.parts.clock.now();
    let ages = plugin.max_age();
    let old = plugin.take_waiting(|delivery| ages.excess(delivery, now).is_some());
    let old = old.into_iter().map(|delivery| {
        let text = reason(&ages, &delivery, now).unwrap_or_default();
        tracing::warn!(plugin = %plugin.name, event = %delivery.event.id, detail = text, "delivery is a dead letter");
        (delivery, text)
    });
    letters::give_up(shared, plugin, DeadReason::Expired, old.collect()).await;
    refill::look(shared, plugin);
}

/// A time in its largest unit.
fn shown(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::journal::memory::MemoryJournal;
    use crate::journal::{Accepted, Arrival, DeadReason, EventKey, JournalResult, PastState};
    use crate::mailbox::{Clock as _, DeliverySink as _, SystemClock};
    use crate::model::Name;
    use crate::model::delivery::{Delivery, Route, View};
    use crate::runtime::lanes::fakes::{Bench, FakeBuild, event, eventually, quick};
    use crate::runtime::lanes::{LanesConfig, PluginSpec};

    /// Longer ago than anything waits.
    const LONG_AGO_MS: u64 = 25 * 60 * 60 * 1_000;

    async fn accept(bench: &Bench, id: &str, age_ms: u64) -> JournalResult<Vec<Delivery>> {
        let mut event = event(id, "room");
        event.received_at = SystemClock.now() - age_ms;
        let route = Route {
            plugin: Name::from("joke"),
            view: View::Whole,
            roles: Vec::new(),
        };
        let arrival = Arrival {
            tenant: Name::from("default"),
            key: EventKey::new(&[id]),
            event: Arc::new(event),
            lane: Name::from("room"),
            routes: Some(vec![route]),
            timer: None,
            request: None,
            forms: Vec::new(),
        };
        match bench.journal.accept(arrival).await?.value {
            Accepted::New { deliveries, .. } => Ok(deliveries),
            Accepted::Duplicate => Ok(Vec::new()),
        }
    }

    async fn say(bench: &Bench, id: &str, age_ms: u64) {
        let deliveries = accept(bench, id, age_ms).await.expect("accepted");
        bench.lanes.deliver(deliveries);
    }

    async fn dead(bench: &Bench) -> Vec<(String, DeadReason, String)> {
        let letters = bench.journal.dead_letters(0, 9).await.expect("listed");
        let letters = letters.into_iter();
        letters
            .map(|it| (it.delivery.event.id.clone(), it.reason, it.detail))
            .collect()
    }

    #[tokio::test]
    async fn what_is_too_old_is_not_called_and_the_lane_goes_on() {
        let bench = Bench::new();
        bench.install(FakeBuild::echo(""));
        say(&bench, "old", LONG_AGO_MS).await;
        say(&bench, "young", 0).await;
        eventually(|| bench.outbox.len() == 1).await;
        assert_eq!(bench.outbox.texts("room"), ["young"]);
        let dead = dead(&bench).await;
        let text = "it is 25 h old, at most 24 h".to_owned();
        assert_eq!(dead, [("old".to_owned(), DeadReason::Expired, text)]);
        assert_eq!(bench.status().dead, 1);
    }

    #[tokio::test]
    async fn what_waits_for_a_plugin_that_is_gone_expires_and_can_be_put_back() {
        let config = LanesConfig {
            expiry: Duration::from_millis(5),
            ..quick()
        };
        let bench = Bench::with(Arc::new(MemoryJournal::new()), config);
        say(&bench, "old", LONG_AGO_MS).await;
        say(&bench, "young", 0).await;
        while dead(&bench).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(bench.pending().await, 1);
        let letters = bench.journal.dead_letters(0, 9).await.expect("listed");
        bench.install(FakeBuild::echo(""));
        eventually(|| bench.outbox.len() == 1).await;
        assert_eq!(bench.outbox.texts("room"), ["young"]);
        // Put back, it is as young as that.
        let number = letters[0].delivery.number;
        let back = bench.journal.put_back(number).await.expect("ordered");
        bench.lanes.deliver(back.value.into_iter().collect());
        eventually(|| bench.outbox.len() == 2).await;
        assert_eq!(bench.outbox.texts("room"), ["young", "old"]);
        let past = bench.journal.events(crate::journal::EventQuery {
            dead: true,
            limit: 9,
            ..Default::default()
        });
        assert!(past.await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn a_lane_that_is_left_empty_holds_up_no_other() {
        let config = LanesConfig {
            expiry: Duration::from_millis(5),
            ..quick()
        };
        let bench = Bench::with(Arc::new(MemoryJournal::new()), config);
        say(&bench, "old", LONG_AGO_MS).await;
        while dead(&bench).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bench.lanes.install(PluginSpec {
            instances: 1,
            ..Bench::spec(FakeBuild::echo(""))
        });
        bench.say("elsewhere", "other").await;
        say(&bench, "young", 0).await;
        eventually(|| bench.outbox.len() == 2).await;
        let events = bench.journal.events(crate::journal::EventQuery {
            limit: 9,
            ..Default::default()
        });
        let events = events.await.expect("read");
        let dead = events
            .iter()
            .filter(|it| it.deliveries[0].state == PastState::Dead);
        assert_eq!(dead.count(), 1);
    }
}
