//! What is asked of the platform, in each version's words. Pure.
//!
//! | | 3.4–3.7 | chat.io 0.3, 0.4 |
//! |---|---|---|
//! | address | `/v3.6/agent/action/…` | `/agent/v0.3/action/…` |
//! | body | as it is | `{"payload": …, "author_id": bot}` |
//! | who acts | the bot's token; before 3.6 `X-Author-Id` | `author_id` |
//! | who sees it | `visibility` | `recipients` |
//! | join, leave | `add_user_to_chat`, `remove_user_from_chat` | `join_chat`, `remove_from_chat` |
//! | close | `deactivate_chat` | `close_thread` |
//! | webhooks | `register_webhook`, for an app | part of the bot |

use serde_json::{Map, Value, json};

use super::config::{LiveChatConfig, Routing, Version};
use super::places::Part;
use crate::model::action::TransferTarget;
use crate::model::payload::PresenceStatus;

/// The webhooks that a bot hears, since 3.3.
pub const HOOKS: [&str; 12] = [
    "incoming_chat",
    "incoming_event",
    "event_updated",
    "event_deleted",
    "incoming_rich_message_postback",
    "user_added_to_chat",
    "user_removed_from_chat",
    "chat_deactivated",
    "chat_transferred",
    "thread_tagged",
    "thread_untagged",
    "routing_status_set",
];
/// The webhooks that a bot of chat.io hears.
pub const CHATIO_HOOKS: [&str; 2] = ["incoming_event", "incoming_chat_thread"];

/// Which API is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Chats.
    Agent,
    /// Bots and webhooks.
    Configuration,
}

/// In whose name something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Whoever installed the bot.
    Owner,
    /// The bot.
    Bot,
    /// Nobody: what is asked has its own proof.
    Nobody,
}

/// Something that is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Of which API.
    pub api: Api,
    /// What.
    pub action: String,
    /// The body, without what wraps it.
    pub body: Value,
    /// By whom.
    pub by: By,
}

impl Call {
    /// Asks something of the API of chats.
    pub fn agent(action: &str, by: By, body: Value) -> Self {
        Self {
            api: Api::Agent,
            action: action.to_owned(),
            body,
            by,
        }
    }

    /// Asks something of the API of settings.
    pub fn configuration(action: &str, body: Value) -> Self {
        Self {
            api: Api::Configuration,
            action: action.to_owned(),
            body,
            by: By::Owner,
        }
    }

    /// The path, behind the host.
    pub fn path(&self, version: Version) -> String {
        let action = &self.action;
        let api = match self.api {
            Api::Agent => "agent",
            Api::Configuration => "configuration",
        };
        match (version, self.api) {
            (Version::Three(_), _) => format!("v{version}/{api}/action/{action}"),
            (Version::ChatIo(_), Api::Agent) => format!("{api}/v{version}/action/{action}"),
            (Version::ChatIo(_), Api::Configuration) => format!("{api}/v{version}/{action}"),
        }
    }

    /// The body as it is sent.
    pub fn wrapped(&self, version: Version, bot: &str) -> Value {
        match (version, self.api) {
            (Version::ChatIo(_), Api::Agent) => {
                json!({"author_id": bot, "payload": self.body})
            }
            _ => self.body.clone(),
        }
    }
}

/// Brings the bot into a chat. Whoever installed it need not be there.
pub fn join(version: Version, chat: &str, bot: &str, part: Part) -> Call {
    if version.is_chatio() {
        return Call::agent(
            "join_chat",
            By::Bot,
            json!({"chat_id": chat, "agent_ids": [bot]}),
        );
    }
    add(version, chat, bot, part)
}

/// Brings an agent into a chat.
pub fn add(version: Version, chat: &str, agent: &str, part: Part) -> Call {
    if version.is_chatio() {
        return Call::agent(
            "join_chat",
            By::Bot,
            json!({"chat_id": chat, "agent_ids": [agent]}),
        );
    }
    let visibility = match part {
        Part::All => "all",
        Part::Agents => "agents",
    };
    let body = json!({
        "chat_id": chat, "user_id": agent, "user_type": "agent", "visibility": visibility,
        "ignore_requester_presence": true,
    });
    Call::agent("add_user_to_chat", By::Owner, body)
}

/// Takes an agent, or the bot, out of a chat.
pub fn remove(version: Version, chat: &str, agent: &str) -> Call {
    if version.is_chatio() {
        let body = json!({"chat_id": chat, "agent_ids": [agent]});
        return Call::agent("remove_from_chat", By::Bot, body);
    }
    let body = json!({
        "chat_id": chat, "user_id": agent, "user_type": "agent", "ignore_requester_presence": true,
    });
    Call::agent("remove_user_from_chat", By::Owner, body)
}

/// Says something.
pub fn send_event(version: Version, chat: &str, mut event: Map<String, Value>, part: Part) -> Call {
    let seen = match part {
        Part::All => "all",
        Part::Agents => "agents",
    };
    let name = match version {
        Version::ChatIo(_) => "recipients",
        Version::Three(_) => "visibility",
    };
    event.insert(name.to_owned(), seen.into());
    Call::agent(
        "send_event",
        By::Bot,
        json!({"chat_id": chat, "event": event}),
    )
}

/// Closes a chat.
pub fn close(version: Version, chat: &str) -> Call {
    if version.is_chatio() {
        return Call::agent("close_thread", By::Bot, json!({"chat_id": chat}));
    }
    let body = json!({"id": chat, "ignore_requester_presence": true});
    Call::agent("deactivate_chat", By::Owner, body)
}

/// Hands a chat on; none where the version cannot.
pub fn transfer(version: Version, chat: &str, to: &TransferTarget) -> Option<Call> {
    if version.is_chatio() {
        return None;
    }
    let target = match to {
        TransferTarget::Group(id) => {
            // Groups have numbers; what is none, the platform refuses.
            let id = id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id));
            json!({"type": "group", "ids": [id]})
        }
        TransferTarget::Agent(id) => json!({"type": "agent", "ids": [id]}),
    };
    let body = json!({"id": chat, "target": target, "ignore_requester_presence": true});
    Some(Call::agent("transfer_chat", By::Owner, body))
}

/// Puts a tag on a thread or takes it off; none where the version cannot.
pub fn tag(version: Version, chat: &str, thread: &str, tag: &str, is_put_on: bool) -> Option<Call> {
    if version.is_chatio() {
        return None;
    }
    let action = if is_put_on {
        "tag_thread"
    } else {
        "untag_thread"
    };
    let body = json!({"chat_id": chat, "thread_id": thread, "tag": tag});
    Some(Call::agent(action, By::Owner, body))
}

/// Shows that the bot types.
pub fn typing(version: Version, chat: &str, is_typing: bool) -> Call {
    let seen = match version {
        Version::ChatIo(_) => "recipients",
        Version::Three(_) => "visibility",
    };
    let body = json!({"chat_id": chat, "is_typing": is_typing, seen: "all"});
    Call::agent("send_typing_indicator", By::Bot, body)
}

/// A chat with its newest thread, or the one that is named; none where the version can be asked for
/// chats by a socket only.
pub fn get_chat(version: Version, chat: &str, thread: Option<&str>) -> Option<Call> {
    if version.is_chatio() {
        return None;
    }
    let mut body = json!({"chat_id": chat});
    if let Some(thread) = thread {
        body["thread_id"] = thread.into();
    }
    Some(Call::agent("get_chat", By::Owner, body))
}

/// What a bot is at its making.
pub fn bot_body(config: &LiveChatConfig) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("name", config.display_name.as_str().into());
    if let Some(chats) = config.max_chats {
        put("max_chats_count", chats.into());
    }
    let groups = config.groups.iter();
    let groups = groups.map(|group| json!({"id": group.id, "priority": group.priority.name()}));
    if !config.groups.is_empty() {
        put("groups", groups.collect());
    }
    if config.version.is_chatio() {
        return body;
    }
    if let Some(title) = &config.job_title {
        put("job_title", title.as_str().into());
    }
    if let Some(hours) = &config.hours {
        let days = hours.days.iter().map(
            |day| json!({"day": day.day, "enabled": true, "start": day.start, "end": day.end}),
        );
        let schedule: Vec<Value> = days.collect();
        put(
            "work_scheduler",
            json!({"timezone": hours.time_zone, "schedule": schedule}),
        );
    }
    body
}

/// The name of a status of routing.
pub fn routing_status(version: Version, routing: Routing) -> &'static str {
    match (version, routing) {
        (Version::ChatIo(_), Routing::Accepting) => "accepting chats",
        (Version::ChatIo(_), Routing::NotAccepting) => "not accepting chats",
        (Version::Three(_), Routing::Accepting) => "accepting_chats",
        (Version::Three(_), Routing::NotAccepting) => "not_accepting_chats",
    }
}

/// The status of routing that a presence is.
pub fn status_of(presence: PresenceStatus) -> &'static str {
    match presence {
        PresenceStatus::Available => "accepting_chats",
        PresenceStatus::Busy | PresenceStatus::Away | PresenceStatus::DoNotDisturb => {
            "not_accepting_chats"
        }
        PresenceStatus::Offline => "offline",
    }
}

/// The part of a bot of chat.io that says which webhooks it hears, where.
pub fn chatio_hooks(url: &str, secret: &str) -> Value {
    let actions = CHATIO_HOOKS.iter().map(|name| json!({"name": name}));
    let actions: Vec<Value> = actions.collect();
    json!({"url": url, "secret_key": secret, "actions": actions})
}
