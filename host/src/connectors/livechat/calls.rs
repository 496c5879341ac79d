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
use super::missed::Unheard;
use super::places::chat_of;
use super::wire::{Chat, Envelope};
use crate::mailbox::calls::{Call, CallAnswer, CallHead, CallRefusal, Called};
use crate::mailbox::{Incoming, Intake, offer_now};
use crate::model::secret::Secret;

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

    fn turned_away(&self) {
        if !self.is_left.load(Ordering::Acquire) {
            self.miss();
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
        let own = self.config.webhook_secret.as_ref().map(Secret::expose);
        let now = self.now();
        let is_one = self.store.with(|kept| {
            let of_licences = kept.licences.values();
            let of_licences = of_licences.filter_map(|licence| licence.hook_secret.as_deref());
            let own = own.or(kept.hook_secret.as_deref());
            // Webhooks that were registered with another show it until the platform has forgotten them.
            let old = kept.old_hook_secret.as_deref();
            let old = old.filter(|_| kept.old_until > now);
            let mut is_one = subtle::Choice::from(0);
            for known in own.into_iter().chain(old).chain(of_licences) {
                is_one |= known.as_bytes().ct_eq(shown.as_bytes());
            }
            is_one
        });
        bool::from(is_one) && !shown.is_empty()
    }

    /// The licence that a webhook is of.
    fn licence_of(&self, envelope: &Envelope) -> Option<Arc<Licence>> {
        let named = envelope.licences.iter();
        if let Some(licence) = named.filter_map(|id| self.licence(id)).next() {
            return Some(licence);
        }
        let all = self.licences();
        let is_named = |licence: &&Arc<Licence>| {
            let mut named = envelope.licences.iter();
            named.any(|id| id.eq_ignore_ascii_case(&licence.id))
        };
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
            // Settings may write it in capitals.
            (false, all) => all.iter().find(is_named).cloned(),
        }
    }

    async fn take_hook(&self, envelope: &Envelope, intake: &dyn Intake) -> CallAnswer {
        // A bot that is paused hears nothing; what it missed is read back when it goes on.
        if self.is_left.load(Ordering::Acquire) {
            return CallAnswer::Later;
        }
        let Some(licence) = self.licence_of(envelope) else {
            // Of a licence that the app is on and the bot is not: nobody waits for it.
            if !self.told_other.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    bot = self.name(),
                    action = envelope.action,
                    licences = envelope.licences.join(","),
                    "webhooks of a licence that the bot is not on are left out"
                );
            }
            return CallAnswer::Taken;
        };
        let unheard = Unheard::new(self);
        let bot = self.bot_on(&licence.id);
        let chat = chat_of(&envelope.payload).map(|chat| ChatId::new(&chat, &licence.id));
        // One after the other within a chat, so that what comes first is told first.
        let _turn = match &chat {
            Some(chat) => Some(self.missed.turn(chat).await),
            None => None,
        };
        let mut events = match &chat {
            Some(chat) => self.catch_up(&licence, chat).await,
            None => Vec::new(),
        };
        self.places.learn_hook(&licence.id, &bot.user_id, envelope);
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
        let told = events_from_hook(&around, envelope).into_iter();
        let is_new = |event: &Incoming| events.iter().all(|past| past.key != event.key);
        let told: Vec<Incoming> = told.filter(is_new).collect();
        events.extend(told);
        match self.offer(events, intake).await {
            true => {
                unheard.end();
                CallAnswer::Taken
            }
            false => CallAnswer::Later,
        }
    }

    /// What happened in a chat since nobody listened, to be told before what happens now. What is not
    /// known in time is read later: it counts as much, and no order is worth a message.
    async fn catch_up(&self, licence: &Licence, chat: &ChatId) -> Vec<Incoming> {
        let now = self.now();
        let Some(since) = self
            .missed
            .since(chat, now)
            .filter(|_| licence.answers(now))
        else {
            return Vec::new();
        };
        let past = tokio::time::timeout(LOOK_UP, self.past_of(licence, chat, since)).await;
        match past {
            Ok(Ok(events)) => {
                self.missed.catch_up(chat);
                events
            }
            Ok(Err(error)) => {
                tracing::debug!(bot = self.name(), %error, "chat not read back yet");
                match error.is_about_the_asked() {
                    // There is nothing in it for the bot.
                    true => {
                        self.missed.catch_up(chat);
                        self.places.note_asked(chat);
                    }
                    false => licence.note_silence(&error, now),
                }
                Vec::new()
            }
            Err(_) => {
                licence.note_timeout(now);
                Vec::new()
            }
        }
    }

    /// Asks who is in a chat that was never told of, as behind a restart. What is not known in time is
    /// left out: the message counts more.
    pub(super) async fn look_up(&self, licence: &Licence, chat: &ChatId) {
        let now = self.now();
        if self.places.knows(chat) || !licence.answers(now) {
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
                self.places.note_asked(chat);
            }
            Ok(Err(error)) => {
                tracing::debug!(bot = self.name(), %error, "chat not looked up");
                match error.is_about_the_asked() {
                    true => self.places.note_asked(chat),
                    false => licence.note_silence(&error, now),
                }
            }
            Err(_) => {
                tracing::debug!(bot = self.name(), "chat not looked up in time");
                licence.note_timeout(now);
            }
        }
    }

    /// Hands events over; tells whether all are on disk.
    pub(super) async fn offer(&self, events: Vec<Incoming>, intake: &dyn Intake) -> bool {
        if let Err(error) = offer_now(intake, events).await {
            // What was taken is known when it comes again.
            tracing::debug!(bot = self.name(), %error, "webhook not taken");
            return false;
        }
        self.heard();
        true
    }
}
