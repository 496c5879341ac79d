//! Bots and webhooks.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::answer::{Answer, flag, needed, refuse, text};
use super::who::Who;
use super::world::{Bot, CLIENT_ID, Hook, Token, World};

/// Registrations of one action and app.
const MAX_HOOKS: usize = 3;
/// Characters of a webhook's address.
const MAX_URL: usize = 500;
/// How long a bot's own token is good.
const BOT_TOKEN: Duration = Duration::from_secs(24 * 3_600);

/// What may be registered for.
const ACTIONS: [&str; 36] = [
    "incoming_chat",
    "chat_deactivated",
    "chat_access_updated",
    "chat_transferred",
    "user_added_to_chat",
    "user_removed_from_chat",
    "incoming_event",
    "event_deleted",
    "event_updated",
    "incoming_rich_message_postback",
    "chat_properties_updated",
    "chat_properties_deleted",
    "thread_properties_updated",
    "thread_properties_deleted",
    "event_properties_updated",
    "event_properties_deleted",
    "thread_tagged",
    "thread_untagged",
    "routing_status_set",
    "customer_session_fields_updated",
    "events_marked_as_seen",
    "group_created",
    "group_updated",
    "group_deleted",
    "agent_created",
    "agent_updated",
    "agent_deleted",
    "agent_suspended",
    "agent_unsuspended",
    "agent_approved",
    "bot_created",
    "bot_updated",
    "bot_deleted",
    "auto_accesses_updated",
    "tag_created",
    "tag_deleted",
];

/// Answers what is asked of the API of settings, 3.4 and later.
pub(super) fn answer(world: &mut World, who: Option<&Who>, action: &str, body: &Value) -> Answer {
    // What has its own proof.
    match action {
        "issue_bot_token" => return issue(world, body),
        "list_webhook_names" => {
            return Ok(ACTIONS.iter().map(|name| json!({"action": name})).collect());
        }
        _ => {}
    }
    let who = who.ok_or_else(|| refuse("authentication", "Invalid access token"))?;
    let org = &who.organization;
    match action {
        "create_bot" => {
            let client = owner(who, body)?;
            let bot = make(world, client, body, "name", "offline")?;
            let made = json!({"id": bot.id, "secret": bot.secret});
            let id = bot.id.clone();
            licence(world, org)?.bots.push(bot);
            world.emit(org, "bot_created", |_| json!({"id": id}));
            Ok(made)
        }
        "update_bot" => {
            let id = needed(body, "id")?.to_owned();
            let bot = licence(world, org)?.bot_mut(&id).ok_or_else(not_there)?;
            change(bot, body);
            world.emit(org, "bot_updated", |_| json!({"id": id}));
            Ok(json!({}))
        }
        "delete_bot" => {
            let id = needed(body, "id")?.to_owned();
            delete(world, org, &id)
        }
        "list_bots" => {
            let all = flag(body, "all");
            let client = who.client.clone();
            let bots = licence(world, org)?.bots.iter();
            let own = bots.filter(|bot| all || client.as_ref().is_none_or(|it| *it == bot.client));
            Ok(own
                .map(|bot| json!({"id": bot.id, "name": bot.raw["name"], "avatar_path": ""}))
                .collect())
        }
        "get_bot" => {
            let id = needed(body, "id")?.to_owned();
            let bot = licence(world, org)?.bot(&id).ok_or_else(not_there)?;
            Ok(json!({
                "id": bot.id, "name": bot.raw["name"], "avatar_path": "",
                "owner_client_id": bot.client, "max_chats_count": bot.raw.get("max_chats_count"),
                "default_group_priority": "normal", "groups": bot.raw.get("groups"),
            }))
        }
        "reset_bot_secret" => {
            owner(who, body)?;
            let id = needed(body, "id")?.to_owned();
            let secret = world.hex();
            let bot = licence(world, org)?.bot_mut(&id).ok_or_else(not_there)?;
            bot.secret.clone_from(&secret);
            Ok(json!({"secret": secret}))
        }
        "register_webhook" => register(world, who, body),
        "list_webhooks" => {
            let client = hook_owner(who, body)?;
            let own = world.hooks.iter().filter(|hook| hook.client == client);
            let shown = own.map(|hook| {
                let mut shown = hook.raw.clone();
                shown.remove("secret_key");
                shown.insert("id".to_owned(), hook.id.clone().into());
                Value::Object(shown)
            });
            Ok(shown.collect())
        }
        "unregister_webhook" => {
            let client = hook_owner(who, body)?;
            let id = needed(body, "id")?;
            let before = world.hooks.len();
            world
                .hooks
                .retain(|hook| hook.id != id || hook.client != client);
            (world.hooks.len() < before)
                .then(|| json!({}))
                .ok_or_else(not_there)
        }
        "enable_license_webhooks" | "disable_license_webhooks" => {
            world.license_hooks_enabled = action.starts_with("enable");
            Ok(json!({}))
        }
        "get_license_webhooks_state" => {
            Ok(json!({"license_webhooks_enabled": world.license_hooks_enabled}))
        }
        "list_groups" => {
            let licence = licence(world, org)?;
            let groups = licence.groups.iter().map(|group| {
                let status = match licence.is_answered(group) {
                    true => "accepting_chats",
                    false => "offline",
                };
                json!({"id": group.id, "name": group.name, "routing_status": status})
            });
            Ok(groups.collect())
        }
        "get_agent" => {
            let id = needed(body, "id")?;
            let licence = licence(world, org)?;
            let agent = licence.agents.iter().find(|agent| agent.id == id);
            let agent = agent.ok_or_else(not_there)?;
            Ok(json!({"id": agent.id, "name": agent.name, "email": agent.id}))
        }
        _ => Err(refuse("validation", "no such method")),
    }
}

/// Answers what is asked of the API of settings of chat.io: `agents/create_bot_agent`, ….
pub(super) fn answer_old(world: &mut World, who: &Who, method: &str, body: &Value) -> Answer {
    let org = &who.organization;
    let client = who.client.clone().unwrap_or_else(|| CLIENT_ID.to_owned());
    match method {
        "agents/create_bot_agent" => {
            let status = needed(body, "status")?.replace(' ', "_");
            if !["accepting_chats", "not_accepting_chats", "offline"].contains(&status.as_str()) {
                return Err(refuse("validation", "`status` is none"));
            }
            let bot = make(world, client, body, "name", &status)?;
            check_old_hooks(body)?;
            let id = bot.id.clone();
            licence(world, org)?.bots.push(bot);
            Ok(json!({"bot_agent_id": id}))
        }
        "agents/update_bot_agent" => {
            let id = needed(body, "id")?.to_owned();
            check_old_hooks(body)?;
            let bot = licence(world, org)?.bot_mut(&id).ok_or_else(not_there)?;
            change(bot, body);
            Ok(json!({}))
        }
        "agents/remove_bot_agent" => {
            let id = needed(body, "bot_agent_id")?.to_owned();
            delete(world, org, &id)
        }
        "agents/get_bot_agents" => {
            let bots = licence(world, org)?.bots.iter().map(|bot| {
                let status = bot.status.replace('_', " ");
                json!({"id": bot.id, "name": bot.raw["name"], "avatar": "", "status": status})
            });
            let bots: Vec<Value> = bots.collect();
            Ok(json!({"bot_agents": bots}))
        }
        "agents/get_bot_agent_details" => {
            let id = needed(body, "bot_agent_id")?.to_owned();
            let bot = licence(world, org)?.bot(&id).ok_or_else(not_there)?;
            let mut shown = bot.raw.clone();
            shown.insert("id".to_owned(), id.into());
            shown.insert("application".to_owned(), json!({"client_id": bot.client}));
            Ok(json!({"bot_agent": shown}))
        }
        _ => Err(refuse("validation", "no such method")),
    }
}

fn licence<'w>(
    world: &'w mut World,
    organization: &str,
) -> Result<&'w mut super::world::Licence, super::answer::Refusal> {
    let found = world.licences.get_mut(organization);
    found.ok_or_else(|| refuse("license_not_found", "no such licence"))
}

fn not_there() -> super::answer::Refusal {
    refuse("not_found", "not found")
}

/// The app of a bot: a personal token must name it.
fn owner(who: &Who, body: &Value) -> Result<String, super::answer::Refusal> {
    match text(body, "owner_client_id") {
        Some(client) => Ok(client.to_owned()),
        None => who
            .client
            .clone()
            .ok_or_else(|| refuse("validation", "`owner_client_id` is required")),
    }
}

/// The app of a webhook: only a personal token may have the right to register any.
fn hook_owner(who: &Who, body: &Value) -> Result<String, super::answer::Refusal> {
    if who.client.is_some() {
        let scope = "webhooks.configuration:rw";
        return Err(refuse("authorization", &format!("missing scope {scope}")));
    }
    Ok(needed(body, "owner_client_id")?.to_owned())
}

fn make(
    world: &mut World,
    client: String,
    body: &Value,
    name: &str,
    status: &str,
) -> Result<Bot, super::answer::Refusal> {
    needed(body, name)?;
    let chats = body.get("max_chats_count").and_then(Value::as_u64);
    if chats.is_some_and(|chats| chats > 500) {
        return Err(refuse("validation", "`max_chats_count` is above 500"));
    }
    let priorities = ["first", "normal", "last", "supervisor"];
    for group in body["groups"].as_array().into_iter().flatten() {
        let priority = group["priority"].as_str().unwrap_or_default();
        if !priorities.contains(&priority) || !group["id"].is_u64() {
            return Err(refuse("validation", "`groups` is wrong"));
        }
    }
    let hears_at = Instant::now() + world.clock.wait(world.knobs.propagation);
    let mut bot = Bot {
        id: world.hex(),
        secret: world.hex(),
        client,
        status: status.to_owned(),
        groups: Vec::new(),
        raw: Map::new(),
        hooks: None,
        hears_at,
    };
    change(&mut bot, body);
    Ok(bot)
}

fn change(bot: &mut Bot, body: &Value) {
    let fields = body.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| *name != "id") {
        bot.raw.insert(name.clone(), value.clone());
    }
    if let Some(groups) = body["groups"].as_array() {
        bot.groups = groups
            .iter()
            .filter_map(|group| group["id"].as_u64())
            .collect();
    }
    // Whether a bot without groups is in the common one is not documented: here it is not, since 3.
    if let Some(hooks) = body.get("webhooks") {
        bot.hooks = Some(hooks.clone());
        bot.groups = vec![0];
    }
    // 3.2 and later set it by a method of its own.
    if let Some(status) = text(body, "status") {
        bot.status = status.replace(' ', "_");
        if bot.groups.is_empty() {
            bot.groups = vec![0];
        }
    }
}

fn delete(world: &mut World, organization: &str, id: &str) -> Answer {
    let licence = licence(world, organization)?;
    let before = licence.bots.len();
    licence.bots.retain(|bot| bot.id != id);
    if licence.bots.len() == before {
        return Err(not_there());
    }
    world
        .tokens
        .retain(|token| token.bot.as_deref() != Some(id));
    Ok(json!({}))
}

fn check_old_hooks(body: &Value) -> Result<(), super::answer::Refusal> {
    let Some(hooks) = body.get("webhooks") else {
        return Ok(());
    };
    needed(hooks, "url")?;
    needed(hooks, "secret_key")?;
    let known = [
        "incoming_chat_thread",
        "chat_users_updated",
        "incoming_event",
        "last_seen_timestamp_updated",
        "thread_closed",
        "chat_scopes_updated",
        "chat_properties_updated",
        "chat_thread_properties_updated",
    ];
    for action in hooks["actions"].as_array().into_iter().flatten() {
        let name = needed(action, "name")?;
        if !known.contains(&name) {
            return Err(refuse("validation", "no such action"));
        }
    }
    Ok(())
}

fn register(world: &mut World, who: &Who, body: &Value) -> Answer {
    let client = hook_owner(who, body)?;
    let action = needed(body, "action")?.to_owned();
    let url = needed(body, "url")?.to_owned();
    let secret = needed(body, "secret_key")?.to_owned();
    let kind = needed(body, "type")?.to_owned();
    if !["bot", "license"].contains(&kind.as_str()) {
        return Err(refuse("validation", "`type` is bot or license"));
    }
    if !ACTIONS.contains(&action.as_str()) || url.len() > MAX_URL {
        return Err(refuse(
            "validation",
            "no such action, or a url that is too long",
        ));
    }
    let same = |hook: &&Hook| hook.client == client && hook.action == action;
    if world.hooks.iter().filter(same).count() >= MAX_HOOKS {
        return Err(refuse(
            "limit_reached",
            "three webhooks of an action at most",
        ));
    }
    let id = world.hex();
    world.hooks.push(Hook {
        id: id.clone(),
        action,
        secret,
        url,
        client,
        kind,
        raw: body.as_object().cloned().unwrap_or_default(),
    });
    Ok(json!({"id": id}))
}

fn issue(world: &mut World, body: &Value) -> Answer {
    let organization = needed(body, "organization_id")?.to_owned();
    let (id, secret) = (needed(body, "bot_id")?, needed(body, "bot_secret")?);
    let client = needed(body, "client_id")?;
    let licence = world.licence_of(&organization);
    let bot = licence.and_then(|licence| licence.bot(id));
    let bot = bot.filter(|bot| bot.secret == secret && bot.client == client);
    let bot = bot.ok_or_else(|| refuse("authorization", "wrong bot credentials"))?;
    let bot = bot.id.clone();
    let token = format!("eyJ.{}.bot", world.hex());
    let until = Instant::now() + world.clock.wait(BOT_TOKEN);
    world.tokens.push(Token {
        access: token.clone(),
        refresh: None,
        organization,
        bot: Some(bot),
        until,
        lives: BOT_TOKEN,
    });
    Ok(json!({"token": token}))
}
