//! Finds bot and conversation of an action.

use std::sync::Arc;

use super::{ListedAction, Refusal, TurnContext};
use crate::mailbox::Connector;
use crate::model::Name;
use crate::model::action::{Action, ActionKind, Target};

/// Where an action is performed.
pub(super) struct Place {
    pub(super) bot: Name,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) conversations: Where,
}

/// In which conversations.
pub(super) enum Where {
    /// One; empty where it is not known yet or there is none.
    One(Name),
    /// A broadcast's.
    Many(Vec<Name>),
}

/// Finds places, and remembers the event's own.
pub(super) struct Places<'a> {
    context: &'a TurnContext<'a>,
    conversation: Option<Name>,
    own: Option<(Name, Arc<dyn Connector>)>,
}

impl<'a> Places<'a> {
    pub(super) fn new(context: &'a TurnContext<'a>) -> Self {
        let delivery = context.delivery;
        let conversation = delivery.event.conversation.as_ref().map(|conversation| {
            if *delivery.lane == *conversation.id {
                Name::clone(&delivery.lane)
            } else {
                Name::from(conversation.id.as_str())
            }
        });
        Self {
            context,
            conversation,
            own: None,
        }
    }

    /// The event's conversation; empty where there is none.
    pub(super) fn event_conversation(&self) -> Name {
        self.conversation.clone().unwrap_or_else(|| Name::from(""))
    }

    /// Finds an action's place and writes the event's conversation in where it names none.
    pub(super) fn find(&mut self, at: ListedAction, action: &mut Action) -> Result<Place, Refusal> {
        let (bot, connector) = self.bot(at, action.bot.as_deref())?;
        let own = self.conversation.as_ref();
        let need = || own.cloned().ok_or(Refusal::NoConversation(at));
        let fill = |named: &mut Option<String>| match named {
            Some(named) => Ok(Name::from(named.as_str())),
            None => {
                let conversation = need()?;
                *named = Some(conversation.to_string());
                Ok(conversation)
            }
        };
        let conversation = match &mut action.kind {
            ActionKind::Send(send) => match &mut send.target {
                Target::Conversations(targets) => {
                    let targets = targets.iter().map(|id| Name::from(id.as_str())).collect();
                    send.target = Target::Reply;
                    return Ok(Place {
                        bot,
                        connector,
                        conversations: Where::Many(targets),
                    });
                }
                Target::Reply => {
                    let conversation = need()?;
                    send.target = Target::Conversation(conversation.to_string());
                    if send.thread.is_none() {
                        let event = &self.context.delivery.event;
                        let place = event.conversation.as_ref();
                        send.thread = place.and_then(|place| place.thread.clone());
                    }
                    conversation
                }
                Target::Conversation(id) => match own.filter(|own| ***own == **id) {
                    Some(own) => Name::clone(own),
                    None => Name::from(id.as_str()),
                },
                Target::User(_) | Target::Users(_) | Target::Email(_) => Name::from(""),
            },
            ActionKind::Typing(_) => need()?,
            ActionKind::Edit(_) | ActionKind::Delete(_) | ActionKind::React(_) => {
                self.event_conversation()
            }
            ActionKind::Join(named) | ActionKind::Leave(named) | ActionKind::Close(named) => {
                fill(named)?
            }
            ActionKind::Invite(what)
            | ActionKind::Remove(what)
            | ActionKind::Promote(what)
            | ActionKind::Demote(what) => fill(&mut what.conversation)?,
            ActionKind::UpdateConversation(what) => fill(&mut what.conversation)?,
            ActionKind::Transfer(what) => fill(&mut what.conversation)?,
            ActionKind::Tag(what) => fill(&mut what.conversation)?,
            ActionKind::CreateConversation(_)
            | ActionKind::AcceptContact(_)
            | ActionKind::RejectContact(_)
            | ActionKind::RequestContact(_)
            | ActionKind::RemoveContact(_)
            | ActionKind::SetPresence(_)
            | ActionKind::Request(_)
            | ActionKind::SetTimer(_)
            | ActionKind::CancelTimer(_) => Name::from(""),
            ActionKind::Other(_) => self.event_conversation(),
        };
        Ok(Place {
            bot,
            connector,
            conversations: Where::One(conversation),
        })
    }

    fn bot(
        &mut self,
        at: ListedAction,
        named: Option<&str>,
    ) -> Result<(Name, Arc<dyn Connector>), Refusal> {
        let event = &self.context.delivery.event;
        let own = event.bot.as_ref().map(|bot| bot.name.as_str());
        let name = match named.or(own) {
            Some(name) => name,
            None => return self.only_bot(at),
        };
        if let Some((bot, connector)) = self.own.as_ref().filter(|(bot, _)| **bot == *name) {
            return Ok((Name::clone(bot), Arc::clone(connector)));
        }
        let connector = self.connector(at, name)?;
        let bot = Name::from(name);
        self.own = Some((Name::clone(&bot), Arc::clone(&connector)));
        Ok((bot, connector))
    }

    /// The tenant's bot, where it has one only.
    fn only_bot(&self, at: ListedAction) -> Result<(Name, Arc<dyn Connector>), Refusal> {
        let mut bots = self.context.connectors.bots(&self.context.delivery.tenant);
        match (bots.pop(), bots.is_empty()) {
            (Some(bot), true) => {
                let connector = self.connector(at, &bot)?;
                Ok((bot, connector))
            }
            _ => Err(Refusal::NoBot(at)),
        }
    }

    fn connector(&self, at: ListedAction, bot: &str) -> Result<Arc<dyn Connector>, Refusal> {
        let tenant = &self.context.delivery.tenant;
        let found = self.context.connectors.connector(tenant, bot);
        found.ok_or_else(|| Refusal::UnknownBot {
            at,
            bot: bot.to_owned(),
        })
    }
}
