//! Tests of the local platform: its rules, its log, its connector.

mod actions;
mod contacts;
mod events;
mod rules;
mod storage;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Hub, LocalConfig, LocalConnector};
use crate::journal::{Durable, NewPart, Part, PartState, Sent, Urgency};
use crate::mailbox::rooms::{Command, Done, Rooms, RoomsError, Say};
use crate::mailbox::session::Session as _;
use crate::mailbox::{
    Acceptance, Connector, Incoming, Intake, IntakeError, SendError, SystemClock,
};
use crate::model::action::{Action, ActionKind, Fallback, Send, Target};
use crate::model::content::Content;
use crate::model::event::{Addressing, Event, Visibility};
use crate::model::payload::{EventPayload, Lifecycle, PresenceStatus};

/// The room that is there from the start.
const LOBBY: &str = "room:lobby";

fn connector(hub: &Hub) -> LocalConnector {
    LocalConnector::new(hub.clone(), "default".into(), "parlor", "Parlor")
        .expect("the name is free")
}

fn with_folder(folder: &Path) -> Hub {
    with_limit(folder, super::hub::log::LOG_MAX)
}

fn with_limit(folder: &Path, limit: u64) -> Hub {
    let config = LocalConfig {
        folder: Some(folder.to_path_buf()),
        ..LocalConfig::default()
    };
    Hub::open_with(config, limit, Arc::new(SystemClock)).expect("the folder is ours")
}

async fn say(hub: &Hub, user: &str, conversation: &str, text: &str) -> Result<Done, RoomsError> {
    let say = Say {
        conversation: conversation.to_owned(),
        text: text.to_owned(),
        ..Say::default()
    };
    hub.act(user, Command::Say(say)).await
}

async fn enter(hub: &Hub, user: &str) {
    let open = Command::OpenRoom {
        name: "Lobby".to_owned(),
    };
    hub.act(user, open).await.expect("the lobby is public");
}

async fn be(hub: &Hub, user: &str, status: PresenceStatus) {
    let command = Command::SetPresence { status };
    hub.act(user, command).await.expect("anybody may be there");
}

/// A part with a number, for an action in a conversation.
fn part(number: u64, conversation: &str, kind: ActionKind) -> Part {
    Part {
        number,
        tenant: "default".into(),
        plugin: "test".into(),
        delivery: number,
        origin: Arc::new(Event {
            id: format!("event-{number}"),
            sequence: number,
            attempt: 1,
            occurred_at: 0,
            received_at: 0,
            bot: None,
            conversation: None,
            actor: None,
            addressing: Addressing::Ambient,
            cause: None,
            depth: 0,
            trace_id: String::new(),
            extras: Vec::new(),
            raw: None,
            payload: EventPayload::Lifecycle(Lifecycle::Started),
        }),
        what: NewPart {
            bot: "parlor".into(),
            conversation: conversation.into(),
            index: 0,
            part: 0,
            urgency: Urgency::Answer,
            action: Arc::new(Action {
                key: None,
                bot: None,
                as_user: None,
                kind,
            }),
            sending: true,
        },
        broadcast: None,
        state: PartState::Sending,
        attempts: 1,
    }
}

fn send_to(target: Target, text: &str) -> ActionKind {
    ActionKind::Send(Send {
        target,
        content: Content::Plain(text.to_owned()),
        attachments: Vec::new(),
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    })
}

fn reply(text: &str) -> ActionKind {
    send_to(Target::Reply, text)
}

async fn perform(
    bot: &LocalConnector,
    number: u64,
    conversation: &str,
    kind: ActionKind,
) -> Result<Sent, SendError> {
    bot.perform(&part(number, conversation, kind)).await
}

/// Takes what it is given and keeps it; refuses while it is told to.
#[derive(Default)]
struct TestIntake {
    taken: Mutex<Vec<Incoming>>,
    refusals: Mutex<u32>,
    /// How many it was offered, each time counted.
    offered: Mutex<usize>,
}

#[async_trait]
impl Intake for TestIntake {
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        {
            let mut refusals = self.refusals.lock();
            if *refusals > 0 {
                *refusals -= 1;
                return Err(IntakeError::Paused("test".to_owned()));
            }
        }
        *self.offered.lock() += incoming.len();
        let mut taken = self.taken.lock();
        // Not all at one time, so that the rest is offered again.
        let acceptances = incoming.into_iter().take(3).map(|incoming| {
            if taken.iter().any(|known| known.key == incoming.key) {
                return Acceptance::Duplicate;
            }
            taken.push(incoming);
            Acceptance::New(1)
        });
        Ok((acceptances.collect(), Durable::done()))
    }
}

impl TestIntake {
    fn events(&self) -> Vec<Event> {
        self.taken.lock().iter().map(|i| i.event.clone()).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.events()
            .iter()
            .filter_map(|event| match &event.payload {
                EventPayload::Message(message) => Some(message.text.clone()),
                _ => None,
            })
            .collect()
    }
}

/// Runs the session until the bot has taken everything.
async fn drain(bot: &LocalConnector, intake: &TestIntake) {
    let idle = async {
        while bot.quiet().is_none() {
            tokio::task::yield_now().await;
        }
    };
    bot.hear(intake, idle).await;
}
