//! What all parts of a connector share: settings, ways, licences, what is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use http::Method;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use super::PLATFORM;
use super::config::LiveChatConfig;
use super::ids::ChatId;
use super::install::States;
use super::licence::Licence;
use super::missed::Missed;
use super::places::Places;
use super::repeats::Repeats;
use super::site::{ApiError, Site};
use super::store::{Kept, KeptLicence, Store};
use crate::journal::PartNumber;
use crate::mailbox::{Clock, Pace, SystemClock};
use crate::model::event::Bot;
use crate::model::{Name, Timestamp};
use crate::net::RestError;

/// How a licence does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// The bot is there and hears.
    Yes,
    /// Not yet, and why.
    No(String),
    /// Not before somebody agrees to it again, and why.
    Gone(String),
}

impl Ready {
    /// What an error means for a licence.
    pub(super) fn of(error: &ApiError) -> Self {
        match error.is_about_installing() {
            true => Self::Gone(error.to_string()),
            false => Self::No(error.to_string()),
        }
    }
}

/// Licences that one bot may be on.
const MAX_LICENCES: usize = 10_000;

/// One bot, as all parts of its connector see it.
pub(super) struct Core {
    me: Weak<Self>,
    pub(super) tenant: Name,
    pub(super) config: LiveChatConfig,
    pub(super) site: Site,
    pub(super) store: Store,
    pub(super) places: Places,
    pub(super) repeats: Repeats,
    pub(super) states: States,
    pub(super) missed: Missed,
    pub(super) pace: ArcSwap<Pace>,
    name: Name,
    licences: RwLock<BTreeMap<String, Arc<Licence>>>,
    ready: Mutex<BTreeMap<String, Ready>>,
    /// Licences are made ready one after the other.
    pub(super) preparing: tokio::sync::Mutex<()>,
    /// Where the platform reaches the bot.
    pub(super) address: watch::Sender<Option<String>>,
    /// Nobody runs the session, and nothing is taken.
    pub(super) is_left: AtomicBool,
    /// Rises with each licence that is added.
    pub(super) installed: watch::Sender<u64>,
    /// Has the session look after licences at once.
    pub(super) look: Notify,
    /// What must not be cut off: exchanges, of which the platform repeats none.
    pub(super) tasks: TaskTracker,
    /// Joins that may have been done already, by this very part.
    pub(super) joining: Mutex<BTreeSet<PartNumber>>,
    /// Webhooks that the journal has.
    pub(super) hooks: AtomicU64,
    /// That webhooks of other licences come was said.
    pub(super) told_other: AtomicBool,
}

impl Core {
    pub(super) fn new(
        tenant: Name,
        name: &str,
        config: LiveChatConfig,
        pace: Pace,
    ) -> Result<Arc<Self>, RestError> {
        let store = Store::open(config.folder.clone())
            .map_err(|error| RestError::Setup(format!("what the bot has kept: {error}")))?;
        let mut licences = BTreeMap::new();
        for id in store.kept().licences.keys() {
            licences.insert(id.clone(), Arc::new(Licence::new(id, false)));
        }
        let personal = config.personal.as_ref();
        let own = personal.and_then(|personal| personal.organization.as_ref());
        if let Some(id) = own {
            licences.insert(id.clone(), Arc::new(Licence::new(id, true)));
        }
        // A licence of a personal token that is gone has no tokens of its own.
        licences
            .retain(|id, licence| licence.is_personal || store.licence(id).refresh_token.is_some());
        let site = Site::new(&config)?;
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            tenant,
            name: name.into(),
            site,
            missed: Missed::new(config.folder.clone()),
            store,
            places: Places::default(),
            repeats: Repeats::default(),
            states: States::default(),
            pace: ArcSwap::from_pointee(pace),
            licences: RwLock::new(licences),
            ready: Mutex::default(),
            preparing: tokio::sync::Mutex::default(),
            address: watch::Sender::default(),
            is_left: AtomicBool::new(false),
            installed: watch::Sender::default(),
            look: Notify::new(),
            tasks: TaskTracker::new(),
            joining: Mutex::default(),
            hooks: AtomicU64::new(0),
            told_other: AtomicBool::new(false),
            config,
        }))
    }

    /// Itself, for what goes on whoever waits for it.
    pub(super) fn own(&self) -> Arc<Self> {
        self.me
            .upgrade()
            .expect("it is made in an Arc, and called by one")
    }

    /// Notes that the journal has what a webhook told.
    pub(super) fn heard(&self) {
        self.hooks.fetch_add(1, Ordering::Relaxed);
        self.missed.begin();
        self.missed.progress.reached(self.now());
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// All licences, by id.
    pub(super) fn licences(&self) -> Vec<Arc<Licence>> {
        self.licences.read().values().cloned().collect()
    }

    /// A licence.
    pub(super) fn licence(&self, id: &str) -> Option<Arc<Licence>> {
        self.licences.read().get(id).cloned()
    }

    /// Whether another licence has room.
    pub(super) fn has_room_for(&self, id: &str) -> bool {
        let licences = self.licences.read();
        licences.len() < MAX_LICENCES || licences.contains_key(id)
    }

    /// Takes a licence in; tells whether it is a new one.
    pub(super) fn add_licence(&self, id: &str) -> (Arc<Licence>, bool) {
        let mut licences = self.licences.write();
        if let Some(known) = licences.get(id) {
            return (known.clone(), false);
        }
        let licence = Arc::new(Licence::new(id, false));
        licences.insert(id.to_owned(), licence.clone());
        drop(licences);
        self.installed.send_modify(|number| *number += 1);
        (licence, true)
    }

    /// How the licences do.
    pub(super) fn readiness(&self) -> Vec<(String, Ready)> {
        let all = self.licences().into_iter();
        all.map(|licence| (licence.id.clone(), self.ready_of(&licence)))
            .collect()
    }

    pub(super) fn set_ready(&self, licence: &Licence, ready: Ready) {
        self.ready.lock().insert(licence.id.clone(), ready);
    }

    /// Notes that a licence is not ready any more, and has the session look after it.
    pub(super) fn lose(&self, licence: &Licence, error: &ApiError) {
        let mut all = self.ready.lock();
        let is_ready = all.get(&licence.id) == Some(&Ready::Yes);
        if is_ready {
            all.insert(licence.id.clone(), Ready::of(error));
            self.look.notify_one();
        }
    }

    /// How a licence does.
    pub(super) fn ready_of(&self, licence: &Licence) -> Ready {
        let known = self.ready.lock().get(&licence.id).cloned();
        known.unwrap_or_else(|| Ready::No("not looked at yet".to_owned()))
    }

    /// The bot, as it is on a licence.
    pub(super) fn bot_on(&self, licence: &str) -> Bot {
        Bot {
            name: self.name.to_string(),
            platform: PLATFORM.to_owned(),
            user_id: self.store.licence(licence).bot.unwrap_or_default(),
            display_name: self.config.display_name.clone(),
        }
    }

    /// The licence of a chat, with its chat.
    pub(super) fn place(&self, conversation: &str) -> Option<(Arc<Licence>, ChatId)> {
        let chat = ChatId::parse(conversation)?;
        Some((self.licence(&chat.licence)?, chat))
    }

    /// Asks the accounts for tokens.
    pub(super) async fn token(&self, form: &[(&str, &str)]) -> Result<Value, ApiError> {
        let path = match self.config.version.is_chatio() {
            true => "token",
            false => "v2/token",
        };
        self.site
            .accounts(Method::POST, path, Some(form), None)
            .await
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Kept)) -> Result<(), ApiError> {
        self.store.change(change).map_err(|error| not_kept(&error))
    }

    pub(super) fn change_licence(
        &self,
        id: &str,
        change: impl FnOnce(&mut KeptLicence),
    ) -> Result<(), ApiError> {
        let changed = self.store.change_licence(id, change);
        changed.map_err(|error| not_kept(&error))
    }
}

pub(super) fn not_kept(error: &std::io::Error) -> ApiError {
    ApiError::Rest {
        host: "the data folder".to_owned(),
        error: RestError::Setup(format!("tokens cannot be written: {error}")),
    }
}
