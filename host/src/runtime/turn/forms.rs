//! Gives each form a message of its own: a submission names the message that it answers.

use crate::model::action::{Action, ActionKind};
use crate::model::content::{Block, Content};

/// Splits a message with several forms; what stands above a form goes with it.
pub(super) fn one_each(mut action: Action) -> Result<Vec<Action>, String> {
    let ActionKind::Send(send) = &mut action.kind else {
        return Ok(vec![action]);
    };
    let Content::Blocks(blocks) = &mut send.content else {
        return Ok(vec![action]);
    };
    let is_form = |block: &Block| matches!(block, Block::Form(_));
    if blocks.iter().filter(|block| is_form(block)).count() < 2 {
        return Ok(vec![action]);
    }
    if !send.attachments.is_empty() {
        return Err("a message with attachments has one form at most".to_owned());
    }
    let mut groups: Vec<Vec<Block>> = vec![Vec::new()];
    let mut left = blocks.iter().filter(|block| is_form(block)).count();
    for block in std::mem::take(blocks) {
        let ends_group = is_form(&block) && left > 1;
        left -= usize::from(is_form(&block));
        if let Some(group) = groups.last_mut() {
            group.push(block);
        }
        if ends_group {
            groups.push(Vec::new());
        }
    }
    let actions = groups.into_iter().map(|group| {
        let mut part = action.clone();
        if let ActionKind::Send(send) = &mut part.kind {
            send.content = Content::Blocks(group);
        }
        part
    });
    Ok(actions.collect())
}
