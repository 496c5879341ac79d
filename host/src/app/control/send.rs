//! A message from the command line: a delivery of the built-in plugin, waited for to its end.

use std::sync::Arc;
use std::time::Duration;

use super::answer::unknown_bot;
use super::refused;
use crate::app::clock;
use crate::app::host::Host;
use crate::app::sends::{Awaited, Progress};
use crate::mailbox::control::{
    LaneState, MAX_FILES_BYTES, Refused, RefusedReason, Selector, SendAsk, SentLine, SentState,
};
use crate::mailbox::{Connector, Connectors as _, Read, ReadAnswer};
use crate::model::action::{Action, ActionKind, Fallback, OutgoingAttachment, Send, Target};
use crate::model::content::Content;
use crate::model::directory::ReadError;
use crate::model::event::{Addressing, Conversation, Event, Visibility};
use crate::model::payload::{EventPayload, OtherEvent};
use crate::model::{DEFAULT_TENANT, HOST_PLUGIN};
use crate::outbox::PartEnd;

/// How long the end of a message is waited for.
pub(super) const WAIT: Duration = Duration::from_secs(30);
/// How long a message may take to be committed and to come into its lane.
const COMMIT_WAIT: Duration = Duration::from_secs(10);

/// Sends a message and tells what became of it.
pub(super) async fn send(host: &Arc<Host>, ask: SendAsk) -> Result<SentLine, Refused> {
    let bytes: usize = ask.files.iter().map(|file| file.bytes.len()).sum();
    if bytes > MAX_FILES_BYTES {
        let text = format!("files have {bytes} bytes, at most {MAX_FILES_BYTES}");
        return Err(refused(RefusedReason::Failed, text));
    }
    let files = ask.files.into_iter().map(OutgoingAttachment::File);
    let content = Content::Plain(ask.text);
    send_content(host, &ask.bot, &ask.to, content, files.collect()).await
}

/// Sends what a bot has to say for the host, and tells what became of it.
pub(in crate::app) async fn send_content(
    host: &Arc<Host>,
    bot: &str,
    to: &str,
    content: Content,
    attachments: Vec<OutgoingAttachment>,
) -> Result<SentLine, Refused> {
    let connector = host.directory().connector(DEFAULT_TENANT, bot);
    let connector = connector.ok_or_else(|| unknown_bot(bot))?;
    let (target, conversation) = find_target(&*connector, bot, to).await?;
    let event = event(&*connector, conversation);
    let mut awaited = host.sends().wait_for(&event.id);
    let action = Action {
        key: None,
        bot: Some(bot.to_owned()),
        as_user: None,
        kind: ActionKind::Send(Send {
            target,
            content,
            attachments,
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        }),
    };
    let tenant = DEFAULT_TENANT.into();
    let taken = host.inbox().take_act(&tenant, event, vec![action]).await;
    let (_, durable) = taken.map_err(|error| failed(&error))?;
    durable.wait().await.map_err(|error| failed(&error))?;
    let why = wait_for_end(host, bot, &mut awaited).await;
    let progress = awaited.progress.borrow().clone();
    Ok(sent_line(bot.to_owned(), &progress, why))
}

/// Waits until the message ended; else tells why it has not.
async fn wait_for_end(host: &Host, bot: &str, awaited: &mut Awaited) -> Option<String> {
    let committed = awaited
        .progress
        .wait_for(|progress| progress.parts.is_some() || progress.dead.is_some());
    if tokio::time::timeout(COMMIT_WAIT, committed).await.is_err() {
        return Some("it waits for the host to handle it".to_owned());
    }
    // What is held does not go on by waiting for it.
    if let Some(why) = held(host, bot)
        && !awaited.progress.borrow().is_over()
    {
        return Some(why);
    }
    let ended = awaited.progress.wait_for(Progress::is_over);
    if tokio::time::timeout(WAIT, ended).await.is_ok() {
        return None;
    }
    let outbox = host.outbox().status();
    let own = outbox.into_iter().find(|own| *own.bot == *bot);
    let error = own.and_then(|own| own.last_error);
    Some(error.map_or_else(
        || "it waits for its turn".to_owned(),
        |error| format!("it waits for its turn; the last error of the bot was: {error}"),
    ))
}

/// Tells whether messages of the host itself are held.
fn held(host: &Host, bot: &str) -> Option<String> {
    if host.sessions().is_paused(bot) {
        return Some(format!("the bot is paused: `parlor bots resume {bot}`"));
    }
    let own = Selector {
        bot: Some(bot.to_owned()),
        plugin: Some(HOST_PLUGIN.to_owned()),
        conversation: None,
    };
    let lanes = host.outbox().lanes(&own, clock::now());
    let is_held = lanes.iter().any(|lane| lane.state == LaneState::Held);
    is_held.then(|| "the outbox is held: `parlor outbox release`".to_owned())
}

/// Finds where a message goes: a conversation by id or name, else a person by e-mail address.
async fn find_target(
    connector: &dyn Connector,
    bot: &str,
    to: &str,
) -> Result<(Target, Option<Conversation>), Refused> {
    let to = to.trim();
    let name = to.to_owned();
    match connector.read(Read::FindConversation { name }).await {
        Ok(ReadAnswer::Conversation(found)) => {
            return Ok((Target::Conversation(found.id.clone()), Some(found)));
        }
        Ok(_) | Err(ReadError::NotFound | ReadError::Unsupported | ReadError::Denied) => {}
        Err(error) => {
            let text = format!("conversation {to} cannot be looked up: {error:?}");
            return Err(refused(RefusedReason::Failed, text));
        }
    }
    if to.contains('@') {
        return Ok((Target::Email(to.to_owned()), None));
    }
    let text = format!(
        "bot {bot} has no conversation {to}; `parlor conversations {bot}` lists them, and a person is \
         named by e-mail address"
    );
    Err(refused(RefusedReason::NotFound, text))
}

fn event(connector: &dyn Connector, conversation: Option<Conversation>) -> Event {
    let now = clock::now();
    Event {
        id: format!("send:{}", clock::trace_id()),
        sequence: 0,
        attempt: 1,
        occurred_at: now,
        received_at: now,
        bot: Some(connector.bot()),
        conversation,
        actor: None,
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: clock::trace_id(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Other(OtherEvent {
            kind: "send".to_owned(),
            json: String::new(),
        }),
    }
}

fn sent_line(bot: String, progress: &Progress, why: Option<String>) -> SentLine {
    let mut line = SentLine {
        state: SentState::Sent,
        bot,
        conversation: None,
        messages: Vec::new(),
        notes: Vec::new(),
    };
    for end in &progress.ends {
        match end {
            PartEnd::Sent(sent) => {
                line.messages.extend(sent.message.clone());
                line.notes.extend(sent.notes.iter().cloned());
                line.conversation = sent.conversation.clone().or(line.conversation);
            }
            PartEnd::Failed(class, detail) => {
                line.state = SentState::Failed;
                let class = serde_json::to_value(class).ok();
                let class = class.as_ref().and_then(|class| class.as_str());
                let class = class.unwrap_or("failed");
                line.notes.push(format!("{class}: {detail}"));
            }
            PartEnd::Skipped => line.state = SentState::Failed,
            // It ends later.
            PartEnd::Retrying(..) => {}
        }
    }
    if let Some(dead) = &progress.dead {
        line.state = SentState::Failed;
        line.notes.push(dead.clone());
    }
    if let Some(why) = why {
        line.state = SentState::Waiting;
        line.notes.push(why);
    }
    line
}

fn failed(error: &dyn std::fmt::Display) -> Refused {
    refused(RefusedReason::Failed, error.to_string())
}
