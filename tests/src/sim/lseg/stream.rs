//! The stream (§4).

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::Desk;
use super::knobs::Knobs;
use super::world::{Line, Out};
use crate::sim::socket::offered;
use crate::sim::{Opened, Reply, Request, Socket};

/// Its path.
pub(super) const PATH: &str = "/services/nt/api/messenger/v1/stream";
/// The only protocol that it speaks.
const PROTOCOL: &str = "messenger-json";
/// Frames that wait for a client.
const WAITING: usize = 10_000;
/// So long never comes.
const FAR: std::time::Duration = std::time::Duration::from_secs(10 * 365 * 24 * 3_600);

/// Takes a client's stream, where it speaks the protocol.
pub(super) fn open(desk: &Arc<Desk>, request: &Request) -> Option<Result<Opened, Reply>> {
    if request.path != PATH {
        return None;
    }
    if !offered(request).iter().any(|protocol| protocol == PROTOCOL) {
        return Some(Err(Reply::text(
            400,
            "text/plain",
            "subprotocol is missing",
        )));
    }
    let desk = desk.clone();
    let number = request.number;
    Some(Ok(Opened::new(Some(PROTOCOL), move |socket| async move {
        let mut serving = Serving::new(desk, number);
        serving.run(socket).await;
    })))
}

struct Serving {
    desk: Arc<Desk>,
    number: u64,
    account: Option<String>,
    requests: BTreeSet<String>,
}

/// Why a stream ends.
enum End {
    /// With a code and words.
    Closed(u16, &'static str),
    /// Without a word.
    Cut,
}

impl Serving {
    fn new(desk: Arc<Desk>, number: u64) -> Self {
        Self {
            desk,
            number,
            account: None,
            requests: BTreeSet::new(),
        }
    }

    async fn run(&mut self, mut socket: Socket) {
        let (out, waiting) = mpsc::channel(WAITING);
        let line = Line { account: None, out };
        self.desk.world.lock().lines.insert(self.number, line);
        let end = self.serve(&mut socket, waiting).await;
        {
            let mut world = self.desk.world.lock();
            world.lines.remove(&self.number);
            world.witness.end(self.number);
        }
        if let Some(End::Closed(code, reason)) = end {
            let frame = CloseFrame {
                code: CloseCode::from(code),
                reason: reason.into(),
            };
            // A client that is gone need not be told.
            let _ = socket.close(Some(frame)).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    }

    async fn serve(
        &mut self,
        socket: &mut Socket,
        mut waiting: mpsc::Receiver<Out>,
    ) -> Option<End> {
        let (clock, knobs) = {
            let world = self.desk.world.lock();
            (world.clock, world.knobs.clone())
        };
        let wait = |secs: u64| Instant::now() + clock.wait(Knobs::secs(secs));
        let idle = |knobs: &Knobs| match knobs.idle_secs {
            0 => Instant::now() + FAR,
            secs => wait(secs),
        };
        let mut deadline = wait(knobs.connect_secs);
        let mut idle_at = idle(&knobs);
        loop {
            let message = tokio::select! {
                message = socket.next() => message,
                out = waiting.recv() => {
                    match out {
                        Some(Out::Text(text)) => {
                            socket.send(Message::text(text)).await.ok()?;
                            let mut world = self.desk.world.lock();
                            world.told += 1;
                            world.ring();
                            continue;
                        }
                        Some(Out::Cut) | None => return Some(End::Cut),
                    }
                }
                () = tokio::time::sleep_until(deadline) => return Some(match self.account {
                    None => End::Closed(1008, "no connect"),
                    // Even where the token lives.
                    Some(_) => End::Closed(1001, "no authenticate in time"),
                }),
                () = tokio::time::sleep_until(idle_at) => return Some(End::Cut),
            };
            let message = message?.ok()?;
            let knobs = self.desk.world.lock().knobs.clone();
            if knobs.hangs {
                self.hang().await;
                return Some(End::Cut);
            }
            idle_at = idle(&knobs);
            match message {
                Message::Text(text) => {
                    let command = serde_json::from_str(text.as_str()).unwrap_or(Value::Null);
                    if let (None, Some(early)) = (&self.account, &knobs.early) {
                        socket.send(Message::text(early.clone())).await.ok()?;
                    }
                    match self.command(&command) {
                        Ok(answer) => {
                            deadline = wait(knobs.window_secs);
                            if let Some(answer) = answer {
                                socket.send(Message::text(answer.to_string())).await.ok()?;
                            }
                        }
                        Err((told, end)) => {
                            if let Some(told) = told {
                                socket.send(Message::text(told.to_string())).await.ok()?;
                            }
                            return Some(end);
                        }
                    }
                }
                Message::Ping(_) => {
                    let mut world = self.desk.world.lock();
                    world.pings += 1;
                    world.ring();
                }
                Message::Close(_) => return None,
                Message::Binary(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Waits until streams do not hang any more.
    async fn hang(&self) {
        let mut bell = self.desk.world.lock().bell();
        while self.desk.world.lock().knobs.hangs {
            if bell.changed().await.is_err() {
                return;
            }
        }
    }

    /// Performs `connect` or `authenticate`; what is answered, or how it ends.
    fn command(&mut self, command: &Value) -> Result<Option<Value>, (Option<Value>, End)> {
        let mut world = self.desk.world.lock();
        world.heard_frame(json!({"stream": self.number, "frame": command}));
        let request = command["reqId"].as_str().map(str::to_owned);
        match &request {
            None => world.complain("a reqId is a text".to_owned()),
            Some(id) if !self.requests.insert(id.clone()) => {
                world.complain(format!("the reqId {id} comes twice"));
            }
            Some(_) => {}
        }
        let name = command["command"].as_str().unwrap_or_default();
        let is_known = matches!(
            (name, self.account.is_some()),
            ("connect", false) | ("authenticate", true)
        );
        if !is_known {
            world.complain(format!("the command {name:?} is not known here"));
            return Err((None, End::Closed(1008, "unknown command")));
        }
        let token = command["payload"]["stsToken"].as_str().unwrap_or_default();
        let Some(account) = world.account_of(token) else {
            let told = world.knobs.says_refusal.then(|| {
                let error = json!({"code": "401", "message": "token expired"});
                json!({"event": "error", "reqId": request, "error": error})
            });
            let code = world.knobs.refusal_code;
            return Err((told, End::Closed(code, "token expired")));
        };
        if let Some(line) = world.lines.get_mut(&self.number) {
            line.account = Some(account.clone());
        }
        self.account = Some(account);
        let answer = match name {
            "connect" if world.knobs.mute => None,
            "connect" => Some("connected"),
            _ if world.knobs.acknowledges => Some("authenticated"),
            _ => None,
        };
        world.ring();
        Ok(answer.map(|event| json!({"event": event, "reqId": request})))
    }
}
