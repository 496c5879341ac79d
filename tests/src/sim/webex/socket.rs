//! The WebSocket of Cisco's own clients: devices, authorization, frames until they are acknowledged
//! (webex.md §10).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;

use super::Cloud;
use super::answer::{Answer, Fields, gone, good, refuse};
use super::ids;
use super::world::{CardAction, Member, Message, Person, World};
use crate::sim::server::Tls;

/// How long a client may take to say who it is.
const AUTHORIZE: Duration = Duration::from_secs(30);
/// Frames that wait for a connection to take them.
const WAITING: usize = 1_000;

#[derive(Clone, Debug)]
pub(super) struct Device {
    key: String,
    owner: String,
    name: String,
    changed: i64,
    /// Which of its addresses leads somewhere, and which one the list has: the same until it moves.
    address: u32,
    listed: u32,
    /// What was not acknowledged: comes again to the next connection.
    unacknowledged: Vec<Value>,
}

/// A connection that is open.
pub(super) struct Line {
    device: String,
    owner: String,
    sequence: u64,
    out: mpsc::Sender<Out>,
}

enum Out {
    Frame(Value, bool),
    Close(u16, String),
}

pub(super) fn catalog(world: &World) -> Value {
    json!({
        "serviceLinks": { "wdm": format!("{}/wdm/api/v1", world.base) },
        "hostCatalog": {},
    })
}

fn shown(world: &World, device: &Device) -> Value {
    json!({
        "url": format!("{}/wdm/api/v1/devices/{}", world.base, device.key),
        "webSocketUrl": format!(
            "{}/v1/apps/wx2/registrations/{}.{}/messages",
            world.socket_base, device.key, device.listed
        ),
        "name": device.name,
        "deviceType": "DESKTOP",
        "userId": device.owner,
        "modificationTime": World::written(device.changed),
        "features": {},
    })
}

pub(super) fn devices(world: &mut World, caller: &Person, method: &str, fields: &Fields) -> Answer {
    match method {
        "GET" => {
            let own = world
                .devices
                .iter()
                .filter(|device| device.owner == caller.key);
            let own: Vec<Value> = own.map(|device| shown(world, device)).collect();
            if own.is_empty() {
                return Err(refuse(404, "No devices"));
            }
            good(&json!({ "devices": own }))
        }
        "POST" => {
            for (name, title) in [
                ("name", "Name"),
                ("model", "Model"),
                ("localizedModel", "Localized Model"),
            ] {
                if fields.text(name).is_none() {
                    return Err(refuse(400, &format!("Missing {title}")));
                }
            }
            let changed = world.moment();
            let device = Device {
                key: ids::uuid(),
                owner: caller.key.clone(),
                name: fields.text("name").unwrap_or_default().to_owned(),
                changed,
                address: 0,
                listed: 0,
                unacknowledged: Vec::new(),
            };
            let made = shown(world, &device);
            world.devices.push(device);
            good(&made)
        }
        _ => Err(refuse(405, "Method not allowed")),
    }
}

pub(super) fn device(world: &mut World, caller: &Person, method: &str, id: &str) -> Answer {
    let place = world
        .devices
        .iter()
        .position(|device| device.key == id && device.owner == caller.key);
    let place = place.ok_or_else(|| refuse(404, "No such device"))?;
    match method {
        "DELETE" => {
            world.devices.remove(place);
            gone()
        }
        "PUT" => {
            world.devices[place].changed = world.moment();
            world.devices[place].listed = world.devices[place].address;
            good(&shown(world, &world.devices[place]))
        }
        _ => Err(refuse(405, "Method not allowed")),
    }
}

impl World {
    pub(super) fn unacknowledged(&self) -> usize {
        self.devices
            .iter()
            .map(|device| device.unacknowledged.len())
            .sum()
    }

    pub(super) fn close_sockets(&mut self, code: u16, reason: &str) {
        for line in self.lines.drain(..) {
            // Who is gone need not be told.
            let _ = line.out.try_send(Out::Close(code, reason.to_owned()));
        }
        self.ring();
    }

    pub(super) fn forget_devices(&mut self) {
        self.devices.clear();
    }

    /// Gives every device another address, which nobody is told before the device is refreshed.
    pub(super) fn move_devices(&mut self) {
        for device in &mut self.devices {
            device.address += 1;
        }
        self.ring();
    }

    pub(super) fn sockets(&self) -> usize {
        self.lines.len()
    }

    fn target(&self, room: &str) -> Value {
        let is_direct = self.rooms.get(room).is_some_and(|room| room.is_direct);
        let tags: &[&str] = if is_direct { &["ONE_ON_ONE"] } else { &[] };
        json!({
            "id": room,
            "objectType": "conversation",
            "url": format!("{}/conversation/api/v1/conversations/{room}", self.base),
            "tags": tags,
            "globalId": self.room_id(room),
        })
    }

    fn actor(&self, person: &str) -> Value {
        let known = self.people.get(person);
        json!({
            "id": person, "entryUUID": person, "objectType": "person", "type": "PERSON",
            "displayName": known.map(|it| &it.name), "emailAddress": known.map(|it| &it.email),
        })
    }

    fn activity(&self, id: &str, verb: &str, by: &str, room: &str, at: i64) -> Value {
        json!({
            "id": id, "objectType": "activity", "verb": verb, "published": Self::written(at),
            "actor": self.actor(by), "target": self.target(room),
            "object": {"objectType": "comment", "displayName": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0"},
        })
    }

    pub(super) fn socket_message(&mut self, event: &str, message: &Message, by: &str) {
        let at = message.updated.unwrap_or(message.created);
        let mut activity = match event {
            "deleted" => {
                let mut activity = self.activity(&ids::uuid(), "delete", by, &message.room, at);
                activity["object"] = json!({"id": message.key, "objectType": "activity"});
                activity
            }
            "updated" => {
                let mut activity = self.activity(&ids::uuid(), "post", by, &message.room, at);
                activity["parent"] = json!({"id": message.key, "type": "edit"});
                activity
            }
            _ => {
                let verb = if message.files.is_empty() {
                    "post"
                } else {
                    "share"
                };
                self.activity(&message.key, verb, by, &message.room, at)
            }
        };
        if let Some(parent) = message.parent.as_ref().filter(|_| event == "created") {
            activity["parent"] = json!({"id": parent, "type": "reply"});
        }
        if event == "created" && !message.files.is_empty() && self.knobs.double_share {
            // The first of two has an id of its own, and no message is behind it.
            let first = self.activity(&ids::uuid(), "share", by, &message.room, at);
            self.frame(first, |world, owner| world.sees(owner, message));
        }
        self.frame(activity, |world, owner| world.sees(owner, message));
    }

    pub(super) fn socket_member(&mut self, event: &str, member: &Member, by: &str) {
        let verb = match (event, member.is_moderator) {
            ("created", _) => "add",
            ("deleted", _) => "leave",
            (_, true) => "assignModerator",
            (_, false) => "unassignModerator",
        };
        let mut activity = self.activity(&ids::uuid(), verb, by, &member.room, member.created);
        activity["object"] = self.actor(&member.person);
        let room = member.room.clone();
        self.frame(activity, |world, owner| world.is_in(&owner.key, &room));
    }

    pub(super) fn socket_room(&mut self, event: &str, room: &str, by: &str) {
        if event != "updated" {
            return;
        }
        let at = self.rooms.get(room).map_or(0, |room| room.active);
        let mut activity = self.activity(&ids::uuid(), "update", by, room, at);
        activity["object"] = json!({"id": room, "objectType": "conversation"});
        let room = room.to_owned();
        self.frame(activity, |world, owner| world.is_in(&owner.key, &room));
    }

    pub(super) fn socket_action(&mut self, action: &CardAction) {
        let message = self
            .messages
            .iter()
            .find(|it| it.key == action.message)
            .cloned();
        let Some(message) = message else {
            return;
        };
        let mut activity = self.activity(
            &action.key,
            "cardAction",
            &action.person,
            &message.room,
            action.created,
        );
        activity["parent"] = json!({"id": message.key, "type": "cardAction"});
        activity["object"] = json!({"objectType": "submit", "inputs": "eyJhbGciOiJkaXIifQ"});
        self.frame(activity, |_, owner| owner.key == message.person);
    }

    /// Sends an event to every device of those who see it.
    fn frame(&mut self, activity: Value, sees: impl Fn(&Self, &Person) -> bool) {
        let data = json!({"eventType": "conversation.activity", "activity": activity});
        let lost = std::mem::take(&mut self.knobs.lost_frames);
        let owners: Vec<String> = self
            .devices
            .iter()
            .map(|device| device.key.clone())
            .collect();
        for key in owners {
            let place = self.devices.iter().position(|device| device.key == key);
            let Some(place) = place else {
                continue;
            };
            let owner = self.people.get(&self.devices[place].owner);
            if !owner.is_some_and(|owner| sees(self, owner)) {
                continue;
            }
            let mut frame = json!({
                "id": ids::uuid(), "data": data, "timestamp": self.clock.now(), "headers": {},
                "alertType": "none", "filterMessage": false,
            });
            let binary = self.knobs.binary_frames;
            if let Some(line) = self.lines.iter_mut().find(|line| line.device == key) {
                line.sequence += 1 + lost;
                frame["sequenceNumber"] = line.sequence.into();
                if lost > 0 {
                    // The frames before it, and it, tell nothing: only the numbers show it.
                    frame["data"] = json!({"eventType": "mercury.ping"});
                }
                // A connection that takes nothing gets it at the next.
                let _ = line.out.try_send(Out::Frame(frame.clone(), binary));
            }
            if lost == 0 {
                self.devices[place].unacknowledged.push(frame);
            }
        }
        self.ring();
    }
}

/// Listens on a port of its own, as the platform does on a host of its own.
pub(super) async fn listen(
    cloud: Arc<Cloud>,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let acceptor = tls.map(TlsAcceptor::from);
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            let Ok((stream, _)) = accepted else {
                continue;
            };
            let (cloud, acceptor, stop) = (cloud.clone(), acceptor.clone(), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = serve(&cloud, stream, acceptor) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    });
    Ok(address)
}

async fn serve(cloud: &Cloud, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
    match acceptor {
        None => talk(cloud, stream).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(cloud, stream).await;
            }
        }
    }
}

#[expect(clippy::result_large_err, reason = "the signature is the crate's")]
async fn talk<S>(cloud: &Cloud, stream: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut device = String::new();
    let mut leads_nowhere = false;
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let path = request.uri().path();
        let key = path
            .trim_end_matches("/messages")
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let (key, address) = key.split_once('.').unwrap_or_default();
        key.clone_into(&mut device);
        let world = cloud.world.lock();
        if let Some(known) = world.devices.iter().find(|it| it.key == key) {
            leads_nowhere = known.address.to_string() != address;
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(Some("no such registration".to_owned()));
        *refusal.status_mut() = axum::http::StatusCode::NOT_FOUND;
        Err(refusal)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, look).await else {
        return;
    };
    if leads_nowhere {
        // It opens as any other does, and ends at once without a word of why.
        let close = CloseFrame {
            code: 1001.into(),
            reason: "".into(),
        };
        let _ = socket.close(Some(close)).await;
        return;
    }
    let authorized = tokio::time::timeout(AUTHORIZE, socket.next()).await;
    let token = match authorized {
        Ok(Some(Ok(frame))) => {
            let said: Value = serde_json::from_slice(&frame.into_data()).unwrap_or_default();
            let is_right = said["type"] == "authorization" && said["id"].is_string();
            let token = said["data"]["token"].as_str().unwrap_or_default();
            is_right.then(|| token.strip_prefix("Bearer ").unwrap_or_default().to_owned())
        }
        _ => None,
    };
    let (out, mut outgoing) = mpsc::channel(WAITING);
    let own = out.clone();
    let welcomed = {
        let mut world = cloud.world.lock();
        world.welcome(&device, token.as_deref(), out)
    };
    let Some(first) = welcomed else {
        let close = CloseFrame {
            code: 4401.into(),
            reason: "authentication failed".into(),
        };
        // Who is gone need not be told.
        let _ = socket.close(Some(close)).await;
        return;
    };
    for frame in first {
        if socket.send(Frame::text(frame.to_string())).await.is_err() {
            return;
        }
    }
    loop {
        let goes_on = tokio::select! {
            out = outgoing.recv() => match out {
                Some(Out::Frame(frame, true)) => {
                    socket.send(Frame::binary(frame.to_string().into_bytes())).await.is_ok()
                }
                Some(Out::Frame(frame, false)) => {
                    socket.send(Frame::text(frame.to_string())).await.is_ok()
                }
                Some(Out::Close(code, reason)) => {
                    let close = CloseFrame { code: code.into(), reason: reason.into() };
                    let _ = socket.close(Some(close)).await;
                    false
                }
                None => false,
            },
            came = socket.next() => match came {
                Some(Ok(Frame::Text(_) | Frame::Binary(_))) => {
                    let text = match came {
                        Some(Ok(frame)) => frame.into_data(),
                        _ => Default::default(),
                    };
                    let answer = cloud.world.lock().heard(&device, &text);
                    match answer {
                        Some(answer) => socket.send(Frame::text(answer.to_string())).await.is_ok(),
                        None => true,
                    }
                }
                Some(Ok(Frame::Close(_))) | None | Some(Err(_)) => false,
                Some(Ok(_)) => true,
            },
        };
        if !goes_on {
            let mut world = cloud.world.lock();
            // Another of this device may have come meanwhile: that one is listened to.
            world
                .lines
                .retain(|line| line.device != device || !line.out.same_channel(&own));
            world.ring();
            return;
        }
    }
}

impl World {
    /// Takes a connection; what its device has not acknowledged comes again.
    fn welcome(
        &mut self,
        device: &str,
        token: Option<&str>,
        out: mpsc::Sender<Out>,
    ) -> Option<Vec<Value>> {
        let owner = self
            .devices
            .iter()
            .find(|it| it.key == device)?
            .owner
            .clone();
        let person = self.people.get(&owner)?;
        if token.is_none() || person.token.as_deref() != token {
            return None;
        }
        // One registration has one connection.
        let replaced: Vec<Line> = {
            let (old, rest) = std::mem::take(&mut self.lines)
                .into_iter()
                .partition(|line: &Line| line.device == device);
            self.lines = rest;
            old
        };
        for line in replaced {
            let _ = line.out.try_send(Out::Close(4000, "replaced".to_owned()));
        }
        let mut first = Vec::new();
        let mut sequence = 0;
        if !self.knobs.no_greeting {
            sequence += 1;
            first.push(json!({
                "id": ids::uuid(), "data": {"eventType": "mercury.buffer_state"},
                "sequenceNumber": sequence,
            }));
        }
        let waiting = self.devices.iter().find(|it| it.key == device);
        for frame in waiting
            .map(|it| it.unacknowledged.clone())
            .unwrap_or_default()
        {
            let mut again = frame;
            sequence += 1;
            again["sequenceNumber"] = sequence.into();
            first.push(again);
        }
        self.lines.push(Line {
            device: device.to_owned(),
            owner,
            sequence,
            out,
        });
        self.ring();
        Some(first)
    }

    /// Takes a frame of a client; gives what is answered.
    fn heard(&mut self, device: &str, text: &[u8]) -> Option<Value> {
        let said: Value = serde_json::from_slice(text).unwrap_or_default();
        let answer = match said["type"].as_str() {
            Some("ack") => {
                let id = said["messageId"].as_str().unwrap_or_default();
                let known = self.devices.iter_mut().find(|it| it.key == device);
                if let Some(known) = known {
                    known.unacknowledged.retain(|frame| frame["id"] != id);
                }
                if id.is_empty() {
                    self.complaints
                        .push("an ack without a messageId".to_owned());
                }
                None
            }
            Some("ping") if self.knobs.silent => None,
            Some("ping") => Some(json!({"id": said["id"], "type": "pong"})),
            other => {
                self.complaints.push(format!("a frame of type {other:?}"));
                None
            }
        };
        let _owner = self
            .lines
            .iter()
            .find(|line| line.device == device)
            .map(|line| &line.owner);
        self.ring();
        answer
    }
}
