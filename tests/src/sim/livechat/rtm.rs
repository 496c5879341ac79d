//! The socket of agents (§5): who may open it, what is asked by it, and what it pushes. Bots may not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Message;

use super::answer::{Answer, Refusal, needed, refuse, text};
use super::chats;
use super::who::Who;
use super::world::{CLIENT_ID, Spoken, Token, World};
use crate::sim::{Opened, Reply, Request, Socket};

/// How long somebody may take to say who they are.
const LOGIN: Duration = Duration::from_secs(30);
/// How long somebody may say nothing, pings included; longer in chat.io.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_OLD: Duration = Duration::from_secs(60);
/// Requests that may wait for their answers at one time.
const PENDING: usize = 10;
/// Frames that wait for somebody to take them.
const WAITING: usize = 1_000;

/// A socket that somebody has logged in to.
pub(super) struct Line {
    number: u64,
    pub(super) organization: String,
    spoken: Spoken,
    /// What is pushed; none: everything.
    pushes: Option<Vec<String>>,
    out: mpsc::Sender<Out>,
}

enum Out {
    Push(Value),
    Disconnect(String),
}

/// Takes a client's socket; none where the request is for something else.
pub(super) fn open(
    world: &Arc<Mutex<World>>,
    told: &Arc<Notify>,
    request: &Request,
) -> Option<Result<Opened, Reply>> {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (spoken, version) = match parts.as_slice() {
        [version, "agent", "rtm", "ws"] => match super::routes::spoken(version) {
            Some(spoken) => (spoken, version.trim_start_matches('v')),
            None => return Some(Err(refuse("unsupported_version", "no such version").into())),
        },
        ["agent", version @ ("v0.3" | "v0.4"), "rtm", "ws"] => {
            (Spoken::ChatIo, version.trim_start_matches('v'))
        }
        _ => return None,
    };
    let organization = request.query("organization_id").map(str::to_owned);
    if spoken != Spoken::ChatIo && organization.as_ref().is_none_or(String::is_empty) {
        let refusal = refuse("validation", "`organization_id` is required");
        return Some(Err(refusal.into()));
    }
    let mut serving = Serving {
        world: world.clone(),
        told: told.clone(),
        number: request.number,
        spoken,
        version: version.to_owned(),
        organization,
        token: None,
    };
    Some(Ok(Opened::new(None, move |socket| async move {
        serving.run(socket).await;
    })))
}

impl World {
    /// Pushes what happened to whoever is logged in.
    pub(super) fn push_to_lines(
        &self,
        organization: &str,
        action: &str,
        payload: impl Fn(Spoken) -> Value,
    ) {
        let of_licence = |line: &&Line| line.organization == organization;
        for line in self.lines.iter().filter(of_licence) {
            let action = match line.spoken {
                Spoken::ChatIo => super::hooks::old_name(action),
                Spoken::Three(_) => action,
            };
            let is_wanted = |pushes: &Vec<String>| pushes.iter().any(|it| it == action);
            if line.pushes.as_ref().is_none_or(is_wanted) {
                let mut push = json!({
                    "action": action, "type": "push", "payload": payload(line.spoken),
                });
                if let Spoken::Three(minor) = line.spoken {
                    push["version"] = format!("3.{minor}").into();
                }
                // Who takes nothing gets nothing: pushes are not sent again.
                let _ = line.out.try_send(Out::Push(push));
            }
        }
    }

    /// Disconnects everybody, and says why.
    pub(super) fn disconnect(&self, reason: &str) {
        for line in &self.lines {
            let _ = line.out.try_send(Out::Disconnect(reason.to_owned()));
        }
    }
}

/// How a socket ends.
enum End {
    /// Told why.
    Told(String),
    /// Without a word.
    Cut,
}

struct Serving {
    world: Arc<Mutex<World>>,
    told: Arc<Notify>,
    number: u64,
    spoken: Spoken,
    version: String,
    organization: Option<String>,
    /// The token that was logged in with.
    token: Option<String>,
}

impl Serving {
    async fn run(&mut self, mut socket: Socket) {
        let (out, waiting) = mpsc::channel(WAITING);
        let end = self.serve(&mut socket, out, waiting).await;
        {
            let mut world = self.world.lock();
            world.lines.retain(|line| line.number != self.number);
            world.ring();
        }
        if let Some(End::Told(reason)) = end {
            let mut told = json!({
                "action": "agent_disconnected", "type": "push", "payload": {"reason": reason},
            });
            if self.spoken != Spoken::ChatIo {
                told["version"] = self.version.as_str().into();
            }
            // A client that is gone need not be told.
            let _ = socket.send(Message::text(told.to_string())).await;
            let _ = socket.close(None).await;
        }
    }

    async fn serve(
        &mut self,
        socket: &mut Socket,
        out: mpsc::Sender<Out>,
        mut waiting: mpsc::Receiver<Out>,
    ) -> Option<End> {
        let (clock, mut bell) = {
            let world = self.world.lock();
            (world.clock, world.bell())
        };
        let idle = match self.spoken {
            Spoken::ChatIo => IDLE_OLD,
            Spoken::Three(_) => IDLE,
        };
        let login_until = Instant::now() + clock.wait(LOGIN);
        let mut idle_until = Instant::now() + clock.wait(idle);
        loop {
            bell.borrow_and_update();
            let (until, is_login) = match &self.token {
                None => (login_until, true),
                Some(_) => match self.token_until() {
                    Some(until) if until > Instant::now() => (until.min(idle_until), false),
                    Some(_) => return Some(End::Told("access_token_expired".to_owned())),
                    None => return Some(End::Told("access_token_revoked".to_owned())),
                },
            };
            let message = tokio::select! {
                message = socket.next() => message,
                out = waiting.recv() => {
                    match out? {
                        Out::Push(push) => socket.send(Message::text(push.to_string())).await.ok()?,
                        Out::Disconnect(reason) => return Some(End::Told(reason)),
                    }
                    continue;
                }
                // A token may have ended.
                rung = bell.changed() => {
                    rung.ok()?;
                    continue;
                }
                () = tokio::time::sleep_until(until.into()) => {
                    if is_login {
                        return Some(End::Cut);
                    }
                    if Instant::now() >= idle_until {
                        return Some(End::Told("connection_timeout".to_owned()));
                    }
                    continue;
                }
            };
            // What is there already waits for its answers together.
            let mut frames = VecDeque::from([message]);
            while let Some(more) = socket.next().now_or_never() {
                let is_end = !matches!(more, Some(Ok(_)));
                frames.push_back(more);
                if is_end {
                    break;
                }
            }
            idle_until = Instant::now() + clock.wait(idle);
            let mut pending = 0;
            for frame in frames {
                let asked = match frame?.ok()? {
                    Message::Text(text) => text,
                    Message::Close(_) => return None,
                    _ => continue,
                };
                let asked = serde_json::from_str(asked.as_str()).unwrap_or(Value::Null);
                pending += 1;
                let (answer, end) = self.answer(&asked, pending > PENDING, &out);
                if let Some(answer) = answer {
                    socket.send(Message::text(answer.to_string())).await.ok()?;
                }
                if let Some(end) = end {
                    return Some(End::Told(end));
                }
            }
        }
    }

    fn token_until(&self) -> Option<Instant> {
        let world = self.world.lock();
        let mut tokens = world.tokens.iter();
        let known = tokens.find(|token| Some(&token.access) == self.token.as_ref());
        known.map(|token| token.until)
    }

    /// Answers a request; tells how the socket ends, where it does.
    fn answer(
        &mut self,
        asked: &Value,
        is_too_many: bool,
        out: &mpsc::Sender<Out>,
    ) -> (Option<Value>, Option<String>) {
        let action = text(asked, "action").unwrap_or_default().to_owned();
        let payload = asked.get("payload").cloned().unwrap_or_default();
        let is_in = self.token.is_some();
        if action == "ping" && !is_in {
            return (None, None);
        }
        let answered = match (action.as_str(), is_in) {
            _ if is_too_many => Err(refuse("pending_requests_limit_reached", "ten at most")),
            ("login", _) => self.login(&payload, out),
            (_, false) => Err(refuse("authentication", "login comes first")),
            ("ping" | "set_away_status" | "logout", true) => Ok(json!({})),
            ("update_session", true) if matches!(self.spoken, Spoken::Three(6..)) => {
                self.swap(&payload)
            }
            (_, true) => self.perform(&action, asked, &payload),
        };
        let end = (action == "logout" && answered.is_ok())
            .then(|| "agent_logged_out_remotely".to_owned());
        let mut answer = json!({"action": action, "type": "response"});
        if let Some(id) = asked.get("request_id") {
            answer["request_id"] = id.clone();
        }
        match answered {
            Ok(payload) => {
                answer["success"] = true.into();
                answer["payload"] = payload;
            }
            Err(refusal) => {
                answer["success"] = false.into();
                let body = serde_json::from_slice(&Reply::from(refusal).body);
                answer["payload"] = body.unwrap_or(Value::Null);
            }
        }
        self.told.notify_one();
        (Some(answer), end)
    }

    fn token_of(&self, payload: &Value) -> Result<Token, Refusal> {
        let shown = needed(payload, "token")?;
        let refused = || refuse("authentication", "Invalid access token");
        let shown = shown.strip_prefix("Bearer ").ok_or_else(refused)?;
        let world = self.world.lock();
        let now = Instant::now();
        let mut tokens = world.tokens.iter();
        let token = tokens.find(|token| token.access == shown && token.until > now);
        let token = token.ok_or_else(refused)?;
        if token.bot.is_some() {
            return Err(refuse("authorization", "bots have no socket"));
        }
        let is_here = self
            .organization
            .as_ref()
            .is_none_or(|it| *it == token.organization);
        is_here.then(|| token.clone()).ok_or_else(refused)
    }

    fn login(&mut self, payload: &Value, out: &mpsc::Sender<Out>) -> Answer {
        let token = self.token_of(payload)?;
        let pushes = payload["pushes"]
            .get(&self.version)
            .and_then(Value::as_array);
        let pushes = pushes.map(|all| {
            let names = all.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        });
        let mut world = self.world.lock();
        let who = who_of(&token);
        let list = json!({"filters": {"active": true}, "limit": 100});
        let chats = chats::answer(&mut world, &who, self.spoken, "list_chats", &list)?;
        let number = world.licence_of(&token.organization).map(|it| it.number);
        world.lines.retain(|line| line.number != self.number);
        world.lines.push(Line {
            number: self.number,
            organization: token.organization.clone(),
            spoken: self.spoken,
            pushes,
            out: out.clone(),
        });
        world.ring();
        drop(world);
        self.token = Some(token.access);
        Ok(json!({
            "license": {"id": number, "organization_id": token.organization},
            "my_profile": {"id": who.id, "email": who.id, "name": "Agent"},
            "chats_summary": chats["chats_summary"],
        }))
    }

    /// Puts another token in the place of the one that ends.
    fn swap(&mut self, payload: &Value) -> Answer {
        let token = self.token_of(payload)?;
        self.token = Some(token.access);
        Ok(json!({}))
    }

    fn perform(&self, action: &str, asked: &Value, payload: &Value) -> Answer {
        let mut world = self.world.lock();
        let mut tokens = world.tokens.iter();
        let token = tokens.find(|token| Some(&token.access) == self.token.as_ref());
        let token = token.cloned();
        let token = token.ok_or_else(|| refuse("authentication", "Invalid access token"))?;
        let mut who = who_of(&token);
        // chat.io lets an app speak for its bots.
        if let (Spoken::ChatIo, Some(author)) = (self.spoken, text(asked, "author_id")) {
            let licence = world.licence_of(&who.organization);
            let is_there = licence.is_some_and(|licence| licence.agent_user(author).is_some());
            if !is_there {
                return Err(refuse("validation", "no such author"));
            }
            author.clone_into(&mut who.id);
        }
        let action = match (self.spoken, action) {
            (Spoken::ChatIo, "get_chat_threads") => "list_threads",
            (Spoken::ChatIo, "get_filtered_chats") => "list_chats",
            (_, action) => action,
        };
        chats::answer(&mut world, &who, self.spoken, action, payload)
    }
}

fn who_of(token: &Token) -> Who {
    Who {
        organization: token.organization.clone(),
        id: super::world::AGENT.to_owned(),
        client: Some(CLIENT_ID.to_owned()),
        is_bot: false,
    }
}
