//! People and spaces that the bot has met, kept for a while: whoever asks for each again and again is
//! told to wait.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::WebexConnector;
use super::api::ApiError;
use super::wire::{Person, Room};

/// People or spaces that are kept.
const MAX_KEPT: usize = 10_000;
/// How long they are taken to be the same.
const KEPT: Duration = Duration::from_secs(3_600);
/// How long nobody asks again for what is not to be had.
const MISSING: Duration = Duration::from_secs(300);

/// Who and what the bot has met.
#[derive(Default)]
pub(super) struct Directory {
    people: Mutex<HashMap<String, (Instant, Option<Person>)>>,
    rooms: Mutex<HashMap<String, (Instant, Option<Room>)>>,
}

impl Directory {
    /// Forgets a space: it may have another title now.
    pub(super) fn forget_room(&self, id: &str) {
        self.rooms.lock().remove(id);
    }

    /// Notes what a space is.
    pub(super) fn met_room(&self, room: Room) {
        let mut rooms = self.rooms.lock();
        put(&mut rooms, room.id.clone(), Some(room));
    }
}

fn put<T>(kept: &mut HashMap<String, (Instant, Option<T>)>, id: String, found: Option<T>) {
    if kept.len() >= MAX_KEPT && !kept.contains_key(&id) {
        // Whoever is met again is asked for again.
        kept.clear();
    }
    kept.insert(id, (Instant::now(), found));
}

fn fresh<T: Clone>(kept: &HashMap<String, (Instant, Option<T>)>, id: &str) -> Option<Option<T>> {
    let (at, found) = kept.get(id)?;
    let most = if found.is_some() { KEPT } else { MISSING };
    (at.elapsed() < most).then(|| found.clone())
}

impl WebexConnector {
    /// A person; none where the platform does not say.
    ///
    /// # Errors
    /// It may say later.
    pub(super) async fn person(&self, id: &str) -> Result<Option<Person>, ApiError> {
        if let Some(known) = fresh(&self.directory.people.lock(), id) {
            return Ok(known);
        }
        let found = self.api.get::<Person>(&["people", id], &[]).await;
        let found = found_or_none(found)?;
        put(
            &mut self.directory.people.lock(),
            id.to_owned(),
            found.clone(),
        );
        Ok(found)
    }

    /// A space; none where the platform does not say.
    ///
    /// # Errors
    /// It may say later.
    pub(super) async fn room(&self, id: &str) -> Result<Option<Room>, ApiError> {
        if let Some(known) = fresh(&self.directory.rooms.lock(), id) {
            return Ok(known);
        }
        let found = self.api.get::<Room>(&["rooms", id], &[]).await;
        let found = found_or_none(found)?;
        // A title that cannot be read yet is asked for again.
        if found.as_ref().is_none_or(|room| room.errors.is_none()) {
            put(
                &mut self.directory.rooms.lock(),
                id.to_owned(),
                found.clone(),
            );
        }
        Ok(found)
    }
}

fn found_or_none<T>(found: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_final() => Ok(None),
        Err(error) => Err(error),
    }
}
