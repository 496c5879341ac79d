//! Chats with their people and threads.

use serde_json::Value;

use super::{WireEvent, first_text, flag, list, moment, short, text, texts};

/// A chat with the thread that is told of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat {
    /// Its id.
    pub id: String,
    /// Who is or was in it.
    pub users: Vec<WireUser>,
    /// The thread.
    pub thread: Option<Thread>,
    /// The groups that may see it.
    pub groups: Vec<String>,
}

/// One visit to a chat, from its beginning to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thread {
    /// Its id.
    pub id: String,
    /// It is not closed.
    pub active: bool,
    /// When it began.
    pub created: Option<u64>,
    /// The one before it.
    pub previous: Option<String>,
    /// What was said, in order.
    pub events: Vec<WireEvent>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Waits for an agent: its place in the queue.
    pub queue: Option<u32>,
}

/// Somebody of a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireUser {
    /// The id: of a customer a UUID, of an agent the e-mail address, of a bot a number.
    pub id: String,
    /// `customer` or `agent`.
    pub kind: String,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Is in the chat now.
    pub present: bool,
    /// Sees messages that customers do not, and cannot speak to them.
    pub is_for_agents: bool,
    /// The country, as two letters.
    pub country: Option<String>,
    /// The time zone.
    pub time_zone: Option<String>,
    /// The page that the customer is on, with its title.
    pub page: Option<(String, Option<String>)>,
    /// Where the visit came from.
    pub referrer: Option<String>,
    /// The browser.
    pub user_agent: Option<String>,
}

impl Chat {
    /// Reads a chat; none of what has no id. Those of lists have a summary in place of a thread.
    pub fn read(value: &Value) -> Option<Self> {
        let names = ["thread", "last_thread_summary", "last_thread_info"];
        let thread = names.iter().find_map(|name| value.get(*name));
        Some(Self {
            id: text(value, "id")?,
            users: list(value, "users")
                .iter()
                .filter_map(WireUser::read)
                .collect(),
            thread: thread.and_then(Thread::read),
            groups: value
                .get("access")
                .map(|access| texts(access, "group_ids"))
                .unwrap_or_default(),
        })
    }

    /// The customer.
    pub fn customer(&self) -> Option<&WireUser> {
        self.users.iter().find(|user| user.is_customer())
    }
}

impl Thread {
    /// Reads a thread.
    pub fn read(value: &Value) -> Option<Self> {
        let queue = value.get("queue").and_then(|queue| queue.get("position"));
        let mut events: Vec<WireEvent> = list(value, "events")
            .iter()
            .filter_map(WireEvent::read)
            .collect();
        // Documented for all versions since 3.1; before, the order is the events' own.
        if events.iter().all(|event| event.raw.get("order").is_none()) {
            events.sort_by_key(|event| event.at);
        } else {
            events.sort_by_key(|event| event.raw.get("order").and_then(Value::as_u64));
        }
        Some(Self {
            id: text(value, "id")?,
            active: flag(value, "active"),
            created: moment(value, &["created_at", "timestamp"]),
            previous: text(value, "previous_thread_id"),
            events,
            tags: texts(value, "tags"),
            queue: queue
                .and_then(Value::as_u64)
                .and_then(|it| u32::try_from(it).ok()),
        })
    }
}

impl WireUser {
    /// Reads somebody.
    pub fn read(value: &Value) -> Option<Self> {
        let visit = ["visit", "last_visit"]
            .iter()
            .find_map(|name| value.get(*name))
            .unwrap_or(&Value::Null);
        let place = visit.get("geolocation").unwrap_or(&Value::Null);
        let page = list(visit, "last_pages").last();
        let text = |value: &Value, name: &str| text(value, name).map(short);
        Some(Self {
            id: text(value, "id")?,
            kind: text(value, "type").unwrap_or_default(),
            name: text(value, "name"),
            email: text(value, "email"),
            present: flag(value, "present"),
            is_for_agents: text(value, "visibility").as_deref() == Some("agents"),
            country: first_text(place, &["country_code", "country"]),
            time_zone: text(place, "timezone"),
            page: page.and_then(|page| Some((text(page, "url")?, text(page, "title")))),
            referrer: text(visit, "referrer"),
            user_agent: text(visit, "user_agent"),
        })
    }

    /// Tells a customer.
    pub fn is_customer(&self) -> bool {
        self.kind == "customer"
    }
}
