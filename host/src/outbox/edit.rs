//! Edits where the platform will not edit: sent anew, left, or failed, as the action says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::bot::{Item, Next};
use super::perform::{JOURNAL_WAIT, Performed, Performing};
use crate::content::hosted::Hosted;
use crate::content::led_by;
use crate::journal::{Part, Sent, SentAs};
use crate::mailbox::{Connector, SendError};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Edit, EditRule, Fallback, MessageRef, Send, Target,
};
use crate::model::payload::ActionError;

/// Messages whose last repost is remembered; above that the oldest are forgotten.
const REMEMBERED: usize = 10_000;
const LEFT: &str = "left as it was: the platform will not edit";
const ANEW: &str = "sent anew: the platform will not edit";
const NOT_OWN: &str =
    "the platform will not edit, and this is not known as a message of the plugin's";

/// What the host says where it sends a message anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditSentences {
    /// Before a message that stands for an edit. Empty says nothing.
    pub updated: String,
}

impl Default for EditSentences {
    fn default() -> Self {
        Self {
            updated: "Updated:".to_owned(),
        }
    }
}

/// When each message was last sent anew, by tenant, bot and message.
#[derive(Default)]
pub(super) struct Reposts {
    last: Mutex<HashMap<(Name, Name, String), Instant>>,
}

impl Reposts {
    /// Tells when a message may be sent anew; none: now.
    fn wait(&self, part: &Part, message: &str, gap: Duration) -> Option<Instant> {
        let last = self.last.lock().get(&key(part, message)).copied()?;
        let at = last + gap;
        (at > Instant::now()).then_some(at)
    }

    fn note(&self, part: &Part, message: &str, gap: Duration) {
        let now = Instant::now();
        let mut last = self.last.lock();
        if last.len() >= REMEMBERED {
            last.retain(|_, at| *at + gap > now);
        }
        if last.len() < REMEMBERED {
            last.insert(key(part, message), now);
        }
    }
}

fn key(part: &Part, message: &str) -> (Name, Name, String) {
    let bot = Name::clone(&part.what.bot);
    (Name::clone(&part.tenant), bot, message.to_owned())
}

/// An edit that the platform refused.
pub(super) struct Refused<'a> {
    /// The part, with the message that its key names.
    pub(super) part: &'a Part,
    pub(super) connector: &'a Arc<dyn Connector>,
    /// It already waits outside its lane.
    pub(super) is_aside: bool,
    /// What the host before this one, or a request before this one, came to is not known.
    pub(super) was_in_doubt: bool,
    pub(super) detail: String,
}

impl Performing<'_> {
    /// Follows an edit's rule.
    pub(super) async fn follow_rule(&self, item: &mut Item, refused: Refused<'_>) -> Next {
        let ActionKind::Edit(edit) = &refused.part.what.action.kind else {
            return self.failed(item, ActionError::Unsupported, refused.detail);
        };
        match edit.otherwise {
            EditRule::Fail => self.failed(item, ActionError::Unsupported, refused.detail),
            EditRule::Skip => {
                let sent = Sent {
                    notes: vec![LEFT.to_owned()],
                    ..Sent::default()
                };
                self.sent(item, Performed::new(refused.part, sent))
            }
            EditRule::Repost => self.repost(item, &refused, edit).await,
        }
    }

    async fn repost(&self, item: &mut Item, refused: &Refused<'_>, edit: &Edit) -> Next {
        let part = refused.part;
        let MessageRef::Id(message) = &edit.message else {
            return self.failed(item, ActionError::NotFound, NOT_OWN.to_owned());
        };
        let journal = &self.shared.journal;
        let found = journal
            .sent_message(&part.tenant, &part.plugin, &part.what.bot, message)
            .await;
        let old = match found {
            Ok(Some(old)) => old,
            Ok(None) => return self.failed(item, ActionError::Unsupported, NOT_OWN.to_owned()),
            Err(error) => {
                tracing::warn!(%error, "journal not read for an edit");
                return Next::Later(Instant::now() + JOURNAL_WAIT);
            }
        };
        let gap = self.shared.config.repost_gap;
        if let Some(at) = self.shared.reposts.wait(part, message, gap) {
            // What comes after it in its lane need not wait for it.
            return match refused.is_aside {
                true => Next::Later(at),
                false => Next::Aside(at, message.clone()),
            };
        }
        let conversation = Name::from(old.conversation.as_str());
        let updated = self.shared.config.sentences.load().edits.updated.clone();
        let send = message_of(edit, &updated, &conversation, &old.how);
        let action = Action {
            kind: ActionKind::Send(send),
            ..Action::clone(&part.what.action)
        };
        let mut first: Option<(Sent, Option<Hosted>)> = None;
        for (place, action) in (0u32..).zip(refused.connector.plan(action)) {
            let mut step = part.clone();
            step.what.part = part.what.part.saturating_add(place);
            step.what.conversation = Name::clone(&conversation);
            step.what.action = Arc::new(action);
            let (rendered, hosted) = self.render(&step, refused.connector);
            let request = rendered.as_deref().unwrap_or(&step);
            let notes = hosted.as_ref().map_or(&[][..], |hosted| &hosted.notes);
            match send_once(refused, request, notes).await {
                Ok(sent) => {
                    first.get_or_insert((sent, hosted));
                }
                Err(error) => return self.not_sent(item, error),
            }
        }
        let (mut sent, hosted) = first.unwrap_or_default();
        sent.notes.push(ANEW.to_owned());
        sent.conversation.get_or_insert(old.conversation);
        for message in [Some(message), sent.message.as_ref()].into_iter().flatten() {
            self.shared.reposts.note(part, message, gap);
        }
        let done = Performed {
            hosted,
            anew: Some(old.how),
            ..Performed::new(part, sent)
        };
        self.sent(item, done)
    }
}

/// Sends a part of what is sent anew, unless it is there already.
async fn send_once(
    refused: &Refused<'_>,
    step: &Part,
    notes: &[String],
) -> Result<Sent, SendError> {
    if refused.was_in_doubt
        && let Ok(Some(sent)) = refused.connector.find_sent(step).await
    {
        return Ok(sent);
    }
    refused.connector.perform_noted(step, notes).await
}

/// The message that takes the place of one that cannot be edited: nobody sees it who did not see that one.
fn message_of(edit: &Edit, updated: &str, conversation: &str, how: &SentAs) -> Send {
    Send {
        target: Target::Conversation(conversation.to_owned()),
        content: led_by(updated, &edit.content),
        attachments: Vec::new(),
        thread: how.thread.clone(),
        visibility: how.visibility,
        quiet: false,
        fallback: Fallback::Degrade,
    }
}
