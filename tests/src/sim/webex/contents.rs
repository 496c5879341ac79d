//! Files (webex.md §5.5).

use super::answer::{Answer, refuse};
use super::ids;
use super::world::{Person, World};
use crate::sim::{Reply, Request};

pub(super) fn read(world: &World, caller: &Person, request: &Request, id: &str) -> Answer {
    let missing = || refuse(404, "The requested resource could not be found.");
    let key = ids::key(id).ok_or_else(missing)?;
    let (message, place) = key.split_once('/').ok_or_else(missing)?;
    let message = world.messages.iter().find(|it| it.key == message);
    let message = message
        .filter(|it| world.sees(caller, it))
        .ok_or_else(missing)?;
    let place: usize = place.parse().map_err(|_| missing())?;
    let file = message.files.get(place).ok_or_else(missing)?;
    let name = file.name.replace('"', "");
    let disposition = format!("attachment; filename=\"{name}\"");
    let reply = Reply::text(200, &file.kind, file.bytes.clone())
        .header("Content-Disposition", &disposition);
    // The server writes the length, and hyper no body, where only the head is asked for.
    let _is_head = request.method == "HEAD";
    Ok(reply)
}
