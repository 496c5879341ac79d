//! Message keys and joins.

use super::make::{PLUGIN, TENANT};
use super::parts::{parts, record};
use crate::journal::{Journal, OpenForm, PartUpdate, Sent, SentAs};
use crate::model::event::Visibility;

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
        how: None,
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

pub(crate) async fn message_is_remembered_with_how_it_was_sent(journal: &dyn Journal) {
    let how = SentAs {
        visibility: Visibility::Agents,
        thread: Some("t1".to_owned()),
    };
    let part = parts(journal, "a", 1).await[0].number;
    let update = PartUpdate::Sent {
        part,
        sent: Sent {
            message: Some("m1".to_owned()),
            conversation: Some("elsewhere".to_owned()),
            ..Sent::default()
        },
        forms: Vec::new(),
        key: Some("status".to_owned()),
        how: Some(how.clone()),
        joins: 0,
    };
    record(journal, update).await;
    send(journal, "b", "m2", None, 0, Vec::new()).await;
    let found = async |plugin: &str, bot: &str, message: &str| {
        let read = journal.sent_message(TENANT, plugin, bot, message).await;
        read.expect("read")
    };
    let own = found(PLUGIN, "desk", "m1").await.expect("remembered");
    assert_eq!((own.conversation.as_str(), &own.how), ("elsewhere", &how));
    let by_key = journal.message_by_key(TENANT, PLUGIN, "status").await;
    assert_eq!(by_key.expect("read"), Some(own));
    for (plugin, bot, message) in [
        (PLUGIN, "desk", "m2"),
        (PLUGIN, "other", "m1"),
        ("other", "desk", "m1"),
    ] {
        assert_eq!(
            found(plugin, bot, message).await,
            None,
            "{plugin} {bot} {message}"
        );
    }
    // Its time is over after 90 days.
    let day = 24 * 60 * 60 * 1000;
    let now = crate::journal::shared::now();
    journal.prune(now + 89 * day).await.expect("pruned");
    assert!(found(PLUGIN, "desk", "m1").await.is_some());
    journal.prune(now + 91 * day).await.expect("pruned");
    assert_eq!(found(PLUGIN, "desk", "m1").await, None);
    let by_key = journal.message_by_key(TENANT, PLUGIN, "status").await;
    assert_eq!(by_key.expect("read"), None);
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
