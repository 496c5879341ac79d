//! What calls the bot: the platform's webhooks, and browsers that come back from the accounts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use subtle::ConstantTimeEq as _;

use super::convert::{Around, events_from_hook};
use super::core::Core;
use super::dialect::get_chat;
use super::ids::ChatId;
use super::licence::Licence;
use super::places::chat_of;
use super::wire::{Chat, Envelope};
use crate::mailbox::calls::{Call, CallAnswer, CallHead, CallRefusal, Called};
use crate::mailbox::{Incoming, Intake, offer_now};

/// How long the people of a chat are asked for while the platform waits for its answer, which it does
/// for about ten seconds.
const LOOK_UP: Duration = Duration::from_secs(4);

#[async_trait]
impl Called for Core {
    fn path(&self) -> Option<String> {
        let redirect = self.config.app.redirect.as_ref()?;
        Some(redirect.path().to_owned())
    }

    fn set_address(&self, address: Option<&str>) {
        self.address.send_if_modified(|known| {
            let is_new = known.as_deref() != address;
            if is_new {
                *known = address.map(str::to_owned);
            }
            is_new
        });
    }

    fn check_head(&self, head: &CallHead<'_>) -> Result<(), CallRefusal> {
        if !head.rest.is_empty() {
            return Err(CallRefusal::Unknown);
        }
        match *head.method {
            Method::POST => Ok(()),
            Method::GET if self.config.app.redirect.is_some() => Ok(()),
            _ => Err(CallRefusal::Method),
        }
    }

    fn check(&self, call: &Call) -> Result<(), CallRefusal> {
        if call.method == Method::GET {
            return self.check_redirect(call);
        }
        // What proves the platform is in the body: what cannot be read proves nothing.
        let envelope = Envelope::read(&call.body).ok_or(CallRefusal::NoProof)?;
        match self.is_secret(&envelope.secret) {
            true => Ok(()),
            false if envelope.secret.is_empty() => Err(CallRefusal::NoProof),
            false => Err(CallRefusal::WrongProof),
        }
    }

    async fn take(&self, call: Call, intake: &dyn Intake) -> CallAnswer {
        if call.method == Method::GET {
            return self.take_redirect(&call).await;
        }
        match Envelope::read(&call.body) {
            Some(envelope) => self.take_hook(&envelope, intake).await,
            None => CallAnswer::Unreadable,
        }
    }
}

impl Core {
    /// Whether a text is what webhooks show, in the same time whatever it is.
    fn is_secret(&self, shown: &str) -> bool {
        let kept = self.store.kept();
        let of_licences = kept.licences.values();
        let of_licences = of_licences.filter_map(|licence| licence.hook_secret.as_deref());
        let own = self.config.webhook_secret.as_ref();
        let own = own.map(crate::model::secret::Secret::expose);
        let own = own.or(kept.hook_secret.as_deref());
        let mut is_one = subtle::Choice::from(0);
        for known in own.into_iter().chain(of_licences) {
            is_one |= known.as_bytes().ct_eq(shown.as_bytes());
        }
        bool::from(is_one) && !shown.is_empty()
    }

    /// The licence that a webhook is of.
    fn licence_of(&self, envelope: &Envelope) -> Option<Arc<Licence>> {
        let named = envelope.licences.iter();
        if let Some(licence) = named.filter_map(|id| self.licence(id)).next() {
            return Some(licence);
        }
        let all = self.licences();
        let by_secret = || {
            let is_own = |licence: &&Arc<Licence>| {
                let known = self.store.licence(&licence.id).hook_secret;
                known.is_some_and(|known| known == envelope.secret)
            };
            all.iter().find(is_own).cloned()
        };
        match (envelope.licences.is_empty(), all.as_slice()) {
            (true, [only]) => Some(only.clone()),
            (true, _) => by_secret(),
            (false, _) => None,
        }
    }

    async fn take_hook(&self, envelope: &Envelope, intake: &dyn Intake) -> CallAnswer {
        // A bot that is paused hears nothing; what it missed is read back when it goes on.
        if self.is_left.load(Ordering::Acquire) {
            return CallAnswer::Later;
        }
        let Some(licence) = self.licence_of(envelope) else {
            // Of a licence that the app is on and the bot is not: nobody waits for it.
            tracing::debug!(
                bot = self.name(),
                action = envelope.action,
                "of another licence"
            );
            return CallAnswer::Taken;
        };
        let bot = self.bot_on(&licence.id);
        self.places.learn_hook(&licence.id, &bot.user_id, envelope);
        let chat = chat_of(&envelope.payload).map(|chat| ChatId::new(&chat, &licence.id));
        if let Some(chat) = &chat {
            self.look_up(&licence, chat).await;
        }
        let known = chat.as_ref().map(|chat| self.places.of(chat));
        let known = known.unwrap_or_default();
        let around = Around {
            tenant: &self.tenant,
            bot: &bot,
            licence: &licence.id,
            known: &known,
            repeats: &self.repeats,
            now: self.now(),
        };
        let events = events_from_hook(&around, envelope);
        match self.offer(events, intake).await {
            true => CallAnswer::Taken,
            false => CallAnswer::Later,
        }
    }

    /// Asks who is in a chat that was never told of, as behind a restart. What is not known in time is
    /// left out: the message counts more.
    pub(super) async fn look_up(&self, licence: &Licence, chat: &ChatId) {
        if self.places.knows(chat) {
            return;
        }
        let Some(call) = get_chat(self.config.version, &chat.chat, None) else {
            return;
        };
        let asked = tokio::time::timeout(LOOK_UP, self.ask(licence, &call)).await;
        match asked {
            Ok(Ok(answer)) => {
                if let Some(found) = Chat::read(&answer) {
                    let bot = self.bot_on(&licence.id).user_id;
                    self.places.learn_chat(&licence.id, &bot, &found);
                }
            }
            Ok(Err(error)) => tracing::debug!(bot = self.name(), %error, "chat not looked up"),
            Err(_) => tracing::debug!(bot = self.name(), "chat not looked up in time"),
        }
    }

    /// Hands events over; tells whether all are on disk.
    pub(super) async fn offer(&self, events: Vec<Incoming>, intake: &dyn Intake) -> bool {
        if let Err(error) = offer_now(intake, events).await {
            // What was taken is known when it comes again.
            tracing::debug!(bot = self.name(), %error, "webhook not taken");
            return false;
        }
        self.store.heard(self.now());
        true
    }
}
