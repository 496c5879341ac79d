//! Message keys and joins.

use super::make::{PLUGIN, TENANT};
use super::parts::{parts, record};
use crate::journal::{Journal, OpenForm, PartUpdate, Sent};

pub(crate) async fn send(
    journal: &dyn Journal,
    id: &str,
    message: &str,
    key: Option<&str>,
    joins: i64,
    forms: Vec<OpenForm>,
) {
    let part = parts(journal, id, 1).await[0].number;
    let update = PartUpdate::Sent {
        part,
        sent: Sent {
            message: Some(message.to_owned()),
            notes: vec!["table → text".to_owned()],
            ..Sent::default()
        },
        forms,
        key: key.map(str::to_owned),
        joins,
    };
    record(journal, update.clone()).await;
    // A part that ended counts once.
    record(journal, update).await;
}

pub(crate) async fn key_names_the_newer_message(journal: &dyn Journal) {
    let named = async || {
        let read = journal.message_by_key(TENANT, PLUGIN, "status").await;
        read.expect("read")
    };
    assert_eq!(named().await, None);
    send(journal, "a", "m1", Some("status"), 0, Vec::new()).await;
    send(journal, "b", "m2", Some("status"), 0, Vec::new()).await;
    let found = named().await.expect("named");
    assert_eq!((found.message.as_str(), found.bot.as_str()), ("m2", "desk"));
    assert_eq!(found.conversation, "room");
    let other = journal.message_by_key(TENANT, "other", "status").await;
    assert_eq!(other.expect("read"), None);
}

pub(crate) async fn joins_are_counted_less_leaves(journal: &dyn Journal) {
    for (at, (joins, expected)) in [(1, 1), (1, 2), (-1, 1), (-1, 0), (-1, 0), (1, 1)]
        .into_iter()
        .enumerate()
    {
        send(journal, &at.to_string(), "m", None, joins, Vec::new()).await;
        let count = journal.join_count(TENANT, PLUGIN, "desk", "room").await;
        assert_eq!(count.expect("read"), expected, "{at}");
    }
    let other = journal.join_count(TENANT, PLUGIN, "desk", "other").await;
    assert_eq!(other.expect("read"), 0);
}
