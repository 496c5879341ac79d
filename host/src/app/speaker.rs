//! The built-in plugin `host`: what the host says itself is a delivery of it, committed and sent like any other.

use async_trait::async_trait;

use crate::journal::StateDelta;
use crate::model::action::{Action, ActionKind, Fallback, Send, Target};
use crate::model::content::Content;
use crate::model::delivery::{Delivery, View};
use crate::model::event::Visibility;
use crate::runtime::guest::{Build, CallEnd, Called, Fault, Instance, Spent};

/// Makes instances of the built-in plugin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Speaker;

#[async_trait]
impl Build for Speaker {
    async fn instantiate(&self) -> Result<Box<dyn Instance>, Fault> {
        Ok(Box::new(*self))
    }
}

#[async_trait]
impl Instance for Speaker {
    async fn handle(self: Box<Self>, delivery: Delivery) -> Called {
        let actions = match delivery.view {
            View::Say(blocks) => vec![reply(Content::Blocks(blocks))],
            View::Act(actions) => actions,
            _ => Vec::new(),
        };
        Called {
            end: CallEnd::Done(actions),
            state: StateDelta::default(),
            spent: Spent::default(),
            instance: Some(self),
        }
    }
}

fn reply(content: Content) -> Action {
    Action {
        key: None,
        bot: None,
        as_user: None,
        kind: ActionKind::Send(Send {
            target: Target::Reply,
            content,
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        }),
    }
}
