//! Files that are kept beside the journal are read when their message is sent, and not before.

use std::sync::Arc;

use crate::journal::{Journal, JournalResult, Part};
use crate::model::action::{ActionKind, File, OutgoingAttachment};

/// Gives a part with the bytes of its files; none where it has none beside the journal.
pub(super) async fn load(journal: &dyn Journal, part: &Part) -> JournalResult<Option<Part>> {
    let ActionKind::Send(send) = &part.what.action.kind else {
        return Ok(None);
    };
    let is_kept = |file: &OutgoingAttachment| matches!(file, OutgoingAttachment::Kept(_));
    if !send.attachments.iter().any(is_kept) {
        return Ok(None);
    }
    let mut part = part.clone();
    let ActionKind::Send(send) = &mut Arc::make_mut(&mut part.what.action).kind else {
        return Ok(None);
    };
    for attachment in &mut send.attachments {
        if let OutgoingAttachment::Kept(kept) = attachment {
            let bytes = journal.kept_file(&kept.sha256).await?;
            *attachment = OutgoingAttachment::File(File {
                name: std::mem::take(&mut kept.name),
                media_type: std::mem::take(&mut kept.media_type),
                bytes,
            });
        }
    }
    Ok(Some(part))
}
