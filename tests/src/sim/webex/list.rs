//! Lists in pages (webex.md §2.9): an opaque cursor in an address, and the ways in which that address
//! has been seen to be wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::answer::{Answer, good, refuse};
use super::world::World;
use crate::sim::Request;

/// Answers one page of a list; `default` and `most` bound how many there are on it.
pub(super) fn page(
    world: &World,
    request: &Request,
    items: Vec<Value>,
    (default, most): (usize, usize),
) -> Answer {
    let knobs = &world.knobs;
    let asked = request.query("max").map(str::parse::<usize>);
    let size = match asked {
        None => default,
        Some(Ok(size)) if size > 0 => size.min(most),
        Some(_) => return Err(refuse(400, "max must be a positive number")),
    };
    let size = knobs.page_size.map_or(size, |page| size.min(page));
    let (start, had_empty) = match request.query("cursor") {
        None => (0, false),
        Some(cursor) => read_cursor(cursor).ok_or_else(|| refuse(400, "Invalid cursor"))?,
    };
    let gives_empty = knobs.empty_page && start > 0 && !had_empty;
    let end = if gives_empty {
        start
    } else {
        items.len().min(start + size)
    };
    let shown = items.get(start.min(end)..end).unwrap_or_default();
    let answer = good(&json!({ "items": shown }))?;
    if end >= items.len() && !gives_empty {
        return Ok(answer);
    }
    let cursor = URL_SAFE_NO_PAD.encode(format!("{end}:{gives_empty}"));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &request.query {
        let is_left_out = name == "cursor"
            || (name == "mentionedPeople" && knobs.drops_mentioned)
            || (name == "max" && knobs.null_max);
        if !is_left_out {
            query.append_pair(name, value);
        }
    }
    if knobs.null_max {
        query.append_pair("max", "null");
    }
    query.append_pair("cursor", &cursor);
    let next = format!(
        "<{}{}?{}>; rel=\"next\"",
        world.base,
        request.path,
        query.finish()
    );
    Ok(answer.header("Link", &next))
}

fn read_cursor(cursor: &str) -> Option<(usize, bool)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (start, had_empty) = text.split_once(':')?;
    Some((start.parse().ok()?, had_empty.parse().ok()?))
}
