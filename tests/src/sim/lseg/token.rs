//! The authentication: form in, tokens out (§2).

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::time::Instant;

use super::knobs::Knobs;
use super::world::{Session, World};
use crate::sim::{Reply, Request};

/// What a token is for.
const SCOPE: &str = "trapi.messenger";

/// Tells whether a path is one of tokens: today's, and that of very old samples.
pub(super) fn is_token_path(path: &str) -> bool {
    matches!(path, "/auth/oauth2/v1/token" | "/auth/oauth2/beta1/token")
}

/// Answers a request for tokens.
pub(super) fn answer(world: &mut World, request: &Request) -> Reply {
    if request.method != Method::POST {
        return Reply::empty(405);
    }
    // The redirect is at the usual address; the old one answers by itself.
    if request.path.contains("/v1/")
        && let Some(to) = world.knobs.redirect.clone()
    {
        let reply = Reply::empty(world.knobs.redirect_status);
        return match to.as_str() {
            "" => reply,
            to => reply.header("location", to),
        };
    }
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return refused(400, "invalid_request", "The body is no form.");
    }
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect();
    let Some(client) = client(request, &form) else {
        return refused(401, "invalid_client", "Invalid Application Credential.");
    };
    if !world.app_keys.contains(&client) {
        return refused(401, "invalid_client", "Invalid Application Credential.");
    }
    let of = |name: &str| form.get(name).map_or("", String::as_str);
    match of("grant_type") {
        "password" => log_in(world, &form),
        "refresh_token" => refresh(world, of("username"), of("refresh_token")),
        _ => refused(400, "unsupported_grant_type", "Invalid grant type."),
    }
}

/// Who asks: by the Basic header, whose secret is empty, or by `client_id`; where both are, both say it.
fn client(request: &Request, form: &BTreeMap<String, String>) -> Option<String> {
    let basic = match request.header("authorization") {
        None => None,
        Some(header) => {
            let coded = header.strip_prefix("Basic ")?;
            let text = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
            let key = text.strip_suffix(':')?;
            Some(key.to_owned())
        }
    };
    match (basic, form.get("client_id")) {
        (Some(basic), Some(id)) if basic != *id => None,
        (Some(key), _) => Some(key),
        (None, id) => id.cloned(),
    }
}

fn log_in(world: &mut World, form: &BTreeMap<String, String>) -> Reply {
    let of = |name: &str| form.get(name).map_or("", String::as_str);
    if !of("scope").split(' ').any(|scope| scope == SCOPE) {
        return refused(400, "invalid_scope", "Scope is missing or unknown.");
    }
    let id = of("username").to_lowercase();
    let known = world.accounts.get_mut(&id);
    let Some(account) = known.filter(|account| account.password == of("password")) else {
        return refused(400, "access_denied", "Invalid username or password.");
    };
    let now = Instant::now();
    account
        .sessions
        .retain(|_, session| session.refresh.1 > now);
    if of("takeExclusiveSignOnControl") == "true" {
        account.sessions.clear();
    } else if !account.sessions.is_empty() {
        return refused(400, "access_denied", "Session quota is reached.");
    }
    if let Some(new) = form.get("newPassword") {
        new.clone_into(&mut account.password);
    }
    let number = world.number();
    give(world, &id, number)
}

fn refresh(world: &mut World, username: &str, token: &str) -> Reply {
    let id = username.to_lowercase();
    let now = Instant::now();
    let holds = |session: &Session| session.refresh.0 == token && session.refresh.1 > now;
    let sessions = world.accounts.get(&id).map(|account| &account.sessions);
    let found = sessions.and_then(|sessions| {
        let mut sessions = sessions.iter();
        sessions
            .find(|(_, session)| holds(session))
            .map(|(number, _)| *number)
    });
    match found {
        Some(number) => give(world, &id, number),
        None => refused(400, "invalid_grant", "Refresh token does not exist."),
    }
}

/// Gives a session new tokens: the refresh token before is good no more.
fn give(world: &mut World, id: &str, session: u64) -> Reply {
    let access = format!("access.{}", world.id());
    let refresh = format!("refresh-{}", world.id());
    let now = Instant::now();
    let (holds, refresh_holds) = (world.knobs.token_secs, world.knobs.refresh_secs);
    let end = now + world.clock.wait(Knobs::secs(holds));
    let refresh_end = now + world.clock.wait(Knobs::secs(refresh_holds));
    if let Some(account) = world.accounts.get_mut(id) {
        let session = account.sessions.entry(session).or_insert_with(|| Session {
            access: BTreeMap::new(),
            refresh: (String::new(), now),
        });
        session.access.insert(access.clone(), end);
        session.refresh = (refresh.clone(), refresh_end);
    }
    world.ring();
    let body = json!({
        "access_token": access,
        "refresh_token": refresh,
        // A text, as the platform has it.
        "expires_in": holds.to_string(),
        "scope": SCOPE,
        "token_type": "Bearer",
    });
    Reply::json(200, &body)
}

fn refused(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}
