//! How the platform behaves, and what accounts may do, as scripts set it.

use serde_json::{Value, json};

use super::script::{Done, needed, only, text};
use super::world::{Rate, World};

/// Changes an account.
pub(super) fn user(world: &mut World, what: &Value) -> Done {
    only(what, &["user", "enabled", "public_key", "may"])?;
    let name = needed(what, "user")?;
    let id = world.person(name);
    let now = world.clock.now();
    if let Some(key) = text(what, "public_key") {
        let key = super::keys::public_key(key)?;
        let username = world.people[&id].username.clone();
        world.sessions.set_key(&username, key, now);
    }
    let flag = |key: &str| what.pointer(key).and_then(Value::as_bool);
    if let Some(person) = world.people.get_mut(&id) {
        person.enabled = flag("/enabled").unwrap_or(person.enabled);
        let may = &mut person.entitlements;
        may.update_message = flag("/may/update_message").unwrap_or(may.update_message);
        may.suppress = flag("/may/suppress").unwrap_or(may.suppress);
        may.create_public_room = flag("/may/create_public_room").unwrap_or(may.create_public_room);
        may.external_rooms = flag("/may/external_rooms").unwrap_or(may.external_rooms);
    }
    let shown = &world.people[&id];
    Ok(json!({ "user_id": id, "username": shown.username, "display": shown.display }))
}

/// Sets how the platform behaves.
pub(super) fn set(world: &mut World, what: &Value) -> Done {
    let map = what.as_object().ok_or("an object is expected")?;
    for (key, value) in map {
        let number = || {
            value
                .as_u64()
                .ok_or_else(|| format!("\"{key}\" is a number"))
        };
        let count = || number().map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let wait = || number().map(std::time::Duration::from_millis);
        let flag = || {
            value
                .as_bool()
                .ok_or_else(|| format!("\"{key}\" is true or false"))
        };
        let knobs = &mut world.knobs;
        match key.as_str() {
            "long_poll_ms" => knobs.long_poll = wait()?,
            "visibility_ms" => knobs.visibility = wait()?,
            "feed_ttl_ms" => knobs.feed_ttl = wait()?,
            "session_ms" => knobs.session = wait()?,
            "feed_cap" => knobs.feed_cap = count()?,
            "old_feed_cap" => knobs.old_feed_cap = count()?,
            "old_feed_queue" => knobs.old_feed_queue = count()?,
            "batch" => knobs.batch = count()?.max(1),
            "duplicates_percent" => knobs.duplicates_percent = number()?,
            "shuffled" => knobs.shuffled = flag()?,
            "old_feeds_disabled" => knobs.old_feeds_disabled = flag()?,
            "simplified_keys" => knobs.simplified_keys = flag()?,
            "form_id_suffix" => knobs.form_id_suffix = flag()?,
            "healthy" => knobs.healthy = flag()?,
            "null_events" => knobs.null_events = flag()?,
            "agent_version" => {
                let version = value.as_str().ok_or("\"agent_version\" is a text")?;
                version.clone_into(&mut knobs.agent_version);
            }
            "server_fqdn" => {
                let name = value.as_str().ok_or("\"server_fqdn\" is a text")?;
                name.clone_into(&mut knobs.server_fqdn);
            }
            "calls_per_second" => {
                knobs.rate = Some(Rate {
                    per_second: count()?,
                    status: 429,
                })
                .filter(|it| it.per_second > 0);
            }
            "throttled_as_400" => {
                let status = if flag()? { 400 } else { 429 };
                if let Some(rate) = &mut knobs.rate {
                    rate.status = status;
                }
            }
            "app_permissions" => {
                let permissions = value.as_array().ok_or("\"app_permissions\" is a list")?;
                let names = permissions
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned);
                let names: std::collections::BTreeSet<String> = names.collect();
                for app in world.sessions.apps.values_mut() {
                    app.permissions.clone_from(&names);
                }
            }
            "app_installed_for" => {
                let people = value
                    .as_array()
                    .ok_or("\"app_installed_for\" is a list")?
                    .clone();
                let people = people
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|name| world.person(name));
                let people: std::collections::BTreeSet<i64> = people.collect();
                for app in world.sessions.apps.values_mut() {
                    app.installed = Some(people.clone());
                }
            }
            other => return Err(format!("\"{other}\" is nothing that can be set")),
        }
    }
    world.ring();
    Ok(json!({}))
}

/// Starts a part of the platform again.
pub(super) fn restart(world: &mut World, what: &Value) -> Done {
    only(what, &["what"])?;
    match needed(what, "what")? {
        // Old feeds live in one agent's memory.
        "agent" => world.drop_feeds(true),
        "feeds" => world.drop_feeds(false),
        "pod" => world.sessions.expire(),
        other => {
            return Err(format!(
                "\"{other}\" cannot be restarted: agent, feeds, pod"
            ));
        }
    }
    Ok(json!({}))
}
