//! The page's WebSocket. Text frames of JSON both ways; tests speak it too.
//!
//! From the page:
//!
//! | Frame | Means |
//! |---|---|
//! | `{"as": "Anna"}` | speak as this user from now on; a snapshot follows. Must come first |
//! | `{"id": 7, "do": {"say": {"conversation": "room:lobby", "text": "hi"}}}` | a [`Command`] with a number of the page's own |
//! | `{"id": 8, "elsewhere": "b-1"}` | how other platforms would get this message |
//!
//! The commands: `say`, `edit`, `delete`, `react`, `join`, `request-join`, `leave`, `invite`, `remove`,
//! `promote`, `demote`, `open-room`, `open-direct`, `open-group`, `open-chat`, `create-room`, `update`,
//! `close`, `reopen`, `transfer`, `tag`, `submit`, `press`, `typing`, `set-presence`, `contact`, `other`.
//!
//! To the page:
//!
//! | Frame | Means |
//! |---|---|
//! | `{"snapshot": …}` | everything, as a [`Snapshot`]; again whenever the page has lost the thread |
//! | `{"event": …}` | a change after it, as a [`RoomEvent`] |
//! | `{"answer": {"id": 7, "done": …}}` | the command was done |
//! | `{"answer": {"id": 7, "error": "…"}}` | it was refused, with a sentence for the person |
//! | `{"answer": {"id": 8, "elsewhere": […]}}` | the message as [`Elsewhere`] has it; nothing where that is not known |
//! | `{"plugins": […]}` | the panel's rows |
//! | `{"failed": "…"}` | the frame made no sense |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use serde::{Deserialize, Serialize};

use super::page::Shared;
use super::panel::PluginRow;
use crate::mailbox::rooms::{
    Change, Command, Done, Elsewhere, RoomEvent, RoomsError, Snapshot, View, ViewError,
};
use crate::model::payload::{MemberChange, PresenceStatus};
use crate::telemetry::wire::{self, Way};

/// How often a page is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// What the record of frames calls it.
const PEER: &str = "page";
/// How long a page may take to read.
const SEND_WITHIN: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromPage {
    #[serde(default)]
    r#as: Option<String>,
    #[serde(default)]
    id: u64,
    #[serde(default)]
    r#do: Option<Command>,
    #[serde(default)]
    elsewhere: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum ToPage<'a> {
    Snapshot(&'a Snapshot),
    Event(&'a RoomEvent),
    Answer(Answer),
    Plugins(Vec<PluginRow>),
    Failed(String),
}

impl ToPage<'_> {
    /// The frame's kind, for the record of frames.
    fn kind(&self) -> &'static str {
        match self {
            Self::Snapshot(_) => "snapshot",
            Self::Event(_) => "event",
            Self::Answer(_) => "answer",
            Self::Plugins(_) => "plugins",
            Self::Failed(_) => "failed",
        }
    }
}

#[derive(Default, Serialize)]
struct Answer {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<Vec<Elsewhere>>,
}

/// The connection is over.
struct Over;

/// Serves one page.
pub(super) async fn run(shared: &Arc<Shared>, mut socket: WebSocket) {
    let mut session = Session {
        shared,
        user: None,
        view: None,
    };
    // Either end may end it; there is nothing left to tell then.
    let _ = session.serve(&mut socket).await;
    session.go().await;
}

struct Session<'a> {
    shared: &'a Arc<Shared>,
    user: Option<String>,
    view: Option<View>,
}

impl Session<'_> {
    async fn serve(&mut self, socket: &mut WebSocket) -> Result<(), Over> {
        let stop = self.shared.stop.clone();
        let mut plugins = self.shared.panel.changed();
        plugins.mark_changed();
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut answered = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    let frame = CloseFrame { code: close_code::AWAY, reason: "parlor stops".into() };
                    return send_frame(socket, Message::Close(Some(frame))).await;
                }
                _ = ping.tick() => {
                    if !answered {
                        return Err(Over);
                    }
                    answered = false;
                    send_frame(socket, Message::Ping(Default::default())).await?;
                }
                Ok(()) = plugins.changed() => {
                    send(socket, &ToPage::Plugins(self.shared.panel.plugins())).await?;
                }
                event = next(&mut self.view) => self.pass_on(socket, event).await?,
                frame = socket.recv() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        answered = true;
                        self.take(socket, &text).await?;
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over),
                    Some(Ok(_)) => answered = true,
                },
            }
        }
    }

    async fn take(&mut self, socket: &mut WebSocket, text: &str) -> Result<(), Over> {
        wire::frame(Way::In, PEER, "text", text.len());
        let frame: FromPage = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => return send(socket, &ToPage::Failed(error.to_string())).await,
        };
        if let Some(user) = frame.r#as {
            self.go().await;
            self.come(user).await;
            return self.look(socket).await;
        }
        if let Some(message) = frame.elsewhere {
            return self.show_elsewhere(socket, frame.id, &message).await;
        }
        let Some(command) = frame.r#do else {
            return send(socket, &ToPage::Failed("nothing to do".to_owned())).await;
        };
        let result = match &self.user {
            Some(user) => self.shared.rooms.act(user, command).await,
            None => Err(RoomsError::Denied("say who you are first".to_owned())),
        };
        let (done, error) = match result {
            Ok(done) => (Some(done), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let id = frame.id;
        let answer = Answer {
            id,
            done,
            error,
            ..Answer::default()
        };
        send(socket, &ToPage::Answer(answer)).await
    }

    /// Tells how other platforms would get a message.
    async fn show_elsewhere(
        &self,
        socket: &mut WebSocket,
        id: u64,
        message: &str,
    ) -> Result<(), Over> {
        let user = self.user.as_deref();
        let elsewhere = user.and_then(|user| self.shared.rooms.elsewhere(user, message));
        let answer = Answer {
            id,
            elsewhere,
            ..Answer::default()
        };
        send(socket, &ToPage::Answer(answer)).await
    }

    /// Sends a snapshot and goes on from there.
    async fn look(&mut self, socket: &mut WebSocket) -> Result<(), Over> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        match self.shared.rooms.view(user) {
            Ok((snapshot, view)) => {
                self.view = Some(view);
                send(socket, &ToPage::Snapshot(&snapshot)).await
            }
            Err(error) => {
                self.user = None;
                self.view = None;
                send(socket, &ToPage::Failed(error.to_string())).await
            }
        }
    }

    async fn pass_on(
        &mut self,
        socket: &mut WebSocket,
        event: Result<Arc<RoomEvent>, ViewError>,
    ) -> Result<(), Over> {
        match event {
            Ok(event) => {
                send(socket, &ToPage::Event(&event)).await?;
                match &event.change {
                    // What was hidden from the user may be seen now, or the other way round.
                    Change::Member { user, change, .. }
                        if Some(&**user) == self.viewer()
                            && *change != MemberChange::JoinRequested =>
                    {
                        self.look(socket).await
                    }
                    _ => Ok(()),
                }
            }
            Err(ViewError::Lagged) => self.look(socket).await,
            Err(ViewError::Closed) => Err(Over),
        }
    }

    fn viewer(&self) -> Option<&str> {
        self.view.as_ref().map(View::viewer)
    }

    async fn come(&mut self, user: String) {
        let first = {
            let mut here = self.shared.here.lock();
            let count = here.entry(user.clone()).or_default();
            *count += 1;
            *count == 1
        };
        if first {
            self.be(&user, PresenceStatus::Available).await;
        }
        self.user = Some(user);
    }

    async fn go(&mut self) {
        self.view = None;
        let Some(user) = self.user.take() else {
            return;
        };
        let last = {
            let mut here = self.shared.here.lock();
            let left = here.get(&user).map_or(0, |count| count - 1);
            if left == 0 {
                here.remove(&user);
            } else {
                here.insert(user.clone(), left);
            }
            left == 0
        };
        if last {
            self.be(&user, PresenceStatus::Offline).await;
        }
    }

    async fn be(&self, user: &str, status: PresenceStatus) {
        let command = Command::SetPresence { status };
        if let Err(error) = self.shared.rooms.act(user, command).await {
            tracing::debug!(%error, "presence was not noted");
        }
    }
}

async fn next(view: &mut Option<View>) -> Result<Arc<RoomEvent>, ViewError> {
    match view {
        Some(view) => view.next().await,
        None => std::future::pending().await,
    }
}

async fn send(socket: &mut WebSocket, frame: &ToPage<'_>) -> Result<(), Over> {
    match serde_json::to_string(frame) {
        Ok(text) => {
            wire::frame(Way::Out, PEER, frame.kind(), text.len());
            send_frame(socket, Message::Text(text.into())).await
        }
        Err(error) => {
            tracing::error!(%error, "frame for the page has no JSON");
            Err(Over)
        }
    }
}

async fn send_frame(socket: &mut WebSocket, frame: Message) -> Result<(), Over> {
    match tokio::time::timeout(SEND_WITHIN, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Over),
    }
}
