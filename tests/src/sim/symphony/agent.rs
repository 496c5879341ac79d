//! The agent's small endpoints: who it is, how it is, what it repeats.

use serde_json::{Value, json};

use super::answer::{Answer, good, refuse};
use super::world::World;
use crate::sim::{Reply, Request};

/// `GET /agent/v1/info`.
pub(super) fn info(world: &World, request: &Request) -> Answer {
    let host = request.header("host").unwrap_or("localhost");
    let named = world.knobs.server_fqdn.as_str();
    let node = if named.is_empty() { host } else { named };
    good(&json!({
        "ipAddress": "127.0.0.1",
        "hostname": "agent-1",
        "serverFqdn": node,
        "version": world.knobs.agent_version,
        "url": format!("https://{host}/agent"),
        "onPrem": true,
        "mt": false,
        "commitId": "0b07c1a",
    }))
}

/// `GET /agent/v3/health`.
pub(super) fn health() -> Answer {
    good(&json!({ "status": "UP" }))
}

/// `GET /agent/v3/health/extended`: the same body whether all is well or not.
pub(super) fn health_extended(world: &World) -> Answer {
    let version = world.knobs.agent_version.trim_start_matches("Agent-");
    let state = if world.knobs.healthy { "UP" } else { "DOWN" };
    let body = json!({
        "status": state,
        "version": version,
        "services": {
            "pod": { "status": "UP", "version": "24.5.0" },
            "datafeed": { "status": state, "version": "2.1.28" },
            "key_manager": { "status": "UP" },
        },
        "users": { "agentservice": { "authType": "CERT", "status": "UP" } },
    });
    Ok(Reply::json(
        if world.knobs.healthy { 200 } else { 503 },
        &body,
    ))
}

/// `POST /agent/v1/util/echo`.
pub(super) fn echo(body: &Value) -> Answer {
    let message = body.get("message").and_then(Value::as_str);
    let message = message.ok_or_else(|| refuse(400, "A message is required"))?;
    good(&json!({ "message": message }))
}
