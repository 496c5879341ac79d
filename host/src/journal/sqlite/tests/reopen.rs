//! Closing and opening again.

use std::sync::Arc;

use super::open;
use crate::journal::conformance::make::{
    PLUGIN, TENANT, accept, arrival, deliver, keep, key, new_part, read, set, timer, turn, write,
};
use crate::journal::conformance::parts::{parts, record, sent};
use crate::journal::sqlite::{JOURNAL_FILE, SqliteConfig, SqliteJournal};
use crate::journal::{
    Accepted, Arrival, DeadReason, DeliveryEnd, EventKey, Journal as _, JournalError, OpenForm,
    PartState, PartUpdate, Sent, StateChange, TimerChange, Turn,
};
use crate::model::Name;

#[tokio::test]
async fn everything_open_is_there_again_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let waiting = [deliver(&journal, "w1").await, deliver(&journal, "w2").await];
    let again = DeliveryEnd::Again(3);
    journal
        .settle(waiting[1].number, again)
        .await
        .expect("ordered");
    let done = parts(&journal, "done", 1).await;
    record(&journal, sent(done[0].number)).await;
    let open_parts = parts(&journal, "open", 3).await;
    let failed = deliver(&journal, "dead").await;
    let end = DeliveryEnd::Dead(DeadReason::Removed, "gone".to_owned());
    journal.settle(failed.number, end).await.expect("ordered");
    let unrouted = Arrival {
        routes: None,
        ..arrival("unrouted", &[])
    };
    accept(&journal, unrouted).await;
    journal.set_host_value("mark", "7").await.expect("ordered");
    journal.close().await.expect("closed");

    let journal = open(folder.path());
    let listed = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].event, waiting[0].event);
    assert_eq!(
        (listed[1].number, listed[1].attempt),
        (waiting[1].number, 3)
    );
    let listed_parts = journal.pending_parts(0, 9).await.expect("listed");
    let states: Vec<PartState> = listed_parts.iter().map(|part| part.state).collect();
    assert_eq!(
        states,
        [PartState::Sending, PartState::Queued, PartState::Queued]
    );
    assert_eq!(listed_parts[2].number, open_parts[2].number);
    assert_eq!(listed_parts[2].origin.id, "open");
    assert_eq!(journal.unrouted(0, 9).await.expect("listed").len(), 1);
    assert_eq!(journal.dead_letters(0, 9).await.expect("listed").len(), 1);
    let mark = journal.host_value("mark").await.expect("read");
    assert_eq!(mark.as_deref(), Some("7"));
    let counts = journal.counts().await.expect("counted");
    assert_eq!((counts.events, counts.pending_deliveries), (6, 2));
    assert_eq!((counts.pending_parts, counts.dead_letters), (3, 1));
    assert!(counts.bytes > 0);

    let duplicate = journal
        .accept(arrival("done", &[PLUGIN]))
        .await
        .expect("ordered");
    assert!(matches!(duplicate.value, Accepted::Duplicate));
    let next = parts(&journal, "next", 1).await;
    assert!(next[0].number > open_parts[2].number);
    // A turn whose delivery was done before the stop has no effects after it.
    let late = Turn {
        delivery: done[0].delivery,
        parts: vec![new_part(0, false)],
        ..turn(&listed[0])
    };
    assert!(keep(&journal, late).await.is_empty());
    keep(&journal, turn(&listed[0])).await;
}

#[tokio::test]
async fn numbers_go_on_after_pruning_and_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let old = parts(&journal, "old", 2).await;
    for part in &old {
        record(&journal, sent(part.number)).await;
    }
    let next_day = crate::journal::shared::now() + 25 * 60 * 60 * 1000;
    journal.prune(next_day).await.expect("pruned");
    assert_eq!(journal.counts().await.expect("counted").events, 0);
    journal.close().await.expect("closed");
    let journal = open(folder.path());
    let new = parts(&journal, "new", 1).await;
    assert!(new[0].number > old[1].number);
    assert!(new[0].delivery > old[0].delivery);
    assert!(new[0].origin.sequence > old[0].origin.sequence);
}

#[tokio::test]
async fn state_and_its_versions_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    write(&journal, "1", "k", set("1")).await;
    let (_, version) = read(&journal, "k").await;
    write(&journal, "2", "gone", set("1")).await;
    let (_, gone) = read(&journal, "gone").await;
    write(&journal, "3", "gone", StateChange::Delete).await;
    // Dropped without a close, as at a crash.
    drop(journal);
    let journal = open(folder.path());
    assert_eq!(read(&journal, "k").await, (Some("1".to_owned()), version));
    assert_eq!(journal.state_size(TENANT, PLUGIN).await.expect("read"), 2);
    write(&journal, "4", "gone", set("2")).await;
    assert!(read(&journal, "gone").await.1 > gone);
    let (keys, _) = journal
        .state_keys(&key("k").scope, "", None, 9)
        .await
        .expect("listed");
    assert_eq!(keys, ["gone", "k"]);
}

#[tokio::test]
async fn timers_forms_keys_and_joins_are_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let delivery = deliver(&journal, "a").await;
    let set = Turn {
        timers: vec![TimerChange::Set(timer("t", 10, "x"))],
        parts: vec![new_part(0, true)],
        ..turn(&delivery)
    };
    let part = keep(&journal, set).await[0].number;
    let form = OpenForm {
        tenant: Name::from(TENANT),
        plugin: Name::from(PLUGIN),
        bot: Name::from("desk"),
        conversation: Name::from("room"),
        message: "m1".to_owned(),
        form: None,
        buttons: Vec::new(),
        actor: None,
        answered: Vec::new(),
        ends_at: 99,
    };
    let update = PartUpdate::Sent {
        part,
        sent: Sent {
            message: Some("m1".to_owned()),
            conversation: Some("found".to_owned()),
            ..Sent::default()
        },
        forms: vec![form.clone()],
        key: Some("status".to_owned()),
        how: None,
        joins: 1,
    };
    record(&journal, update).await;
    journal.close().await.expect("closed");
    let journal = open(folder.path());
    let due = journal.due_timers(10, 9).await.expect("listed");
    assert_eq!(due[0].key.name, "t");
    assert_eq!(due[0].origin.id, "origin");
    assert_eq!(journal.open_forms().await.expect("listed"), [form]);
    let named = journal.message_by_key(TENANT, PLUGIN, "status").await;
    assert_eq!(named.expect("read").expect("there").conversation, "found");
    let joins = journal.join_count(TENANT, PLUGIN, "desk", "found").await;
    assert_eq!(joins.expect("read"), 1);
}

#[tokio::test]
async fn keys_of_yesterday_count_and_older_tables_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    deliver(&journal, "a").await;
    journal.close().await.expect("closed");
    let path = folder.path().join(JOURNAL_FILE);
    let today = crate::journal::shared::now() / 86_400_000;
    let tables = || {
        let connection = rusqlite::Connection::open(&path).expect("opened");
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema WHERE name GLOB 'keys_[0-9]*' ORDER BY name")
            .expect("prepared");
        let names = statement.query_map([], |row| row.get(0)).expect("read");
        names.collect::<Result<Vec<String>, _>>().expect("read")
    };
    {
        let connection = rusqlite::Connection::open(&path).expect("opened");
        let (yesterday, old) = (today - 1, today - 3);
        let sql = format!(
            "ALTER TABLE keys_{today} RENAME TO keys_{yesterday};
             INSERT INTO keys_{yesterday} SELECT key FROM keys_log_0;
             DELETE FROM keys_log_0;
             CREATE TABLE keys_{old} (key BLOB PRIMARY KEY) WITHOUT ROWID;"
        );
        connection.execute_batch(&sql).expect("renamed");
    }
    let journal = open(folder.path());
    let again = journal
        .accept(arrival("a", &[PLUGIN]))
        .await
        .expect("ordered");
    assert!(matches!(again.value, Accepted::Duplicate));
    let new = Arrival {
        key: EventKey::new(&["new"]),
        ..arrival("a", &[PLUGIN])
    };
    accept(&journal, new).await;
    journal.close().await.expect("closed");
    assert_eq!(
        tables(),
        [format!("keys_{}", today - 1), format!("keys_{today}")]
    );
}

#[test]
fn other_files_are_refused_clearly() {
    type Case = (&'static str, fn(&std::path::Path));
    let cases: [Case; 2] = [
        ("is not a journal", |path| {
            std::fs::write(
                path,
                "no database at all, but long enough to look at".repeat(99),
            )
            .expect("written");
        }),
        ("has schema 99", |path| {
            let connection = rusqlite::Connection::open(path).expect("opened");
            let sql = "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
                INSERT INTO meta VALUES ('schema', 99)";
            connection.execute_batch(sql).expect("made");
        }),
    ];
    for (expected, make) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(JOURNAL_FILE);
        make(&path);
        let Err(error) = SqliteJournal::open(folder.path(), SqliteConfig::default()) else {
            panic!("opened: {expected}");
        };
        let text = error.to_string();
        assert!(matches!(error, JournalError::Failed(_)));
        assert!(text.contains(expected), "{text}");
        assert!(text.contains(JOURNAL_FILE), "{text}");
    }
}

#[tokio::test]
async fn database_is_readable_with_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    parts(&journal, "a", 1).await;
    let connection =
        rusqlite::Connection::open(folder.path().join(JOURNAL_FILE)).expect("opened beside it");
    let row: (String, String, String, String) = connection
        .query_row(
            "SELECT json_extract(e.event, '$.payload.message.text'), d.ended, p.state, p.action
             FROM events e JOIN deliveries d ON d.event = e.number JOIN parts p ON p.event = e.number",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .expect("a row");
    assert_eq!((&*row.0, &*row.1, &*row.2), ("a", "done", "sending"));
    assert!(row.3.contains("typing"), "{}", row.3);
    drop(Arc::new(journal));
}
