//! Login, key manager and session authentication: by RSA, by certificate, on behalf of people.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, good, refuse};
use super::keys::Shown;
use super::sessions::{BEARER_SECONDS, token};
use super::world::World;
use crate::sim::{Reply, Request};

/// Which of an endpoint's two tokens is asked for.
#[derive(Clone, Copy)]
enum Wanted {
    Session,
    Key,
}

/// Answers what lies below `/login`, `/relay`, `/sessionauth` and `/keyauth`.
pub(super) fn answer(
    world: &mut World,
    request: &Request,
    path: &[&str],
    notes: &mut Map<String, Value>,
) -> Answer {
    match (request.method.as_str(), path) {
        ("POST", ["login", "pubkey", "authenticate"]) => {
            by_key(world, request, Wanted::Session, notes)
        }
        ("POST", ["relay", "pubkey", "authenticate"]) => by_key(world, request, Wanted::Key, notes),
        ("POST", ["login", "pubkey", "app", "authenticate"]) => app_by_key(world, request, notes),
        (
            "POST",
            [
                "login",
                "pubkey",
                "app",
                kind @ ("user" | "username"),
                who,
                "authenticate",
            ],
        ) => {
            let session = on_behalf(world, request, kind, who)?;
            good(&token("sessionToken", &session))
        }
        ("POST", ["login", "idm", "tokens"]) => {
            let caller = world.pod_caller(request)?;
            let bearer = world.open_bearer(caller.user);
            good(
                &json!({ "token_type": "Bearer", "expires_in": BEARER_SECONDS, "access_token": bearer }),
            )
        }
        ("GET", ["login", "idm", "keys"]) => good(&world.sessions.pod.published()),
        ("POST", ["sessionauth", "v1", "authenticate"]) => {
            by_certificate(world, request, Wanted::Session, notes)
        }
        ("POST", ["keyauth", "v1", "authenticate"]) => {
            by_certificate(world, request, Wanted::Key, notes)
        }
        ("POST", ["sessionauth", "v1", "app", "authenticate"]) => {
            let app = certificate_of(request, notes)?;
            known_app(world, &app, 403)?;
            let session = world.open_session(0, Some(&app));
            good(&token("sessionToken", &session))
        }
        (
            "POST",
            [
                "sessionauth",
                "v1",
                "app",
                kind @ ("user" | "username" | "uid"),
                who,
                "authenticate",
            ],
        ) => {
            certificate_of(request, notes)?;
            let session = on_behalf(world, request, kind, who)?;
            good(&json!({ "sessionToken": session }))
        }
        ("POST", ["sessionauth", "v1", "logout"]) => {
            let session = request.header("sessiontoken").unwrap_or("").to_owned();
            logged_out(world.sessions.end_token(&session))
        }
        ("POST", ["keyauth", "v1", "logout"]) => {
            let key = request.header("keymanagertoken").unwrap_or("").to_owned();
            logged_out(world.sessions.end_key_token(&key))
        }
        _ => Err(refuse(404, "Not found")),
    }
}

fn logged_out(was_known: bool) -> Answer {
    if !was_known {
        return Err(refuse(400, "Invalid token"));
    }
    Ok(Reply::json(200, &json!({ "message": "Session ended" })))
}

/// All that is wrong with a login is told alike; the record says what it was.
fn unauthorized(notes: &mut Map<String, Value>, why: &str) -> Refusal {
    notes.insert("refused".to_owned(), why.into());
    refuse(401, "Unauthorized")
}

/// Whom a token in the body is of, checked.
fn subject(
    world: &World,
    request: &Request,
    notes: &mut Map<String, Value>,
) -> Result<String, Refusal> {
    let body = request.json().unwrap_or_default();
    let jwt = body.get("token").and_then(Value::as_str);
    let jwt = jwt.ok_or_else(|| unauthorized(notes, "no token in the body"))?;
    let shown = Shown::read(jwt).map_err(|why| unauthorized(notes, &why))?;
    notes.insert("jwt_header".to_owned(), shown.header.clone());
    notes.insert("jwt_claims".to_owned(), shown.claims.clone());
    let subject = shown
        .subject()
        .ok_or_else(|| unauthorized(notes, "no sub"))?;
    let now = world.clock.now();
    let keys = world.sessions.keys(subject, now);
    if keys.is_empty() {
        return Err(unauthorized(notes, "sub is not known"));
    }
    shown
        .check(&keys, now)
        .map_err(|why| unauthorized(notes, &why))?;
    Ok(subject.to_owned())
}

fn account(world: &World, name: &str, notes: &mut Map<String, Value>) -> Result<i64, Refusal> {
    // A certificate's name and a token's sub are compared letter by letter.
    let person = world.people.values().find(|person| person.username == name);
    match person {
        Some(person) if !person.enabled => Err(unauthorized(notes, "the account is disabled")),
        Some(person) if person.is_service() => Ok(person.id),
        _ => Err(unauthorized(notes, "no service account of this name")),
    }
}

fn give(world: &mut World, user: i64, wanted: Wanted) -> Answer {
    match wanted {
        Wanted::Session => {
            let session = world.open_session(user, None);
            let mut body = token("sessionToken", &session);
            let bearer = world.open_bearer(user);
            body["authorizationToken"] = format!("Bearer {bearer}").into();
            good(&body)
        }
        Wanted::Key => good(&token("keyManagerToken", &world.open_key_token(user))),
    }
}

fn by_key(
    world: &mut World,
    request: &Request,
    wanted: Wanted,
    notes: &mut Map<String, Value>,
) -> Answer {
    let name = subject(world, request, notes)?;
    let user = account(world, &name, notes)?;
    give(world, user, wanted)
}

fn app_by_key(world: &mut World, request: &Request, notes: &mut Map<String, Value>) -> Answer {
    let app = subject(world, request, notes)?;
    if app.contains(':') {
        return Err(unauthorized(notes, "an app's id with a colon never works"));
    }
    known_app(world, &app, 401)?;
    let session = world.open_session(0, Some(&app));
    good(&token("sessionToken", &session))
}

fn known_app(world: &World, app: &str, status: u16) -> Result<(), Refusal> {
    let known = world.sessions.apps.get(app).is_some_and(|app| app.enabled);
    if known {
        Ok(())
    } else {
        Err(refuse(status, "Unauthorized"))
    }
}

/// Opens a session of a person for an app that shows its own.
fn on_behalf(
    world: &mut World,
    request: &Request,
    kind: &str,
    who: &str,
) -> Result<String, Refusal> {
    let shown = request.header("sessiontoken").unwrap_or("");
    let session = world
        .sessions
        .session(shown)
        .filter(|session| session.is_app);
    let app = session.and_then(|session| session.app.clone());
    let app = app.ok_or_else(|| refuse(401, "Invalid session"))?;
    let user = match kind {
        "username" => {
            let mut people = world.people.values();
            people
                .find(|person| person.username == who)
                .map(|person| person.id)
        }
        _ => who.parse().ok().filter(|id| world.people.contains_key(id)),
    };
    let user = user.ok_or_else(|| refuse(401, "Unauthorized"))?;
    let is_installed = world.sessions.apps.get(&app).is_some_and(|it| {
        it.enabled
            && it.permissions.contains("ACT_AS_USER")
            && it
                .installed
                .as_ref()
                .is_none_or(|users| users.contains(&user))
    });
    if !is_installed || !world.people[&user].enabled {
        return Err(refuse(401, "Unauthorized"));
    }
    Ok(world.open_session(user, Some(&app)))
}

fn certificate_of(request: &Request, notes: &mut Map<String, Value>) -> Result<String, Refusal> {
    let Some(name) = &request.certificate else {
        notes.insert("refused".to_owned(), "no client certificate".into());
        return Err(refuse(403, "Certificate authentication is not allowed"));
    };
    notes.insert("certificate".to_owned(), name.as_str().into());
    // Real servers have answered 401 or 500 to a body here.
    if !request.body.is_empty() {
        return Err(unauthorized(notes, "the body is not empty"));
    }
    Ok(name.clone())
}

fn by_certificate(
    world: &mut World,
    request: &Request,
    wanted: Wanted,
    notes: &mut Map<String, Value>,
) -> Answer {
    let name = certificate_of(request, notes)?;
    let user = account(world, &name, notes).map_err(|_| refuse(403, "Forbidden"))?;
    give(world, user, wanted)
}
