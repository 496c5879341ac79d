//! The outbox: what waits, hold, release, drop. Holds are kept in the journal.

use super::answer::unknown_bot;
use super::refused;
use crate::app::clock;
use crate::app::host::Host;
use crate::journal::{Journal, JournalError, JournalResult};
use crate::mailbox::control::{HoldLine, Line, Refused, RefusedReason, Selector, TotalLine};
use crate::model::HOST_PLUGIN;
use crate::outbox::MAX_HOLDS;

/// Where the journal keeps the holds.
pub(in crate::app) const HOLDS: &str = "outbox-holds";

/// Reads the holds that the journal keeps.
pub(in crate::app) async fn read_holds(journal: &dyn Journal) -> JournalResult<Vec<Selector>> {
    Ok(parse_holds(journal.host_value(HOLDS).await?.as_deref()))
}

/// Reads the text of the holds.
pub(in crate::app) fn parse_holds(text: Option<&str>) -> Vec<Selector> {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        return Vec::new();
    }
    serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::error!(%error, "holds of the outbox cannot be read; there are none");
        Vec::new()
    })
}

async fn write_holds(host: &Host, holds: &[Selector]) -> Result<(), Refused> {
    let text = serde_json::to_string(holds).unwrap_or_default();
    let written = host.journal().set_host_value(HOLDS, &text).await;
    let written = written.map_err(failed)?;
    written.durable.wait().await.map_err(failed)
}

/// Checks that what is meant is known: a slip of the pen would hold nothing, and say that it does.
///
/// A bot or plugin that is gone from the settings is known while it has something to send.
pub(super) fn check(host: &Host, selector: &Selector) -> Result<(), Refused> {
    if let Some(bot) = &selector.bot {
        let mut known = host.sessions().bots().into_iter().map(|bot| bot.name);
        let status = host.outbox().status();
        if !known.any(|name| name == *bot) && !status.iter().any(|own| *own.bot == **bot) {
            return Err(unknown_bot(bot));
        }
    }
    if let Some(plugin) = &selector.plugin
        && plugin != HOST_PLUGIN
    {
        let known = host.plugins().lines();
        let all = Selector::default();
        let is_known = known.iter().any(|line| line.plugin == *plugin)
            || host
                .outbox()
                .broadcasts(&all)
                .iter()
                .any(|it| it.plugin == *plugin)
            || host
                .outbox()
                .lanes(&all, 0)
                .iter()
                .any(|it| it.plugin == *plugin);
        if !is_known {
            let text = format!("there is no plugin {plugin}; `parlor plugins` lists them");
            return Err(refused(RefusedReason::NotFound, text));
        }
    }
    Ok(())
}

/// Lists holds, broadcasts and lanes.
pub(super) fn list(host: &Host, selector: &Selector) -> Vec<Line> {
    let outbox = host.outbox();
    let mut lines = holds_of(host, selector);
    lines.extend(outbox.broadcasts(selector).into_iter().map(Line::Broadcast));
    let lanes = outbox.lanes(selector, clock::now());
    lines.extend(lanes.into_iter().map(Line::Lane));
    lines
}

/// Lets parts wait; tells what waits now, and whether that is a change.
pub(super) async fn hold(host: &Host, selector: Selector) -> Result<(Vec<Line>, bool), Refused> {
    let _turn = host.holds_turn().await;
    let mut holds = host.outbox().holds();
    let is_new = !holds.contains(&selector);
    if is_new {
        if holds.len() >= MAX_HOLDS {
            let text = format!("there are {MAX_HOLDS} holds already; release some");
            return Err(refused(RefusedReason::Failed, text));
        }
        holds.push(selector.clone());
        write_holds(host, &holds).await?;
        host.outbox().set_holds(holds);
    }
    let lanes = host.outbox().lanes(&selector, clock::now());
    let total = TotalLine {
        held: lanes.iter().map(|lane| lane.parts).sum(),
        ..TotalLine::default()
    };
    let hold = Line::Hold(HoldLine {
        held: selector,
        released: false,
    });
    Ok((vec![hold, Line::Total(total)], is_new))
}

/// Ends the holds that are meant, and tells those that still hold something of it.
pub(super) async fn release(
    host: &Host,
    selector: &Selector,
) -> Result<(Vec<Line>, bool), Refused> {
    let _turn = host.holds_turn().await;
    let holds = host.outbox().holds();
    let (ended, kept): (Vec<Selector>, Vec<Selector>) =
        holds.into_iter().partition(|held| selector.covers(held));
    if !ended.is_empty() {
        write_holds(host, &kept).await?;
        host.outbox().set_holds(kept);
    }
    let is_changed = !ended.is_empty();
    let mut lines: Vec<Line> = ended
        .into_iter()
        .map(|held| {
            Line::Hold(HoldLine {
                held,
                released: true,
            })
        })
        .collect();
    lines.extend(holds_of(host, selector));
    Ok((lines, is_changed))
}

/// Gives up what waits.
pub(super) async fn drop_outbox(
    host: &Host,
    selector: &Selector,
) -> Result<(Vec<Line>, TotalLine), Refused> {
    let dropped = host.outbox().drop_parts(selector).await.map_err(failed)?;
    let total = dropped.total.clone();
    let mut lines: Vec<Line> = vec![Line::Total(dropped.total)];
    lines.extend(dropped.broadcasts.into_iter().map(Line::Broadcast));
    lines.extend(dropped.lanes.into_iter().map(Line::Dropped));
    Ok((lines, total))
}

/// The holds that concern what is meant.
fn holds_of(host: &Host, selector: &Selector) -> Vec<Line> {
    let holds = host.outbox().holds().into_iter();
    let holds = holds.filter(|held| held.meets(selector));
    holds
        .map(|held| {
            Line::Hold(HoldLine {
                held,
                released: false,
            })
        })
        .collect()
}

fn failed(error: JournalError) -> Refused {
    refused(RefusedReason::Failed, error.to_string())
}
