//! A host on which a plugin is asked, alone with one person, and what is seen of it.

use std::collections::BTreeMap;

use super::kinds::{is_own, message, payload};
use super::{ContractSettings, Mistake};
use crate::app::clock::trace_id;
use crate::app::dialogs::build::TestedBuild;
use crate::app::dialogs::parse::CLOCK;
use crate::app::dialogs::run::{DialogMode, Running, Wrong};
use crate::app::dialogs::said::SaidWhat;
use crate::app::dialogs::script::{Dialog, StepKind};
use crate::app::dialogs::world::Most;
use crate::app::intake::Directed;
use crate::app::plugins::texts_of;
use crate::config::{Only, PluginSettings, check_plugin};
use crate::journal::EventKey;
use crate::mailbox::{Clock as _, Incoming, Intake as _};
use crate::model::DEFAULT_TENANT;
use crate::model::description::EventKind;
use crate::model::event::{Addressing, Conversation, ConversationKind, Event, User};
use crate::model::payload::EventPayload;

/// What is another than in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// Each event gets an instance of its own, and chance begins there.
    Fresh(u64),
    /// A list of actions is always too long.
    NoActions,
}

impl Change {
    fn apply(self, settings: &mut PluginSettings) {
        // Whom its operator lets use it, and where, is none of the plugin's.
        settings.allow.clear();
        settings.only = Only::default();
        match self {
            Self::None => {}
            Self::Fresh(_) => settings.fresh = true,
            Self::NoActions => settings.limits.actions = 0,
        }
    }
}

/// What came of something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// What was said, by the plugin or by the host.
    pub(super) said: Vec<String>,
    /// What failed.
    pub(super) failed: Vec<String>,
    /// Calls of the plugin.
    pub(super) calls: usize,
}

/// The host.
pub(super) struct Bench<'b> {
    running: Running<'b>,
    plugin: String,
    config: BTreeMap<String, String>,
    events: u64,
}

impl From<Wrong> for Mistake {
    fn from(wrong: Wrong) -> Self {
        Self::new(wrong.message)
    }
}

impl<'b> Bench<'b> {
    /// Starts a host with the plugin on it.
    pub(super) async fn open(
        build: &'b TestedBuild,
        settings: ContractSettings<'b>,
        change: Change,
    ) -> Result<Self, Mistake> {
        let seed = match change {
            Change::Fresh(seed) => seed,
            _ => 1,
        };
        let like = settings.dialog;
        let dialog = Dialog {
            name: "contract".to_owned(),
            line: like.map_or(1, |dialog| dialog.line),
            settings: like.and_then(|dialog| dialog.settings.clone()),
            seed,
            clock: like.map_or(CLOCK, |dialog| dialog.clock),
            roles: like.map(|dialog| dialog.roles.clone()).unwrap_or_default(),
            steps: Vec::new(),
        };
        let own = build.settings(settings.path, &dialog);
        let own = own
            .ok()
            .and_then(|own| check_plugin(&own, build.description()).ok());
        let config = texts_of(&own.unwrap_or_default());
        let path = settings.path;
        let begun = Running::begin_with(build, path, &dialog, DialogMode::Check, |own| {
            change.apply(own);
        });
        let mut running = begun.await?;
        // Whatever it asks others for is refused: it has to do without.
        running.answers.refuse_others();
        running.act(&StepKind::Direct).await?;
        Ok(Self {
            running,
            plugin: build.name().to_owned(),
            config,
            events: 0,
        })
    }

    /// Ends the host.
    pub(super) async fn close(self) {
        self.running.host.stop().await;
    }

    /// The values of the plugin's settings, as text.
    pub(super) fn config(&self) -> &BTreeMap<String, String> {
        &self.config
    }

    /// The most that a call has used so far.
    pub(super) fn used(&self) -> Most {
        self.running.world.calls().1
    }

    /// Says something to the bot alone.
    pub(super) async fn say(&mut self, text: &str) -> Result<Seen, Mistake> {
        let before = self.before();
        self.running.act(&StepKind::Say(text.to_owned())).await?;
        Ok(self.seen(before))
    }

    /// Has the platform bring a message, whatever it says.
    pub(super) async fn message(&mut self, text: &str) -> Result<Seen, Mistake> {
        let payload = EventPayload::Message(message(text));
        self.bring(payload, 1).await
    }

    /// Has the platform bring one message twice.
    pub(super) async fn message_twice(&mut self, text: &str) -> Result<Seen, Mistake> {
        let payload = EventPayload::Message(message(text));
        self.bring(payload, 2).await
    }

    /// Has an event of this kind come to the plugin.
    pub(super) async fn event_of(&mut self, kind: EventKind) -> Result<Seen, Mistake> {
        let event = self.event(EventPayload::Typing(false))?;
        let who = event.actor.clone().unwrap_or_else(|| User::of_id("ada"));
        let payload = payload(kind, &who);
        if !is_own(kind) {
            return self.bring(payload, 1).await;
        }
        let before = self.before();
        let event = Event { payload, ..event };
        let directed = Directed {
            tenant: DEFAULT_TENANT.into(),
            plugin: self.plugin.as_str().into(),
            key: EventKey::new(&["contract", &event.id]),
            event,
        };
        let taken = self.running.host.inbox().take_directed(directed).await;
        taken.map_err(|error| Mistake::new(error.to_string()))?;
        self.running.settle().await?;
        Ok(self.seen(before))
    }

    /// Bytes of state that the plugin has.
    pub(super) async fn state_bytes(&self) -> Result<u64, Mistake> {
        let journal = self.running.host.journal();
        let size = journal.state_size(DEFAULT_TENANT, &self.plugin).await;
        size.map_err(|error| Mistake::new(error.to_string()))
    }

    /// Requests that asked somebody outside to do something.
    pub(super) fn changed_outside(&self) -> Vec<String> {
        self.running.answers.with_made(|made| {
            let changing = made
                .iter()
                .filter(|it| !["GET", "HEAD", "OPTIONS"].contains(&it.request.method.as_str()));
            changing.map(|it| it.request.to_string()).collect()
        })
    }

    async fn bring(&mut self, payload: EventPayload, times: usize) -> Result<Seen, Mistake> {
        let before = self.before();
        let event = self.event(payload)?;
        for _ in 0..times {
            let incoming = Incoming {
                tenant: DEFAULT_TENANT.into(),
                key: EventKey::new(&["contract", &event.id]),
                event: event.clone(),
            };
            let taken = self.running.host.inbox().take(incoming).await;
            taken.map_err(|error| Mistake::new(error.to_string()))?;
        }
        self.running.settle().await?;
        Ok(self.seen(before))
    }

    /// An event of the person who is alone with the bot.
    fn event(&mut self, payload: EventPayload) -> Result<Event, Mistake> {
        self.events += 1;
        let running = &self.running;
        let now = running.clock.now();
        let missing = || Mistake::new("there is no direct conversation");
        let place = running.here_now().ok_or_else(missing)?;
        let bot = running.first_bot().ok_or_else(missing)?;
        let person = running
            .person_id(&running.acting.person)
            .ok_or_else(missing)?;
        Ok(Event {
            id: format!("contract:{}", self.events),
            sequence: 0,
            attempt: 1,
            occurred_at: now,
            received_at: now,
            bot: Some(bot),
            conversation: Some(Conversation::of_kind(&place, ConversationKind::Direct)),
            actor: Some(User {
                display_name: running.acting.person.clone(),
                ..User::of_id(&person)
            }),
            addressing: Addressing::Direct,
            cause: None,
            depth: 0,
            trace_id: trace_id(),
            extras: Vec::new(),
            raw: None,
            payload,
        })
    }

    fn before(&self) -> (usize, usize, usize) {
        let running = &self.running;
        let (calls, _) = running.world.calls();
        (running.heard.said.len(), running.failed.len(), calls)
    }

    fn seen(&self, (said, failed, calls): (usize, usize, usize)) -> Seen {
        let running = &self.running;
        let new = running.heard.said[said..].iter();
        let new = new.map(|it| &it.what).filter(|it| it.is_said());
        // What takes no place in the order is compared without one.
        let (aside, in_order): (Vec<_>, Vec<_>) = new.partition(|it| it.is_aside());
        let all = in_order.into_iter().chain(aside);
        Seen {
            said: all.map(SaidWhat::words).collect(),
            failed: running.failed[failed..]
                .iter()
                .map(|it| it.text.clone())
                .collect(),
            calls: running.world.calls().0 - calls,
        }
    }
}
