//! What the journal says became of each message, and whether that is what people saw.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, OpenFlags};

use super::group::{Group, Room, number_of};
use crate::storm::Findings;

/// A host's journal, to look into.
pub(super) struct Journal(Connection);

/// How a message ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Dead,
}

impl Journal {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("data").join("journal.sqlite");
        let journal = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        journal.busy_timeout(std::time::Duration::from_secs(10))?;
        Ok(Self(journal))
    }

    /// Deliveries that have not ended, of those with this.
    pub(super) fn open_deliveries(&self, which: &str) -> anyhow::Result<u64> {
        let count = format!("SELECT count(*) FROM deliveries WHERE ended IS NULL AND {which}");
        Ok(self.0.query_row(&count, [], |row| row.get(0))?)
    }

    pub(super) fn open_parts(&self) -> anyhow::Result<u64> {
        let count = "SELECT count(*) FROM parts WHERE ended_at IS NULL";
        Ok(self.0.query_row(count, [], |row| row.get(0))?)
    }

    /// How each message of a plugin ended, by conversation, in order.
    fn ends(&self, plugin: &str) -> anyhow::Result<HashMap<String, Vec<(usize, End)>>> {
        let mut ends: HashMap<String, Vec<(usize, End)>> = HashMap::new();
        let mut all = self.0.prepare(
            "SELECT json_extract(events.event, '$.conversation.id'),
                    json_extract(events.event, '$.payload.message.text'),
                    deliveries.ended, deliveries.reason, deliveries.detail
             FROM deliveries JOIN events ON events.number = deliveries.event
             WHERE deliveries.plugin = ?
             ORDER BY events.number",
        )?;
        let mut rows = all.query([plugin])?;
        while let Some(row) = rows.next()? {
            let text: Option<String> = row.get(1)?;
            let Some(number) = text.as_deref().and_then(number_of) else {
                continue;
            };
            let ended: Option<String> = row.get(2)?;
            let reason: Option<String> = row.get(3)?;
            let detail: Option<String> = row.get(4)?;
            let end = match (ended.as_deref(), reason, detail) {
                (Some("done"), None, _) => End::Done,
                (Some("dead"), Some(_), Some(detail)) if !detail.is_empty() => End::Dead,
                other => anyhow::bail!("{plugin}: {text:?} ended as {other:?}"),
            };
            ends.entry(row.get(0)?).or_default().push((number, end));
        }
        Ok(ends)
    }
}

/// Compares what the journal says with what was seen; gives how many messages are dead letters.
pub(super) fn audit(
    journal: &Journal,
    group: &Group,
    findings: &mut Findings,
) -> anyhow::Result<u64> {
    let ends = journal.ends(group.plugin())?;
    let mut dead = 0;
    for room in &group.rooms {
        let ends = ends.get(&room.id);
        let ends = ends.with_context(|| format!("{} is not in the journal", room.name))?;
        dead += check(room, ends, findings)?;
    }
    Ok(dead)
}

fn check(room: &Room, ends: &[(usize, End)], findings: &mut Findings) -> anyhow::Result<u64> {
    let name = &room.name;
    // Each message is one delivery, in its order.
    ensure!(
        ends.iter().map(|(number, _)| *number).eq(0..room.said),
        "{name}: {} messages, {} deliveries",
        room.said,
        ends.len()
    );
    let mut answered = vec![0_u64; room.said];
    let mut last = 0;
    for number in &room.answers {
        let count = answered.get_mut(*number);
        *count.with_context(|| format!("{name}: {number} was not asked"))? += 1;
        if *number < last {
            findings.inverted(1, || format!("{name}: {number} after {last}"));
        }
        last = last.max(*number);
    }
    let mut dead = 0;
    for ((number, end), count) in ends.iter().zip(answered) {
        let wanted = u64::from(*end == End::Done);
        dead += 1 - wanted;
        let what = || format!("{name}: {number}, {count} answers, {wanted} expected");
        findings.lost(wanted.saturating_sub(count), what);
        findings.duplicated(count.saturating_sub(wanted), what);
    }
    Ok(dead)
}
