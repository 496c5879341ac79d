//! What is too much for a plugin, and its end.

use std::sync::Arc;

use super::make::{PLUGIN, TENANT, accept, arrival, deliver, event, keep, message, turn};
use crate::journal::{
    Arrival, Crowd, DeadReason, DeliveryEnd, DeliveryLoad, EventKey, Journal, PluginKey,
};
use crate::model::Name;
use crate::model::delivery::{Delivery, DeliveryNumber};

/// Bytes without a bound.
const ANY: u64 = u64::MAX;
/// Nothing.
const NONE: [DeliveryNumber; 0] = [];
/// Bytes of a long text.
const LONG: usize = 100_000;

pub(crate) fn key(tenant: &str, plugin: &str) -> PluginKey {
    PluginKey {
        tenant: Name::from(tenant),
        plugin: Name::from(plugin),
    }
}

pub(crate) fn most(count: u64, bytes: u64) -> DeliveryLoad {
    DeliveryLoad { count, bytes }
}

/// Accepts events for one plugin; gives their deliveries' numbers.
pub(crate) async fn flood(journal: &dyn Journal, ids: std::ops::Range<u32>) -> Vec<DeliveryNumber> {
    let mut numbers = Vec::new();
    for id in ids {
        numbers.push(deliver(journal, &id.to_string()).await.number);
    }
    numbers
}

/// Gives up deliveries, on disk.
pub(crate) async fn give_up(journal: &dyn Journal, reason: DeadReason, numbers: &[DeliveryNumber]) {
    let letters = numbers.iter().map(|number| (*number, format!("{number}?")));
    let ended = journal.give_up(reason, letters.collect()).await;
    let ended = ended.expect("ordered");
    ended.durable.wait().await.expect("on disk");
}

async fn crowds(journal: &dyn Journal, most: DeliveryLoad) -> Vec<Crowd> {
    let mut crowds = journal.crowds(most).await.expect("counted");
    crowds.sort_by(|a, b| a.plugin.cmp(&b.plugin));
    crowds
}

/// What waits for the plugin, by a bound that anything is over.
pub(crate) async fn load(journal: &dyn Journal) -> DeliveryLoad {
    let all = crowds(journal, most(0, 0)).await;
    let own = all.iter().find(|it| it.plugin == key(TENANT, PLUGIN));
    own.map_or_else(DeliveryLoad::default, |it| it.load)
}

async fn over(
    journal: &dyn Journal,
    most: DeliveryLoad,
    after: DeliveryNumber,
    limit: usize,
) -> Vec<DeliveryNumber> {
    let plugin = key(TENANT, PLUGIN);
    let found = journal.overflow(&plugin, most, after, limit).await;
    let found = found.expect("listed").into_iter();
    found.map(|delivery| delivery.number).collect()
}

async fn long(journal: &dyn Journal, id: &str) -> Delivery {
    let mut event = event(id);
    event.payload = message(&"x".repeat(LONG));
    let arrival = Arrival {
        event: Arc::new(event),
        ..arrival(id, &[PLUGIN])
    };
    accept(journal, arrival).await.remove(0)
}

pub(crate) async fn load_follows_what_waits(journal: &dyn Journal) {
    assert_eq!(load(journal).await, DeliveryLoad::default());
    let first = deliver(journal, "a").await;
    let one = load(journal).await;
    assert_eq!(one.count, 1);
    assert!(one.bytes > 0);
    let second = deliver(journal, "b").await;
    let third = deliver(journal, "c").await;
    let fourth = deliver(journal, "d").await;
    assert_eq!(load(journal).await, most(4, 4 * one.bytes));
    keep(journal, turn(&first)).await;
    let again = DeliveryEnd::Again(2);
    journal.settle(second.number, again).await.expect("ordered");
    assert_eq!(load(journal).await, most(3, 3 * one.bytes));
    let refused = DeliveryEnd::Refused("no".to_owned());
    let dead = DeliveryEnd::Dead(DeadReason::Failed, "no".to_owned());
    for (delivery, end) in [(second, refused), (third, dead)] {
        journal.settle(delivery.number, end).await.expect("ordered");
    }
    assert_eq!(load(journal).await, one);
    keep(journal, turn(&fourth)).await;
    assert_eq!(load(journal).await, DeliveryLoad::default());

    // What is routed later waits from then on.
    let unrouted = Arrival {
        routes: None,
        ..arrival("e", &[])
    };
    accept(journal, unrouted).await;
    assert_eq!(load(journal).await, DeliveryLoad::default());
    let waits = journal.unrouted(0, 1).await.expect("listed").remove(0);
    let routes = vec![super::make::route(PLUGIN)];
    let routed = journal.route(waits.number, Arc::clone(&waits.event), routes);
    routed.await.expect("ordered");
    assert_eq!(load(journal).await.count, 1);

    journal.forget(TENANT, "u1").await.expect("forgotten");
    assert_eq!(load(journal).await, DeliveryLoad::default());
}

pub(crate) async fn crowd_is_told_by_count_and_by_bytes(journal: &dyn Journal) {
    for id in ["1", "2", "3"] {
        accept(journal, arrival(id, &[PLUGIN, "other"])).await;
    }
    let elsewhere = Arrival {
        tenant: Name::from("elsewhere"),
        key: EventKey::new(&["elsewhere"]),
        ..arrival("4", &[PLUGIN])
    };
    accept(journal, elsewhere).await;
    deliver(journal, "5").await;
    assert_eq!(crowds(journal, most(4, ANY)).await, []);
    let found = crowds(journal, most(3, ANY)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].plugin, key(TENANT, PLUGIN));
    assert_eq!(found[0].load.count, 4);
    let found = crowds(journal, most(2, ANY)).await;
    let plugins: Vec<PluginKey> = found.into_iter().map(|it| it.plugin).collect();
    assert_eq!(plugins, [key(TENANT, PLUGIN), key(TENANT, "other")]);

    assert_eq!(crowds(journal, most(9, LONG as u64)).await, []);
    long(journal, "6").await;
    let found = crowds(journal, most(9, LONG as u64)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].plugin, found[0].load.count),
        (&key(TENANT, PLUGIN), 5)
    );
    assert!(found[0].load.bytes > LONG as u64);
}

pub(crate) async fn what_is_over_is_the_oldest_of_one_plugin(journal: &dyn Journal) {
    let mut own = Vec::new();
    for id in 0..6 {
        let both = accept(journal, arrival(&id.to_string(), &["other", PLUGIN])).await;
        own.push(both[1].number);
    }
    assert_eq!(over(journal, most(6, ANY), 0, 9).await, NONE);
    assert_eq!(over(journal, most(4, ANY), 0, 9).await, own[..2]);
    let plugin = key(TENANT, PLUGIN);
    let whole = journal.overflow(&plugin, most(5, ANY), 0, 9).await;
    let whole = whole.expect("listed").remove(0);
    assert_eq!((&*whole.plugin, &*whole.lane), (PLUGIN, "room"));
    assert_eq!(whole.event.id, "0");
    let nobody = key(TENANT, "nobody");
    let none = journal.overflow(&nobody, most(0, 0), 0, 9).await;
    assert!(none.expect("listed").is_empty());

    // By bytes: so many of the oldest that the rest is little enough.
    let big = long(journal, "big").await;
    let after = deliver(journal, "after").await;
    let listed = over(journal, most(9, LONG as u64), 0, 9).await;
    assert_eq!(listed.len(), 7);
    assert_eq!(listed[6], big.number);
    assert!(listed.iter().all(|number| *number < after.number));
}

pub(crate) async fn what_is_over_comes_in_pages_past_what_stays(journal: &dyn Journal) {
    let own = flood(journal, 0..10).await;
    let few = most(4, ANY);
    assert_eq!(over(journal, few, 0, 3).await, own[..3]);
    assert_eq!(over(journal, few, own[2], 3).await, own[3..6]);
    assert_eq!(over(journal, few, own[5], 3).await, NONE);
    // The first is being handled and stays: as many others go, and not one more.
    give_up(journal, DeadReason::Overflow, &own[1..3]).await;
    assert_eq!(over(journal, few, own[2], 3).await, own[3..6]);
    give_up(journal, DeadReason::Overflow, &own[3..6]).await;
    assert_eq!(over(journal, few, own[5], 3).await, NONE);
    assert_eq!(over(journal, few, 0, 3).await, own[..1]);
}

pub(crate) async fn given_up_is_a_dead_letter_and_waits_no_more(journal: &dyn Journal) {
    let own = flood(journal, 0..5).await;
    give_up(journal, DeadReason::Overflow, &own[..3]).await;
    let letters = journal.dead_letters(0, 9).await.expect("listed");
    let told: Vec<_> = letters
        .iter()
        .map(|it| (it.delivery.number, it.reason, it.detail.clone()))
        .collect();
    let wanted = own[..3].iter();
    let wanted: Vec<_> = wanted
        .map(|number| (*number, DeadReason::Overflow, format!("{number}?")))
        .collect();
    assert_eq!(told, wanted);
    let waiting = journal.pending_deliveries(0, 9).await.expect("listed");
    let waiting: Vec<DeliveryNumber> = waiting.iter().map(|it| it.number).collect();
    assert_eq!(waiting, own[3..]);
    let counts = journal.counts().await.expect("counted");
    assert_eq!((counts.pending_deliveries, counts.dead_letters), (2, 3));
    // A call that was under way all the same has no effects.
    let late = turn(&letters[0].delivery);
    assert!(keep(journal, late).await.is_empty());
    assert_eq!(load(journal).await.count, 2);
}

pub(crate) async fn what_is_done_or_never_was_is_not_given_up(journal: &dyn Journal) {
    let done = deliver(journal, "done").await;
    keep(journal, turn(&done)).await;
    let waits = deliver(journal, "waits").await;
    let all = [done.number, waits.number, waits.number + 100];
    give_up(journal, DeadReason::Expired, &all).await;
    let letters = journal.dead_letters(0, 9).await.expect("listed");
    let letters: Vec<_> = letters
        .iter()
        .map(|it| (it.delivery.number, it.reason))
        .collect();
    assert_eq!(letters, [(waits.number, DeadReason::Expired)]);
    give_up(journal, DeadReason::Overflow, &all).await;
    give_up(journal, DeadReason::Overflow, &[]).await;
    let letters = journal.dead_letters(0, 9).await.expect("listed");
    assert_eq!((letters.len(), letters[0].reason), (1, DeadReason::Expired));
    assert_eq!(journal.counts().await.expect("counted").dead_letters, 1);
}

pub(crate) async fn letter_that_is_put_back_counts_again(journal: &dyn Journal) {
    let own = flood(journal, 0..3).await;
    let before = load(journal).await;
    give_up(journal, DeadReason::Overflow, &own[..2]).await;
    let back = journal.put_back(own[1]).await.expect("ordered").value;
    assert!(back.is_some());
    assert_eq!(load(journal).await, most(2, before.bytes / 3 * 2));
    assert_eq!(over(journal, most(1, ANY), 0, 9).await, own[1..2]);
}
