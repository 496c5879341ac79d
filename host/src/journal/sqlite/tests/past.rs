//! The past as only a store on disk keeps it.

use std::path::Path;
use std::sync::Arc;

use super::open;
use crate::journal::conformance::broadcasts::{broadcast, expand};
use crate::journal::conformance::make::{
    PLUGIN, TENANT, accept, action, arrival, deliver, keep, message, new_part, set, turn, writes,
};
use crate::journal::conformance::parts::{parts, record, sent};
use crate::journal::conformance::past::{all, bury, of_user, past};
use crate::journal::conformance::requests::ask;
use crate::journal::forget::is_forgotten;
use crate::journal::sqlite::{JOURNAL_FILE, Keep, RestingJournal, SqliteConfig, SqliteJournal};
use crate::journal::{
    Accepted, DeliveryEnd, EventQuery, Journal as _, PartUpdate, PastState, Turn,
};
use crate::model::delivery::View;
use crate::model::event::{Argument, ArgumentValue};
use crate::model::payload::ActionError;

#[tokio::test]
async fn what_is_through_is_told_with_its_times_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let done = parts(&journal, "done", 2).await;
    record(&journal, sent(done[0].number)).await;
    let failed = PartUpdate::Failed(done[1].number, ActionError::Denied, "no".to_owned());
    record(&journal, failed).await;
    let refused = deliver(&journal, "refused").await;
    let end = DeliveryEnd::Refused("not mine".to_owned());
    journal.settle(refused.number, end).await.expect("ordered");
    let news = broadcast(&journal, "news", 3, 1).await;
    let targets = expand(&journal, &news, 1).await;
    record(&journal, sent(targets[0].number)).await;
    ask(&journal, "asks", "k").await;
    accept(&journal, arrival("unwanted", &[])).await;
    journal.close().await.expect("closed");

    // The same without a host.
    let resting = RestingJournal::open(folder.path()).expect("opened");
    let resting = resting.expect("there is one");
    let found = resting.events(all()).expect("read");
    let of = |id: &str| {
        let event = found.iter().find(|it| it.event.id == id);
        event.unwrap_or_else(|| panic!("no event {id}"))
    };
    let event = of("done");
    let delivery = &event.deliveries[0];
    assert_eq!(delivery.state, PastState::Done);
    assert_eq!(delivery.took_us, Some(17));
    assert!(delivery.ended_at >= Some(event.stored_at));
    let ends = delivery.actions.iter();
    let ends: Vec<_> = ends
        .map(|it| (it.state.as_str(), it.detail.as_deref()))
        .collect();
    assert_eq!(ends, [("sent", None), ("failed", Some("denied: no"))]);
    let delivery = &of("refused").deliveries[0];
    assert_eq!(delivery.state, PastState::Refused);
    assert_eq!(delivery.detail.as_deref(), Some("not mine"));
    let news = &of("news").deliveries[0].actions;
    assert_eq!(news.len(), 1, "its parts are told as one: {news:?}");
    assert_eq!(
        (news[0].what.as_str(), news[0].state.as_str()),
        ("broadcast", "sending")
    );
    let detail = news[0].detail.as_deref();
    assert_eq!(
        detail,
        Some("3 conversations, 1 begun; 1 parts sent, 0 failed")
    );
    let asks = &of("asks").deliveries[0].actions;
    assert_eq!(
        (asks[0].what.as_str(), asks[0].state.as_str()),
        ("request", "queued")
    );
    assert_eq!(
        asks[0].detail.as_deref(),
        Some("POST https://a.example/orders")
    );
    assert!(of("unwanted").deliveries.is_empty());
}

#[tokio::test]
async fn a_dead_letter_far_back_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let dead = deliver(&journal, "dead").await;
    bury(&journal, dead.number, "trapped").await;
    // More than one stretch of events lies between.
    for page in 0..25 {
        let arrivals = (0..1_000)
            .map(|at| arrival(&format!("{page}-{at}"), &[]))
            .collect();
        let stored = journal.accept_all(arrivals).await.expect("ordered");
        stored.durable.wait().await.expect("on disk");
    }
    deliver(&journal, "young").await;
    let query = EventQuery {
        dead: true,
        ..all()
    };
    let found = past(&journal, query).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].number, dead.event.sequence);
    let of_plugin = EventQuery {
        plugin: Some(PLUGIN.to_owned()),
        ..all()
    };
    assert_eq!(past(&journal, of_plugin).await.len(), 2);
}

#[tokio::test]
async fn a_dead_letter_put_back_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let dead = deliver(&journal, "dead").await;
    bury(&journal, dead.number, "trapped").await;
    let back = journal.put_back(dead.number).await.expect("ordered");
    let at = back.value.expect("it was one").put_back;
    journal.close().await.expect("closed");
    let journal = open(folder.path());
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].put_back, at);
    assert!(at.is_some());
    assert!(journal.dead_letters(0, 9).await.expect("listed").is_empty());
}

/// Tells whether a text stands anywhere in the journal's files.
pub(super) fn is_in_files(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).expect("read").flatten();
    let files = files.map(|file| file.path()).filter(|path| path.is_file());
    let mut files = files.map(|path| std::fs::read(path).expect("read"));
    files.any(|bytes| {
        bytes
            .windows(text.len())
            .any(|some| some == text.as_bytes())
    })
}

#[tokio::test]
async fn nothing_of_a_forgotten_person_stays_in_the_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    // Longer than a page, so that it lies in pages of its own too.
    let long = format!("hush-long-{}", "x".repeat(9_000));
    let mut said = arrival("said", &[PLUGIN, "other"]);
    Arc::make_mut(&mut said.event).payload = message(&long);
    let routes = said.routes.as_mut().expect("it has routes");
    routes[0].view = View::Command {
        name: "c".to_owned(),
        arguments: vec![Argument {
            name: "n".to_owned(),
            value: ArgumentValue::Text("hush-argument".to_owned()),
        }],
    };
    let said = accept(&journal, said).await;
    bury(&journal, said[1].number, "hush-detail").await;
    let mut part = new_part(0, true);
    part.action = action("hush-action");
    let turn = Turn {
        parts: vec![part],
        state: writes(vec![(of_user("u1"), set("hush-value"))]),
        ..turn(&said[0])
    };
    let parts = keep(&journal, turn).await;
    record(&journal, sent(parts[0].number)).await;
    for secret in [
        "hush-long",
        "hush-argument",
        "hush-detail",
        "hush-action",
        "hush-value",
    ] {
        assert!(is_in_files(folder.path(), secret), "{secret}");
    }
    let forgot = journal.forget(TENANT, "u1").await.expect("forgotten");
    assert_eq!((forgot.events, forgot.values, forgot.actions), (1, 1, 0));
    assert!(!is_in_files(folder.path(), "hush-"));
    let found = past(&journal, all()).await;
    assert!(is_forgotten(&found[0]));
    assert_eq!(found[0].deliveries[0].actions[0].what, "forgotten");
    journal.close().await.expect("closed");
    assert!(!is_in_files(folder.path(), "hush-"));
}

#[tokio::test]
async fn the_past_is_kept_as_long_as_the_settings_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig {
        keep: Keep {
            finished: 1_000_000,
            dead: 2_000_000,
        },
        ..SqliteConfig::default()
    };
    let journal = SqliteJournal::open(folder.path(), config).expect("opened");
    let done = parts(&journal, "done", 1).await;
    record(&journal, sent(done[0].number)).await;
    let dead = deliver(&journal, "dead").await;
    bury(&journal, dead.number, "trapped").await;
    let now = crate::journal::shared::now();
    for (after, wanted) in [
        (900_000, vec!["dead", "done"]),
        (1_100_000, vec!["dead"]),
        (2_100_000, vec![]),
    ] {
        journal.prune(now + after).await.expect("pruned");
        let found = past(&journal, all()).await;
        let found: Vec<&str> = found.iter().map(|it| it.event.id.as_str()).collect();
        assert_eq!(found, wanted, "{after}");
    }
}

#[tokio::test]
async fn a_journal_that_is_nearly_full_keeps_less_of_the_past() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig {
        max_bytes: 2 * 1024 * 1024,
        ..SqliteConfig::default()
    };
    let journal = SqliteJournal::open(folder.path(), config).expect("opened");
    let mut stored = 0;
    while let Ok(ordered) = journal
        .accept(arrival(&format!("{stored}{}", "x".repeat(2_000)), &[]))
        .await
    {
        ordered.durable.wait().await.expect("on disk");
        stored += 1;
        assert!(stored < 10_000, "it is never full");
    }
    let now = crate::journal::shared::now();
    // Far younger than a day.
    journal.prune(now + 5 * 60 * 1_000).await.expect("pruned");
    assert_eq!(
        past(
            &journal,
            EventQuery {
                limit: 9_999,
                ..all()
            }
        )
        .await
        .len(),
        stored
    );
    journal.prune(now + 11 * 60 * 1_000).await.expect("pruned");
    assert!(past(&journal, all()).await.is_empty());
    let again = journal.accept(arrival("again", &[])).await;
    again.expect("there is room");
}

#[tokio::test]
async fn a_backup_carries_what_waits_and_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let waiting = deliver(&journal, "waits").await;
    let open_parts = parts(&journal, "parts", 2).await;
    let file = journal.put_file(b"report").await.expect("put");
    {
        let connection = rusqlite::Connection::open(folder.path().join(JOURNAL_FILE));
        let sql = "INSERT INTO files VALUES (?1, ?2)";
        let row = (open_parts[0].delivery, &file.sha256);
        connection
            .expect("opened")
            .execute(sql, row)
            .expect("named");
    }
    let to = folder.path().join("copy.sqlite");
    let resting = RestingJournal::open(folder.path()).expect("opened");
    let resting = resting.expect("there is one");
    let bytes = resting.back_up(&to).expect("backed up");
    assert_eq!(bytes, std::fs::metadata(&to).expect("there").len());
    assert!(resting.back_up(&to).is_err(), "it is there already");
    let left = std::fs::read_dir(folder.path()).expect("read").flatten();
    let mut left = left.map(|it| it.file_name().to_string_lossy().into_owned());
    assert!(!left.any(|name| name.ends_with(".part")));

    let other = tempfile::tempdir().expect("a folder");
    std::fs::copy(&to, other.path().join(JOURNAL_FILE)).expect("copied");
    let journal = open(other.path());
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!((pending.len(), pending[0].number), (1, waiting.number));
    assert_eq!(journal.pending_parts(0, 9).await.expect("listed").len(), 2);
    let restored = journal.get_file(&file.sha256).await.expect("read");
    assert_eq!(restored, b"report");
    // What was accepted before is known there too.
    let again = journal.accept(arrival("waits", &[PLUGIN])).await;
    assert!(matches!(again.expect("ordered").value, Accepted::Duplicate));
    journal.close().await.expect("closed");
    // Unpacked once, it is a journal like any other.
    open(other.path());
}
