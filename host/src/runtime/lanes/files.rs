//! Files that a list sends: their bytes go beside the journal before the commit that names them.

use std::sync::Arc;

use crate::journal::{HeldFile, Journal, JournalResult, NewPart};
use crate::model::action::{Action, ActionKind, KeptFile, OutgoingAttachment};

/// Puts the bytes of all files where the journal keeps them, and names in their place. What comes
/// back holds them there until a turn that names them is ordered.
pub(super) async fn keep(
    journal: &dyn Journal,
    parts: &mut [NewPart],
) -> JournalResult<Vec<HeldFile>> {
    let mut held = Vec::new();
    // Parts of one action may share it, as those of a broadcast do.
    let mut done: Option<(Arc<Action>, Arc<Action>)> = None;
    for part in parts {
        if !has_bytes(&part.action) {
            continue;
        }
        if let Some((_, kept)) = done
            .as_ref()
            .filter(|(original, _)| Arc::ptr_eq(original, &part.action))
        {
            part.action = Arc::clone(kept);
            continue;
        }
        let original = Arc::clone(&part.action);
        keep_action(journal, &mut part.action, &mut held).await?;
        done = Some((original, Arc::clone(&part.action)));
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
