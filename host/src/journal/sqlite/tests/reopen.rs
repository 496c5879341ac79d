//! Closing and opening again.

use std::sync::Arc;

use super::open;
use crate::journal::conformance::broadcasts::{broadcast, expand};
use crate::journal::conformance::make::{
    PLUGIN, TENANT, accept, arrival, deliver, keep, key, new_part, read, set, timer, turn, write,
};
use crate::journal::conformance::parts::{parts, record, sent};
use crate::journal::conformance::requests::{answer, ask, mark, pending};
use crate::journal::sqlite::{JOURNAL_FILE, RestingJournal, SqliteConfig, SqliteJournal};
use crate::journal::{
    Accepted, Arrival, DeadReason, DeliveryEnd, EventKey, Journal as _, JournalError, OpenForm,
    PartState, PartUpdate, RequestState, Sent, StateChange, TimerChange, Turn,
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
        part: 0,
        origin: None,
        numbered: vec![crate::model::dialog::Numbered::Answer],
        agents_only: false,
        unseen: Vec::new(),
        dialogs: Vec::new(),
        before: None,
        gone: None,
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
    let due = journal.due_timers(10, None, 9, 9).await.expect("listed");
    assert_eq!(due[0].key.name, "t");
    assert_eq!(due[0].origin.id, "origin");
    assert_eq!(journal.open_forms().await.expect("listed"), [form]);
    let named = journal.message_by_key(TENANT, PLUGIN, "status").await;
    assert_eq!(named.expect("read").expect("there").conversation, "found");
    let joins = journal.join_count(TENANT, PLUGIN, "desk", "found").await;
    assert_eq!(joins.expect("read"), 1);
}

#[tokio::test]
async fn requests_are_there_again_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    for key in ["waits", "under way", "done"] {
        ask(&journal, key, key).await;
    }
    let before = pending(&journal).await;
    mark(&journal, before[1].number, RequestState::Sending).await;
    mark(&journal, before[2].number, RequestState::Sending).await;
    accept(&journal, answer("answer", before[2].number)).await;
    // Dropped without a close, as at a crash.
    drop(journal);
    let journal = open(folder.path());
    let after = pending(&journal).await;
    let states: Vec<_> = after
        .iter()
        .map(|found| (&*found.what.key, found.state, found.attempts))
        .collect();
    assert_eq!(
        states,
        [
            ("waits", RequestState::Queued, 0),
            ("under way", RequestState::Sending, 1)
        ]
    );
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.token, after.token);
        assert_eq!(before.origin, after.origin);
        assert_eq!(before.what.request, after.what.request);
    }
    let load = journal.request_load(TENANT, PLUGIN).await.expect("read");
    assert_eq!((load.count, load.bytes), (2, 8));
    let again = journal.accept(answer("again", before[2].number)).await;
    assert!(matches!(again.expect("ordered").value, Accepted::Duplicate));
    ask(&journal, "next", "next").await;
    assert!(pending(&journal).await[2].number > before[2].number);
}

#[tokio::test]
async fn request_that_ended_keeps_nothing_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    ask(&journal, "a", "r").await;
    let number = pending(&journal).await[0].number;
    accept(&journal, answer("answer", number)).await;
    journal.close().await.expect("closed");
    let connection = rusqlite::Connection::open(folder.path().join(JOURNAL_FILE)).expect("opened");
    let row: (String, String) = connection
        .query_row("SELECT state, request FROM requests", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("a row");
    assert_eq!(row.0, "done");
    assert!(row.1.contains("https://a.example/orders"), "{}", row.1);
    assert!(!row.1.contains("x-order"), "{}", row.1);
}

/// Makes a journal at rest as version 1 had it.
pub(super) fn make_version_1(folder: &std::path::Path) {
    let connection = rusqlite::Connection::open(folder.join(JOURNAL_FILE)).expect("opened");
    let sql = "DROP INDEX deliveries_of;
        DROP INDEX parts_of;
        ALTER TABLE deliveries DROP COLUMN put_back;
        ALTER TABLE deliveries DROP COLUMN timers;
        DROP TABLE requests;
        CREATE TABLE requests (
            number INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER NOT NULL,
            tenant TEXT NOT NULL, plugin TEXT NOT NULL, key TEXT NOT NULL,
            place INTEGER NOT NULL, request TEXT NOT NULL, stored_at INTEGER NOT NULL);
        DROP TABLE broadcasts;
        ALTER TABLE parts DROP COLUMN broadcast;
        DROP INDEX timers_due;
        DROP INDEX timers_due_of;
        ALTER TABLE timers DROP COLUMN parked;
        CREATE INDEX timers_due ON timers (due_at);
        DROP TABLE messages;
        DROP TABLE files;
        UPDATE meta SET value = 1 WHERE name = 'schema';";
    connection.execute_batch(sql).expect("made older");
}

/// What tables and indexes a journal has.
pub(super) fn names(folder: &std::path::Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(folder.join(JOURNAL_FILE)).expect("opened");
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE name NOT GLOB 'keys_*' ORDER BY name")
        .expect("prepared");
    let names = statement.query_map([], |row| row.get(0)).expect("read");
    names.collect::<Result<Vec<String>, _>>().expect("read")
}

#[tokio::test]
async fn journal_of_the_version_before_is_brought_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let delivery = deliver(&journal, "a").await;
    let set = Turn {
        timers: vec![TimerChange::Set(timer("t", 10, "x"))],
        ..turn(&delivery)
    };
    keep(&journal, set).await;
    journal.close().await.expect("closed");
    make_version_1(folder.path());
    let journal = open(folder.path());
    // As it was before, for whoever wants to go back.
    let kept = folder.path().join(format!("{JOURNAL_FILE}.v1"));
    let kept = rusqlite::Connection::open(kept).expect("opened");
    let sql = "SELECT (SELECT value FROM meta WHERE name = 'schema'), count(*) FROM timers";
    let version = kept.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let version: (i64, i64) = version.expect("read");
    assert_eq!(version, (1, 1));
    let due = journal.due_timers(10, None, 9, 9).await.expect("listed");
    assert_eq!(due[0].key.name, "t");
    ask(&journal, "b", "r").await;
    assert_eq!(pending(&journal).await.len(), 1);
    let news = broadcast(&journal, "c", 2, 1).await;
    assert_eq!(expand(&journal, &news, 1).await.len(), 1);
    let made = journal.pending_parts(0, 9).await.expect("listed");
    assert_eq!(made[0].broadcast, Some(news.number));
    journal.close().await.expect("closed");
    // Once brought up, it is like any other.
    let new = tempfile::tempdir().expect("a folder");
    open(new.path()).close().await.expect("closed");
    assert_eq!(names(folder.path()), names(new.path()));
    let journal = open(folder.path());
    assert_eq!(pending(&journal).await.len(), 1);
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

#[tokio::test]
async fn a_journal_is_read_at_rest_and_beside_its_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = RestingJournal::open(folder.path()).expect("an absent one is no error");
    assert!(none.is_none());
    let journal = open(folder.path());
    let made = parts(&journal, "open", 2).await;
    journal.set_host_value("mark", "7").await.expect("ordered");
    let check = |rest: &RestingJournal| {
        let listed = rest.pending_parts(0, 9).expect("listed");
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[1].number, made[1].number);
        assert!(rest.pending_broadcasts(0, 9).expect("listed").is_empty());
        assert_eq!(rest.host_value("mark").expect("read").as_deref(), Some("7"));
        assert_eq!(rest.host_value("none").expect("read"), None);
        let last = rest.last_events().expect("read");
        let at = last.get("desk").copied().expect("the bot heard something");
        assert!(at > 1_700_000_000_000);
        assert_eq!(last.len(), 1);
    };
    // What is ordered is on disk with the next durable write.
    let end = journal.set_host_value("x", "").await.expect("ordered");
    end.durable.wait().await.expect("on disk");
    check(
        &RestingJournal::open(folder.path())
            .expect("opened")
            .expect("there"),
    );
    journal.close().await.expect("closed");
    let before = std::fs::metadata(folder.path().join(JOURNAL_FILE)).expect("there");
    check(
        &RestingJournal::open(folder.path())
            .expect("opened")
            .expect("there"),
    );
    let after = std::fs::metadata(folder.path().join(JOURNAL_FILE)).expect("there");
    assert_eq!(
        before.modified().expect("known"),
        after.modified().expect("known")
    );
}

#[test]
fn what_is_no_journal_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(JOURNAL_FILE), "this is not SQLite").expect("written");
    assert!(RestingJournal::open(folder.path()).is_err());
}
