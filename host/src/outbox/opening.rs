//! Messages with a form or buttons that people may see already, while the host does not know what they
//! are called: whoever answers one faster than the platform answers the host must not be turned away.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::journal::{Part, PartNumber};
use crate::model::Name;
use crate::model::action::ActionKind;
use crate::model::content::{Block, Content};

/// How long an answer waits for what it may be an answer to. One whose end is in doubt is asked for
/// after ten seconds.
const WAIT: Duration = Duration::from_secs(20);

/// Where a message goes: tenant, bot and conversation.
type Place = (Name, Name, Name);

/// The parts that are under way, or in doubt, and open something.
#[derive(Default)]
pub(super) struct Opening {
    under_way: Mutex<BTreeMap<PartNumber, Place>>,
    ended: Notify,
}

impl Opening {
    /// Takes a part that is being sent.
    pub(super) fn begin(&self, part: &Part) {
        if opens(part) {
            let place = (
                Name::clone(&part.tenant),
                Name::clone(&part.what.bot),
                Name::clone(&part.what.conversation),
            );
            self.under_way.lock().insert(part.number, place);
        }
    }

    /// Takes that it is known what became of a part.
    pub(super) fn end(&self, part: PartNumber) {
        if self.under_way.lock().remove(&part).is_some() {
            self.ended.notify_waiters();
        }
    }

    /// Tells whether nothing is under way: nearly always so.
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.lock().is_empty()
    }

    /// Waits until it is known of all that are under way now and that are meant, or for long enough;
    /// no longer than something has not come about.
    pub(super) async fn wait(
        &self,
        is_meant: impl Fn(&Place) -> bool,
        is_there: impl Fn() -> bool,
    ) {
        let meant: Vec<PartNumber> = {
            let under_way = self.under_way.lock();
            let meant = under_way.iter().filter(|(_, place)| is_meant(place));
            meant.map(|(number, _)| *number).collect()
        };
        let is_open = || {
            let under_way = self.under_way.lock();
            meant.iter().any(|number| under_way.contains_key(number))
        };
        let known = async {
            loop {
                let ended = self.ended.notified();
                if is_there() || !is_open() {
                    return;
                }
                ended.await;
            }
        };
        if !meant.is_empty() && tokio::time::timeout(WAIT, known).await.is_err() {
            tracing::warn!("an answer waited in vain for a message whose end is in doubt");
        }
    }
}

/// Tells whether something can be used under the message of a part; rather once too often.
fn opens(part: &Part) -> bool {
    let content = match &part.what.action.kind {
        ActionKind::Send(send) => &send.content,
        ActionKind::Edit(edit) => &edit.content,
        _ => return false,
    };
    match content {
        Content::Blocks(blocks) => blocks.iter().any(|block| match block {
            Block::Form(_) | Block::Buttons(_) => true,
            Block::Card(card) => !card.buttons.is_empty(),
            _ => false,
        }),
        Content::MessageMl(text) => text.contains("<form") || text.contains("<button"),
        Content::Plain(_) | Content::Markdown(_) => false,
    }
}
