//! The local platform: rooms, direct conversations, customer chats and users of our own.
//!
//! `hub` is the platform, in this process; the rest is its connector, like that of any other.

pub mod config;
pub mod convert;
pub mod hub;
pub mod reads;
pub mod render;
mod rest;
pub mod send;
mod session;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use config::LocalConfig;
pub use hub::Hub;
pub use rest::conversations_at_rest;

use self::convert::PLATFORM;
use self::hub::HubBot;
use self::send::{Plan, part_id, plan_action, send_error};
use crate::content::hosted::Shows;
use crate::journal::{Part, Sent};
use crate::mailbox::rooms::{Command, RoomsError};
use crate::mailbox::session::{BotTuning, Session, SessionEnd, Watch};
use crate::mailbox::{Connector, Intake, Pace, Read, ReadAnswer, SendError};
use crate::model::Name;
use crate::model::action::{Action, ActionKind, Target};
use crate::model::directory::{ConversationCapabilities, ReadError};
use crate::model::event::Bot;

/// One bot on the local platform.
#[derive(Debug)]
pub struct LocalConnector {
    tenant: Name,
    bot: Bot,
    user: HubBot,
    hub: Hub,
    /// It shows text only.
    text_only: AtomicBool,
    /// Its messages can be changed.
    edits: AtomicBool,
    /// Without settings it goes as fast as it can: the platform is in this process.
    pace: ArcSwap<Pace>,
}

impl LocalConnector {
    /// Makes the bot known on the platform.
    ///
    /// # Errors
    /// When its name cannot be used, or the platform's log cannot be written.
    pub fn new(hub: Hub, tenant: Name, name: &str, display_name: &str) -> Result<Self, RoomsError> {
        let user = hub.attach(name, display_name)?;
        Ok(Self {
            tenant,
            bot: Bot {
                name: name.to_owned(),
                platform: PLATFORM.to_owned(),
                user_id: user.user.id.to_string(),
                display_name: display_name.to_owned(),
            },
            user,
            hub,
            text_only: AtomicBool::new(false),
            edits: AtomicBool::new(true),
            pace: ArcSwap::from_pointee(Pace::FREE),
        })
    }

    fn is_text_only(&self) -> bool {
        self.text_only.load(Ordering::Relaxed)
    }

    fn edits(&self) -> bool {
        self.edits.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connector for LocalConnector {
    fn bot(&self) -> Bot {
        self.bot.clone()
    }

    fn pace(&self) -> Pace {
        **self.pace.load()
    }

    fn shows(&self) -> Shows {
        match self.is_text_only() {
            true => Shows::NONE,
            false => Shows::ALL,
        }
    }

    /// The hub keeps what became of each part, with the message itself.
    fn performs_once(&self) -> bool {
        true
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        match action.kind {
            ActionKind::Send(mut send) if matches!(send.target, Target::Conversations(_)) => {
                let Target::Conversations(conversations) =
                    std::mem::replace(&mut send.target, Target::Reply)
                else {
                    return Vec::new();
                };
                conversations
                    .into_iter()
                    .map(|conversation| {
                        let mut send = send.clone();
                        send.target = Target::Conversation(conversation);
                        Action {
                            key: action.key.clone(),
                            bot: action.bot.clone(),
                            as_user: action.as_user.clone(),
                            kind: ActionKind::Send(send),
                        }
                    })
                    .collect()
            }
            // Everything else is one request, however long.
            _ => vec![action],
        }
    }

    async fn perform(&self, part: &Part) -> Result<Sent, SendError> {
        self.perform_noted(part, &[]).await
    }

    async fn perform_noted(&self, part: &Part, before: &[String]) -> Result<Sent, SendError> {
        if !self.edits() && matches!(part.what.action.kind, ActionKind::Edit(_)) {
            let detail = format!("`edits` is off for the bot {}", self.bot.name);
            return Err(SendError::WillNotEdit(detail));
        }
        let id = part_id(part);
        let (plan, notes) = plan_action(
            &self.bot.user_id,
            &part.what.conversation,
            &part.what.action,
            self.is_text_only(),
        )?;
        let command = match plan {
            Plan::One(command) => *command,
            Plan::OpenAndSay(open, mut say) => {
                let opened = self
                    .hub
                    .act_as_bot(&self.user, None, *open)
                    .map_err(send_error)?;
                say.conversation = opened
                    .conversation
                    .map_or_else(String::new, |c| c.to_string());
                Command::Say(*say)
            }
        };
        let shown = [before, &notes].concat();
        let done = self
            .hub
            .act_with_notes(&self.user, Some(id), command, &shown);
        let done = done.map_err(send_error)?;
        Ok(Sent {
            notes,
            ..sent(done)
        })
    }

    async fn find_sent(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        Ok(self.hub.performed(&part_id(part)).map(sent))
    }

    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        let answer = reads::answer(&self.hub, &self.bot, self.edits(), read)?;
        Ok(match answer {
            ReadAnswer::Capabilities(shown) if self.is_text_only() => {
                ReadAnswer::Capabilities(ConversationCapabilities {
                    forms: false,
                    ..shown
                })
            }
            answer => answer,
        })
    }
}

fn sent(done: crate::mailbox::rooms::Done) -> Sent {
    Sent {
        message: done.message.map(|id| id.to_string()),
        conversation: done.conversation.map(|id| id.to_string()),
        notes: Vec::new(),
        was_member: done.was_member,
    }
}

#[async_trait]
impl Session for LocalConnector {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        watch.connected();
        self.hear(intake, stop.cancelled()).await;
        SessionEnd::Stopped
    }

    fn tune(&self, tuning: BotTuning) {
        self.text_only.store(tuning.text_only, Ordering::Relaxed);
        self.pace.store(Arc::new(Pace::FREE.tuned(&tuning)));
        self.edits.store(tuning.edits, Ordering::Relaxed);
    }

    /// It holds no user up then.
    fn leave(&self) {
        self.hub.leave(&self.user);
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        self.hub.quiet(&self.user)
    }
}
