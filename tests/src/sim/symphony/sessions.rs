//! Who is logged in: sessions, key manager tokens, apps that act for people.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use serde_json::{Value, json};

use super::answer::{Refusal, refuse};
use super::ids::Ids;
use super::keys::PodKey;
use super::world::World;
use crate::sim::Request;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// As whom.
    pub(super) user: i64,
    /// Which app acts for them.
    pub(super) app: Option<String>,
}

/// How long a key that was replaced is still good, in milliseconds.
const OLD_KEY: i64 = 72 * 60 * 60 * 1_000;
/// Seconds that a bearer's token lives.
pub(super) const BEARER_SECONDS: i64 = 300;

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) user: i64,
    pub(super) app: Option<String>,
    /// An app's own session is of nobody.
    pub(super) is_app: bool,
    pub(super) simplified: bool,
    until: Instant,
}

/// An extension app.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) enabled: bool,
    pub(super) permissions: BTreeSet<String>,
    /// For whom it is installed; none: for everybody.
    pub(super) installed: Option<BTreeSet<i64>>,
}

/// What an app may be permitted.
pub(super) const PERMISSIONS: [&str; 10] = [
    "ACT_AS_USER",
    "SEND_MESSAGES",
    "SUPPRESS_MESSAGES",
    "LIST_USER_STREAMS",
    "GET_USER_CONNECTIONS",
    "REQUEST_USER_CONNECTIONS",
    "GET_PRESENCE",
    "SET_PRESENCE",
    "GET_BASIC_USER_INFO",
    "GET_BASIC_CONTACT_INFO",
];

impl Default for App {
    fn default() -> Self {
        Self {
            enabled: true,
            permissions: PERMISSIONS.iter().map(|it| (*it).to_owned()).collect(),
            installed: None,
        }
    }
}

/// A public key.
#[derive(Debug)]
struct Key {
    der: Vec<u8>,
    /// Until when it is good, in milliseconds, once another has taken its place.
    until: Option<i64>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// By user name and app id.
    keys: HashMap<String, Vec<Key>>,
    pub(super) apps: HashMap<String, App>,
    tokens: HashMap<String, Session>,
    key_tokens: HashMap<String, i64>,
    bearers: HashMap<String, (i64, Instant)>,
    pub(super) pod: PodKey,
}

impl Sessions {
    /// Gives an account a key; the one before is good for three days more.
    pub(super) fn set_key(&mut self, name: &str, key: Vec<u8>, now: i64) {
        let keys = self.keys.entry(name.to_owned()).or_default();
        keys.retain(|key| key.until.is_none());
        for key in keys.iter_mut() {
            key.until = Some(now + OLD_KEY);
        }
        keys.push(Key {
            der: key,
            until: None,
        });
    }

    pub(super) fn keys(&self, name: &str, now: i64) -> Vec<&[u8]> {
        let keys = self.keys.get(name).map_or(&[][..], Vec::as_slice);
        let good = keys
            .iter()
            .filter(|key| key.until.is_none_or(|until| now < until));
        good.map(|key| key.der.as_slice()).collect()
    }

    /// Ends all sessions and tokens.
    pub(super) fn expire(&mut self) {
        self.tokens.clear();
        self.key_tokens.clear();
        self.bearers.clear();
    }

    pub(super) fn end_token(&mut self, token: &str) -> bool {
        self.tokens.remove(token).is_some()
    }

    pub(super) fn end_key_token(&mut self, token: &str) -> bool {
        self.key_tokens.remove(token).is_some()
    }

    pub(super) fn session(&self, token: &str) -> Option<&Session> {
        self.tokens
            .get(token)
            .filter(|it| Instant::now() < it.until)
    }
}

impl World {
    /// Opens a session: of a service account, of an app (`user` 0), of a person by an app.
    pub(super) fn open_session(&mut self, user: i64, app: Option<&str>) -> String {
        let simplified = self.knobs.simplified_keys && app.is_none();
        let name = self
            .people
            .get(&user)
            .map_or("", |person| person.username.as_str());
        let claims = json!({
            "sub": if user == 0 { app.unwrap_or("") } else { name },
            "iss": "Symphony Communication Services LLC.",
            "sessionId": Ids::hex(16),
            "userId": user.to_string(),
            "canUseSimplifiedKeyDelivery": simplified,
            "exp": self.clock.now() / 1_000 + 86_400,
        });
        let token = self.sessions.pod.sign("RS512", &claims);
        let until = Instant::now() + self.clock.wait(self.knobs.session);
        let session = Session {
            user,
            app: app.map(str::to_owned),
            is_app: user == 0,
            simplified,
            until,
        };
        self.sessions.tokens.insert(token.clone(), session);
        token
    }

    /// Gives a key manager's token.
    pub(super) fn open_key_token(&mut self, user: i64) -> String {
        let token = format!("0100{}", Ids::hex(64));
        self.sessions.key_tokens.insert(token.clone(), user);
        token
    }

    /// Gives a bearer's token for a session.
    pub(super) fn open_bearer(&mut self, user: i64) -> String {
        let name = self
            .people
            .get(&user)
            .map_or("", |person| person.username.as_str());
        let claims = json!({
            "sub": user.to_string(),
            "username": name,
            "iss": "parlor-sim",
            "jti": Ids::uuid(),
            "exp": self.clock.now() / 1_000 + BEARER_SECONDS,
        });
        let token = self.sessions.pod.sign("RS256", &claims);
        let lives = std::time::Duration::from_secs(BEARER_SECONDS.unsigned_abs());
        let until = Instant::now() + self.clock.wait(lives);
        self.sessions.bearers.insert(token.clone(), (user, until));
        token
    }

    /// Who asks the pod: by a session or by a bearer's token.
    pub(super) fn pod_caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let bearer = request
            .header("authorization")
            .and_then(|it| it.strip_prefix("Bearer "));
        if let (None, Some(bearer)) = (request.header("sessiontoken"), bearer) {
            let found = self.sessions.bearers.get(bearer);
            let user = found
                .filter(|(_, until)| Instant::now() < *until)
                .map(|(user, _)| *user);
            let user = user.ok_or_else(|| refuse(401, "Invalid session"))?;
            return Ok(Caller { user, app: None });
        }
        Ok(self.caller_by_session(request)?.0)
    }

    /// Who asks the agent: by a session, and by a key manager's token unless the session does without.
    pub(super) fn agent_caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let (caller, simplified) = self.caller_by_session(request)?;
        let key_token = request.header("keymanagertoken").unwrap_or("");
        if caller.app.is_some() || (simplified && key_token.is_empty()) {
            return Ok(caller);
        }
        match self.sessions.key_tokens.get(key_token) {
            Some(user) if *user == caller.user => Ok(caller),
            _ => Err(refuse(401, "Invalid session")),
        }
    }

    fn caller_by_session(&self, request: &Request) -> Result<(Caller, bool), Refusal> {
        let token = request.header("sessiontoken").unwrap_or("");
        let session = self
            .sessions
            .session(token)
            .filter(|session| !session.is_app);
        let session = session.ok_or_else(|| refuse(401, "Invalid session"))?;
        let caller = Caller {
            user: session.user,
            app: session.app.clone(),
        };
        Ok((caller, session.simplified))
    }

    /// Refuses an app that was not permitted this.
    pub(super) fn permit(&self, caller: &Caller, permission: &str) -> Result<(), Refusal> {
        let Some(app) = &caller.app else {
            return Ok(());
        };
        let permitted = self.sessions.apps.get(app).is_some_and(|app| {
            app.permissions.contains("ACT_AS_USER") && app.permissions.contains(permission)
        });
        if permitted {
            Ok(())
        } else {
            Err(lacks_entitlement())
        }
    }
}

/// The platform's answer to a right that is missing.
pub(super) fn lacks_entitlement() -> Refusal {
    refuse(
        403,
        "The user lacks the required entitlement to perform this operation",
    )
}

/// A token as the authentication endpoints give it.
pub(super) fn token(name: &str, token: &str) -> Value {
    json!({ "name": name, "token": token })
}
