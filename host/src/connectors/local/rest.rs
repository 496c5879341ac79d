//! What the platform's folder tells while no host runs.

use std::path::Path;

use super::convert::model_room;
use super::hub::log::load;
use super::hub::names::id_from_name;
use crate::model::event::Conversation;

/// Reads the conversations of a bot from the platform's log, without changing anything there.
///
/// # Errors
/// When the folder cannot be read.
pub fn conversations_at_rest(folder: &Path, bot: &str) -> std::io::Result<Vec<Conversation>> {
    let (loaded, _) = load(folder)?;
    let bot = id_from_name(bot);
    let rooms = loaded.state.rooms.values();
    let mut own: Vec<Conversation> = rooms
        .filter(|room| room.member(&bot).is_some())
        .map(|room| model_room(&room.info, None))
        .collect();
    own.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(own)
}
