//! Accepting and routing.

use std::sync::Arc;

use super::make::{TENANT, accept, arrival, deliver, event, keep, route, turn};
use crate::journal::{Accepted, Arrival, EventKey, Journal};
use crate::model::Name;
use crate::model::delivery::{Route, View};

pub(crate) async fn numbers_rise_in_the_order_of_calls(journal: &dyn Journal) {
    let first = accept(journal, arrival("a", &["x", "y"])).await;
    let second = accept(journal, arrival("b", &["x"])).await;
    assert!(first[0].number < first[1].number && first[1].number < second[0].number);
    assert_eq!(&*first[1].plugin, "y");
    assert!(first[0].event.sequence > 0);
    assert!(first[0].event.sequence < second[0].event.sequence);
    assert_eq!(first[0].attempt, 1);
    let pending = journal.pending_deliveries(0, 10).await.expect("listed");
    let numbers: Vec<u64> = pending.iter().map(|delivery| delivery.number).collect();
    assert_eq!(
        numbers,
        [first[0].number, first[1].number, second[0].number]
    );
    assert_eq!(*pending[2].event, *second[0].event);
    assert_eq!((&*pending[2].lane, &*pending[2].tenant), ("room", TENANT));
}

pub(crate) async fn same_key_is_accepted_once(journal: &dyn Journal) {
    deliver(journal, "a").await;
    let again = journal.accept(arrival("a", &["x"])).await.expect("ordered");
    assert!(matches!(again.value, Accepted::Duplicate));
    assert_eq!(
        journal
            .pending_deliveries(0, 10)
            .await
            .expect("listed")
            .len(),
        1
    );
}

pub(crate) async fn same_key_of_another_tenant_is_new(journal: &dyn Journal) {
    deliver(journal, "a").await;
    let other = Arrival {
        tenant: Name::from("other"),
        ..arrival("a", &["x"])
    };
    let deliveries = accept(journal, other).await;
    assert_eq!(&*deliveries[0].tenant, "other");
}

pub(crate) async fn one_of_many_at_once_is_new(journal: &dyn Journal) {
    let calls = (0..64).map(|_| journal.accept(arrival("a", &["x"])));
    let ends = futures::future::join_all(calls).await;
    let new = ends
        .iter()
        .filter(|end| matches!(end.as_ref().expect("ordered").value, Accepted::New { .. }))
        .count();
    assert_eq!(new, 1);
}

pub(crate) async fn every_plugin_gets_its_own_view_and_roles(journal: &dyn Journal) {
    let command = Route {
        plugin: Name::from("x"),
        view: View::Command {
            name: "buy".to_owned(),
            arguments: Vec::new(),
        },
        roles: vec!["staff".to_owned()],
    };
    let arrival = Arrival {
        routes: Some(vec![command, route("y")]),
        ..arrival("a", &[])
    };
    let given = accept(journal, arrival).await;
    let listed = journal.pending_deliveries(0, 10).await.expect("listed");
    for deliveries in [given, listed] {
        let roles = |at: usize| {
            deliveries[at]
                .event
                .actor
                .as_ref()
                .expect("actor")
                .roles
                .clone()
        };
        assert_eq!(roles(0), ["staff"]);
        assert!(roles(1).is_empty());
        assert!(matches!(&deliveries[0].view, View::Command { name, .. } if name == "buy"));
        assert_eq!(deliveries[1].view, View::Whole);
    }
}

pub(crate) async fn event_without_routes_waits_for_them(journal: &dyn Journal) {
    let arrival = Arrival {
        routes: None,
        ..arrival("a", &[])
    };
    let accepted = journal.accept(arrival).await.expect("ordered").value;
    let Accepted::New { number, deliveries } = accepted else {
        panic!("duplicate");
    };
    assert!(deliveries.is_empty());
    let waiting = journal.unrouted(0, 10).await.expect("listed");
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].number, &*waiting[0].lane), (number, "room"));
    assert_eq!(waiting[0].event.id, "a");
    assert!(
        journal
            .unrouted(number, 10)
            .await
            .expect("listed")
            .is_empty()
    );

    let fetched = Arc::new(event("fetched"));
    let routed = journal
        .route(number, fetched, vec![route("x"), route("y")])
        .await
        .expect("ordered");
    routed.durable.wait().await.expect("on disk");
    assert_eq!(routed.value.len(), 2);
    assert_eq!(routed.value[0].event.sequence, number);
    assert!(journal.unrouted(0, 10).await.expect("listed").is_empty());
    let pending = journal.pending_deliveries(0, 10).await.expect("listed");
    assert_eq!(pending.len(), 2);
    assert_eq!(pending[1].event.id, "fetched");
    assert_eq!(&*pending[1].lane, "room");
    keep(journal, turn(&pending[1])).await;
}

pub(crate) async fn event_is_routed_once(journal: &dyn Journal) {
    let arrival = Arrival {
        routes: None,
        key: EventKey::new(&["a", "b"]),
        ..arrival("a", &[])
    };
    let accepted = journal.accept(arrival).await.expect("ordered").value;
    let Accepted::New { number, .. } = accepted else {
        panic!("duplicate");
    };
    for expected in [1, 0] {
        let event = Arc::new(event("a"));
        let routed = journal.route(number, event, vec![route("x")]).await;
        assert_eq!(routed.expect("ordered").value.len(), expected);
    }
}

pub(crate) async fn host_values_are_kept(journal: &dyn Journal) {
    assert_eq!(journal.host_value("mark").await.expect("read"), None);
    for value in ["1", "2"] {
        let set = journal
            .set_host_value("mark", value)
            .await
            .expect("ordered");
        set.durable.wait().await.expect("on disk");
        let read = journal.host_value("mark").await.expect("read");
        assert_eq!(read.as_deref(), Some(value));
    }
}
