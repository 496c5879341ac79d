//! The accounts: consent, codes, tokens.

use std::time::{Duration, Instant};

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, refuse_account};
use super::world::{CLIENT_ID, CLIENT_SECRET, Code, Token, World};
use crate::sim::{Reply, Request};

/// How long a code may be exchanged.
const CODE: Duration = Duration::from_secs(300);
/// How long an access token is good.
const ACCESS: Duration = Duration::from_secs(28_800);
/// Tokens of one app and user.
const MAX_TOKENS: usize = 25;
/// Redirects in half a minute.
const MAX_REDIRECTS: usize = 3;
const HALF_MINUTE: Duration = Duration::from_secs(30);
/// What the app may do.
const SCOPES: &str = "agents-bot--my:rw,chats--all:ro,chats--all:rw,customers:ro,webhooks.state:rw";

/// Answers a browser that asks for consent, which is given at once.
pub(super) fn authorize(world: &mut World, request: &Request) -> Reply {
    let query = |name: &str| request.query(name).unwrap_or_default().to_owned();
    let redirect = query("redirect_uri");
    let failed = |exception: &str| {
        let to = format!("/ooops?oauth_exception={exception}&exception_details={exception}");
        Reply::empty(302).header("location", &to)
    };
    if query("response_type") != "code" {
        return failed("unsupported_response_type");
    }
    if query("client_id") != CLIENT_ID {
        return failed("client_id_not_found");
    }
    if redirect.is_empty() {
        return failed("redirect_uri_not_set");
    }
    // Scheme, host and port as they are; the path may go on.
    let is_known = world.redirects.iter().any(|known| {
        let is_plain = !redirect.contains(['?', '#']) && !redirect.contains("..");
        is_plain && redirect.starts_with(known.as_str())
    });
    if !is_known {
        return failed("invalid_redirect_uri");
    }
    let now = Instant::now();
    let recent = world.clock.wait(HALF_MINUTE);
    world
        .redirects_followed
        .retain(|at| now.duration_since(*at) < recent);
    if world.redirects_followed.len() >= MAX_REDIRECTS {
        return failed("too_many_redirects");
    }
    if world.knobs.denies {
        // A refusal does not lead back.
        return Reply::text(200, "text/html", "<p>The app was not installed.</p>");
    }
    world.redirects_followed.push_back(now);
    let organization = world.knobs.installer.clone();
    let code = format!("dal:{}/{}", world.hex(), world.short('C'));
    let challenge = request.query("code_challenge").map(|challenge| {
        let method = request.query("code_challenge_method").unwrap_or("plain");
        (method.to_owned(), challenge.to_owned())
    });
    let until = now + world.clock.wait(CODE);
    world.codes.insert(
        code.clone(),
        Code {
            redirect: redirect.clone(),
            organization,
            challenge,
            until,
        },
    );
    let mut to = url::form_urlencoded::Serializer::new(String::new());
    to.append_pair("code", &code);
    if let Some(state) = request.query("state") {
        to.append_pair("state", state);
    }
    Reply::empty(302).header("location", &format!("{redirect}?{}", to.finish()))
}

/// Answers what is asked of tokens.
pub(super) fn answer(world: &mut World, request: &Request, what: &str, is_old: bool) -> Answer {
    match (&request.method, what) {
        (&Method::POST, "token") => token(world, request, is_old),
        (&Method::DELETE, "token") => revoke(world, request),
        (&Method::GET, "info") => info(world, request, is_old),
        _ => Err(refuse_account(404, "invalid_request", "no such endpoint")),
    }
}

fn form(request: &Request) -> Vec<(String, String)> {
    if let Ok(Value::Object(body)) = request.json() {
        let pairs = body.into_iter();
        return pairs
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect();
    }
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

fn token(world: &mut World, request: &Request, is_old: bool) -> Answer {
    let form = form(request);
    let field = |name: &str| {
        let found = form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let missing =
        |name: &str| refuse_account(422, "invalid_request", &format!("{name} is missing"));
    let grant =
        field("grant_type").ok_or_else(|| refuse_account(422, "missing_grant", "no grant"))?;
    let client = field("client_id").ok_or_else(|| missing("client_id"))?;
    if client != CLIENT_ID {
        return Err(refuse_account(401, "invalid_client", "no such client"));
    }
    let shows_secret = field("client_secret") == Some(CLIENT_SECRET);
    match grant {
        "authorization_code" => {
            let code = field("code").ok_or_else(|| missing("code"))?;
            let known = world.codes.remove(code);
            let known = known.filter(|it| it.until > Instant::now());
            let known =
                known.ok_or_else(|| refuse_account(401, "invalid_grant", "no such code"))?;
            if field("redirect_uri") != Some(known.redirect.as_str()) {
                return Err(refuse_account(
                    401,
                    "invalid_request",
                    "another redirect_uri",
                ));
            }
            check_verifier(&known, field("code_verifier"))?;
            let has_proof = shows_secret || (world.is_public && known.challenge.is_some());
            if !has_proof {
                return Err(refuse_account(401, "unauthorized_client", "wrong secret"));
            }
            Ok(give(world, &known.organization, is_old))
        }
        "refresh_token" => {
            let refresh = field("refresh_token").ok_or_else(|| missing("refresh_token"))?;
            let known = world
                .tokens
                .iter()
                .find(|token| token.refresh.as_deref() == Some(refresh))
                .cloned();
            let known =
                known.ok_or_else(|| refuse_account(401, "invalid_grant", "no such token"))?;
            if !shows_secret && !world.is_public {
                return Err(refuse_account(401, "unauthorized_client", "wrong secret"));
            }
            let keeps = (!world.is_public).then(|| refresh.to_owned());
            world
                .tokens
                .retain(|token| token.refresh.as_deref() != Some(refresh));
            let mut given = give(world, &known.organization, is_old);
            // A client that keeps a secret keeps its refresh token too.
            if let (Some(refresh), Some(token)) = (keeps, world.tokens.last_mut()) {
                token.refresh = Some(refresh.clone());
                given["refresh_token"] = refresh.into();
            }
            Ok(given)
        }
        "client_credentials" => Err(refuse_account(403, "access_denied", "not enabled")),
        _ => Err(refuse_account(
            403,
            "unsupported_grant_type",
            "no such grant",
        )),
    }
}

fn check_verifier(code: &Code, verifier: Option<&str>) -> Result<(), Refusal> {
    let Some((method, challenge)) = &code.challenge else {
        return Ok(());
    };
    let refused = || refuse_account(401, "invalid_grant", "wrong code_verifier");
    let verifier = verifier.ok_or_else(refused)?;
    if !(43..=128).contains(&verifier.len()) {
        return Err(refused());
    }
    let shown = match method.as_str() {
        "S256" => {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            URL_SAFE_NO_PAD.encode(hash)
        }
        _ => verifier.to_owned(),
    };
    (shown == *challenge).then_some(()).ok_or_else(refused)
}

fn give(world: &mut World, organization: &str, is_old: bool) -> Value {
    let access = format!("dal:{}", world.hex());
    let refresh = world.hex();
    let of_same = |token: &&Token| token.bot.is_none() && token.organization == organization;
    while world.tokens.iter().filter(of_same).count() >= MAX_TOKENS {
        let oldest = world.tokens.iter().position(|token| of_same(&token));
        match oldest {
            Some(oldest) => drop(world.tokens.remove(oldest)),
            None => break,
        }
    }
    let until = Instant::now() + world.clock.wait(ACCESS);
    world.tokens.push(Token {
        access: access.clone(),
        refresh: Some(refresh.clone()),
        organization: organization.to_owned(),
        bot: None,
        until,
        lives: ACCESS,
    });
    let lives = world.clock.wait(ACCESS).as_secs();
    if is_old {
        return json!({
            "access_token": access, "refresh_token": refresh, "expires_in": lives,
            "token_type": "Bearer",
        });
    }
    let account = world.licence_of(organization).map(|it| it.account.clone());
    json!({
        "access_token": access, "refresh_token": refresh, "expires_in": lives,
        "token_type": "Bearer", "organization_id": organization, "account_id": account,
        "scope": SCOPES,
    })
}

fn bearer(request: &Request) -> Option<String> {
    let shown = request.header("authorization")?;
    shown.strip_prefix("Bearer ").map(str::to_owned)
}

fn info(world: &World, request: &Request, is_old: bool) -> Answer {
    let shown = bearer(request).or_else(|| request.query("code").map(str::to_owned));
    let shown = shown.ok_or_else(|| refuse_account(401, "invalid_request", "no token"))?;
    let now = Instant::now();
    let token = world
        .tokens
        .iter()
        .find(|token| token.access == shown && token.until > now);
    let token = token.ok_or_else(|| refuse_account(401, "unauthorized_client", "no such token"))?;
    let licence = world.licence_of(&token.organization);
    let lives = world.clock.wait(token.lives).as_secs();
    if is_old {
        return Ok(json!({
            "access_token": token.access, "client_id": CLIENT_ID, "entity_id": super::world::AGENT,
            "expires_in": lives, "license_id": licence.map(|it| it.number),
            "scope": "agents-bot--my:write,chats.conversation--all:write", "token_type": "Bearer",
        }));
    }
    Ok(json!({
        "access_token": token.access, "account_id": licence.map(|it| it.account.clone()),
        "client_id": CLIENT_ID, "expires_in": lives, "organization_id": token.organization,
        "refresh_token": null, "scope": SCOPES, "token_type": "Bearer",
    }))
}

fn revoke(world: &mut World, request: &Request) -> Answer {
    let shown = bearer(request)
        .or_else(|| request.query("code").map(str::to_owned))
        .or_else(|| request.query("token").map(str::to_owned));
    let before = world.tokens.len();
    world.tokens.retain(|token| {
        Some(&token.access) != shown.as_ref() && (token.refresh.is_none() || token.refresh != shown)
    });
    if world.tokens.len() == before {
        return Err(refuse_account(404, "invalid_request", "no such token"));
    }
    Ok(json!({}))
}
