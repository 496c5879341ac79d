//! Parts and what becomes of them.

use super::make::{accept, arrival, deliver, keep, new_part, turn};
use crate::journal::{Journal, Part, PartState, PartUpdate, Sent, Turn};
use crate::model::payload::ActionError;

/// Commits a turn with so many parts; the first is being sent.
pub(crate) async fn parts(journal: &dyn Journal, id: &str, count: u32) -> Vec<Part> {
    let delivery = deliver(journal, id).await;
    let parts = (0..count)
        .map(|index| new_part(index, index == 0))
        .collect();
    let turn = Turn {
        parts,
        ..turn(&delivery)
    };
    keep(journal, turn).await
}

pub(crate) async fn record(journal: &dyn Journal, update: PartUpdate) {
    let ordered = journal.record(vec![update]).await.expect("ordered");
    ordered.durable.wait().await.expect("on disk");
}

pub(crate) fn sent(part: u64) -> PartUpdate {
    PartUpdate::Sent {
        part,
        sent: Sent::default(),
        forms: Vec::new(),
        key: None,
        how: None,
        joins: 0,
    }
}

async fn pending(journal: &dyn Journal) -> Vec<Part> {
    journal.pending_parts(0, 100).await.expect("listed")
}

pub(crate) async fn parts_have_rising_numbers_and_their_origin(journal: &dyn Journal) {
    let first = parts(journal, "a", 2).await;
    let second = parts(journal, "b", 1).await;
    assert!(first[0].number < first[1].number && first[1].number < second[0].number);
    let listed = pending(journal).await;
    assert_eq!(listed.len(), 3);
    for (listed, given) in listed.iter().zip(first.iter().chain(&second)) {
        assert_eq!(listed.number, given.number);
        assert_eq!(
            (listed.state, listed.attempts),
            (given.state, given.attempts)
        );
        assert_eq!(listed.origin, given.origin);
        assert_eq!(listed.delivery, given.delivery);
        assert_eq!(listed.what.action, given.what.action);
        assert_eq!(
            (&listed.plugin, &listed.tenant),
            (&given.plugin, &given.tenant)
        );
        assert_eq!(listed.what.index, given.what.index);
        assert_eq!(listed.what.urgency, given.what.urgency);
    }
    assert_eq!(
        (listed[0].state, listed[0].attempts),
        (PartState::Sending, 1)
    );
    assert_eq!(
        (listed[1].state, listed[1].attempts),
        (PartState::Queued, 0)
    );
    assert_eq!(listed[2].origin.id, "b");
}

pub(crate) async fn part_goes_through_its_states(journal: &dyn Journal) {
    let number = parts(journal, "a", 2).await[1].number;
    let at = async || {
        let part = pending(journal)
            .await
            .into_iter()
            .find(|part| part.number == number);
        part.map(|part| (part.state, part.attempts))
    };
    record(journal, PartUpdate::Sending(number)).await;
    assert_eq!(at().await, Some((PartState::Sending, 1)));
    record(journal, PartUpdate::Queued(number)).await;
    assert_eq!(at().await, Some((PartState::Queued, 1)));
    record(journal, PartUpdate::Sending(number)).await;
    assert_eq!(at().await, Some((PartState::Sending, 2)));
    record(journal, sent(number)).await;
    assert_eq!(at().await, None);
    assert_eq!(pending(journal).await.len(), 1);
}

pub(crate) async fn ended_part_stays_ended(journal: &dyn Journal) {
    let parts = parts(journal, "a", 3).await;
    let numbers: Vec<u64> = parts.iter().map(|part| part.number).collect();
    let failed = PartUpdate::Failed(numbers[0], ActionError::NotFound, "no room".to_owned());
    record(journal, failed).await;
    record(journal, PartUpdate::Skipped(numbers[1])).await;
    record(journal, sent(numbers[2])).await;
    assert!(pending(journal).await.is_empty());
    for number in numbers {
        record(journal, PartUpdate::Queued(number)).await;
        record(journal, PartUpdate::Sending(number)).await;
        record(journal, sent(number)).await;
    }
    record(journal, PartUpdate::Sending(1_000_000)).await;
    assert!(pending(journal).await.is_empty());
}

pub(crate) async fn pending_parts_come_in_pages(journal: &dyn Journal) {
    let given = parts(journal, "a", 12).await;
    accept(journal, arrival("b", &["x"])).await;
    let first = journal.pending_parts(0, 10).await.expect("listed");
    let rest = journal
        .pending_parts(first[9].number, 10)
        .await
        .expect("listed");
    let listed: Vec<u64> = first.iter().chain(&rest).map(|part| part.number).collect();
    let numbers: Vec<u64> = given.iter().map(|part| part.number).collect();
    assert_eq!(listed, numbers);
}
