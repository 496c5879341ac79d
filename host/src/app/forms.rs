//! The forms, buttons and numbers that may still be used: a view of the journal's, kept in memory for
//! the way in. It goes by the journal's own rules, so that the two cannot come apart.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::content::dialog::SILENCE_MS;
use crate::journal::forms::take_place;
use crate::journal::{FormChange, Journal, JournalResult, OpenForm, PartNumber};
use crate::model::dialog::DialogEnd;
use crate::model::{Name, Timestamp};

/// Open forms kept in memory. Beyond this the first to end is forgotten: its buttons are answered
/// with "no longer open".
const MAX_OPEN: usize = 100_000;
/// Messages with numbers that are remembered for one conversation; of more the last ones count.
const MAX_LISTS: usize = 50;

/// Names a message: tenant, bot and id.
pub(super) type FormKey = (Name, Name, String);
/// Names a conversation: tenant, bot and id.
pub(super) type PlaceKey = (Name, Name, Name);

/// The open forms of all bots.
#[derive(Debug, Default)]
pub struct Forms {
    inner: RwLock<Inner>,
    generation: AtomicU64,
    due_changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<FormKey, OpenForm>,
    /// When something is to be told of a form.
    due: BTreeSet<(Timestamp, FormKey)>,
    places: HashMap<PlaceKey, Place>,
}

/// What is open in a conversation.
#[derive(Debug, Default)]
struct Place {
    /// Who is asked, under which message.
    people: HashMap<String, String>,
    /// Messages with numbers, in the order in which they were shown.
    lists: BTreeSet<(PartNumber, String)>,
}

impl Forms {
    /// Loads what the journal holds.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn load(journal: &dyn Journal) -> JournalResult<Self> {
        let forms = Self::default();
        let mut open = journal.open_forms().await?;
        open.sort_by_key(|form| form.part);
        for form in open {
            forms.inner.write().put(form);
        }
        Ok(forms)
    }

    /// Takes what is under a message that was sent or changed.
    pub fn opened(&self, form: OpenForm) {
        {
            let mut inner = self.inner.write();
            let key = key_of(&form);
            let old = inner.take(&key);
            if let Some(form) = take_place(old, form) {
                inner.put(form);
            }
        }
        self.changed();
    }

    /// Forgets a person in every form.
    pub(super) fn forget_person(&self, user: &str) {
        let mut inner = self.inner.write();
        let keys: Vec<FormKey> = inner.open.keys().cloned().collect();
        for key in keys {
            if let Some(mut form) = inner.take(&key) {
                form.forget(user);
                inner.put(form);
            }
        }
        drop(inner);
        self.changed();
    }

    /// The form or buttons under a message, while they may be used.
    pub fn get(&self, tenant: &Name, bot: &str, message: &str, now: Timestamp) -> Option<OpenForm> {
        let key = (tenant.clone(), Name::from(bot), message.to_owned());
        let form = self.inner.read().open.get(&key).cloned()?;
        is_open(&form, now).then_some(form)
    }

    /// Tells which plugin sent the form or buttons under a message, also while it is being told that
    /// they are closed.
    pub fn owner(&self, tenant: &Name, bot: &str, message: &str) -> Option<Name> {
        let key = (tenant.clone(), Name::from(bot), message.to_owned());
        let inner = self.inner.read();
        inner.open.get(&key).map(|form| form.plugin.clone())
    }

    /// The form that a person is being asked in a conversation.
    pub(super) fn asked(&self, place: &PlaceKey, user: &str, now: Timestamp) -> Option<OpenForm> {
        let inner = self.inner.read();
        let message = inner.places.get(place)?.people.get(user)?;
        let key = (place.0.clone(), place.1.clone(), message.clone());
        let form = inner.open.get(&key)?;
        let dialog = form.dialog(user)?;
        let is_asked = dialog.ended.is_none()
            && is_open(form, now)
            && now < dialog.heard_at.saturating_add(SILENCE_MS);
        is_asked.then(|| form.clone())
    }

    /// The messages with numbers in a conversation, the last one first.
    pub(super) fn numbered(&self, place: &PlaceKey, now: Timestamp) -> Vec<OpenForm> {
        let inner = self.inner.read();
        let Some(found) = inner.places.get(place) else {
            return Vec::new();
        };
        let key = |message: &String| (place.0.clone(), place.1.clone(), message.clone());
        let lists = found.lists.iter().rev();
        let forms = lists.filter_map(|(_, message)| inner.open.get(&key(message)));
        forms
            .filter(|form| now < form.ends_at && form.gone.is_none())
            .cloned()
            .collect()
    }

    /// Tells whether no conversation has questions or numbers: nearly always so.
    pub(super) fn has_no_places(&self) -> bool {
        self.inner.read().places.is_empty()
    }

    /// Tells whether a conversation has questions or numbers.
    pub(super) fn has_place(&self, place: &PlaceKey) -> bool {
        self.inner.read().places.contains_key(place)
    }

    /// Tells whether there is anything under a message.
    pub(super) fn has(&self, key: &FormKey) -> bool {
        self.inner.read().open.contains_key(key)
    }

    /// What is under a message, whether or not it may be used.
    pub(super) fn find(&self, key: &FormKey) -> Option<OpenForm> {
        self.inner.read().open.get(key).cloned()
    }

    /// Applies what an event changed, once its place in the journal is fixed.
    pub(super) fn apply(&self, tenant: &Name, changes: &[FormChange]) {
        if changes.is_empty() {
            return;
        }
        {
            let mut inner = self.inner.write();
            for change in changes {
                let key = (tenant.clone(), change.bot.clone(), change.message.clone());
                if let Some(mut form) = inner.take(&key)
                    && form.apply(change.what.clone())
                {
                    inner.put(form);
                }
            }
        }
        self.changed();
    }

    /// A form of which something is to be told by now.
    pub(super) fn due(&self, now: Timestamp) -> Option<FormKey> {
        let inner = self.inner.read();
        let first = inner.due.first().filter(|(at, _)| *at <= now);
        first.map(|(_, key)| key.clone())
    }

    /// When something is to be told next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.inner.read().due.first().map(|(at, _)| *at)
    }

    /// Forgets a form of which nothing is to be told.
    pub(super) fn forget(&self, key: &FormKey) {
        self.inner.write().take(key);
        self.changed();
    }

    /// Rises with every change.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Resolves when something changed since this was last awaited.
    pub(super) async fn wait_for_change(&self) {
        self.due_changed.notified().await;
    }

    /// Has the one who awaits changes look again.
    pub(super) fn wake(&self) {
        self.due_changed.notify_one();
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.due_changed.notify_one();
    }
}

impl Inner {
    fn put(&mut self, mut form: OpenForm) {
        if self.open.len() >= MAX_OPEN {
            self.forget_first();
        }
        let place = place_of(&form);
        for dialog in form.dialogs.iter_mut().filter(|d| d.ended.is_none()) {
            let user = &dialog.person.id;
            let people = &mut self.places.entry(place.clone()).or_default().people;
            if let Some(old) = people.get(user).filter(|old| **old != form.message) {
                let key = (form.tenant.clone(), form.bot.clone(), old.clone());
                // Read back after a stop, the one heard last goes on, whatever the order.
                let heard = self.open.get(&key).and_then(|form| form.dialog(user));
                if heard.is_some_and(|old| old.heard_at > dialog.heard_at) {
                    dialog.ended = Some(DialogEnd::Replaced);
                    continue;
                }
                end_dialog(&mut self.open, &mut self.due, &key, user);
            }
            people.insert(user.clone(), form.message.clone());
        }
        if !form.numbered.is_empty() {
            let lists = &mut self.places.entry(place).or_default().lists;
            lists.insert((form.part, form.message.clone()));
            if lists.len() > MAX_LISTS {
                lists.pop_first();
            }
        }
        let key = key_of(&form);
        self.due.insert((due_at(&form), key.clone()));
        self.open.insert(key, form);
    }

    fn take(&mut self, key: &FormKey) -> Option<OpenForm> {
        let form = self.open.remove(key)?;
        self.due.remove(&(due_at(&form), key.clone()));
        let place = place_of(&form);
        if let Some(found) = self.places.get_mut(&place) {
            found.lists.retain(|(_, message)| *message != form.message);
            found.people.retain(|_, message| *message != form.message);
            if found.lists.is_empty() && found.people.is_empty() {
                self.places.remove(&place);
            }
        }
        Some(form)
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.due.first().cloned() {
            self.take(&key);
        }
    }
}

/// A person is asked another form: the one before is closed as soon as its plugin is told.
fn end_dialog(
    open: &mut HashMap<FormKey, OpenForm>,
    due: &mut BTreeSet<(Timestamp, FormKey)>,
    key: &FormKey,
    user: &str,
) {
    let Some(form) = open.get_mut(key) else {
        return;
    };
    due.remove(&(due_at(form), key.clone()));
    let mut dialogs = form.dialogs.iter_mut();
    if let Some(dialog) = dialogs.find(|dialog| dialog.person.id == user) {
        dialog.ended.get_or_insert(DialogEnd::Replaced);
    }
    due.insert((due_at(form), key.clone()));
}

/// Tells whether a form or buttons can be used.
pub(super) fn is_open(form: &OpenForm, now: Timestamp) -> bool {
    now < form.ends_at && form.gone.is_none() && !form.is_taken()
}

fn due_at(form: &OpenForm) -> Timestamp {
    let has_news = form.gone.is_some()
        || form.before.is_some()
        || form.dialogs.iter().any(|dialog| dialog.ended.is_some());
    if has_news {
        return 0;
    }
    let dialogs = form.dialogs.iter();
    let silent = dialogs.map(|dialog| dialog.heard_at.saturating_add(SILENCE_MS));
    silent.fold(form.ends_at, Timestamp::min)
}

pub(super) fn key_of(form: &OpenForm) -> FormKey {
    (form.tenant.clone(), form.bot.clone(), form.message.clone())
}

pub(super) fn place_of(form: &OpenForm) -> PlaceKey {
    (
        form.tenant.clone(),
        form.bot.clone(),
        form.conversation.clone(),
    )
}
