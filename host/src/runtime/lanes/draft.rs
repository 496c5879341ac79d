//! From a list of actions to a turn: what the pure part needs to know is looked up here.

use std::collections::HashSet;

use super::Shared;
use crate::journal::JournalError;
use crate::model::action::Action;
use crate::model::delivery::Delivery;
use crate::runtime::turn::{self, Policy, Refusal, TurnContext, TurnDraft};

/// Makes a turn out of what a call returned.
pub(super) async fn draft(
    shared: &Shared,
    delivery: &Delivery,
    policy: &Policy,
    actions: Vec<Action>,
) -> Result<Result<TurnDraft, Refusal>, JournalError> {
    let parts = &shared.parts;
    let own_messages = own_messages(shared, delivery, policy, &actions).await?;
    let context = TurnContext {
        delivery,
        policy,
        connectors: &*parts.connectors,
        contents: &*parts.contents,
        own_messages: &own_messages,
        now: parts.clock.now(),
    };
    Ok(turn::build(actions, &context))
}

/// Finds out which messages that a list names by id the plugin has sent.
async fn own_messages(
    shared: &Shared,
    delivery: &Delivery,
    policy: &Policy,
    actions: &[Action],
) -> Result<HashSet<String>, JournalError> {
    let event = &delivery.event;
    let mut own = HashSet::new();
    // The list may be longer than is allowed, and is refused for that later.
    let most = policy.limits.actions as usize;
    for (action, id) in turn::named_messages(actions, event).take(most) {
        let event_bot = event.bot.as_ref().map(|bot| bot.name.as_str());
        let Some(bot) = action.bot.as_deref().or(event_bot) else {
            continue;
        };
        let journal = &shared.parts.journal;
        let found = journal
            .sent_message(&delivery.tenant, &delivery.plugin, bot, id)
            .await?;
        own.extend(found.map(|found| found.message));
    }
    Ok(own)
}
