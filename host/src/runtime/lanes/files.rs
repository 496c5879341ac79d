//! Files that a list sends: their bytes go beside the journal before the commit that names them.

use std::sync::Arc;

use crate::journal::{HeldFile, Journal, JournalResult};
use crate::model::action::{Action, ActionKind, KeptFile, OutgoingAttachment};
use crate::runtime::turn::TurnDraft;

/// Puts the bytes of all files where the journal keeps them, and names in their place. What comes
/// back holds them there until a turn that names them is ordered.
pub(super) async fn keep(
    journal: &dyn Journal,
    draft: &mut TurnDraft,
) -> JournalResult<Vec<HeldFile>> {
    let mut held = Vec::new();
    // Parts of one action may share it.
    let mut done: Option<(Arc<Action>, Arc<Action>)> = None;
    let parts = draft.parts.iter_mut().map(|part| &mut part.action);
    let broadcasts = draft.broadcasts.iter_mut();
    let broadcasts = broadcasts.flat_map(|broadcast| &mut broadcast.actions);
    for action in parts.chain(broadcasts) {
        if !has_bytes(action) {
            continue;
        }
        if let Some((_, kept)) = done
            .as_ref()
            .filter(|(original, _)| Arc::ptr_eq(original, action))
        {
            *action = Arc::clone(kept);
            continue;
        }
        let original = Arc::clone(action);
        keep_action(journal, action, &mut held).await?;
        done = Some((original, Arc::clone(action)));
    }
    Ok(held)
}

async fn keep_action(
    journal: &dyn Journal,
    action: &mut Arc<Action>,
    held: &mut Vec<HeldFile>,
) -> JournalResult<()> {
    let ActionKind::Send(send) = &mut Arc::make_mut(action).kind else {
        return Ok(());
    };
    for attachment in &mut send.attachments {
        let OutgoingAttachment::File(file) = attachment else {
            continue;
        };
        let Some(kept) = journal.keep_file(&file.bytes).await? else {
            // This journal keeps everything in its records.
            return Ok(());
        };
        *attachment = OutgoingAttachment::Kept(KeptFile {
            name: std::mem::take(&mut file.name),
            media_type: std::mem::take(&mut file.media_type),
            sha256: kept.sha256.clone(),
            size: file.bytes.len() as u64,
        });
        held.push(kept);
    }
    Ok(())
}

fn has_bytes(action: &Action) -> bool {
    let ActionKind::Send(send) = &action.kind else {
        return false;
    };
    let is_file =
        |attachment: &OutgoingAttachment| matches!(attachment, OutgoingAttachment::File(_));
    send.attachments.iter().any(is_file)
}
