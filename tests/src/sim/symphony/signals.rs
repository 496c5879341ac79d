//! Signals: kept searches, and who follows them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, done, good, refuse};
use super::ids::Ids;
use super::sessions::Caller;
use super::streams::page;
use super::world::World;
use crate::sim::Request;

/// A kept search.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    id: String,
    owner: i64,
    name: String,
    query: String,
    visible: bool,
    company_wide: bool,
    at: i64,
    subscribers: BTreeMap<i64, Subscriber>,
}

#[derive(Clone, Debug)]
struct Subscriber {
    id: String,
    pushed: bool,
    at: i64,
}

impl Signal {
    fn shown(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "query": self.query,
            "visibleOnProfile": self.visible, "companyWide": self.company_wide,
            "timestamp": self.at,
        })
    }

    fn change(&mut self, body: &Value) -> Result<(), Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| body.get(key).and_then(Value::as_bool);
        self.name = text("name").unwrap_or_else(|| self.name.clone());
        self.query = text("query").unwrap_or_else(|| self.query.clone());
        self.visible = flag("visibleOnProfile").unwrap_or(self.visible);
        self.company_wide = flag("companyWide").unwrap_or(self.company_wide);
        if self.name.trim().is_empty() {
            return Err(refuse(400, "A name is required"));
        }
        let fields = ["hashtag:", "cashtag:"];
        if !fields
            .iter()
            .any(|field| self.query.to_lowercase().contains(field))
        {
            return Err(refuse(400, "The query needs at least one tag"));
        }
        Ok(())
    }
}

fn own<'a>(world: &'a mut World, caller: &Caller, id: &str) -> Result<&'a mut Signal, Refusal> {
    let signal = world
        .signals
        .get_mut(id)
        .ok_or_else(|| refuse(400, "Signal not found"))?;
    if signal.owner == caller.user {
        Ok(signal)
    } else {
        Err(refuse(403, "Not the signal's owner"))
    }
}

fn seen<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Signal, Refusal> {
    let signal = world
        .signals
        .get(id)
        .ok_or_else(|| refuse(400, "Signal not found"))?;
    let is_seen = signal.company_wide
        || signal.owner == caller.user
        || signal.subscribers.contains_key(&caller.user);
    if is_seen {
        Ok(signal)
    } else {
        Err(refuse(403, "The signal cannot be seen"))
    }
}

/// Answers what lies below `/agent/v1/signals`.
pub(super) fn answer(
    world: &mut World,
    caller: &Caller,
    request: &Request,
    path: &[&str],
) -> Answer {
    let body = || {
        request
            .json()
            .map_err(|_| refuse(400, "Invalid request body"))
    };
    match (request.method.as_str(), path) {
        ("GET", ["list"]) => {
            let mut all = world.signals.values().collect::<Vec<_>>();
            all.retain(|signal| signal.owner == caller.user || signal.company_wide);
            let page = page(request, 50, 500)?;
            good(&page.of(&all).map(|signal| signal.shown()).collect())
        }
        ("GET", [id, "get"]) => good(&seen(world, caller, id)?.shown()),
        ("POST", ["create"]) => {
            let now = world.clock.now();
            let mut signal = Signal {
                id: Ids::hex(12),
                owner: caller.user,
                name: String::new(),
                query: String::new(),
                visible: false,
                company_wide: false,
                at: now,
                subscribers: BTreeMap::new(),
            };
            signal.change(&body()?)?;
            let shown = signal.shown();
            world.signals.insert(signal.id.clone(), signal);
            good(&shown)
        }
        ("POST", [id, "update"]) => {
            let body = body()?;
            let mut changed = own(world, caller, id)?.clone();
            changed.change(&body)?;
            let shown = changed.shown();
            world.signals.insert(changed.id.clone(), changed);
            good(&shown)
        }
        ("POST", [id, "delete"]) => {
            let id = own(world, caller, id)?.id.clone();
            world.signals.remove(&id);
            done("Signal deleted")
        }
        ("POST", [id, verb @ ("subscribe" | "unsubscribe")]) => {
            seen(world, caller, id)?;
            let asked = if request.body.is_empty() {
                json!([])
            } else {
                body()?
            };
            subscribe(world, caller, id, *verb == "subscribe", &asked, request)
        }
        ("GET", [id, "subscribers"]) => {
            let signal = seen(world, caller, id)?;
            let page = page(request, 50, 500)?;
            let rows: Vec<(&i64, &Subscriber)> = signal.subscribers.iter().collect();
            let data: Vec<Value> = page
                .of(&rows)
                .map(|(user, row)| {
                    let name = world.people.get(user).map(|person| person.display.clone());
                    json!({
                        "subscriptionId": row.id, "pushed": row.pushed,
                        "owner": **user == signal.owner,
                        "subscriberName": name.unwrap_or_default(),
                        "userId": user, "timestamp": row.at,
                    })
                })
                .collect();
            let more = page.skip + data.len() < rows.len();
            good(&json!({
                "offset": page.skip, "hasMore": more, "total": rows.len(), "data": data,
            }))
        }
        _ => Err(refuse(404, "Not found")),
    }
}

fn subscribe(
    world: &mut World,
    caller: &Caller,
    id: &str,
    subscribes: bool,
    asked: &Value,
    request: &Request,
) -> Answer {
    let now = world.clock.now();
    let listed = asked.as_array().map(Vec::as_slice).unwrap_or_default();
    let users: Vec<Option<i64>> = if listed.is_empty() {
        vec![Some(caller.user)]
    } else {
        listed.iter().map(Value::as_i64).collect()
    };
    let (mut good_ones, mut errors) = (0, Vec::new());
    for user in &users {
        let known = user.filter(|user| world.people.contains_key(user));
        let (Some(user), Some(signal)) = (known, world.signals.get_mut(id)) else {
            let user = user.unwrap_or_default();
            errors.push(
                json!({ "userId": user, "code": "USER_NOT_FOUND", "message": "User not found" }),
            );
            continue;
        };
        if subscribes {
            signal.subscribers.insert(
                user,
                Subscriber {
                    id: Ids::hex(12),
                    pushed: request.query("pushed") == Some("true"),
                    at: now,
                },
            );
        } else {
            signal.subscribers.remove(&user);
        }
        good_ones += 1;
    }
    good(&json!({
        "requestedSubscription": users.len(),
        "successfulSubscription": good_ones,
        "failedSubscription": errors.len(),
        "subscriptionErrors": errors,
    }))
}
